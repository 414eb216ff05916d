// item() of more than one number
// AG_ARGUMENT_VALUE|AG_SHAPE_MISMATCH: data()

import { zeros } from '@ag/tensor';

const losses = zeros([32]);
await losses.item();
