/** A guide that names a file which has moved misleads: every relative link of the documents leads somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const skipped = new Set(['node_modules', 'dist', 'CHANGELOG.md']);

function documents(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name) || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return documents(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const found = documents('.');

it('finds the documents', () => {
  expect(found).toContain('README.md');
  expect(found).toContain(join('docs', 'README.md'));
});

it.each(found)('%s links only to what exists', (file) => {
  const text = readFileSync(join(root, file), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1]);
  const relative = targets.filter((target) => !/^[a-z]+:/.test(target));
  const broken = relative.filter((target) => !existsSync(join(root, dirname(file), target)));
  expect(broken).toEqual([]);
});
