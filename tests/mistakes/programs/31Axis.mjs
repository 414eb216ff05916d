// An axis that does not exist
// AG_AXIS: axis 2 does not exist

import { zeros } from '@ag/tensor';

zeros([32, 10]).sum(2);
