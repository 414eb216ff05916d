// A learning rate of 10
// AG_NON_FINITE_LOSS|AG_DIVERGING: learning rate ten times smaller

import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss, relu, sequential } from '@ag/nn';
import { sgd } from '@ag/optim';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = Array.from({ length: 32 }, (_, i) => [Math.sin(i) - 0.5]);
const model = sequential(linear(2, 8), relu(), linear(8, 1));
const optimizer = sgd(model.parameters(), { learningRate: 10 });
const data = tensorDataset(x, y);
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: mseLoss, train, epochs: 3 })) {
  // draw the loss
}
