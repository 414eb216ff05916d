// A last layer with too few outputs
// AG_IMPOSSIBLE_TARGET: more outputs

import { crossEntropy, linear } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const labels = tensor([0, 1, 2], { dtype: 'int32' });
crossEntropy(linear(4, 2).forward(zeros([3, 4])), labels);
