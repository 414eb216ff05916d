// Flattened images into a convolution
// AG_SHAPE_MISMATCH: x.reshape([-1, channels, height, width])

import { conv2d, relu, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(conv2d(1, 8, 3), relu());
model.forward(zeros([8, 784]));
