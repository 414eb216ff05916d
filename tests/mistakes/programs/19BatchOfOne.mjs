// Batch normalization of a batch of one
// AG_SHAPE_MISMATCH: eval()

import { batchNorm1d, linear, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

const model = sequential(linear(4, 8), batchNorm1d(8));
model.forward(zeros([1, 4]));
