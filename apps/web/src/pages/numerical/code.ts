/** The program that trains both networks, for Node. */
import type { CompareRequest } from './compare.ts';

export function codeFor({ hidden, learningRate, difference, seed, steps }: CompareRequest): string {
  return `import { gradients, numericalGradient } from '@ag/graph';
import { mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { key, normal, splitKey, tensor, Variable } from '@ag/tensor';

const float64 = { dtype: 'float64' };
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]], float64);
const y = tensor([[0], [1], [1], [0]], float64);
let passes = 0;
const loss = ([w1, b1, w2, b2]) => {
  passes++;
  const h = x.matmul(w1.transpose()).add(b1).sigmoid();
  return mseLoss(h.matmul(w2.transpose()).add(b2).sigmoid(), y);
};
// Both answer with the loss and its slopes.
const numerical = (values) => [
  loss(values),
  values.map((value, i) =>
    numericalGradient((moved) => loss(values.map((v, j) => (j === i ? moved : v))), value, ${difference})),
];
const automatic = (values) => {
  const error = loss(values);
  return [error, gradients(error, values)];
};

for (const way of [numerical, automatic]) {
  const keys = splitKey(key(${seed}), 4);
  const variables = [[${hidden}, 2], [${hidden}], [1, ${hidden}], [1]].map(
    (shape, i) => new Variable(normal(shape, { key: keys[i], ...float64 })),
  );
  const optimizer = sgd(variables, { learningRate: ${learningRate} });
  passes = 0;
  for (let step = 0; step < ${steps}; step++) {
    const [error, slopes] = way(variables.map((variable) => variable.value));
    optimizer.step(new Map(variables.map((variable, i) => [variable, slopes[i]])));
    if (step === ${steps - 1}) console.log(way.name, 'loss', await error.item());
  }
  console.log(way.name, 'forward passes', passes);
}
`;
}
