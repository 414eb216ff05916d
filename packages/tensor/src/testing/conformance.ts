/**
 * The one suite that every backend has to pass: the tables of operations against plain JavaScript arithmetic, on
 * contiguous and strided operands, all dtypes, empty and 0-d shapes, special values, and the derivatives.
 *
 * It knows no test runner: the functions that make tests are handed in.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * import * as graph from '@ag/graph';
 * import { conformance } from '@ag/tensor/testing';
 *
 * conformance(() => wasm({ threads: 2 }), { describe, it }, { name: 'wasm, 2 threads', gradients: graph });
 * ```
 */

import { type DType, isFloat } from '../dtype.ts';
import { avgPool2d, conv2d, maxPool2d } from '../functions/convolution.ts';
import { ones, tensor, zeros } from '../functions/create.ts';
import {
  argsort,
  concat,
  gather,
  scatterAdd,
  sort,
  stack,
  take,
  topK,
  tril,
  triu,
} from '../functions/free.ts';
import { uniform } from '../functions/random.ts';
import type { Backend } from '../kernel/backend.ts';
import { setFusion } from '../run/planCache.ts';
import { key } from '../run/randomKeys.ts';
import { backend as backendInUse, use } from '../run/runtime.ts';
import { contiguousStrides, type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type Closeness, expectClose, expectCloseData, seededRandom } from './compare.ts';
import { longSums } from './longSums.ts';
import { type ElementwiseRow, elementwiseRows, type ReductionRow, reductionRows } from './table.ts';

/** How tests are made: those of vitest, jest, node:test and the like fit. */
export interface TestHooks {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void): void;
}

/** What of `@ag/graph` the suite needs for derivatives; pass the module. */
export interface Differentiation {
  gradients(y: Tensor, wrt: readonly Tensor[]): Tensor[];
  checkGradients(
    f: (x: readonly Tensor[]) => Tensor,
    x: readonly Tensor[],
    options?: { order?: number; tolerance?: number },
  ): unknown;
}

export interface ConformanceOptions {
  /** Stands in the names of the tests. Default: the backend's own. */
  readonly name?: string;
  /** The module `@ag/graph`; without it derivatives are not checked. */
  readonly gradients?: Differentiation;
  /** Relative error allowed in float32 where a row says nothing else. Default 1e-5. */
  readonly float32?: number;
  /** The same for float64. Default 1e-12. */
  readonly float64?: number;
  /** False: one kernel for each operation. Default true. */
  readonly fusion?: boolean;
}

/** Makes the tests of the suite for a backend. While one of them runs the backend is the one in use. */
export function conformance(
  make: () => Backend | Promise<Backend>,
  { describe, it }: TestHooks,
  options: ConformanceOptions = {},
): void {
  let made: Promise<Backend> | null = null;
  const test = (name: string, body: () => Promise<void> | void): void => {
    it(name, async () => {
      const before = backendInUse();
      made ??= Promise.resolve(make());
      use(await made);
      const fusion = setFusion(options.fusion ?? true);
      try {
        await body();
      } finally {
        setFusion(fusion);
        use(before);
      }
    });
  };
  const tolerance = (dtype: DType, own?: number): Closeness => ({
    relative:
      dtype === 'float32'
        ? Math.max(own ?? 0, options.float32 ?? 1e-5)
        : dtype === 'float64'
          ? (options.float64 ?? 1e-12)
          : 0,
  });

  describe(`conformance${options.name ? ` of ${options.name}` : ''}`, () => {
    describe('elementwise', () => {
      for (const row of elementwiseRows) {
        test(`${row.name}: values, dtypes, broadcasting, views`, () => elementwiseValues(row, tolerance));
        if (row.special !== false)
          test(`${row.name}: NaN, infinities, zeros`, () => specialValues(row, tolerance));
        if (options.gradients && row.order !== 0) {
          test(`${row.name}: derivatives`, () => elementwiseDerivatives(row, options.gradients!));
        }
      }
    });
    describe('reductions', () => {
      for (const row of reductionRows) {
        test(`${row.name}: values, axes, dtypes, views`, () => reductionValues(row, tolerance));
        if (options.gradients && row.order !== 0) {
          test(`${row.name}: derivatives`, () => {
            const x = sample([2, 3, 2], 'float64', [0.3, 2], 5);
            for (const axis of [undefined, [1], [0, 2]]) {
              options.gradients!.checkGradients(([t]) => row.of(t, axis, false), [x], {
                order: row.order ?? 2,
                tolerance: 1e-5,
              });
            }
          });
        }
      }
    });
    describe('movement, products, indexing', () => {
      for (const entry of structuralCases()) test(entry.name, () => entry.check(tolerance));
      if (options.gradients) {
        for (const [name, f, inputs] of structuralDerivatives()) {
          test(`${name}: derivatives`, () => {
            options.gradients!.checkGradients(f, inputs(), { order: 2, tolerance: 1e-5 });
          });
        }
      }
    });
    describe('no elements, no axes', () => {
      for (const [name, make, shape, value] of edgeCases()) {
        test(name, async () => {
          const expected = { shape, data: new Array<number>(sizeOf(shape)).fill(value) };
          await expectClose(make(), expected, {}, name);
          // As a part of something larger, too.
          await expectClose(
            make().cast('float64').mul(2).sum(),
            { shape: [], data: [sizeOf(shape) === 0 ? 0 : 2 * value * sizeOf(shape)] },
            {},
            `sum of ${name}`,
          );
        });
      }
    });
    describe('long sums', () => longSums(test));
    describe('plans', () => {
      test('write no element twice and none beside their target', () => strayWrites(tolerance));
      test('fail with a RangeError for an index outside, and work again afterwards', async () => {
        const x = tensor([1, 2, 3]);
        for (const index of [3, -4]) {
          await gather(x, tensor([index], { dtype: 'int32' }), 0)
            .data()
            .then(
              () => {
                throw new Error(`index ${index} of 3 elements was accepted`);
              },
              (error: unknown) => {
                if (!(error instanceof RangeError)) throw error;
              },
            );
        }
        await expectClose(x.add(1), { shape: [3], data: [2, 3, 4] });
      });
    });
  });
}

