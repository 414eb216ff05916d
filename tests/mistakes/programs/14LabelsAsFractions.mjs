// Labels that are no whole numbers
// AG_IMPOSSIBLE_TARGET: whole numbers

import { crossEntropy, linear } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = linear(4, 3);
crossEntropy(model.forward(zeros([3, 4])), tensor([0.5, 1, 2]));
