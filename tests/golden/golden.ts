/** Files that hold what a test expects. They are written only when AG_GOLDEN=write asks for it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** Holds `text` against the file at `path`, relative to this folder. */
export function expectGolden(path: string, text: string): void {
  const file = fileURLToPath(new URL(path, import.meta.url));
  if (process.env.AG_GOLDEN === 'write') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(
    text,
    `${path} is not what is made now; if that is meant, AG_GOLDEN=write npx vitest run tests/golden`,
  ).toBe(readFileSync(file, 'utf8'));
}