type Tolerance = (dtype: DType, own?: number) => Closeness;

/** Elements in an order of their own, so that a kernel that ignores strides is caught. */
function numbers(
  size: number,
  [low, high]: readonly [number, number],
  integer: boolean,
  seed: number,
): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: size }, () => {
    const x = low + (high - low) * random();
    return integer ? Math.round(x) : Math.fround(x);
  });
}

function sample(shape: Shape, dtype: DType, range: readonly [number, number], seed: number): Tensor {
  return tensor(numbers(sizeOf(shape), range, !isFloat(dtype), seed), { shape, dtype });
}

/** A tensor of `shape` with the given elements that lies in memory in another way: as the plain one, and as views. */
function layouts(
  data: readonly number[],
  shape: Shape,
  dtype: DType,
): { readonly name: string; readonly x: Tensor }[] {
  const plain = (): Tensor => tensor([...data], { shape, dtype });
  const result = [{ name: 'contiguous', x: plain() }];
  if (shape.length === 0 || sizeOf(shape) === 0) return result;
  const reversed = shape.map((_, i) => shape.length - 1 - i);
  const turned = tensor(permuted(data, shape, reversed), { shape: reversed.map((i) => shape[i]), dtype });
  result.push({ name: 'transposed', x: turned.permute() });
  const last = shape[shape.length - 1];
  const spread = new Array<number>(2 * data.length + 1).fill(77);
  data.forEach((v, i) => {
    spread[2 * i + 1] = v;
  });
  const wideShape = [...shape.slice(0, -1), 2 * last];
  result.push({
    name: 'every second element',
    x: tensor(spread.slice(0, 2 * data.length), { shape: wideShape, dtype }).slice(1, undefined, {
      axis: -1,
      step: 2,
    }),
  });
  const backwards = [...data].reverse();
  result.push({ name: 'flipped', x: tensor(backwards, { shape, dtype }).flip() });
  return result;
}

/** Elements of the tensor with permuted axes, in row-major order. */
function permuted(data: readonly number[], shape: Shape, order: readonly number[]): number[] {
  const strides = contiguousStrides(shape);
  return positions(order.map((i) => shape[i])).map(
    (at) => data[at.reduce((sum, p, i) => sum + p * strides[order[i]], 0)],
  );
}

/** All positions of a shape in row-major order. */
function positions(shape: Shape): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) all = all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i]));
  return all;
}

/** The element of a broadcast operand at a position of the result. */
function broadcastAt(data: readonly number[], shape: Shape, at: readonly number[]): number {
  const strides = contiguousStrides(shape);
  const lead = at.length - shape.length;
  return data[shape.reduce((sum, size, i) => sum + (size === 1 ? 0 : at[lead + i] * strides[i]), 0)];
}

