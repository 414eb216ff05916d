// Operators between tensors
// AG_ARGUMENT_TYPE: a.mul(2)

import { tensor } from '@ag/tensor';

const x = tensor([1, 2, 3]);
const y = x * 2;
