// One-hot labels for another number of classes
// AG_SHAPE_MISMATCH: same number of classes

import { crossEntropy, linear } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = linear(3, 2);
crossEntropy(
  model.forward(zeros([2, 3])),
  tensor([
    [1, 0, 0],
    [0, 0, 1],
  ]),
);
