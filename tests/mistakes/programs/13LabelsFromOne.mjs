// Labels that begin with 1
// AG_IMPOSSIBLE_TARGET: subtract 1

import { crossEntropy, linear } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = linear(4, 3);
crossEntropy(model.forward(zeros([3, 4])), tensor([1, 2, 3], { dtype: 'int32' }));
