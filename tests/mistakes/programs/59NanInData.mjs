// NaN in the data
// AG_NON_FINITE_LOSS: first in example 2

import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [i === 6 ? NaN : Math.sin(i), 1]);
const y = Array.from({ length: 32 }, (_, i) => [Math.sin(i) - 0.5]);
const model = linear(2, 1);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
const data = tensorDataset(x, y);
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: mseLoss, train, epochs: 3 })) {
  // draw the loss
}
