// An option of another library
// AG_UNKNOWN_OPTION: did you mean 'learningRate'

import { linear } from '@ag/nn';
import { adam } from '@ag/optim';

const model = linear(4, 3);
adam(model.parameters(), { lr: 0.1 });
