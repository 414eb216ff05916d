// Parameters that are given twice
// AG_PARAMETERS: new Set(parameters)

import { linear, relu, sequential, sigmoid } from '@ag/nn';
import { adam } from '@ag/optim';

const shared = linear(4, 4);
const first = sequential(shared, relu());
const second = sequential(shared, sigmoid());
adam([...first.parameters(), ...second.parameters()]);
