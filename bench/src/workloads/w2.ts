/** W2: a two-layer network without biases on one batch of noise, the example many tutorials begin with. */
import { twoLayers } from '../problems/perceptrons.ts';
import { caseNames } from '../problems/problem.ts';
import { optimizerOf, train, trainingVariants, values, variables } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';

export const w2: Workload = {
  variants: trainingVariants,
  cases: {
    [caseNames.W2]: (variant) => {
      const problem = twoLayers();
      const x = values(problem.x);
      const y = values(problem.y);
      const parameters = variables(problem);
      const [first, second] = parameters;
      return train(
        {
          loss: () => x.matmul(first.value).sigmoid().matmul(second.value).sub(y).square().sum(),
          optimizer: optimizerOf(problem, parameters),
          batch: () => [],
          lossAt: problem.lossAt,
        },
        variant,
      );
    },
  },
};
