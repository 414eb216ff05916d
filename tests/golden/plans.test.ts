/** Plans as text, against the files in `plans/`. */
import { toText } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { expectGolden } from './golden.ts';
import { graphNames, programOf } from './graphs.ts';

describe('the plan of', () => {
  it.each(graphNames)('%s', (name) => {
    // Operations are numbered as they are defined, which depends on what was imported first.
    const text = toText(programOf(name)).replace(/(host \w+) \d+/g, '$1 #');
    expectGolden(`plans/${name}.txt`, text);
  });
});
