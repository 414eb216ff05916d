/**
 * What NumPy says of some thousand small cases: all dtypes, odd and empty sizes, views, ranks 0 to 5, broadcasting, axes,
 * options. `fixtures/generate.py` made them, with the lines that NumPy ran.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as ag from './index.ts';
import { type DType, isFloat, sizeOf, type Tensor, tensor } from './index.ts';
import { expectCloseData } from './testing/compare.ts';

type Operand = readonly [
  shape: string,
  code: string,
  layout: 'C' | 'T' | 'S' | 'F' | 'B',
  seed: number,
  domain: '' | 'p' | 'u',
];
type Case = readonly [
  name: string,
  operands: readonly Operand[],
  options: readonly unknown[],
  shape: string,
  code: string,
  data: readonly (number | string)[],
];

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL('../fixtures/numpy.json', import.meta.url), 'utf8'),
);

const dtypes: Record<string, DType> = {
  f4: 'float32',
  f8: 'float64',
  i4: 'int32',
  u4: 'uint32',
  u1: 'uint8',
  b1: 'bool',
};
const special: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

const shapeOf = (text: string): number[] => (text === '' ? [] : text.split('x').map(Number));

/** The formula of `elements` in generate.py. */
function elements(count: number, seed: number, dtype: DType, domain: string): number[] {
  return Array.from({ length: count }, (_, i) => {
    const r = ((i * 7919 + seed * 104729 + i * i * 31) % 1009) - 504;
    const rest = (n: number): number => ((r % n) + n) % n;
    if (dtype === 'bool') return rest(2);
    if (dtype === 'uint8' || dtype === 'uint32') return rest(11);
    if (dtype === 'int32') return rest(21) - 10;
    const x = r / 128;
    return domain === 'p' ? Math.abs(x) + 0.125 : domain === 'u' ? x / 4 : x;
  });
}

/** An operand that lies in memory as its layout says: contiguous, transposed, every second element, flipped, broadcast. */
function operand([text, code, layout, seed, domain]: Operand): Tensor {
  const shape = shapeOf(text);
  const dtype = dtypes[code];
  const make = (s: number[]): Tensor => tensor(elements(sizeOf(s), seed, dtype, domain), { shape: s, dtype });
  switch (layout) {
    case 'C':
      return make(shape);
    case 'T':
      return make([...shape].reverse()).permute();
    case 'S':
      return make([...shape.slice(0, -1), 2 * shape.at(-1)!]).slice(0, undefined, { axis: -1, step: 2 });
    case 'F':
      return make(shape).flip(0);
    case 'B':
      return make([1, ...shape.slice(1)]).broadcastTo(shape);
  }
}

const indices = (list: unknown): Tensor => tensor(list as number[], { dtype: 'int32' });

/** Operations whose call is not `x.name(...operands, ...options)`. */
const calls: Record<string, (x: readonly Tensor[], ...options: never[]) => Tensor> = {
  where: ([c, x, y]) => c.where(x, y),
  concat: (x, axis) => ag.concat(x, axis),
  stack: (x, axis) => ag.stack(x, axis),
  outer: ([x, y]) => ag.outer(x, y),
  take: ([x], list, axis) => ag.take(x, indices(list), axis),
  gather: ([x], list, axis) => ag.gather(x, indices(list), axis),
  scatterAdd: ([x, y], list, axis) => ag.scatterAdd(x, indices(list), y, axis),
  argsort: ([x], axis, options) => ag.argsort(x, axis, options),
  sort: ([x], axis, options) => ag.sort(x, axis, options),
  topK: ([x], k, axis) => ag.topK(x, k, axis).values,
  oneHot: ([x], classes) => ag.oneHot(x, classes),
  tril: ([x], k) => ag.tril(x, k),
  triu: ([x], k) => ag.triu(x, k),
  trace: ([x]) => ag.trace(x),
  arange: (_, ...list) => ag.arange(...(list as unknown as [number, number])),
  linspace: (_, ...list) => ag.linspace(...(list as unknown as [number, number, number])),
  eye: (_, ...list) => ag.eye(...(list as unknown as [number])),
};

function call(name: string, x: readonly Tensor[], options: readonly unknown[]): Tensor {
  const given = options.map((value) => value ?? undefined);
  const own = calls[name];
  if (own) return own(x, ...(given as never[]));
  const [first, ...rest] = x;
  return (first[name as keyof Tensor] as (...list: unknown[]) => Tensor).call(first, ...rest, ...given);
}

describe('NumPy', () => {
  for (const name of new Set(cases.map(([first]) => first))) {
    const list = cases.filter(([first]) => first === name);
    it(`${name}: ${list.length} cases`, () => {
      for (const [, operands, options, shape, code, data] of list) {
        const what = `${name}(${operands.map((o) => o.join(' ')).join(', ')}; ${JSON.stringify(options)})`;
        let y: Tensor;
        try {
          y = call(name, operands.map(operand), options);
        } catch (error) {
          throw new Error(`${what}: ${(error as Error).message}`);
        }
        expect(y.shape, what).toEqual(shapeOf(shape));
        expect(y.dtype, what).toBe(dtypes[code]);
        // The file has nine digits; float32 has seven and loses one or two in sums and functions.
        const relative = isFloat(y.dtype) ? (y.dtype === 'float32' ? 4e-6 : 6e-9) : 0;
        const single = operands.some(([, c]) => c === 'f4') ? 4e-6 : relative;
        expectCloseData(
          y.dataSync(),
          data.map((v) => (typeof v === 'string' ? special[v] : v)),
          {
            relative: Math.max(relative, isFloat(y.dtype) ? single : 0),
            absolute: isFloat(y.dtype) ? Math.max(relative, single) : 0,
          },
          what,
        );
      }
    });
  }

  it('was asked about thousands of cases', () => {
    expect(cases.length).toBeGreaterThan(2_000);
    expect(new Set(cases.flatMap(([, operands]) => operands.map(([, code]) => code))).size).toBe(6);
    expect(new Set(cases.map(([, , , shape]) => shapeOf(shape).length)).size).toBeGreaterThanOrEqual(6);
  });
});