async function elementwiseValues(row: ElementwiseRow, tolerance: Tolerance): Promise<void> {
  const count = row.ranges.length;
  const dtypes: DType[] = ['float32', 'float64', ...(row.integers ? (['int32'] as const) : [])];
  for (const dtype of dtypes) {
    const integer = !isFloat(dtype);
    const shapes: Shape[][] = [[[7, 5]], [[]], [[0, 3]], [[1000]], [[2, 1, 3, 1, 2]]].map(([shape]) =>
      new Array<Shape>(count).fill(shape),
    );
    if (count > 1)
      shapes.push(
        [[3, 1], [4], [2, 1, 1]].slice(0, count),
        [[], [2, 3], [3]].slice(0, count),
        [[2, 3], [], [1]].slice(0, count),
        [[0, 3], [1, 3], []].slice(0, count),
      );
    for (const operands of shapes) {
      const data = operands.map((shape, i) =>
        numbers(sizeOf(shape), row.ranges[i], integer, 17 * i + shape.length).map((v) =>
          dtype === 'float32' ? Math.fround(v) : v,
        ),
      );
      const rank = Math.max(...operands.map((shape) => shape.length));
      const outer = Array.from({ length: rank }, (_, i) => {
        const sizes = operands.map((shape) => shape[i - rank + shape.length] ?? 1);
        return sizes.find((size) => size !== 1) ?? 1;
      });
      const expected = positions(outer).map((at) =>
        row.value(...operands.map((shape, i) => broadcastAt(data[i], shape, at))),
      );
      const choices = data.map((values, i) => layouts(values, operands[i], dtype));
      for (let i = 0; i < Math.max(...choices.map((c) => c.length)); i++) {
        const inputs = choices.map((c, operand) => c[(i + (i > 0 ? operand : 0)) % c.length]);
        const y = row.of(inputs.map(({ x }) => x));
        const what = `${row.name} of ${dtype} ${operands.map((s) => `[${s}]`).join(' ')}, ${inputs.map(({ name }) => name).join(' and ')}`;
        if (row.result && y.dtype !== row.result)
          throw new Error(`${what}: dtype ${y.dtype}, expected ${row.result}`);
        await expectClose(y, { shape: outer, data: expected }, tolerance(y.dtype, row.tolerance), what);
      }
    }
  }
}

const specials = [
  0,
  -0,
  1,
  -1,
  0.5,
  -2.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e30,
  -1e30,
  1e-30,
];

async function specialValues(row: ElementwiseRow, tolerance: Tolerance): Promise<void> {
  let rows: number[][] = [[]];
  for (let i = 0; i < row.ranges.length; i++) rows = rows.flatMap((at) => specials.map((v) => [...at, v]));
  for (const dtype of ['float32', 'float64'] as const) {
    const round = dtype === 'float32' ? Math.fround : (x: number): number => x;
    const inputs = row.ranges.map((_, i) =>
      tensor(
        rows.map((values) => values[i]),
        { dtype },
      ),
    );
    const y = row.of(inputs);
    const expected = rows.map((values) => {
      const v = row.value(...values.map(round));
      return y.dtype === 'float32' ? Math.fround(v) : v;
    });
    const data = await y.data();
    rows.forEach((values, i) => {
      // The sine of 1e30 depends on how the argument was reduced; nothing is promised there.
      if (/^(sin|cos|tan)$/.test(row.name) && Math.abs(values[0]) > 1e6) return;
      const what = `${row.name}(${values.map((v) => (Object.is(v, -0) ? '-0' : v)).join(', ')}) of ${dtype}`;
      const closeness = {
        ...tolerance(y.dtype, row.tolerance),
        absolute: y.dtype === 'float32' ? 1e-37 : 1e-300,
      };
      if (row.name === 'erf') closeness.absolute = 1e-6;
      expectCloseData([data[i]], [expected[i]], closeness, what);
      if (row.signedZero && expected[i] === 0)
        expectCloseData([data[i]], [expected[i]], { ...closeness, signedZero: true }, what);
    });
  }
}

