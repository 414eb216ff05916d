// A sequence without its time axis
// AG_SHAPE_MISMATCH: x.unsqueeze(1)

import { lstm } from '@ag/nn';
import { zeros } from '@ag/tensor';

const layer = lstm(8, 16);
layer.forward(zeros([4, 8]));
