// Class indices for a loss of numbers
// AG_SHAPE_MISMATCH: crossEntropy

import { linear, mseLoss } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = linear(3, 4);
mseLoss(model.forward(zeros([6, 3])), tensor([0, 1, 2, 3, 0, 1], { dtype: 'int32' }));
