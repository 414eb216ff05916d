// An optimizer of another model
// AG_TRAINING_OPTION: adam(model.parameters())

import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = Array.from({ length: 32 }, (_, i) => [Math.sin(i) - 0.5]);
const model = linear(2, 1);
const optimizer = sgd(linear(2, 1).parameters(), { learningRate: 0.1 });
const data = tensorDataset(x, y);
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: mseLoss, train, epochs: 3 })) {
  // draw the loss
}
