// A loop without step
// AG_STEP_MISSING: Call optimizer.step()

import { backward } from '@ag/graph';
import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { ones } from '@ag/tensor';

const model = linear(2, 1);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
for (let i = 0; i < 400; i++) {
  backward(mseLoss(model.forward(ones([4, 2])), ones([4, 1])));
}
