/**
 * NaN, infinities, signed zeros, subnormal numbers and the ends of the integers through every operation in every dtype
 * and every form of kernel. The reference backend says what is right, which its own tests hold to tables made by NumPy;
 * what combines elements is compared with lines of NumPy that stand beside the numbers.
 *
 * The sign of a zero is laid down but for `sign`, `max`, `min`, and for sums.
 */
import {
  type BinaryOperation,
  binaryOperations,
  type ComputedDType,
  computedDType,
  dtypes,
  type Expression,
  type Instruction,
  type Kernel,
  type MapKernel,
  reference,
  type TypedArray,
  type UnaryOperation,
  unaryOperations,
} from '@ag/tensor';
import { type OperandSpec, runOnce } from '@ag/tensor/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from './index.ts';

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint32: Uint32Array, uint8: Uint8Array, bool: Uint8Array }; // biome-ignore format: short

const floats = [
  0, -0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 3, 1e-45, -1e-45, 1.1754942e-38, 1e-30, 16777217, 8388607.5, -8388607.5, 88, -88,
  89, -104, 710, -746, 1e10, -1e10, 3e38, -3e38, 1e300, -1e300, 5e-324, Infinity, -Infinity, NaN,
]; // biome-ignore format: a table
const values: Record<ComputedDType, readonly number[]> = {
  float32: floats.filter((x) => Math.abs(x) < 1e39 || !Number.isFinite(x)),
  float64: floats,
  int32: [0, 1, -1, 2, 3, -7, 31, 46341, 65536, -65537, 2 ** 30, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1],
  uint32: [0, 1, 2, 3, 7, 32, 65535, 65537, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
  uint8: [0, 1, 2, 3, 15, 16, 17, 127, 128, 200, 255],
  bool: [0, 1],
}; // biome-ignore format: a table

const givesBool = new Set(['isNaN', 'isFinite', 'not', 'equal', 'notEqual', 'less', 'lessEqual']);
/** Of bits: of whole numbers, and the first two of bool. */
const ofBits = new Set(['and', 'or', 'xor', 'shiftLeft', 'shiftRight']);
const anyZero = new Set(['sign', 'max', 'min']);
const noFractions = ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'isNaN', 'isFinite'];
const ofBool = new Set(['not', 'and', 'or', 'mul', 'max', 'min', 'equal', 'notEqual', 'less', 'lessEqual']);

function has(op: string, dtype: ComputedDType): boolean {
  if (dtype === 'bool') return ofBool.has(op);
  if (op === 'not') return false;
  if (dtype.startsWith('float')) return !ofBits.has(op);
  return op !== 'atan2' && (noFractions.includes(op) || (binaryOperations as readonly string[]).includes(op));
}

const backends = [
  { name: 'separate multiply and add', backend: await wasm({ threads: 1, relaxedSimd: false }) },
  { name: 'fused multiply and add', backend: await wasm({ threads: 1, relaxedSimd: true }) },
];
const oracle = reference();
afterAll(() => {
  for (const { backend } of backends) backend.close();
});

function make(dtype: ComputedDType, data: readonly number[]): OperandSpec & { data: TypedArray } {
  return { data: arrays[dtype].from(data), dtype, strides: [1] };
}

const empty = (dtype: ComputedDType, length: number): OperandSpec & { data: TypedArray } =>
  make(dtype, new Array<number>(length).fill(0));

/** Elements of an expression over operands of equal length, on this backend and on the reference. */
async function both(
  backend: (typeof backends)[number]['backend'],
  last: Instruction,
  inputs: readonly (OperandSpec & { data: TypedArray })[],
): Promise<[TypedArray, TypedArray]> {
  const loads = inputs.map(({ dtype }, operand): Instruction => ({ op: 'load', operand, dtype: dtype! }));
  const expression: Expression = { instructions: [...loads, last], results: [loads.length] };
  const kernel: MapKernel = {
    form: 'map',
    rank: 1,
    inputs: inputs.map(({ dtype }) => dtype!),
    outputs: [{ dtype: last.dtype, accumulate: false }],
    expression,
  };
  const { length } = inputs[0].data;
  const run = async (on: Parameters<typeof runOnce>[0]) =>
    (await runOnce(on, kernel, [length], [...inputs, empty(computedDType(last.dtype), length)])).at(-1)!;
  return [await run(backend), await run(oracle)];
}

