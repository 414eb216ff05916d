// A dtype of another name
// AG_DTYPE: did you mean 'float32'

import { zeros } from '@ag/tensor';

zeros([2, 2], { dtype: 'float' });
