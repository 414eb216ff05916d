// backward from more than one number
// AG_NOT_SCALAR: loss.mean()

import { backward } from '@ag/graph';
import { linear } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = linear(2, 1);
const error = model.forward(zeros([4, 2])).sub(1);
backward(error.square());
