/**
 * W3: Boston housing, 13-10-1 with biases, mean square error, random batches of 16. They are picked in JavaScript,
 * or from tensors on the device by their positions.
 */
import { evaluate, type Tensor, take, tensor } from '@ag/tensor';
import { houses } from '../problems/perceptrons.ts';
import { caseNames } from '../problems/problem.ts';
import { onDevice, optimizerOf, train, trainingVariants, values, variables } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';

export const w3 = (data: string): Workload => ({
  variants: [...trainingVariants, ...onDevice],
  cases: {
    [caseNames.W3]: (variant) => {
      const problem = houses(data);
      const { batchSize, features, lossAt } = problem;
      const parameters = variables(problem);
      const [w1, b1, w2, b2] = parameters;
      const optimizer = optimizerOf(problem, parameters);
      const loss = (input: Tensor, target: Tensor): Tensor =>
        input
          .matmul(w1.value)
          .add(b1.value)
          .sigmoid()
          .matmul(w2.value)
          .add(b2.value)
          .sub(target)
          .square()
          .mean();
      if (onDevice.includes(variant)) {
        const inputs = values(problem.x).mul(1);
        const targets = values(problem.y).mul(1);
        evaluate([inputs, targets], { keep: true });
        return train(
          {
            loss: (picked) => loss(take(inputs, picked), take(targets, picked)),
            optimizer,
            batch: (step) => [tensor(problem.rows(step), { copy: false })],
            lossAt,
          },
          variant,
        );
      }
      return train(
        {
          loss: (input, target) => loss(input, target),
          optimizer,
          batch: (step) => {
            const [inputs, targets] = problem.batch(step);
            return [
              tensor(inputs, { shape: [batchSize, features], copy: false }),
              tensor(targets, { shape: [batchSize, 1], copy: false }),
            ];
          },
          lossAt,
        },
        variant,
      );
    },
  },
});
