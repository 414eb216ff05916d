/**
 * Every program of the guides runs, and prints what the page says. What is for pages runs in Chromium (`pages.test.ts`), commands
 * in `commands.test.ts`.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { documents, guides } from '../../apps/docs/src/pages.ts';
import { root } from '../workspace.ts';
import { expectedOutputs, guideFiles, programsOf } from './programs.ts';

// Within the repository, where @ag/… are found; below a name that nothing else looks into.
const scratch = join(root, 'tests/guides', `.run-${process.pid}`);
beforeAll(() => mkdirSync(scratch, { recursive: true }));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const programs = guideFiles().flatMap((file) => programsOf(file).filter(({ kind }) => kind === 'node'));

it('there are guides, all in the menu of the site', () => {
  expect(programs.length).toBeGreaterThan(40);
  const listed = Object.values(guides).flat();
  expect(
    guideFiles()
      .map((file) => file.slice(0, -3))
      .sort(),
  ).toEqual([...listed].sort());
});

it('every document is a page', () => {
  const pages = new Set(documents(root).map(({ source }) => source));
  const files = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  expect(files.filter((file) => !pages.has(`docs/${file}`))).toEqual([]);
});

it.each(programs)('$place', async ({ place, code, language, files }) => {
  const name = place.replace(/\W+/g, '-');
  const folder = join(scratch, name);
  mkdirSync(folder);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  writeFileSync(join(folder, `program.${language}`), code);
  const printed: string[] = [];
  const text = (value: unknown) =>
    typeof value === 'string' ? value : inspect(value, { breakLength: Infinity });
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(values.map(text).join(' '));
  });
  const before = process.cwd();
  process.chdir(folder);
  try {
    await import(/* @vite-ignore */ join(folder, `program.${language}`));
  } finally {
    process.chdir(before);
    log.mockRestore();
  }
  const expected = expectedOutputs(code);
  // A line within a loop prints more than once; its page then says nothing.
  if (expected.some((line) => line !== null)) {
    expect(printed.length, printed.join('\n')).toBeGreaterThanOrEqual(
      expected.filter((line) => line !== null).length,
    );
    if (printed.length === expected.length) {
      expect(printed).toEqual(expected.map((line, i) => line ?? printed[i]));
    } else {
      for (const line of expected) if (line !== null) expect(printed).toContain(line);
    }
  }
});
