import { oneHot, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../backend.ts';

/** Last axes of two elements, which maps walk as one row with the axis before, and every second element, against plain loops. */
const backends = await Promise.all([1, 2].map((threads) => wasm({ threads })));

afterAll(() => {
  for (const backend of backends) backend.close();
});

const rows = 50;

describe.each(backends.map((backend) => [backend.threads, backend] as const))('%i threads', (_, backend) => {
  it.each([4, 5, 6, 7, 14, 33, 100])('rows of %i pairs', (width) => {
    use(backend);
    const x = Float32Array.from({ length: rows * width }, (_, i) => ((i * 37) % 101) - 50);
    const y = Float32Array.from({ length: 2 * rows * width }, (_, i) => ((i * 53) % 103) - 50);
    const pairs = tensor(y, { shape: [rows, width, 2] });
    const each = tensor(x, { shape: [rows, width, 1] });
    // Each element of x beside two of y.
    expect([...each.add(pairs).dataSync()]).toEqual([...y].map((value, i) => value + x[i >> 1]));
    expect([...each.mul(pairs).sub(0.5).maximum(0).dataSync()]).toEqual(
      [...y].map((value, i) => Math.max(0, value * x[i >> 1] - 0.5)),
    );
    // Positions within the pair.
    const classes = Int32Array.from(x, (value) => Math.abs(value) % 3);
    const hot = oneHot(tensor(classes, { shape: [rows, width] }), 2).mul(each);
    expect([...hot.dataSync()].map((value) => value + 0)).toEqual(
      [...y].map((_, i) => (classes[i >> 1] === i % 2 ? x[i >> 1] : 0)),
    );
    // Other element types.
    const bytes = Uint8Array.from(x, (value) => value + 60);
    const whole = tensor(bytes, { shape: [rows, width, 1] })
      .cast('float32')
      .add(pairs);
    expect([...whole.dataSync()]).toEqual([...y].map((value, i) => value + bytes[i >> 1]));
    const wide = each.cast('float64').add(pairs.cast('float64'));
    expect([...wide.dataSync()]).toEqual([...y].map((value, i) => value + x[i >> 1]));
    expect([...each.less(pairs).dataSync()]).toEqual([...y].map((value, i) => Number(x[i >> 1] < value)));
  });

  it.each([4, 5, 7, 14, 33, 100])('every second of %i elements', (width) => {
    use(backend);
    const y = Float32Array.from({ length: 2 * rows * width }, (_, i) => ((i * 53) % 103) - 50);
    const pairs = tensor(y, { shape: [rows, width, 2] });
    const first = Array.from({ length: rows * width }, (_, i) => y[2 * i]);
    const second = Array.from({ length: rows * width }, (_, i) => y[2 * i + 1]);
    const of = (position: number) => pairs.slice(position, position + 1, { axis: 2 }).squeeze(2);
    expect([...of(0).add(1).dataSync()]).toEqual(first.map((value) => value + 1));
    expect([...of(1).sub(of(0)).dataSync()]).toEqual(second.map((value, i) => value - first[i]));
    expect([...pairs.max(2).dataSync()]).toEqual(first.map((value, i) => Math.max(value, second[i])));
    expect([...pairs.argmax(2).dataSync()]).toEqual(first.map((value, i) => Number(second[i] > value)));
    const windows = tensor(y, { shape: [rows / 2, 2, width, 2] });
    const sums = Array.from({ length: (rows / 2) * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      const at = (dy: number, dx: number) => y[((2 * row + dy) * width + column) * 2 + dx];
      return at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1);
    });
    expect([...windows.sum([1, 3]).dataSync()]).toEqual(sums);
    const whole = tensor(Int32Array.from(y), { shape: [rows, width, 2] });
    const last = whole.slice(1, 2, { axis: 2 });
    expect([...last.mul(2).dataSync()]).toEqual(second.map((value) => 2 * value));
  });
});
