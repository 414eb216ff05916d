// Images into a linear layer
// AG_SHAPE_MISMATCH: flatten() before it

import { linear, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(linear(784, 10));
model.forward(zeros([8, 1, 28, 28]));
