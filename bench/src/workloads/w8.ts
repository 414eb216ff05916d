/** W8: elementwise work, a sum and a softmax over large arrays; results stay on the device. */
import { evaluate, type Tensor } from '@ag/tensor';
import { checkEnds, elementwise } from '../problems/kernels.ts';
import type { Values } from '../problems/problem.ts';
import { values } from '../process/training.ts';
import type { Run, Workload } from '../process/workload.ts';

export const w8: Workload = {
  variants: ['kept on the device'],
  cases: elementwise({
    sigmoid: (...arrays) => {
      const [a, b, c] = arrays.map(kept) as [Tensor, Tensor, Tensor];
      const compute = () => a.mul(b).add(c).sigmoid();
      return timed(compute, checkEnds(compute().dataSync()));
    },
    sum: (array) => {
      const a = kept(array);
      return timed(() => a.sum(), { sum: a.sum().itemSync() });
    },
    softmax: (array) => {
      const x = kept(array);
      return timed(() => x.softmax(), checkEnds(x.softmax().dataSync()));
    },
  }),
};

function kept(array: Values): Tensor {
  const x = values(array).mul(1);
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
