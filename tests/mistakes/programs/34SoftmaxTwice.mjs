// softmax before crossEntropy
// AG_SOFTMAX_TWICE: leave the softmax out

import { crossEntropy, linear, sequential, softmax } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = sequential(linear(4, 3), softmax());
crossEntropy(model.forward(zeros([2, 4])), tensor([0, 2], { dtype: 'int32' }));
