// Data sorted by class, not shuffled
// AG_SORTED_DATA: shuffle: true

import { dataLoader, tensorDataset } from '@ag/datasets';
import { crossEntropy, linear } from '@ag/nn';
import { sgd } from '@ag/optim';
import { tensor } from '@ag/tensor';
import { fit } from '@ag/train';

const x = Array.from({ length: 32 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = Int32Array.from({ length: 32 }, (_, i) => Math.floor(i / 8));
const model = linear(2, 4);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
const data = tensorDataset(x, tensor(y));
const train = dataLoader(data, { batchSize: 4 });
for await (const event of fit({ model, optimizer, loss: crossEntropy, train, epochs: 3 })) {
  // draw the loss
}
