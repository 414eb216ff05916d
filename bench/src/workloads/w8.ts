/** W8: elementwise work, a sum and a softmax over large arrays; results stay on the device. */
import { evaluate, type Tensor } from '@ag/tensor';
import { randomArray } from '../numbers.ts';
import { values } from '../training.ts';
import type { Run, Workload } from '../workload.ts';

export const w8: Workload = {
  variants: ['kept on the device'],
  cases: {
    ...Object.fromEntries(
      ['1M', '10M'].flatMap((size) => {
        const count = size === '1M' ? 1e6 : 1e7;
        return [
          [`sigmoid(a·b+c) ${size}`, () => sigmoid(count)],
          [`sum ${size}`, () => sum(count)],
        ];
      }),
    ),
    'softmax 1024×1024': softmax,
  },
};

function kept(seed: number, shape: readonly number[]): Tensor {
  const count = shape.reduce((n, size) => n * size, 1);
  const x = values(randomArray(seed, count, 1), shape).mul(1);
  evaluate([x], { keep: true });
  return x;
}

function timed(compute: () => Tensor, check: Run['check']): Run {
  return {
    check,
    step: () => {
      const y = compute();
      evaluate([y], { keep: true });
      y.dispose();
    },
  };
}

function sigmoid(count: number): Run {
  const [a, b, c] = [81, 82, 83].map((seed) => kept(seed, [count])) as [Tensor, Tensor, Tensor];
  const compute = () => a.mul(b).add(c).sigmoid();
  const y = compute().dataSync();
  return timed(compute, { first: y[0]!, last: y[count - 1]! });
}

function sum(count: number): Run {
  const a = kept(81, [count]);
  return timed(() => a.sum(), { sum: a.sum().itemSync() });
}

function softmax(): Run {
  const x = kept(84, [1024, 1024]);
  const y = x.softmax().dataSync();
  return timed(() => x.softmax(), { first: y[0]!, last: y[y.length - 1]! });
}
