/**
 * The fast forms as a graphics processor gets them, on whatever device there is: graphs computed on it and by the reference backend.
 *
 * Software devices would get simpler kernels; here they are told that they are none, and that their limits are the least that
 * WebGPU promises.
 */
import { backward } from '@ag/graph';
import {
  conv2d,
  type DType,
  einsum,
  logSoftmax,
  reference,
  softmax,
  type Tensor,
  tensor,
  use,
  Variable,
} from '@ag/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebGpuBackend, webgpu } from '../../backend.ts';
import { defaultLimits } from '../../device/facts.ts';
import { testGpu } from '../../testing/device.ts';

const { gpu } = await testGpu();
const all = process.env.AG_TEST === 'full';

function numbers(shape: readonly number[], seed = 1): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  const values = new Float32Array(length);
  let state = seed * 2654435761;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2147483648 - 1;
  }
  return tensor(values).reshape(shape);
}

describe.skipIf(gpu === undefined)('fast forms', () => {
  let backend: WebGpuBackend;
  const plain = reference();
  beforeAll(async () => {
    backend = await webgpu({ gpu: gpu!, limits: defaultLimits, facts: { software: false } });
  });
  afterAll(() => use(plain));

  /** Computes on both and compares, then once more on the device: the same bits. */
  async function same(build: () => readonly Tensor[], relative = 2e-5): Promise<void> {
    use(plain);
    const expected: Float64Array[] = [];
    for (const result of build()) expected.push(Float64Array.from(await result.data()));
    use(backend);
    const found: Float64Array[] = [];
    for (const result of build()) found.push(Float64Array.from(await result.data()));
    const again: Float64Array[] = [];
    for (const result of build()) again.push(Float64Array.from(await result.data()));
    expected.forEach((values, i) => {
      const scale = values.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
      expect(found[i].length).toBe(values.length);
      let worst = 0;
      values.forEach((value, j) => {
        if (Object.is(value, found[i][j]) || value === found[i][j]) return;
        const error = Math.abs(value - found[i][j]);
        worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
      });
      expect(worst, `result ${i}`).toBeLessThanOrEqual(relative * scale);
      expect(again[i]).toEqual(found[i]);
    });
  }

  describe('products', () => {
    const matrices = (m: number, k: number, n: number, turnedA = false, turnedB = false) => {
      const a = turnedA ? numbers([k, m]).transpose() : numbers([m, k]);
      const b = turnedB ? numbers([n, k], 2).transpose() : numbers([k, n], 2);
      return [a, b] as const;
    };
    for (const [m, k, n] of [
      [33, 17, 50],
      [64, 64, 64],
      [5, 700, 9],
    ] as const)
      for (const [turnedA, turnedB] of [
        [false, false],
        [true, false],
        [false, true],
      ] as const)
        it.skipIf(!all && m !== 33 && (turnedA || turnedB))(
          `${m}×${k}×${n}${turnedA ? ' Aᵀ' : ''}${turnedB ? ' Bᵀ' : ''}`,
          () =>
            same(() => {
              const [a, b] = matrices(m, k, n, turnedA, turnedB);
              return [a.matmul(b)];
            }),
        );
    it('bias, activation and what reads both', () =>
      same(() => {
        const [a, b] = matrices(20, 40, 36);
        const y = a.matmul(b).add(numbers([36], 3));
        return [y.relu(), y.sigmoid().mul(numbers([20, 36], 4))];
      }));
    it('batches', () =>
      same(() => [einsum('bqhd,bkhd->bhqk', numbers([2, 7, 3, 8]), numbers([2, 9, 3, 8], 2))]));
    it('a vector', () =>
      same(() => [
        numbers([70, 300]).matmul(numbers([300], 2)),
        numbers([70], 3).matmul(numbers([70, 300])),
        numbers([300]).dot(numbers([300], 2)),
      ]));
    it.skipIf(!all)('tiles of 64 × 64', () =>
      same(() => [numbers([64, 70, 20]).matmul(numbers([64, 20, 66], 2))]),
    );
    it.skipIf(!all)('tiles of 128 × 128', () =>
      same(() => [numbers([256, 70, 20]).matmul(numbers([256, 20, 68], 2))]),
    );
    it('whole numbers', () =>
      same(() => {
        const [a, b] = matrices(10, 30, 12).map((x) => x.mul(1000).cast('int32')) as [Tensor, Tensor];
        return [a.matmul(b)];
      }, 0));
    it('no rows, no terms, one of all', () =>
      same(() => [
        numbers([0, 8]).matmul(numbers([8, 8])),
        numbers([8, 0]).matmul(numbers([0, 8])),
        numbers([1, 1]).matmul(numbers([1, 1], 5)),
      ]));
  });

  describe('convolutions and both gradients', () => {
    const check = (
      x: readonly number[],
      w: readonly number[],
      options: Parameters<typeof conv2d>[2],
    ): Promise<void> =>
      same(() => {
        const input = new Variable(numbers(x));
        const weight = new Variable(numbers(w, 2));
        const y = conv2d(input.value, weight.value, options);
        backward(y.mul(numbers(y.shape, 3)).sum());
        return [y, input.grad!, weight.grad!];
      });
    it('3 × 3, padded', () => check([2, 5, 9, 11], [6, 5, 3, 3], { padding: 1 }));
    it('stride 2, dilation 2', () =>
      check([2, 8, 14, 12], [8, 8, 3, 3], { stride: 2, dilation: 2, padding: 2 }));
    it('groups', () => check([2, 16, 8, 8], [20, 8, 3, 3], { groups: 2, padding: 1 }));
    it('each channel by itself', () => check([2, 12, 10, 10], [12, 1, 3, 3], { groups: 12, padding: 1 }));
  });

  describe('reductions', () => {
    const x = () => numbers([37, 70]);
    it('rows, columns, all', () => same(() => [x().sum(-1), x().sum(0), x().sum(), x().mean()]));
    it('of axes that are not neighbors', () => {
      const y = () => numbers([6, 20, 5, 7]);
      return same(() => [y().sum([0, 2]), y().max([1, 3]), y().prod([0])]);
    });
    it('extremes and their positions', () =>
      same(() => [x().max(-1), x().min(0), x().argmax(-1), x().argmin(0), x().mul(0).argmax(-1)], 0));
    it('NaN', () =>
      same(() => {
        const y = tensor([1, Number.NaN, 3, 4, Number.NaN, 0, Number.NEGATIVE_INFINITY, 2]).reshape([2, 4]);
        return [y.max(-1), y.argmax(-1), y.argmin(-1), y.sum(-1)];
      }, 0));
    it('bytes and bits', () =>
      same(() => {
        const y = x()
          .mul(100)
          .cast('uint8' satisfies DType);
        return [y.sum(-1), x().greater(0.99).max(-1), x().greater(-0.99).min(0)];
      }, 0));
    it('long ones by several workgroups', () =>
      same(() => [
        numbers([300_001]).sum(),
        numbers([300_001]).argmax(),
        numbers([100_001, 3]).sum(0),
        numbers([100_001, 3]).square().sum(0).sqrt(),
      ]));
    it('of nothing', () => same(() => [numbers([0, 4]).sum(0), numbers([4, 0]).sum(-1)], 0));
  });

  describe('scans and sorts', () => {
    it('running sums of long lines, both ways', () =>
      same(() => [numbers([3, 700]).cumsum(-1), numbers([300, 3]).cumsum(0, { reverse: true })], 1e-5));
    it('of very long ones by several workgroups', () =>
      same(() => [numbers([2, 30_001]).cumsum(-1), numbers([50_001]).cumsum(0, { reverse: true })], 1e-5));
    it('running products and whole numbers', () =>
      same(() => [
        numbers([4, 300]).mul(0.01).add(1).cumprod(-1),
        numbers([300, 2]).mul(100).cast('int32').cumsum(0),
      ]));
    it('sorts runs: equal ones in their order, NaN last', () =>
      same(() => {
        const x = numbers([3, 500]).mul(20).floor();
        const y = x.greater(15).where(Number.NaN, x);
        return [y.argsort(), y.argsort({ descending: true }), x.cast('int32').argsort()];
      }, 0));
    it.skipIf(!all)('sorts long lines', () => same(() => [numbers([2, 5000]).mul(100).floor().argsort()], 0));
  });

  describe('bands', () => {
    for (const [rows, columns] of [
      [37, 100],
      [300, 3],
      [40, 2000],
      [40, 6000],
    ] as const)
      it(`softmax of ${rows} rows of ${columns}`, async () => {
        const before = backend.counters.dispatches;
        await same(() => [softmax(numbers([rows, columns]).mul(5), -1)]);
        // The rows are made on the host, so the softmax is all there is to do.
        expect(backend.counters.dispatches - before).toBe(2);
      });
    it('a norm and its gradient', () =>
      same(() => {
        const input = new Variable(numbers([30, 64]));
        const gain = new Variable(numbers([64], 2));
        const x = input.value;
        const centred = x.sub(x.mean(-1, { keepDims: true }));
        const y = centred.div(centred.square().mean(-1, { keepDims: true }).add(1e-5).sqrt()).mul(gain.value);
        backward(y.mul(numbers([30, 64], 3)).sum());
        return [y, input.grad!, gain.grad!];
      }));
    it('groups of a row', () =>
      same(() => {
        const x = numbers([20, 4, 200]);
        return [x.sub(x.max(-1, { keepDims: true })), softmax(x, -1).sum(1)];
      }));
    it('logarithms of a softmax and its gradient', () =>
      same(() => {
        const input = new Variable(numbers([50, 10]));
        const y = logSoftmax(input.value, -1);
        backward(y.mul(numbers([50, 10], 2)).sum());
        return [y, input.grad!];
      }));
  });
});
