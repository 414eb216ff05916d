/** The page of features names what exists: each name is exported by the package that stands before it. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const page = readFileSync(`${root}/docs/features.md`, 'utf8');
const names = JSON.parse(readFileSync(`${root}/tests/publicNames.json`, 'utf8')) as Record<
  string,
  { types: Record<string, unknown>; values: Record<string, unknown> } | undefined
>;

/** `tensor: \`a\`, \`b\`; nn: \`c\`` as pairs of package and name. */
function named(cell: string): [string, string][] {
  return cell.split(';').flatMap((part) => {
    const name = /^\s*([a-z]+):/.exec(part)?.[1];
    if (name === undefined) return [];
    return [...part.matchAll(/`([^`]+)`/g)].map(([, one]): [string, string] => [name, one]);
  });
}

const rows = page
  .split('## Not there')[0]
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('names what is exported', () => {
  const pairs = rows.flatMap(([, , cell]) => named(cell));
  expect(pairs.length).toBeGreaterThan(70);
  const missing = pairs.filter(([from, name]) => {
    const exported = names[`@ag/${from}`];
    const known = (list: unknown): boolean =>
      Array.isArray(list) ? list.includes(name) : Object.hasOwn(Object(list), name);
    return !exported || !(known(exported.values) || known(exported.types));
  });
  expect(missing).toEqual([]);
});

it('says of every row what does it', () => {
  for (const [, what, cell] of rows) expect(cell, what).not.toBe('');
});
