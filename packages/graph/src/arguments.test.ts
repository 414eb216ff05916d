/**
 * Lazy arguments of compiled functions: what is light becomes part of the function's plan, with other numbers at each call;
 * what is not is evaluated before.
 */
import { arange, backend, evaluate, scalar, stats, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { type NullBackend, nullBackend } from '@ag/tensor/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { backward, compile } from './index.ts';

const before = backend();
afterEach(() => use(before));

describe('a lazy argument of a compiled function', () => {
  it('that is a slice is read where it lies, without a kernel that copies', () => {
    const device: NullBackend = nullBackend();
    use(device);
    const images = tensor(new Float32Array(60 * 8), { shape: [60, 8] }).mul(1);
    evaluate([images], { keep: true });
    const weight = new Variable(tensor(new Float32Array(8 * 3), { shape: [8, 3] }));
    const step = compile((x: Tensor) => x.matmul(weight.value));
    for (let i = 0; i < 4; i++) step(images.slice(10 * i, 10 * i + 10));
    const { runs } = device.total;
    step(images.slice(50, 60));
    expect(device.total.runs).toBe(runs + 1);
    expect(device.last.byForm).toEqual({ contract: 1 });
    expect(device.last.bytesRead).toBe((10 * 8 + 8 * 3) * 4);
  });

  it('has the numbers of each call', () => {
    const numbers = arange(0, 10);
    const f = compile((x: Tensor, y: Tensor, factor: Tensor) => x.mul(factor).sub(y));
    const call = (i: number): number[] => [
      ...f(numbers.slice(i, i + 2), numbers.slice(i + 1, i + 3).add(100), scalar(i)).dataSync(),
    ];
    // (i, i + 1) · i − (i + 101, i + 102)
    expect(call(0)).toEqual([-101, -102]);
    const { plansMade } = stats();
    for (const i of [3, 7, 0, 5]) expect(call(i)).toEqual([i * i - i - 101, i * (i + 1) - i - 102]);
    expect(stats().plansMade).toBe(plansMade);
  });

  it('of another structure or size has a trace of its own', () => {
    const bytes = tensor(Uint8Array.of(0, 51, 102, 153, 204, 255));
    let traced = 0;
    const f = compile(
      (x: Tensor) => {
        traced++;
        return x.add(1).sum();
      },
      { check: false },
    );
    const scaled = (start: number, end: number): Tensor => bytes.slice(start, end).cast('float32').div(51);
    expect(f(scaled(0, 2)).itemSync()).toBe(3);
    expect(f(scaled(2, 4)).itemSync()).toBe(7);
    expect(traced).toBe(1);
    expect(f(scaled(3, 6)).itemSync()).toBe(15);
    expect(f(scaled(3, 6).neg()).itemSync()).toBe(-9);
    expect(f(tensor([4, 5])).itemSync()).toBe(11);
    expect(traced).toBe(4);
    expect(f(scaled(4, 6)).itemSync()).toBe(11);
    expect(traced).toBe(4);
  });

  it('that takes more than views and elementwise steps is evaluated, and has a value afterwards', () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ]);
    const product = a.matmul(a);
    const f = compile((x: Tensor) => x.sum());
    expect(f(product).itemSync()).toBe(7 + 10 + 15 + 22);
    expect(product.op).toBeNull();
  });

  it('of a variable stands for its value at the call', () => {
    const w = new Variable(tensor([2, 3]), { name: 'w' });
    const step = compile((x: Tensor) => {
      const loss = w.value.mul(x).sum();
      backward(loss);
      return loss;
    });
    // Σ w · w², although w changes in between
    expect(step(w.value.square()).itemSync()).toBe(8 + 27);
    w.assign(tensor([1, 2]));
    expect(step(w.value.square()).itemSync()).toBe(1 + 8);
    expect(step(w.value.square()).itemSync()).toBe(1 + 8);
  });

  it('of a variable that the function writes over is read before', () => {
    const n = 5000;
    const start = Array.from({ length: n }, (_, i) => i);
    for (const [argument, factor] of [
      [(v: Variable) => v.value, 1],
      [(v: Variable) => v.value.mul(2), 2],
    ] as const) {
      const state = new Variable(tensor(start), { name: 'state', inPlace: true });
      const step = compile((x: Tensor) => {
        state.assign(state.value.add(x.flip()));
        return x.sum();
      });
      step(argument(state));
      expect([...state.value.dataSync()]).toEqual(start.map((i) => i + factor * (n - 1 - i)));
    }
  });
});
