// biome-ignore-all format: a table
/**
 * Storage dtypes on a backend: what is rounded to 16 bits, widened again, lies in strides, and flows through gradients.
 */
import { fromBits, ones, tensor } from '../functions/create.ts';
import { concat, gather } from '../functions/free.ts';
import { Variable } from '../variable.ts';
import { expectClose } from './compare.ts';
import type { Differentiation } from './gradientCase.ts';

/** Bits of float32 numbers, of the nearest float16 and bfloat16: of PyTorch 2 (`fixtures/storage.py`). */
const rounded: readonly (readonly [number, number, number])[] = [
  [0x00000000, 0x0000, 0x0000], [0x80000000, 0x8000, 0x8000], [0x3f800000, 0x3c00, 0x3f80], [0xbf800000, 0xbc00, 0xbf80],
  [0x3eaaaaab, 0x3555, 0x3eab], [0x477fe000, 0x7bff, 0x4780], [0x477fefff, 0x7bff, 0x4780], [0x477ff000, 0x7c00, 0x4780],
  [0xc77ff000, 0xfc00, 0xc780], [0x4e6e6b28, 0x7c00, 0x4e6e], [0x38800000, 0x0400, 0x3880], [0x33800000, 0x0001, 0x3380],
  [0x33000000, 0x0000, 0x3300], [0x33000001, 0x0001, 0x3300], [0x33c00000, 0x0002, 0x33c0], [0x387fda40, 0x03ff, 0x3880],
  [0x0da24260, 0x0000, 0x0da2], [0x00000001, 0x0000, 0x0000], [0x7f7f0000, 0x7c00, 0x7f7f], [0x7f7fc99e, 0x7c00, 0x7f80],
  [0x7f800000, 0x7c00, 0x7f80], [0xff800000, 0xfc00, 0xff80], [0xdc378000, 0xfc00, 0xdc38], [0xba2a7fff, 0x9154, 0xba2a],
  [0x41754fff, 0x4baa, 0x4175], [0x43975001, 0x5cbb, 0x4397], [0x22088000, 0x0000, 0x2208], [0x185f8001, 0x0000, 0x1860],
  [0x3780a76e, 0x0101, 0x3781], [0xbfafd000, 0xbd7e, 0xbfb0], [0xba129001, 0x9095, 0xba13], [0xbd237fff, 0xa91c, 0xbd23],
  [0xbd730fff, 0xab98, 0xbd73], [0xc4d0b000, 0xe686, 0xc4d1], [0x38610fae, 0x0384, 0x3861], [0xb0396682, 0x8000, 0xb039],
  [0x0c5b8001, 0x0000, 0x0c5c], [0x98daf791, 0x8000, 0x98db], [0x430b1000, 0x5858, 0x430b], [0x23678000, 0x0000, 0x2368],
  [0x3ba5efff, 0x1d2f, 0x3ba6], [0xdf318001, 0xfc00, 0xdf32], [0x37d9cf70, 0x01b4, 0x37da], [0xe01f8000, 0xfc00, 0xe020],
  [0x3f8cb001, 0x3c66, 0x3f8d], [0xab9f5bf1, 0x8000, 0xab9f], [0x9f437fff, 0x8000, 0x9f43], [0x673c8001, 0x7c00, 0x673d],
];

const floats = (words: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(words).buffer);

