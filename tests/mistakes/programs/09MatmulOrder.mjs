// A matrix product the wrong way round
// AG_SHAPE_MISMATCH: transpose()

import { zeros } from '@ag/tensor';

const x = zeros([32, 10]);
const weight = zeros([4, 10]);
x.matmul(weight);
