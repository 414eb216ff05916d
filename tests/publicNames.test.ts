/**
 * The public names of every package are those of publicNames.json: nothing is renamed, added or lost by accident.
 * Where a change is meant, `npm run ts -- scripts/publicNames.ts` writes the file anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publicNames } from './exports.ts';
import { root } from './workspace.ts';

const committed = JSON.parse(readFileSync(join(root, 'tests/publicNames.json'), 'utf8'));
const present = publicNames();

it('has every entry point', () => {
  expect(Object.keys(present)).toEqual(Object.keys(committed));
});

it.each(Object.keys(present))('%s exports what publicNames.json says', (entry) => {
  expect(present[entry], 'where the change is meant: npm run ts -- scripts/publicNames.ts').toEqual(
    committed[entry],
  );
});
