// Targets in thousands, not scaled
// AG_NON_FINITE_LOSS|AG_DIVERGING|AG_STANDING: the targets reach

import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss, relu, sequential } from '@ag/nn';
import { sgd } from '@ag/optim';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = Array.from({ length: 32 }, (_, i) => [300000 + 1000 * i]);
const model = sequential(linear(2, 16), relu(), linear(16, 1));
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
const data = tensorDataset(x, y);
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: mseLoss, train, epochs: 3 })) {
  // draw the loss
}
