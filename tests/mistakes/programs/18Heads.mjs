// Features that heads cannot share
// AG_ARGUMENT_VALUE: divide

import { multiHeadAttention } from '@ag/nn';

multiHeadAttention(10, 4);
