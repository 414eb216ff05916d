// Joining tensors along the wrong axis
// AG_SHAPE_MISMATCH: another axis

import { concat, zeros } from '@ag/tensor';

concat([zeros([4, 3]), zeros([4, 5])]);
