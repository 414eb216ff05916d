// An array in place of a tensor
// AG_NOT_A_TENSOR: make one with tensor(

import { linear } from '@ag/nn';

const model = linear(2, 1);
model.forward([[1, 2]]);
