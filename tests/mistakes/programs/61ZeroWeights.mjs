// Initial weights that are all 0
// AG_STANDING: is 0 everywhere

import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss, relu, sequential } from '@ag/nn';
import { sgd } from '@ag/optim';
import { zeros } from '@ag/tensor';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = Array.from({ length: 32 }, (_, i) => [Math.sin(i) - 0.5]);
const model = sequential(
  linear(2, 8, { weightInit: zeros, biasInit: zeros }),
  relu(),
  linear(8, 1, { weightInit: zeros, bias: false }),
);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
const data = tensorDataset(x, y);
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: mseLoss, train, epochs: 10 })) {
  // draw the loss
}
