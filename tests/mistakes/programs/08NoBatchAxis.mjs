// One image without a batch axis
// AG_SHAPE_MISMATCH: x.unsqueeze(0)

import { conv2d, relu, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(conv2d(1, 8, 3), relu());
model.forward(zeros([1, 28, 28]));
