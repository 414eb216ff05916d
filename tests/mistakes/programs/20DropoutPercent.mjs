// A percentage for a probability
// AG_ARGUMENT_VALUE: give 0.5

import { dropout, linear, sequential } from '@ag/nn';

sequential(linear(4, 8), dropout(50));
