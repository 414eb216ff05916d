// A step without backward
// AG_NO_GRADIENT: call backward(loss) first

import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { zeros } from '@ag/tensor';

const model = linear(2, 1);
const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
mseLoss(model.forward(zeros([4, 2])), zeros([4, 1]));
optimizer.step();