function elementwiseDerivatives(row: ElementwiseRow, graph: Differentiation): void {
  const order = row.order ?? 2;
  const make = (shapes: readonly Shape[]): Tensor[] =>
    row.ranges.map((range, i) => sample(shapes[i], 'float64', range, 31 * i + 3));
  const check = (f: (x: readonly Tensor[]) => Tensor, x: readonly Tensor[]): unknown =>
    graph.checkGradients(f, x, { order, tolerance: 2e-5 });
  check(
    row.of,
    make([
      [2, 3],
      [2, 3],
      [2, 3],
    ]),
  );
  if (row.ranges.length > 1) {
    check(row.of, make([[2, 1], [3], []]));
    check(row.of, make([[3], [2, 3], [1, 3]]));
  }
  check(
    ([...x]) => row.of(x.map((t) => t.transpose())),
    make([
      [2, 2],
      [2, 2],
      [2, 2],
    ]),
  );
  // No elements: gradients of the shape of the input.
  const empty = make([
    [0, 2],
    [0, 2],
    [0, 2],
  ]);
  graph.gradients(row.of(empty).sum(), empty).forEach((g, i) => {
    if (g.shape.join() !== empty[i].shape.join())
      throw new Error(`${row.name}: gradient [${g.shape}] of an operand [${empty[i].shape}]`);
  });
}

async function reductionValues(row: ReductionRow, tolerance: Tolerance): Promise<void> {
  const dtypes: DType[] = ['float32', 'float64', ...(row.integers ? (['int32', 'bool'] as const) : [])];
  for (const dtype of dtypes) {
    for (const shape of [[4, 3, 5], [], [1], [130, 7], [3, 0, 2], [2, 1, 3, 2, 2]]) {
      const integer = !isFloat(dtype);
      const range: readonly [number, number] =
        dtype === 'bool' ? [0, 1] : row.name === 'prod' ? [0.8, 1.2] : [-3, 3];
      const data = numbers(sizeOf(shape), range, integer, shape.length + 9).map((v) =>
        dtype === 'float32' ? Math.fround(v) : v,
      );
      const rank = shape.length;
      const candidates: (number[] | undefined)[] = [undefined, ...shape.map((_, i) => [i]), [-1], []];
      if (rank >= 3) candidates.push([0, 2], [1, 2], [0, 1], [-1, 0]);
      for (const axes of candidates) {
        if (
          axes?.some((a) => rank === 0 || a >= rank) ||
          (row.single && axes?.length !== undefined && axes.length !== 1)
        )
          continue;
        const reduced = (axes ?? shape.map((_, i) => i)).map((a) => (a < 0 ? a + rank : a));
        const kept = shape.map((_, i) => i).filter((i) => !reduced.includes(i));
        if (row.needsElements && reduced.some((a) => shape[a] === 0)) continue;
        const keepDims = (axes?.length ?? 0) % 2 === 1;
        const strides = contiguousStrides(shape);
        const inner = positions([...reduced].sort((a, b) => a - b).map((a) => shape[a]));
        const order = [...reduced].sort((a, b) => a - b);
        const expected = positions(kept.map((a) => shape[a])).map((at) => {
          const base = at.reduce((sum, p, i) => sum + p * strides[kept[i]], 0);
          return row.value(
            inner.map((r) => data[r.reduce((sum, p, i) => sum + p * strides[order[i]], base)]),
          );
        });
        const outShape = keepDims
          ? shape.map((s, i) => (reduced.includes(i) ? 1 : s))
          : kept.map((a) => shape[a]);
        for (const { name, x } of layouts(data, shape, dtype)) {
          const y = row.of(x, axes, keepDims);
          const what = `${row.name} of ${dtype} [${shape}], ${name}, over ${axes ? `[${axes}]` : 'all axes'}`;
          await expectClose(
            y,
            { shape: outShape, data: expected },
            { ...tolerance(y.dtype), absolute: isFloat(y.dtype) ? 1e-5 : 0 },
            what,
          );
        }
      }
    }
  }
  const x = tensor([
    [1, Number.NaN, 3],
    [Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY],
  ]);
  if (['sum', 'max', 'min', 'argmax', 'argmin', 'mean', 'any', 'all'].includes(row.name)) {
    const expected = [
      row.value([1, Number.NaN, 3]),
      row.value([Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY]),
    ];
    await expectClose(
      row.of(x, [1], false),
      { shape: [2], data: expected },
      {},
      `${row.name} with NaN and infinities`,
    );
  }
}

interface StructuralCase {
  readonly name: string;
  readonly check: (tolerance: Tolerance) => Promise<void>;
}

