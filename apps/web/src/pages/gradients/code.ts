/** The program that trains the lab's stack, for Node. */
import type { FlowRequest } from './flow.ts';

export function codeFor({
  depth,
  width,
  activation,
  initializer,
  std,
  normalization,
  residual,
  learningRate,
  seed,
}: FlowRequest): string {
  const init = {
    normal: `(shape) => nn.init.normal(shape, { std: ${std} })`,
    xavier: 'nn.init.xavierNormal',
    he: 'nn.init.heNormal',
    lecun: 'nn.init.lecunNormal',
    orthogonal: 'nn.init.orthogonal',
  }[initializer];
  const between = { none: '', batch: ` nn.batchNorm1d(${width}),`, layer: ` nn.layerNorm(${width}),` }[
    normalization
  ];
  const block = `nn.sequential(layer,${between} nn.${activation}())`;
  return `import { blobs, dataLoader, transforms } from '@ag/datasets';
import * as nn from '@ag/nn';
import { sgd } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { fit } from '@ag/train';

manualSeed(${seed});
const linears = Array.from({ length: ${depth} }, () =>
  nn.linear(${width}, ${width}, { weightInit: ${init}, biasInit: nn.init.zeros }));
const model = nn.sequential(
  ...linears.map((layer) => ${residual ? `nn.residual(${block})` : block}),
  nn.linear(${width}, 4),
);
const data = blobs({ count: 512, features: ${width}, centers: 4, deviation: 3, seed: ${seed} });
const train = dataLoader(data, {
  batchSize: 64, shuffle: true, seed: ${seed}, transform: transforms.standardize(data),
});
const optimizer = sgd(model.parameters(), { learningRate: ${learningRate} });
const run = fit({ model, optimizer, loss: nn.crossEntropy, train, epochs: 5, gradientNorms: 8 });
for await (const event of run) {
  if (event.type === 'step' && event.gradientNorms) console.log(event.step, event.loss, event.gradientNorms);
}
`;
}
