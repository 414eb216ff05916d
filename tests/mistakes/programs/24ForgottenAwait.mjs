// A promise that was not awaited
// AG_NOT_A_TENSOR: awaited

import { linear } from '@ag/nn';
import { zeros } from '@ag/tensor';

const load = async () => zeros([4, 2]);
linear(2, 1).forward(load());
