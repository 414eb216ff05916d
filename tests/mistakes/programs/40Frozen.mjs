// Training what is frozen
// AG_FROZEN: module.unfreeze()

import { backward } from '@ag/graph';
import { linear, mseLoss } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = linear(2, 1).freeze();
backward(mseLoss(model.forward(zeros([4, 2])), zeros([4, 1])));
