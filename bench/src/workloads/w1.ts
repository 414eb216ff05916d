/** W1: XOR with a 2-2-1 sigmoid network: what a step costs besides arithmetic. */
import { xor } from '../problems/perceptrons.ts';
import { caseNames } from '../problems/problem.ts';
import { optimizerOf, train, trainingVariants, values, variables } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';

export const w1: Workload = {
  variants: trainingVariants,
  cases: {
    [caseNames.W1]: (variant) => {
      const problem = xor();
      const x = values(problem.x);
      const y = values(problem.y);
      const parameters = variables(problem);
      const [w1, b1, w2, b2] = parameters;
      return train(
        {
          loss: () => {
            const hidden = x.matmul(w1.value).add(b1.value).sigmoid();
            return hidden.matmul(w2.value).add(b2.value).sigmoid().sub(y).square().sum();
          },
          optimizer: optimizerOf(problem, parameters),
          batch: () => [],
          lossAt: problem.lossAt,
        },
        variant,
      );
    },
  },
};
