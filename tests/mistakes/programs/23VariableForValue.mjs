// A variable in place of its value
// AG_NOT_A_TENSOR: variable.value

import { ones, Variable, zeros } from '@ag/tensor';

const scale = new Variable(ones([3]), { name: 'scale' });
zeros([2, 3]).mul(scale);
