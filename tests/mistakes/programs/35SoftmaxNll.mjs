// softmax before nllLoss
// AG_SOFTMAX_TWICE: logSoftmax

import { linear, nllLoss } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const probabilities = linear(4, 3)
  .forward(zeros([2, 4]))
  .softmax();
nllLoss(probabilities, tensor([0, 2], { dtype: 'int32' }));
