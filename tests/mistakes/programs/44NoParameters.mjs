// An optimizer without parameters
// AG_PARAMETERS: model.parameters()

import { adam } from '@ag/optim';

adam([]);
