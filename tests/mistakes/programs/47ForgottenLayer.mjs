// A layer that the optimizer does not have
// AG_UNOWNED_PARAMETERS: Give them to an optimizer

import { backward } from '@ag/graph';
import { linear, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { zeros } from '@ag/tensor';

const body = linear(2, 4);
const head = linear(4, 1);
const optimizer = sgd(head.parameters(), { learningRate: 0.1 });
backward(mseLoss(head.forward(body.forward(zeros([4, 2]))), zeros([4, 1])));