/** Operations that move elements or combine them by position: expected element by element from the definition. */
function structuralCases(): StructuralCase[] {
  const cases: StructuralCase[] = [];
  /** `element` gives the expected element at a position of the result, from functions that read the operands. */
  const add = (
    name: string,
    shapes: readonly Shape[],
    of: (x: readonly Tensor[]) => Tensor,
    shape: Shape,
    element: (at: readonly number[], ...read: ((...at: number[]) => number)[]) => number,
    dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint8', 'bool'],
  ): void => {
    cases.push({
      name,
      async check(tolerance) {
        for (const dtype of dtypes) {
          const data = shapes.map((s, i) =>
            numbers(
              sizeOf(s),
              dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [0, 9] : [-4, 4],
              !isFloat(dtype),
              7 * i + 1,
            ),
          );
          const reads = shapes.map((s, i) => {
            const strides = contiguousStrides(s);
            return (...at: number[]): number =>
              data[i][at.reduce((sum, p, axis) => sum + p * strides[axis], 0)];
          });
          const expected = positions(shape).map((at) => element(at, ...reads));
          const choices = data.map((values, i) => layouts(values, shapes[i], dtype));
          for (let i = 0; i < Math.max(...choices.map((c) => c.length)); i++) {
            const inputs = choices.map((c) => c[i % c.length]);
            const y = of(inputs.map(({ x }) => x));
            await expectClose(
              y,
              { shape, data: expected },
              tolerance(y.dtype),
              `${name} of ${dtype}, ${inputs.map((x) => x.name).join(' and ')}`,
            );
          }
        }
      },
    });
  };
  const sumOver = (n: number, f: (k: number) => number): number =>
    Array.from({ length: n }, (_, k) => f(k)).reduce((a, b) => a + b, 0);

  add(
    'reshape',
    [[4, 6]],
    ([x]) => x.reshape([3, 2, -1]),
    [3, 2, 4],
    ([i, j, k], x) => {
      const flat = i * 8 + j * 4 + k;
      return x(Math.floor(flat / 6), flat % 6);
    },
  );
  add(
    'permute',
    [[2, 3, 4]],
    ([x]) => x.permute([2, 0, 1]),
    [4, 2, 3],
    ([i, j, k], x) => x(j, k, i),
  );
  add(
    'broadcastTo',
    [[3, 1]],
    ([x]) => x.broadcastTo([2, 3, 4]),
    [2, 3, 4],
    ([, j], x) => x(j, 0),
  );
  add(
    'slice',
    [[7, 5]],
    ([x]) => x.slice(5, 1, { step: -2 }).slice(1, 4, { axis: 1 }),
    [2, 3],
    ([i, j], x) => x(5 - 2 * i, j + 1),
  );
  add(
    'flip',
    [[3, 4]],
    ([x]) => x.flip(1),
    [3, 4],
    ([i, j], x) => x(i, 3 - j),
  );
  add(
    'pad',
    [[2, 3]],
    ([x]) =>
      x.pad(
        [
          [1, 0],
          [0, 2],
        ],
        1,
      ),
    [3, 5],
    ([i, j], x) => (i < 1 || j > 2 ? 1 : x(i - 1, j)),
  );
  add(
    'concat',
    [
      [2, 3],
      [2, 1],
    ],
    ([x, y]) => concat([x, y, x], 1),
    [2, 7],
    ([i, j], x, y) => (j < 3 ? x(i, j) : j === 3 ? y(i, 0) : x(i, j - 4)),
  );
  add(
    'stack',
    [
      [2, 3],
      [2, 3],
    ],
    ([x, y]) => stack([x, y], 1),
    [2, 2, 3],
    ([i, j, k], x, y) => (j === 0 ? x : y)(i, k),
  );
  add(
    'tril and triu',
    [[4, 3]],
    ([x]) => concat([tril(x, 1), triu(x, 0)]),
    [8, 3],
    ([i, j], x) => (i < 4 ? (j <= i + 1 ? x(i, j) : 0) : j >= i - 4 ? x(i - 4, j) : 0),
  );
  add(
    'matmul',
    [
      [5, 7],
      [7, 3],
    ],
    ([x, y]) => x.matmul(y),
    [5, 3],
    ([i, j], x, y) => sumOver(7, (k) => x(i, k) * y(k, j)),
  );
  add(
    'matmul, larger than a tile',
    [
      [70, 33],
      [33, 65],
    ],
    ([x, y]) => x.matmul(y),
    [70, 65],
    ([i, j], x, y) => sumOver(33, (k) => x(i, k) * y(k, j)),
    ['float64', 'int32'],
  );
  add(
    'matmul of batches',
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    ([x, y]) => x.matmul(y),
    [2, 3, 5],
    ([b, i, j], x, y) => sumOver(4, (k) => x(b, i, k) * y(b, k, j)),
  );
  add(
    'matmul, broadcast',
    [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    ([x, y]) => x.matmul(y),
    [2, 3, 3, 2],
    ([a, b, i, j], x, y) => sumOver(4, (k) => x(a, 0, i, k) * y(b, k, j)),
  );
  add(
    'matmul of vectors',
    [[4], [4, 3]],
    ([x, y]) => x.matmul(y),
    [3],
    ([j], x, y) => sumOver(4, (k) => x(k) * y(k, j)),
  );
  add(
    'matmul over nothing',
    [
      [2, 0],
      [0, 3],
    ],
    ([x, y]) => x.matmul(y),
    [2, 3],
    () => 0,
  );
  add(
    'matmul with bias and activation',
    [[6, 5], [5, 4], [4]],
    ([x, w, b]) => x.matmul(w).add(b).relu(),
    [6, 4],
    ([i, j], x, w, b) => Math.max(0, sumOver(5, (k) => x(i, k) * w(k, j)) + b(j)),
    ['float32', 'float64', 'int32'],
  );
  add(
    'take',
    [[5, 3]],
    ([x]) =>
      take(
        x,
        tensor(
          [
            [4, 0],
            [-1, 2],
          ],
          { dtype: 'int32' },
        ),
      ),
    [2, 2, 3],
    ([i, j, k], x) =>
      x(
        [
          [4, 0],
          [4, 2],
        ][i][j],
        k,
      ),
  );
  add(
    'gather',
    [[3, 4]],
    ([x]) =>
      gather(
        x,
        tensor(
          [
            [3, 0],
            [1, 1],
            [-4, 2],
          ],
          { dtype: 'int32' },
        ),
        1,
      ),
    [3, 2],
    ([i, j], x) =>
      x(
        i,
        [
          [3, 0],
          [1, 1],
          [0, 2],
        ][i][j],
      ),
  );
  add(
    'scatterAdd',
    [
      [4, 2],
      [3, 2],
    ],
    ([x, u]) =>
      scatterAdd(
        x,
        tensor(
          [
            [1, 1],
            [1, 0],
            [3, 1],
          ],
          { dtype: 'int32' },
        ),
        u,
        0,
      ),
    [4, 2],
    ([i, j], x, u) =>
      x(i, j) +
      sumOver(3, (r) =>
        [
          [1, 1],
          [1, 0],
          [3, 1],
        ][r][j] === i
          ? u(r, j)
          : 0,
      ),
    ['float32', 'float64', 'int32'],
  );
  add(
    'cumsum',
    [[3, 5]],
    ([x]) => x.cumsum(1),
    [3, 5],
    ([i, j], x) => sumOver(j + 1, (k) => x(i, k)),
  );
  add(
    'cumsum, reversed along the first axis',
    [[3, 5]],
    ([x]) => x.cumsum(0, { reverse: true }),
    [3, 5],
    ([i, j], x) => sumOver(3 - i, (k) => x(i + k, j)),
  );
  add(
    'cumprod',
    [[2, 4]],
    ([x]) => x.cumprod(),
    [2, 4],
    ([i, j], x) => Array.from({ length: j + 1 }, (_, k) => x(i, k)).reduce((a, b) => a * b, 1),
  );
  add(
    'sort',
    [[4, 9]],
    ([x]) => sort(x, 1),
    [4, 9],
    ([i, j], x) => Array.from({ length: 9 }, (_, k) => x(i, k)).sort((a, b) => a - b)[j],
  );
  add(
    'argsort, descending and stable',
    [[6, 4]],
    ([x]) => argsort(x.round(), 0, { descending: true }),
    [6, 4],
    ([i, j], x) =>
      Array.from({ length: 6 }, (_, k) => k).sort(
        (a, b) => roundHalfEven(x(b, j)) - roundHalfEven(x(a, j)) || a - b,
      )[i],
    ['float32', 'int32', 'uint8'],
  );
  add(
    'topK',
    [[3, 8]],
    ([x]) => topK(x, 2).values,
    [3, 2],
    ([i, j], x) => Array.from({ length: 8 }, (_, k) => x(i, k)).sort((a, b) => b - a)[j],
  );
  add(
    'softmax',
    [[4, 6]],
    ([x]) => x.softmax(0),
    [4, 6],
    ([i, j], x) => Math.exp(x(i, j)) / sumOver(4, (k) => Math.exp(x(k, j))),
    ['float32', 'float64'],
  );
  add(
    'logSoftmax',
    [[4, 6]],
    ([x]) => x.logSoftmax(),
    [4, 6],
    ([i, j], x) => x(i, j) - Math.log(sumOver(6, (k) => Math.exp(x(i, k)))),
    ['float32', 'float64'],
  );
  add(
    'casts to int32 and back',
    [[3, 4]],
    ([x]) => x.cast('int32').cast('float64'),
    [3, 4],
    ([i, j], x) => Math.trunc(x(i, j)),
  );
  add(
    'casts to bool',
    [[3, 4]],
    ([x]) => x.cast('bool').cast('int32'),
    [3, 4],
    ([i, j], x) => (x(i, j) === 0 ? 0 : 1),
  );
  return cases;
}

/** Operations on tensors without elements or without axes: name, result, its shape, and what all its elements are. */
function edgeCases(): readonly (readonly [string, () => Tensor, Shape, number])[] {
  const none = (...shape: number[]): Tensor => tensor([], { shape });
  const index = (shape: Shape, value = 0): Tensor =>
    tensor(new Array(sizeOf(shape)).fill(value), { shape, dtype: 'int32' });
  const scalar = (value = 2): Tensor => tensor(value);
  return [
    ['reshape', () => none(0, 3).reshape([3, 0, 2]), [3, 0, 2], 0],
    ['permute and flip', () => none(0, 3).transpose().flip().exp(), [3, 0], 0],
    ['slice to nothing', () => ones([4, 3]).slice(2, 2).add(1), [0, 3], 0],
    ['broadcast', () => none(0, 1).add(ones([3])), [0, 3], 0],
    ['pad', () => none(0, 3).pad([[1, 1], [0, 0]], 5), [2, 3], 5],
    ['concat', () => concat([none(0, 3), ones([2, 3]), none(0, 3)]), [2, 3], 1],
    ['stack', () => stack([none(0), none(0)]), [2, 0], 0],
    ['tril', () => tril(none(0, 3)), [0, 3], 0],
    ['where', () => none(0).greater(0).where(none(0), 1), [0], 0],
    ['cast', () => none(0, 2).cast('int32'), [0, 2], 0],
    ['uniform', () => uniform([0, 2], { key: key(1) }), [0, 2], 0],
    ['matmul without rows', () => none(0, 2).matmul(ones([2, 3])), [0, 3], 0],
    ['matmul without columns', () => ones([2, 2]).matmul(none(2, 0)), [2, 0], 0],
    ['matmul without terms', () => none(2, 0).matmul(none(0, 3)).add(1), [2, 3], 1],
    ['matmul without batches', () => none(0, 2, 3).matmul(ones([3, 4])), [0, 2, 4], 0],
    ['sum', () => none(0, 3).sum(0), [3], 0],
    ['sum of rows that are not there', () => none(0, 3).sum(1), [0], 0],
    ['prod', () => none(2, 0).prod(1), [2], 1],
    ['mean', () => none(2, 0).mean(1), [2], Number.NaN],
    ['any and all', () => none(2, 0).any(1).logicalNot().logicalAnd(none(2, 0).all(1)), [2], 1],
    ['max of rows that are not there', () => none(0, 3).max(1), [0], 0],
    ['argmax of rows that are not there', () => none(0, 3).argmax(1), [0], 0],
    ['softmax', () => none(0, 3).softmax(1), [0, 3], 0],
    ['softmax over nothing', () => none(2, 0).softmax(1), [2, 0], 0],
    ['cumsum', () => none(0, 3).cumsum(0), [0, 3], 0],
    ['cumsum of nothing', () => none(2, 0).cumsum(1), [2, 0], 0],
    ['sort', () => sort(none(2, 0)), [2, 0], 0],
    ['argsort of rows that are not there', () => argsort(none(0, 3)), [0, 3], 0],
    ['take nothing', () => take(ones([4, 3]), index([0])), [0, 3], 0],
    ['gather nothing', () => gather(ones([4, 3]), index([0, 3]), 0), [0, 3], 0],
    ['scatter nothing', () => scatterAdd(ones([4, 3]), index([0, 3]), none(0, 3), 0), [4, 3], 1],
    ['conv2d without images', () => conv2d(none(0, 2, 5, 5), ones([3, 2, 3, 3])), [0, 3, 3, 3], 0],
    ['conv2d without channels', () => conv2d(none(2, 0, 5, 5), none(3, 0, 3, 3)), [2, 3, 3, 3], 0],
    ['pooling without images', () => maxPool2d(none(0, 2, 4, 4), 2).add(avgPool2d(none(0, 2, 4, 4), 2)), [0, 2, 2, 2], 0],
    ['elementwise of a scalar', () => scalar().mul(3).neg().abs(), [], 6],
    ['a scalar reshaped and back', () => scalar().reshape([1, 1]).transpose().reshape([]), [], 2],
    ['a scalar broadcast', () => scalar().broadcastTo([2, 3]), [2, 3], 2],
    ['reductions of a scalar', () => scalar().sum().add(scalar().max()).add(scalar().mean()).add(scalar().prod()), [], 8],
    ['a scalar and a vector', () => scalar().sub(zeros([3])), [3], 2],
    ['taking one element', () => take(ones([3]).mul(7), index([], 2)), [], 7],
    ['a product of two vectors', () => ones([5]).matmul(ones([5])), [], 5],
  ]; // biome-ignore format: a table
}

function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
}

