// A result of two steps ago
// AG_STALE_VALUE: built on version

import { backward } from '@ag/graph';
import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { ones, zeros } from '@ag/tensor';

const model = linear(2, 1);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
const outputs = [];
for (let i = 0; i < 3; i++) {
  const output = model.forward(ones([4, 2]));
  outputs.push(output.square());
  backward(mseLoss(output, zeros([4, 1])));
  optimizer.step();
}
await outputs[0].data();
