/** W6: a convolutional network on MNIST: two 5×5 convolutions with max-pooling and a dense layer. */
import { crossEntropy } from '@ag/nn';
import { conv2d, maxPool2d, type Tensor, tensor, type Variable } from '@ag/tensor';
import { convolutional } from '../problems/convolutional.ts';
import { caseNames } from '../problems/problem.ts';
import { optimizerOf, train, trainingVariants, variables } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';

export const w6 = (data: string): Workload => ({
  variants: trainingVariants,
  cases: {
    [caseNames.W6]: (variant) => {
      const problem = convolutional(data, 'first');
      const { batchSize } = problem;
      const parameters = variables(problem);
      const [kernel1, bias1, kernel2, bias2, weight, bias] = parameters;
      return train(
        {
          loss: (input, target) => {
            const a = convolve(input, kernel1, bias1);
            const b = convolve(a, kernel2, bias2);
            return crossEntropy(b.reshape([batchSize, 1568]).matmul(weight.value).add(bias.value), target);
          },
          optimizer: optimizerOf(problem, parameters),
          batch: (step) => {
            const [x, labels] = problem.batch(step);
            return [
              tensor(x, { shape: [batchSize, 1, 28, 28], copy: false }),
              tensor(labels, { copy: false }),
            ];
          },
          lossAt: problem.lossAt,
        },
        variant,
      );
    },
  },
});

function convolve(x: Tensor, kernel: Variable, bias: Variable): Tensor {
  return maxPool2d(conv2d(x, kernel.value, { padding: 2 }).add(bias.value).relu(), 2);
}
