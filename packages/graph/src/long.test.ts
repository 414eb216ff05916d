/**
 * Graphs of many nodes: no recursion, nothing quadratic. Times are printed for the reader and never asserted; what is
 * asserted are values and counts.
 */
import { concat, stats, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { setFusion } from '@ag/tensor/engine';
import { nullBackend } from '@ag/tensor/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gradients, topologicalSort } from './index.ts';

const initial = await import('@ag/tensor').then(({ backend }) => backend());
afterEach(() => use(initial));

// Some seconds on an idle machine; a busy one may take its time.
vi.setConfig({ testTimeout: 300_000 });

function timed<T>(what: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  console.log(`${what}: ${(performance.now() - start).toFixed(0)} ms`);
  return result;
}

describe('a chain of n nodes', () => {
  for (const n of [1_000, 10_000, 100_000]) {
    it(`of ${n}: forward, backward, sorted`, () => {
      const x = tensor([0, 1], { dtype: 'float64' });
      // x ← x + 1 and x ← x · 1 in turn: the value is x + n/2, the derivative 1.
      const build = (): Tensor => {
        let y: Tensor = x;
        for (let i = 0; i < n; i++) y = i % 2 === 0 ? y.add(1) : y.mul(1);
        return y;
      };
      const y = timed(`${n} nodes, building`, build);
      const sorted = timed(`${n} nodes, topologicalSort`, () => topologicalSort(y));
      // n operations, n numbers and x.
      expect(sorted).toHaveLength(2 * n + 1);
      expect(sorted.at(-1)).toBe(y);
      const [g] = timed(`${n} nodes, gradients`, () => gradients(y.sum(), [x]));
      expect([...timed(`${n} nodes, backward`, () => g.dataSync())]).toEqual([1, 1]);
      expect([...timed(`${n} nodes, forward`, () => y.dataSync())]).toEqual([n / 2, n / 2 + 1]);
    });
  }
});

describe('steps through time', () => {
  // hₜ = hₜ₋₁·a + xₜ from slices of one sequence: dL/dxₜ = a^(T−1−t), dL/da = Σ t·… by the same recursion by hand.
  for (const steps of [100, 1_000, 10_000]) {
    it(`${steps} slices of one sequence`, () => {
      const a = 0.999;
      const sequence = new Variable(tensor(new Float64Array(steps).fill(1), { shape: [steps, 1] }));
      const factor = new Variable(tensor(a, { dtype: 'float64' }));
      let h: Tensor = tensor([[0]], { dtype: 'float64' });
      let expected = 0;
      let slope = 0;
      for (let t = 0; t < steps; t++) {
        h = h.mul(factor.value).add(sequence.value.slice(t, t + 1));
        slope = slope * a + expected;
        expected = expected * a + 1;
      }
      const [dx, da] = timed(`${steps} steps, gradients`, () => gradients(h.sum(), [sequence, factor]));
      const before = stats().bytes;
      const values = timed(`${steps} steps, backward`, () => dx.dataSync());
      for (const t of [0, Math.floor(steps / 2), steps - 1])
        expect(values[t]).toBeCloseTo(a ** (steps - 1 - t), 10);
      expect(da.itemSync() / slope).toBeCloseTo(1, 9);
      expect(h.itemSync() / expected).toBeCloseTo(1, 9);
      // Each step keeps a constant number of scalars.
      expect(stats().bytes - before).toBeLessThan(steps * 8 * 16 + 100_000);
    });
  }

  it('takes memory linear in the number of steps', () => {
    const bytes = [200, 400, 800].map((steps) => {
      const device = nullBackend();
      use(device);
      const width = 64;
      const x = new Variable(tensor(new Float32Array(steps * width), { shape: [steps, width] }));
      let h: Tensor = tensor(new Float32Array(width), { shape: [1, width] });
      for (let t = 0; t < steps; t++) h = h.add(x.value.slice(t, t + 1)).tanh();
      gradients(h.sum(), [x])[0].dataSync();
      return device.stats().peakBytes;
    });
    expect(bytes[1] / bytes[0]).toBeLessThan(2.1);
    expect(bytes[2] / bytes[1]).toBeLessThan(2.1);
    // The sequence in two versions at most, its gradient, and the hidden states.
    expect(bytes[2]).toBeLessThan(5 * 800 * 64 * 4);
  });

  it('joins and cuts many pieces', () => {
    const n = 5_000;
    const x = tensor(Float32Array.from({ length: n }, (_, i) => i));
    const pieces = Array.from({ length: n }, (_, i) => x.slice(i, i + 1).mul(2));
    const joined = timed(`${n} pieces, joined`, () => concat(pieces));
    const [g] = gradients(joined.square().sum(), [x]);
    const values = timed(`${n} pieces, backward`, () => g.dataSync());
    // d Σ (2x)² / dx = 8x
    expect([values[0], values[1], values[n - 1]]).toEqual([0, 8, 8 * (n - 1)]);
  });

  it('goes through many views', () => {
    let x: Tensor = tensor([
      [1, 2],
      [3, 4],
    ]);
    for (let i = 0; i < 20_001; i++) x = x.transpose();
    expect([...timed('20001 transpositions', () => x.add(0).dataSync())]).toEqual([1, 3, 2, 4]);
  });
});

describe('kernels', () => {
  it('do not grow with the graph', () => {
    const device = nullBackend();
    use(device);
    let longest = 0;
    const prepare = device.prepare.bind(device);
    use({
      ...device,
      prepare(program) {
        for (const { kernel } of program.launches) {
          if (kernel.form === 'map') longest = Math.max(longest, kernel.expression.instructions.length);
        }
        return prepare(program);
      },
    });
    let y: Tensor = tensor(new Float32Array(8));
    for (let i = 0; i < 3_000; i++) y = y.mul(0.5).tanh();
    y.dataSync();
    expect(longest).toBeGreaterThan(10);
    expect(longest).toBeLessThan(400);
  });

  it('compute a long chain that branches at each step without repeating it', () => {
    const work = (enabled: boolean): number => {
      const before = setFusion(enabled);
      const device = nullBackend();
      use(device);
      let y: Tensor = tensor(new Float32Array(64), { shape: [8, 8] });
      for (let i = 0; i < 200; i++) y = y.sub(y.mean(1, { keepDims: true }));
      y.dataSync();
      setFusion(before);
      return device.last.bytesRead + device.last.bytesWritten;
    };
    expect(work(true)).toBeLessThan(work(false));
  });
});
