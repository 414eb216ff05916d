/** Loops on the device give the values of the reference backend: with and without a condition, in both directions, of bytes, nested. */
import { gradients } from '@ag/graph';
import {
  cholesky,
  cond,
  fori,
  key,
  normal,
  ones,
  reference,
  scalar,
  scan,
  sigmoid,
  type Tensor,
  tanh,
  tensor,
  uniform,
  use,
  whileLoop,
  zeros,
} from '@ag/tensor';
import { expectCloseData } from '@ag/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebGpuBackend, webgpu } from './index.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();

const draw = (shape: readonly number[], seed: number): Tensor => normal(shape, { key: key(seed) });

/** A recurrent layer over 90 steps: more than are recorded together. */
function recurrent(weight: Tensor): Tensor {
  const x = draw([90, 3, 5], 1);
  return scan(
    (h: Tensor, row: Tensor) => {
      const next = tanh(h.matmul(weight).add(row));
      return [next, sigmoid(next)];
    },
    zeros([3, 5]),
    x,
  ).ys;
}

const programs: Record<string, () => Tensor[]> = {
  'a recurrent layer and its gradient': () => {
    const w = draw([5, 5], 2).mul(0.3);
    const y = recurrent(w);
    const [gradient] = gradients(y.square().sum(), [w]);
    return [y, gradient];
  },
  'from the last row to the first': () => {
    const { carry, ys } = scan((s: Tensor, x: Tensor) => [s.mul(0.5).add(x), s], scalar(0), draw([7], 3), {
      reverse: true,
    });
    return [carry, ys];
  },
  'steps of a number': () => [
    fori(5, (i, x: Tensor) => x.mul(2).add(i.cast('float32')), ones([3])),
    scan((c: Tensor) => [c.mul(2), c], scalar(1), null, { length: 5 }).ys,
  ],
  'no steps': () => {
    const { carry, ys } = scan((c: Tensor, x: Tensor) => [c.add(x), c], scalar(5), zeros([0]));
    return [carry, ys];
  },
  'until a condition holds': () => {
    const [x, n] = whileLoop(
      ([value]) => value.less(100),
      ([value, count]) => [value.mul(3), count.add(1)] as const,
      [scalar(1), scalar(0, { dtype: 'int32' })] as readonly [Tensor, Tensor],
    );
    return [x, n];
  },
  'a branch': () => [
    cond(
      scalar(1).greater(0),
      (x: Tensor) => x.add(1),
      (x: Tensor) => x.sub(1),
      ones([2]),
    ),
    cond(
      scalar(-1).greater(0),
      (x: Tensor) => x.add(1),
      (x: Tensor) => x.sub(1),
      ones([2]),
    ),
  ],
  'rows of bool of an odd length': () => {
    const x = draw([6, 3], 4);
    const { carry, ys } = scan(
      (seen: Tensor, row: Tensor) => {
        const next = seen.logicalOr(row.greater(0.5));
        return [next, next];
      },
      zeros([3], { dtype: 'bool' }),
      x,
    );
    return [carry, ys];
  },
  'all states of a carried bool': () => {
    const { ys } = scan(
      (seen: Tensor, row: Tensor) => [row.greater(0).logicalOr(seen), seen],
      zeros([3], { dtype: 'bool' }),
      draw([6, 3], 5),
    );
    return [ys];
  },
  'random numbers of each step': () => {
    const { ys } = scan(
      (c: Tensor, x: Tensor) => [c, x.add(uniform([4], { key: key(9) }))],
      scalar(0),
      draw([3, 4], 6),
    );
    return [ys];
  },
  'a loop in a loop': () => {
    const { carry, ys } = scan(
      (s: Tensor, row: Tensor) => {
        const inner = scan((t: Tensor, x: Tensor) => [t.add(x), t.mul(x)], s, row);
        return [inner.carry.mul(0.5), inner.ys];
      },
      scalar(0),
      draw([4, 3], 7),
    );
    return [carry, ys];
  },
  'a routine of the host in the body': () => {
    const a = draw([3, 4, 4], 8);
    const { ys } = scan(
      (c: Tensor, x: Tensor) => [
        c,
        cholesky(
          x.matmul(x.transpose()).add(
            tensor([
              [4, 0, 0, 0],
              [0, 4, 0, 0],
              [0, 0, 4, 0],
              [0, 0, 0, 4],
            ]),
          ),
        ),
      ],
      scalar(0),
      a,
    );
    return [ys];
  },
};

describe.skipIf(gpu === undefined)('loops on WebGPU', () => {
  const oracle = reference();
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpu({ gpu });
  });
  afterAll(() => use(oracle));

  for (const [name, program] of Object.entries(programs)) {
    it(name, async () => {
      const compute = async (): Promise<ArrayLike<number>[]> => {
        const read: ArrayLike<number>[] = [];
        for (const result of program()) read.push(await result.data());
        return read;
      };
      use(oracle);
      const expected = await compute();
      use(backend);
      const actual = await compute();
      expected.forEach((data, i) => {
        expectCloseData(actual[i], data, { relative: 1e-4, absolute: 1e-5 }, `${name}, result ${i}`);
      });
    });
  }

  it('records many steps in few submissions', async () => {
    use(backend);
    const w = draw([5, 5], 2).mul(0.3);
    await recurrent(w).data();
    const { submits, dispatches } = { ...backend.counters };
    await recurrent(w).data();
    expect(backend.counters.dispatches - dispatches).toBeGreaterThanOrEqual(90);
    expect(backend.counters.submits - submits).toBeLessThan(8);
  });
});
