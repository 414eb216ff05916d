/** Plans as text, against the files in `plans/`. */
import { toText } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { expectGolden } from './golden.ts';
import { graphNames, programOf } from './graphs.ts';

describe('the plan of', () => {
  it.each(graphNames)('%s', (name) => {
    expectGolden(`plans/${name}.txt`, toText(programOf(name)));
  });
});
