// sigmoid before bceWithLogits
// AG_SIGMOID_TWICE: leave the sigmoid out

import { bceWithLogits, linear, sequential, sigmoid } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = sequential(linear(4, 1), sigmoid());
bceWithLogits(model.forward(zeros([2, 4])), tensor([[0], [1]]));
