// Predictions [n, 1] against targets [n]
// AG_SHAPE_MISMATCH: target.unsqueeze(-1)

import { linear, mseLoss } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = linear(3, 1);
mseLoss(model.forward(zeros([16, 3])), zeros([16]));
