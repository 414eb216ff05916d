// Numbers as texts
// AG_ARGUMENT_TYPE: Number

import { tensor } from '@ag/tensor';

const row = '5.1,3.5,1.4'.split(',');
tensor(row);
