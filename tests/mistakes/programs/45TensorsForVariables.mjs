// An optimizer of tensors
// AG_PARAMETERS: model.parameters()

import { adam } from '@ag/optim';
import { zeros } from '@ag/tensor';

const weight = zeros([3, 3]);
adam([weight]);
