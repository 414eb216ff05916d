/** Loops have the same bits as the steps written out, on the reference backend and for any number of threads. */
import { compile, grad } from '@ag/graph';
import { key, normal, reference, scan, sigmoid, type Tensor, tanh, use, zeros } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from './index.ts';

const draw = (shape: readonly number[], seed: number): Tensor => normal(shape, { key: key(seed) });

/** A long short-term memory of 24 units, large enough for threads to share its products. */
const steps = 12;
const batch = 32;
const hidden = 48;
const x = draw([steps, batch, 4 * hidden], 1);
const w = draw([hidden, 4 * hidden], 2).mul(0.2);

function cell({ h, c }: { h: Tensor; c: Tensor }, gates: Tensor, weight: Tensor): { h: Tensor; c: Tensor } {
  const all = gates.add(h.matmul(weight));
  const part = (i: number): Tensor => all.slice(i * hidden, (i + 1) * hidden, { axis: 1 });
  const next = sigmoid(part(1))
    .mul(c)
    .add(sigmoid(part(0)).mul(tanh(part(2))));
  return { h: sigmoid(part(3)).mul(tanh(next)), c: next };
}

const start = { h: zeros([batch, hidden]), c: zeros([batch, hidden]) };

function looped(weight: Tensor): Tensor {
  return scan(
    (state, gates) => {
      const next = cell(state, gates, weight);
      return [next, next.h];
    },
    start,
    x,
  ).ys;
}

function written(weight: Tensor): Tensor {
  return scan(
    (state, gates) => {
      const next = cell(state, gates, weight);
      return [next, next.h];
    },
    start,
    x,
    { unroll: true },
  ).ys;
}

const bits = (t: Tensor): Uint32Array => new Uint32Array((t.dataSync() as Float32Array).slice().buffer);

describe('loops', async () => {
  const one = await wasm({ threads: 1 });
  const two = await wasm({ threads: 2 });
  await two.startThreads();
  afterAll(() => {
    one.close();
    two.close();
  });

  it('have the bits of the steps written out', () => {
    for (const backend of [reference(), one, two]) {
      use(backend);
      expect(bits(looped(w))).toEqual(bits(written(w)));
    }
  });

  it('have the same bits for any number of threads, compiled or not, gradients too', () => {
    const gradient = (weight: Tensor): Tensor => grad((own: Tensor) => looped(own).square().mean())(weight);
    const all = [one, two].flatMap((backend) => {
      use(backend);
      return [bits(gradient(w)), bits(compile(gradient)(w))];
    });
    for (const own of all) expect(own).toEqual(all[0]);
    // Sums of the steps written out are made in another order.
    const other = grad((own: Tensor) => written(own).square().mean())(w).dataSync();
    const mine = gradient(w).dataSync();
    const size = Math.max(...other.map(Math.abs));
    for (let i = 0; i < mine.length; i++) expect(Math.abs(mine[i] - other[i])).toBeLessThan(1e-5 * size);
  });

  it('hold no more memory after many runs', () => {
    use(one);
    const run = (): void => void looped(w).sum().itemSync();
    for (let i = 0; i < 3; i++) run();
    const { bytes } = one.stats();
    for (let i = 0; i < 20; i++) run();
    expect(one.stats().bytes).toBe(bytes);
  });

  it('give their memory back', () => {
    use(one);
    const { bytes } = one.stats();
    // More plans than are kept.
    for (let size = 1; size <= 300; size++)
      scan((c: Tensor) => [c.add(1), c], zeros([size]), null, { length: 2 }).carry.dataSync();
    expect(one.stats().bytes).toBeLessThan(bytes + 2 ** 20);
  });
});
