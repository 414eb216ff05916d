/**
 * How the values of a row are checked: on which shapes, dtypes and layouts, against its definition.
 */
import { concat, type DType, isFloat, type Shape, tensor } from '../index.ts';
import { type Closeness, expectClose, expectCloseData } from './compare.ts';
import { type ElementwiseRow, titleOf } from './elementwise.ts';
import type { ReductionRow } from './reductions.ts';
import { broadcastElements, elementsOf, layouts, positionsOf, rowMajorStrides } from './samples.ts';
import type { StructuralRow } from './structural.ts';

/** How close results of a dtype must be; `own` is what a row allows in float32. */
export type Tolerance = (dtype: DType, own?: number) => Closeness;

/** Values of an elementwise row: contiguous and as views, broadcast, without elements, in all its dtypes. */
export async function elementwiseValues(row: ElementwiseRow, tolerance: Tolerance): Promise<void> {
  const count = row.ranges.length;
  const dtypes: DType[] = row.whole
    ? ['int32']
    : ['float32', 'float64', ...(row.integers ? (['int32'] as const) : [])];
  const whole = row.composed ? [[7, 5], [], [0, 3]] : [[7, 5], [], [0, 3], [1000], [2, 1, 3, 1, 2]];
  const shapes = whole.map((shape) => row.ranges.map((): Shape => shape));
  if (count > 1) {
    shapes.push(
      ...[
        [[3, 1], [4], [2, 1, 1]],
        [[], [2, 3], [3]],
        [[2, 3], [], [1]],
        [[0, 3], [1, 3], []],
      ]
        .slice(0, row.composed ? 1 : 4)
        .map((list) => list.slice(0, count)), // biome-ignore format: a table
    );
  }
  for (const dtype of dtypes) {
    for (const operands of shapes) {
      const data = operands.map((shape, i) => elementsOf(shape, dtype, row.ranges[i], 17 * i + shape.length));
      const { shape, elements } = broadcastElements(data, operands);
      const expected = elements.map((x) => row.value(...x));
      const choices = data.map((values, i) => layouts(values, operands[i], dtype));
      const most = row.composed ? 2 : Number.POSITIVE_INFINITY;
      for (let i = 0; i < Math.min(most, Math.max(...choices.map((c) => c.length))); i++) {
        const inputs = choices.map((c, operand) => c[(i + (i > 0 ? operand : 0)) % c.length]);
        const y = row.of(inputs.map(({ x }) => x));
        const what = `${titleOf(row)} of ${dtype} ${operands.map((s) => `[${s}]`).join(' ')}, ${inputs.map(({ name }) => name).join(' and ')}`;
        if (row.result && y.dtype !== row.result)
          throw new Error(`${what}: dtype ${y.dtype}, expected ${row.result}`);
        await expectClose(y, { shape, data: expected }, tolerance(y.dtype, row.tolerance), what);
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

/** Values of an elementwise row at NaN, infinities, zeros of both signs and numbers that nearly over- or underflow. */
export async function specialValues(row: ElementwiseRow, tolerance: Tolerance): Promise<void> {
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
      const what = `${titleOf(row)}(${values.map((v) => (Object.is(v, -0) ? '-0' : v)).join(', ')}) of ${dtype}`;
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

/** Values of a reduction over each choice of axes, contiguous and as views, without elements, in all its dtypes. */
export async function reductionValues(row: ReductionRow, tolerance: Tolerance): Promise<void> {
  const dtypes: DType[] = ['float32', 'float64', ...(row.integers ? (['int32', 'bool'] as const) : [])];
  for (const dtype of dtypes) {
    for (const shape of row.composed
      ? [[4, 3, 5], [], [3, 0, 2]]
      : [[4, 3, 5], [], [1], [130, 7], [3, 0, 2], [2, 1, 3, 2, 2]]) {
      const data = elementsOf(shape, dtype, row.range ?? [-3, 3], shape.length + 9);
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
        const strides = rowMajorStrides(shape);
        const inner = positionsOf([...reduced].sort((a, b) => a - b).map((a) => shape[a]));
        const order = [...reduced].sort((a, b) => a - b);
        const expected = positionsOf(kept.map((a) => shape[a])).map((at) => {
          const base = at.reduce((sum, p, i) => sum + p * strides[kept[i]], 0);
          return row.value(
            inner.map((r) => data[r.reduce((sum, p, i) => sum + p * strides[order[i]], base)]),
          );
        });
        const outShape = keepDims
          ? shape.map((s, i) => (reduced.includes(i) ? 1 : s))
          : kept.map((a) => shape[a]);
        for (const { name, x } of layouts(data, shape, dtype).slice(0, row.composed ? 2 : undefined)) {
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
  const rows = [
    [1, Number.NaN, 3],
    [Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY],
  ];
  await expectClose(
    row.of(tensor(rows), [1], false),
    { shape: [2], data: rows.map(row.value) },
    {},
    `${row.name} with NaN and infinities`,
  );
}

/** Values of a structural row, contiguous and as views, in all its dtypes. */
export async function structuralValues(row: StructuralRow, tolerance: Tolerance): Promise<void> {
  const { operation, variant, shapes, of, result, element } = row;
  for (const dtype of row.dtypes ?? (['float32', 'float64', 'int32', 'uint8', 'bool'] as const)) {
    const data = shapes.map((shape, i) => elementsOf(shape, dtype, [-4, 4], 7 * i + 1));
    const reads = shapes.map((shape, i) => {
      const strides = rowMajorStrides(shape);
      return (...at: number[]): number => data[i][at.reduce((sum, p, axis) => sum + p * strides[axis], 0)];
    });
    const expected = positionsOf(result).map((at) => element(at, ...reads));
    const choices = data.map((values, i) => layouts(values, shapes[i], dtype));
    for (let i = 0; i < Math.max(...choices.map((c) => c.length)); i++) {
      const inputs = choices.map((c) => c[i % c.length]);
      const y = of(...inputs.map(({ x }) => x));
      await expectClose(
        y,
        { shape: result, data: expected },
        tolerance(y.dtype),
        `${operation}, ${variant}, of ${dtype}, ${inputs.map((x) => x.name).join(' and ')}`,
      );
    }
  }
}

/** Results next to one another in memory: a kernel that writes past its end changes the neighbor. */
export async function strayWrites(tolerance: Tolerance): Promise<void> {
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
