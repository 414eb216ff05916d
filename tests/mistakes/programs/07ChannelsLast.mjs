// Images with the channels last
// AG_SHAPE_MISMATCH: permute([0, 3, 1, 2])

import { conv2d, relu, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(conv2d(3, 8, 3), relu());
model.forward(zeros([8, 32, 32, 3]));
