/** Generated files are as their code would make them now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { generated } from '../scripts/generated.mjs';
import { root } from './workspace.ts';

it.each(Object.keys(generated))('%s', (path) => {
  const content = generated[path];
  expect(readFileSync(join(root, path), 'utf8'), `${path} is stale: npm run generate`).toBe(content);
});
