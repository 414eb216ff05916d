/** The pictures of the README are what the charts draw: moving their code must not move a line of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pictures } from '../scripts/pictures.ts';

const folder = new URL('../docs/gallery/', import.meta.url);

it('has a file for each picture', () => {
  expect(readdirSync(folder).sort()).toEqual(
    Object.keys(pictures)
      .map((name) => `${name}.svg`)
      .sort(),
  );
});

it.each(Object.keys(pictures))('draws %s as the file has it', (name) => {
  const written = readFileSync(new URL(`${name}.svg`, folder), 'utf8');
  expect(`${pictures[name]}\n`, 'stale: npm run generate, and look at it').toBe(written);
});