function same(
  got: TypedArray,
  wanted: TypedArray,
  dtype: ComputedDType,
  what: (i: number) => string,
  signed = true,
  units = 4,
) {
  const unit = dtype === 'float32' ? 2 ** -23 : dtype === 'float64' ? 2 ** -52 : 0;
  const least = dtype === 'float32' ? 2 ** -149 : 2 ** -1074;
  wanted.forEach((w: number, i: number) => {
    const g = got[i];
    if (Object.is(g, w) || (!signed && g === w)) return;
    const close =
      Number.isFinite(w) && Math.abs(g - w) <= Math.max(units * unit * Math.abs(w), unit && 4 * least);
    if (!close || (w === 0 && g === 0)) throw new Error(`${what(i)} is ${text(g)}, expected ${text(w)}`);
  });
}
const text = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));

describe.each(backends)('$name', ({ backend }) => {
  describe.each(dtypes)('%s', (dtype) => {
    // Whole vectors, and the rest of a row.
    const list = values[dtype];
    const repeated = [...list, ...list, ...list];

    it.each(unaryOperations.filter((op) => has(op, dtype)))('%s', async (op: UnaryOperation) => {
      const instruction: Instruction = { op, a: 0, dtype: givesBool.has(op) ? 'bool' : dtype };
      const [got, wanted] = await both(backend, instruction, [make(dtype, repeated)]);
      // The series of erf in float64 is good to twenty units in the last place.
      const units = op === 'erf' ? 20 : 4;
      same(
        got,
        wanted,
        computedDType(instruction.dtype),
        (i) => `${op}(${text(repeated[i])})`,
        !anyZero.has(op),
        units,
      );
    });

    it.each(binaryOperations.filter((op) => has(op, dtype)))('%s', async (op: BinaryOperation) => {
      const instruction: Instruction = { op, a: 0, b: 1, dtype: givesBool.has(op) ? 'bool' : dtype };
      const left = list.flatMap((x) => list.map(() => x));
      const right = list.flatMap(() => list);
      const [got, wanted] = await both(backend, instruction, [make(dtype, left), make(dtype, right)]);
      const what = (i: number) => `${op}(${text(left[i])}, ${text(right[i])})`;
      same(got, wanted, computedDType(instruction.dtype), what, !anyZero.has(op));
    });

    it.each(dtypes.filter((to) => to !== dtype))('cast to %s', async (to) => {
      const [got, wanted] = await both(backend, { op: 'cast', a: 0, dtype: to }, [make(dtype, repeated)]);
      same(got, wanted, to, (i) => `${text(repeated[i])} as ${to}`);
    });

    it('where', async () => {
      const chosen = make('bool', repeated.map((_, i) => i % 2)); // biome-ignore format: short
      const inputs = [chosen, make(dtype, repeated), make(dtype, [...repeated].reverse())];
      const [got, wanted] = await both(backend, { op: 'where', a: 0, b: 1, c: 2, dtype }, inputs);
      same(got, wanted, dtype, (i) => `where, element ${i}`);
    });
  });

  const f = 'float32' as const;
  const accumulator = (dtype: ComputedDType): Expression => ({
    instructions: [{ op: 'accumulator', dtype }],
    results: [0],
  });

  /** Reduces each row of 19 elements, or each column, of float32 or float64. */
  async function reduced(
    combine: string,
    rows: readonly (readonly number[])[],
    dtype: ComputedDType,
    columns: boolean,
  ) {
    const [n, m] = [rows.length, rows[0].length];
    const data = columns ? rows[0].flatMap((_, j) => rows.map((row) => row[j])) : rows.flat();
    const result: ComputedDType = combine.startsWith('arg') ? 'int32' : dtype;
    const kernel = {
      form: 'reduce', outerRank: 1, reducedRank: 1, combine, dtype, inputs: [dtype], extras: [],
      outputs: [{ dtype: result, accumulate: false }],
      prologue: { instructions: [{ op: 'load', operand: 0, dtype }], results: [0] }, epilogue: accumulator(result),
    } as Kernel; // biome-ignore format: a record
    const from = { ...make(dtype, data), strides: columns ? [1, n] : [m, 1] };
    return [...(await runOnce(backend, kernel, [n, m], [from, empty(result, n)])).at(-1)!];
  }

  it.each([f, 'float64'] as const)('reductions of %s', async (dtype) => {
    const I = Infinity;
    const tiny = dtype === f ? 2 ** -149 : 2 ** -1074;
    // x = np.ones(19); x[4] = a; x[13] = b; np.sum(x), np.prod(x), np.max(x), np.min(x), np.argmax(x), np.argmin(x)
    const table: [number, number, number[]][] = [
      [NaN, 2, [NaN, NaN, NaN, NaN, 4, 4]],
      [2, NaN, [NaN, NaN, NaN, NaN, 13, 13]],
      [NaN, NaN, [NaN, NaN, NaN, NaN, 4, 4]],
      [I, 2, [I, I, I, 1, 4, 0]],
      [-I, 2, [-I, -I, 2, -I, 13, 4]],
      [I, -I, [NaN, -I, I, -I, 4, 13]],
      [-I, I, [NaN, -I, I, -I, 13, 4]],
      [I, NaN, [NaN, NaN, NaN, NaN, 13, 13]],
      [I, I, [I, I, I, 1, 4, 0]],
      [-I, -I, [-I, I, 1, -I, 0, 4]],
      [I, 0, [I, NaN, I, 0, 4, 13]],
      [0, -0, [17, 0, 1, 0, 0, 4]],
      [tiny, -tiny, [17, 0, 1, -tiny, 0, 13]],
    ]; // biome-ignore format: a table
    const rows = table.map(([a, b]) => {
      const row = new Array<number>(19).fill(1);
      row[4] = a;
      row[13] = b;
      return row;
    });
    for (const columns of [false, true]) {
      for (const [k, combine] of ['sum', 'prod', 'max', 'min', 'argmax', 'argmin'].entries()) {
        const got = await reduced(combine, rows, dtype, columns);
        table.forEach(([a, b, expected], i) => {
          const wanted = dtype === f ? Math.fround(expected[k]) : expected[k];
          const what = `${combine} with ${text(a)} and ${text(b)}, ${columns ? 'columns' : 'rows'}`;
          // + 0: whatever the sign of a zero.
          expect(got[i] + 0, what).toBe(wanted + 0);
        });
      }
    }
    // Nothing but one kind: no identity may shine through. np.max(np.full(19, -np.inf)), …
    const all = (x: number) => [new Array<number>(19).fill(x)];
    for (const columns of [false, true]) {
      expect(await reduced('max', all(-I), dtype, columns)).toEqual([-I]);
      expect(await reduced('min', all(I), dtype, columns)).toEqual([I]);
      expect(await reduced('argmax', all(-I), dtype, columns)).toEqual([0]);
      expect(await reduced('argmin', all(I), dtype, columns)).toEqual([0]);
      expect(await reduced('sum', all(I), dtype, columns)).toEqual([I]);
      expect(await reduced('max', all(NaN), dtype, columns)).toEqual([NaN]);
    }
  });

  it.each([f, 'float64'] as const)('running combinations of %s', async (dtype) => {
    const I = Infinity;
    const x = [1, -0, I, 2, -I, 3, NaN, 4, 5];
    // np.cumsum(x), np.cumprod(x), np.maximum.accumulate(x), np.minimum.accumulate(x), and of x[::-1], reversed again
    const table = {
      sum: [[1, 1, I, I, NaN, NaN, NaN, NaN, NaN], [NaN, NaN, NaN, NaN, NaN, NaN, NaN, 9, 5]],
      prod: [[1, -0, NaN, NaN, NaN, NaN, NaN, NaN, NaN], [NaN, NaN, NaN, NaN, NaN, NaN, NaN, 20, 5]],
      max: [[1, 1, I, I, I, I, NaN, NaN, NaN], [NaN, NaN, NaN, NaN, NaN, NaN, NaN, 5, 5]],
      min: [[1, -0, -0, -0, -I, -I, NaN, NaN, NaN], [NaN, NaN, NaN, NaN, NaN, NaN, NaN, 4, 5]],
    } as const; // biome-ignore format: a table
    for (const combine of ['sum', 'prod', 'max', 'min'] as const) {
      for (const reverse of [false, true]) {
        const kernel: Kernel = { form: 'scan', outerRank: 0, combine, reverse, dtype };
        const got = (await runOnce(backend, kernel, [9], [make(dtype, x), empty(dtype, 9)])).at(-1)!;
        const wanted = arrays[dtype].from(table[combine][reverse ? 1 : 0]);
        same(got, wanted, dtype, (i) => `${combine}, element ${i}`, false);
      }
    }
  });

  it.each([f, 'float64'] as const)('sorting of %s: NaN last, zeros equal, order kept', async (dtype) => {
    const I = Infinity;
    const x = [NaN, 0, -0, I, -1, -I, NaN, -0, 0, 1e-45, -1e-45, 1, I];
    // np.argsort(x, kind='stable'); descending: np.argsort(-x, kind='stable'), for -nan is nan
    const order = {
      up: [5, 4, 10, 1, 2, 7, 8, 9, 11, 3, 12, 0, 6],
      down: [3, 12, 11, 9, 1, 2, 7, 8, 10, 4, 5, 0, 6],
    };
    for (const descending of [false, true]) {
      const kernel: Kernel = { form: 'sort', outerRank: 0, descending, dtype };
      const got = (await runOnce(backend, kernel, [13], [make(dtype, x), empty('int32', 13)])).at(-1)!;
      expect([...got]).toEqual(descending ? order.down : order.up);
    }
  });

  it.each(dtypes)('gathering and scattering of %s keep every bit', async (dtype) => {
    const source = make(dtype, values[dtype]);
    const size = source.data.length;
    const axis = { size, stride: 1 };
    const index = make('int32', source.data.length === 2 ? [1, 0] : [...source.data.keys()].reverse().map((i) => i)); // biome-ignore format: short
    const gathered = (
      await runOnce(backend, { form: 'gather', rank: 1, dtype }, [size], [{ ...source, strides: [0] }, index, empty(dtype, size)], { axis })
    ).at(-1)!; // biome-ignore format: a call
    expect(bytes(gathered)).toBe(bytes(source.data.slice().reverse()));
    if (dtype === 'bool') return;
    for (const combine of ['set', 'add'] as const) {
      const target = { ...empty(dtype, size), strides: [0] };
      const kernel: Kernel = { form: 'scatter', rank: 1, dtype, combine };
      const scattered = (await runOnce(backend, kernel, [size], [make(dtype, [...source.data]), index, target], { axis })).at(-1)!; // biome-ignore format: a call
      const wanted = source.data.slice().reverse();
      // 0 + −0 is 0.
      same(scattered, wanted as TypedArray, dtype, (i) => `${combine} at ${i}`, combine === 'set');
    }
  });

  it('products: only the rows and columns that have NaN or infinities', async () => {
    // a = np.ones((9, 7)); a[2, 3] = np.nan; a[5, 0] = np.inf; b = np.ones((7, 6)); b[0, 4] = 0; b[6, 1] = -np.inf; a @ b
    for (const dtype of [f, 'float64'] as const) {
      const a = make(dtype, new Array<number>(63).fill(1));
      const b = make(dtype, new Array<number>(42).fill(1));
      a.data[2 * 7 + 3] = NaN;
      a.data[5 * 7] = Infinity;
      b.data[4] = 0;
      b.data[6 * 6 + 1] = -Infinity;
      const kernel: Kernel = {
        form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype, extras: [], outputs: [{ dtype, accumulate: false }],
        epilogue: accumulator(dtype),
      }; // biome-ignore format: a record
      const operands = [
        { ...a, strides: [7, 1] },
        { ...b, strides: [6, 1] },
        { ...empty(dtype, 54), strides: [6, 1] },
      ];
      const got = (await runOnce(backend, kernel, [9, 6, 7], operands)).at(-1)!;
      got.forEach((x: number, at: number) => {
        const [i, j] = [Math.floor(at / 6), at % 6];
        const wanted = i === 2 || (i === 5 && (j === 1 || j === 4)) ? NaN : i === 5 ? Infinity : j === 1 ? -Infinity : j === 4 ? 6 : 7; // biome-ignore format: short
        expect(x, `[${i}, ${j}]`).toBe(wanted);
      });
    }
  });
});

function bytes(array: TypedArray): string {
  return Buffer.from(array.buffer, array.byteOffset, array.length * array.BYTES_PER_ELEMENT).toString('hex');
}
