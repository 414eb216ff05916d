// A reshape to another number of elements
// AG_SHAPE_MISMATCH: −1 for one size

import { zeros } from '@ag/tensor';

zeros([32, 28, 28]).reshape([32, 748]);