function structuralDerivatives(): [string, (x: readonly Tensor[]) => Tensor, () => Tensor[]][] {
  const make =
    (...shapes: Shape[]) =>
    (): Tensor[] =>
      shapes.map((shape, i) => sample(shape, 'float64', [0.4, 2], 3 + i));
  const index = (data: number[][]): Tensor => tensor(data, { dtype: 'int32' });
  return [
    [
      'reshape, permute, flip, slice',
      ([x]) => x.permute([1, 0, 2]).reshape([4, 6]).flip(0).slice(3, 0, { step: -2 }).square(),
      make([3, 4, 2]),
    ],
    [
      'pad and concat',
      ([x, y]) =>
        concat(
          [
            x.pad([
              [1, 0],
              [0, 1],
            ]),
            y,
          ],
          0,
        ).square(),
      make([2, 2], [1, 3]),
    ],
    ['broadcastTo', ([x]) => x.broadcastTo([3, 2, 2]).mul(x).exp(), make([2, 1])],
    ['matmul', ([x, y]) => x.matmul(y).square(), make([3, 2], [2, 2])],
    ['matmul of batches, broadcast', ([x, y]) => x.matmul(y).sin(), make([2, 1, 2, 2], [2, 2, 2])],
    ['matmul of vectors', ([x, y]) => x.matmul(y).exp(), make([3], [3])],
    ['take', ([x]) => take(x, tensor([2, 0, 2], { dtype: 'int32' })).square(), make([3, 2])],
    [
      'gather',
      ([x]) =>
        gather(
          x,
          index([
            [1, 1],
            [0, 2],
          ]),
          1,
        ).exp(),
      make([2, 3]),
    ],
    [
      'scatterAdd',
      ([x, u]) =>
        scatterAdd(
          x,
          index([
            [1, 1],
            [1, 0],
          ]),
          u,
          0,
        ).square(),
      make([3, 2], [2, 2]),
    ],
    ['cumsum', ([x]) => x.cumsum(0).square(), make([3, 2])],
    ['cumprod', ([x]) => x.cumprod(1), make([2, 3])],
    [
      'sort',
      ([x]) =>
        sort(x, 0)
          .mul(tensor([[1], [2], [3]], { dtype: 'float64' }))
          .square(),
      make([3, 2]),
    ],
    ['softmax', ([x]) => x.softmax(), make([2, 3])],
    ['logSoftmax', ([x]) => x.logSoftmax(0).square(), make([2, 3])],
  ];
}

/** Results next to one another in memory: a kernel that writes past its end changes the neighbor. */
async function strayWrites(tolerance: Tolerance): Promise<void> {
  for (const n of [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65]) {
    const x = tensor(Array.from({ length: n }, (_, i) => i / 8));
    const parts = [x.add(1), x.mul(2), x.neg()];
    const joined = concat(
      parts.map((p) => p.unsqueeze(0)),
      0,
    );
    const expected = [1, 2, 3].flatMap((k) =>
      Array.from({ length: n }, (_, i) => (k === 1 ? i / 8 + 1 : k === 2 ? i / 4 : -i / 8)),
    );
    await expectClose(joined, { shape: [3, n], data: expected }, tolerance('float32'), `three rows of ${n}`);
    const sums = concat([joined.sum(1), joined.sum(0)], 0);
    const s = (n * (n - 1)) / 16;
    const columns = Array.from({ length: n }, (_, i) => 1 + i / 4);
    await expectClose(
      sums,
      { shape: [3 + n], data: [s + n, 2 * s, -s, ...columns] },
      tolerance('float32'),
      `sums of three rows of ${n}`,
    );
  }
}
