// A wrong width in the third layer
// AG_SHAPE_MISMATCH: in model.4: linear(100, 10), given [32, 64] float32

import { linear, relu, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(linear(784, 128), relu(), linear(128, 64), relu(), linear(100, 10));
model.forward(zeros([32, 784]));