/** Makes the tests; `test` runs a body on the backend. */
export function storage(
  test: (name: string, body: () => Promise<void>) => void,
  graph: Pick<Differentiation, 'gradients'> | undefined,
): void {
  (['float16', 'bfloat16'] as const).forEach((dtype, column) => {
    const numbers = floats(rounded.map(([word]) => word));
    const bits = Uint16Array.from(rounded, (row) => row[1 + column]);
    const expected = fromBits(bits, { dtype }).dataSync();
    test(`${dtype}: rounding, special values`, async () => {
      // Odd lengths, and a part of a kernel that does more.
      for (const n of [numbers.length, 7, 5, 2, 1]) {
        const x = tensor(numbers.slice(0, n));
        await expectClose(x.cast(dtype), { shape: [n], data: expected.slice(0, n) }, { signedZero: true });
        await expectClose(x.mul(1).cast(dtype).cast('float64').neg(), { shape: [n], data: expected.slice(0, n).map((y) => -y) }, { signedZero: true });
      }
      await expectClose(tensor([Number.NaN]).cast(dtype).cast('float32'), { shape: [1], data: [Number.NaN] });
    });
    test(`${dtype}: views, sums, products read float32`, async () => {
      const table = Array.from({ length: 15 }, (_, i) => (i - 7) / 4);
      const x = tensor(table, { shape: [3, 5], dtype });
      if (x.add(1).dtype !== 'float32' || x.reshape([15]).dtype !== 'float32') throw new Error('computed as float32');
      await expectClose(x.transpose().slice(1, 4), { shape: [3, 3], data: [1, 6, 11, 2, 7, 12, 3, 8, 13].map((i) => table[i]) });
      await expectClose(x.transpose().cast(dtype).flip(0), { shape: [5, 3], data: [4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11, 0, 5, 10].map((i) => table[i]) });
      await expectClose(x.sum(1), { shape: [3], data: [0, 1, 2].map((i) => table.slice(5 * i, 5 * i + 5).reduce((a, b) => a + b, 0)) });
      await expectClose(x.matmul(ones([5, 2])), { shape: [3, 2], data: [0, 0, 1, 1, 2, 2].map((i) => table.slice(5 * i, 5 * i + 5).reduce((a, b) => a + b, 0)) });
      await expectClose(concat([x, x.mul(2)]).cast(dtype), { shape: [6, 5], data: [...table, ...table.map((y) => 2 * y)] });
      await expectClose(tensor([], { shape: [0, 2], dtype }).cast('float32'), { shape: [0, 2], data: [] });
      await expectClose(tensor(0.1, { dtype }).add(0), { shape: [], data: [dtype === 'float16' ? 0.0999755859375 : 0.10009765625] });
    });
    test(`${dtype}: variables, half the memory`, async () => {
      const w = new Variable(tensor([1.5, -2, 0.25], { dtype }), { trainable: false });
      await expectClose(w.value.mul(tensor([2, 2, 2])), { shape: [3], data: [3, -4, 0.5] });
      w.assign(w.value.mul(2).cast(dtype));
      await expectClose(w.value, { shape: [3], data: [3, -4, 0.5] });
      w.dispose();
    });
    test(`${dtype}: large weights, read several times`, async () => {
      // Large enough to be widened anew for each reader, and of a table only what is looked up.
      const [rows, columns] = [80, 64];
      const numbers = Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 101 - 50) / 64);
      const w = new Variable(tensor(numbers, { shape: [rows, columns], dtype }), { trainable: false });
      const at = (i: number, j: number) => numbers[i * columns + j];
      const x = tensor([1, -2, 0.5]).unsqueeze(1).mul(tensor(Array.from({ length: columns }, (_, j) => (j % 3) - 1)));
      const y = x.matmul(w.value.transpose());
      const z = y.matmul(w.value);
      const sums = Array.from({ length: rows }, (_, i) => numbers.slice(i * columns, (i + 1) * columns).reduce((sum, v, j) => sum + v * ((j % 3) - 1), 0));
      await expectClose(y, { shape: [3, rows], data: [1, -2, 0.5].flatMap((c) => sums.map((v) => c * v)) });
      const back = Array.from({ length: columns }, (_, j) => sums.reduce((sum, v, i) => sum + v * at(i, j), 0));
      await expectClose(z, { shape: [3, columns], data: [1, -2, 0.5].flatMap((c) => back.map((v) => c * v)) });
      const index = tensor([79, 0, 5], { dtype: 'int32', shape: [3, 1] });
      await expectClose(gather(w.value, index, 0).sum(1), { shape: [3], data: [79, 0, 5].map((i) => numbers.slice(i * columns, (i + 1) * columns).reduce((a, b) => a + b, 0)) });
      await expectClose(gather(w.value.transpose(), index.transpose(), 1).slice(60), { shape: [4, 3], data: [60, 61, 62, 63].flatMap((j) => [79, 0, 5].map((i) => at(i, j))) });
      w.dispose();
    });
    if (graph)
      test(`${dtype}: gradients are float32`, async () => {
        const w = tensor([1.5, -2, 0.25], { dtype });
        const [g] = graph.gradients(w.square().sum(), [w]);
        if (g.dtype !== 'float32') throw new Error(`the gradient is ${g.dtype}`);
        await expectClose(g, { shape: [3], data: [3, -4, 0.5] });
      });
  });
  (['int8', 'int16'] as const).forEach((dtype) => {
    const [lowest, highest] = dtype === 'int8' ? [-128, 127] : [-32768, 32767];
    test(`${dtype}: saturates from fractions, wraps from integers, widens with its sign`, async () => {
      const given = [0, -1, 1.9, -1.9, 127, 128, -128, -129, 300, 32768, -32769, 1e10, -1e10, Number.NaN, Infinity];
      const inside = given.map((x) => (Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, lowest), highest)) + 0));
      await expectClose(tensor(given).cast(dtype), { shape: [15], data: inside });
      await expectClose(tensor(given, { dtype: 'float64' }).cast(dtype).add(1), { shape: [15], data: inside.map((x) => x + 1) });
      const whole = [0, -1, 127, 128, -129, 300, 32768, -32769, 65535, 2147483647];
      const wrapped = dtype === 'int8' ? Int8Array.from(whole) : Int16Array.from(whole);
      await expectClose(tensor(whole, { dtype: 'int32' }).cast(dtype), { shape: [10], data: wrapped });
      await expectClose(tensor(wrapped, { dtype, shape: [2, 5] }).transpose().mul(2), { shape: [5, 2], data: [0, 5, 1, 6, 2, 7, 3, 8, 4, 9].map((i) => 2 * wrapped[i]) });
      const x = tensor([3, 0, -5], { dtype });
      if (x.add(x).dtype !== 'int32') throw new Error('computed as int32');
      await expectClose(x.greater(0), { shape: [3], data: [1, 0, 0] });
      await expectClose(x.cast('bool'), { shape: [3], data: [1, 0, 1] });
      await expectClose(x.cast('uint8'), { shape: [3], data: [3, 0, 251] });
      await expectClose(x.sum(), { shape: [], data: [-2] });
    });
  });
}
