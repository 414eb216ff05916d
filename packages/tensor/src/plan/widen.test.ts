/** Stored numbers are widened just before each reader, and kept for none. */
import { afterEach, describe, expect, it } from 'vitest';
import { evaluate, gather, reference, type Tensor, tensor, use, Variable } from '../index.ts';
import { nullBackend } from '../testing/nullBackend.ts';

const n = 128;
const stored = (dtype: 'float16' | 'float32' | 'int8'): Variable =>
  new Variable(
    tensor(
      Float32Array.from({ length: n * n }, (_, i) => ((i * 37) % 101) - 50),
      { shape: [n, n] },
    ).cast(dtype),
    { trainable: false },
  );
const x = (rows = 2): Tensor =>
  tensor(
    Float32Array.from({ length: rows * n }, (_, i) => i % 7),
    { shape: [rows, n] },
  );

/** Labels of the launches. */
function labelsOf(...results: Tensor[]): readonly string[] {
  const device = nullBackend();
  use(device);
  evaluate(results);
  return device.last.labels;
}
afterEach(() => use(reference()));

describe('a stored weight', () => {
  it('is widened before each product, whatever comes between', () => {
    const [a, b] = [stored('float16'), stored('float16')];
    const y = x().matmul(a.value).sin().matmul(b.value).sin();
    const z = y.matmul(b.value.transpose()).sin().matmul(a.value.transpose());
    const step = ['cast', 'contract·sin'];
    expect(labelsOf(z)).toEqual([...step, ...step, ...step, 'cast', 'contract']);
    // On the left of a product, too, where what it is multiplied with is computed before.
    const left = a.value.matmul(b.value.matmul(x().transpose()).sin());
    expect(labelsOf(left)).toEqual(['cast', 'contract·sin', 'cast', 'contract']);
  });

  it('needs memory for one of them, however many there are', () => {
    const device = nullBackend();
    use(device);
    const weights = Array.from({ length: 8 }, () => stored('float16'));
    evaluate(weights.map((w) => w.value.flatten().slice(0, 1)));
    const before = device.stats().bytes;
    const y = weights.reduce((y, w) => y.matmul(w.value).tanh(), x());
    evaluate([weights.reduceRight((y, w) => y.matmul(w.value.transpose()), y)]);
    const taken = device.stats().peakBytes - before;
    expect(taken).toBeGreaterThanOrEqual(4 * n * n);
    expect(taken).toBeLessThan(5 * n * n);
  });

  it('with a scale, or with a change of low rank, is one kernel for each reader', () => {
    const w = stored('int8');
    const scale = tensor(
      Float32Array.from({ length: n }, (_, i) => i / n),
      { shape: [n, 1] },
    );
    const scaled = w.value.cast('float32').mul(scale);
    expect(labelsOf(x().matmul(scaled).sin().matmul(scaled))).toEqual([
      'cast·mul',
      'contract·sin',
      'cast·mul',
      'contract',
    ]);
    const [a, b] = [x(4), x(4)];
    const changed = stored('float16').value.add(a.transpose().matmul(b).mul(0.5));
    expect(labelsOf(x().matmul(changed).sin().matmul(changed.transpose()))).toEqual([
      'contract·mul·cast·add',
      'contract·sin',
      'contract·mul·cast·add',
      'contract',
    ]);
  });

  it('that only a kernel reads element by element is widened in it', () => {
    const w = stored('float16');
    expect(labelsOf(w.value.sum(0), w.value.mul(2).sum(1)).every((one) => !one.startsWith('cast'))).toBe(
      true,
    );
  });

  it('as a table gives its rows as they are stored', () => {
    const index = tensor([3, 5], { dtype: 'int32', shape: [2, 1] });
    expect(labelsOf(gather(stored('float16').value, index, 0).sin())).toEqual(['gather', 'cast·sin']);
  });

  it('gives the bits of the same numbers in float32', () => {
    const w = stored('float16');
    const plain = new Variable(tensor(w.value.mul(0.01).cast('float16').dataSync(), { shape: [n, n] }));
    w.assign(w.value.mul(0.01).cast('float16'));
    const net = (v: Tensor): Tensor => x().matmul(v).sin().matmul(v.transpose());
    expect([...net(w.value).dataSync()]).toEqual([...net(plain.value).dataSync()]);
  });
});
