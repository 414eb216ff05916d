/** W9: a small transformer that learns to count. */
import { crossEntropy } from '@ag/nn';
import { split, type Tensor, take, tensor, type Variable } from '@ag/tensor';
import { caseNames } from '../problems/problem.ts';
import { type Block, batchSize, heads, length, roles, transformer, width } from '../problems/transformer.ts';
import { optimizerOf, train, trainingVariants, values, variables } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';

const perHead = width / heads;

export const w9: Workload = {
  variants: trainingVariants,
  cases: {
    [caseNames.W9]: (variant) => {
      const problem = transformer();
      const parameters = variables(problem);
      const { tokens, positions, blocks, gain, shift, head } = roles(parameters);
      const mask = values(problem.mask);

      const block = (h: Tensor, b: Block<Variable>): Tensor => {
        const parts = split(
          normalize(h, b.gain1, b.shift1).matmul(b.attention.value),
          [width, width, width],
          1,
        );
        const [q, k, v] = parts.map((part) =>
          part.reshape([batchSize, length, heads, perHead]).permute([0, 2, 1, 3]),
        ) as [Tensor, Tensor, Tensor];
        const weights = q
          .matmul(k.transpose())
          .mul(perHead ** -0.5)
          .add(mask)
          .softmax();
        const attended = weights
          .matmul(v)
          .permute([0, 2, 1, 3])
          .reshape([batchSize * length, width]);
        const middle = h.add(attended.matmul(b.projection.value));
        const inner = normalize(middle, b.gain2, b.shift2)
          .matmul(b.up.value)
          .add(b.upBias.value)
          .gelu('tanh');
        return middle.add(inner.matmul(b.down.value).add(b.downBias.value));
      };

      return train(
        {
          loss: (current, next) => {
            let h = take(tokens.value, current)
              .reshape([batchSize, length, width])
              .add(positions.value)
              .reshape([batchSize * length, width]);
            for (const b of blocks) h = block(h, b);
            return crossEntropy(normalize(h, gain, shift).matmul(head.value), next);
          },
          optimizer: optimizerOf(problem, parameters),
          batch: (step) => problem.batch(step).map((array) => tensor(array, { copy: false })),
          lossAt: problem.lossAt,
        },
        variant,
      );
    },
  },
};

function normalize(x: Tensor, gain: Variable, shift: Variable): Tensor {
  const centered = x.sub(x.mean(-1, { keepDims: true }));
  const scale = centered.square().mean(-1, { keepDims: true }).add(1e-5).rsqrt();
  return centered.mul(scale).mul(gain.value).add(shift.value);
}
