/** Tensors as text, against what NumPy prints (fixtures/print.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DType } from './dtype.ts';
import { tensor } from './index.ts';

interface Case {
  data: number | string[];
  shape: number[];
  dtype: DType;
  text: string;
}

const cases = JSON.parse(readFileSync(new URL('../fixtures/print.json', import.meta.url), 'utf8')) as Case[];

describe('printing', () => {
  it.each(cases)('$dtype $shape as NumPy: $text', ({ data, shape, dtype, text }) => {
    const elements = typeof data === 'number' ? Array.from({ length: data }, (_, i) => i) : data.map(read);
    expect(`${tensor(elements, { dtype, shape })}`).toBe(
      `tensor(${text}, shape=[${shape.join(', ')}], dtype=${dtype})`,
    );
  });

  it('writes booleans as JavaScript does', () => {
    expect(`${tensor([true, false], { dtype: 'bool' })}`).toBe(
      'tensor([ true, false], shape=[2], dtype=bool)',
    );
  });
});

/** A number as Python writes it. */
function read(text: string): number {
  return Number(text.replace('inf', 'Infinity'));
}
