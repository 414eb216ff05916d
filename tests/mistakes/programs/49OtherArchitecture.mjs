// Weights of another architecture
// AG_STATE_MISMATCH: nothing was changed

import { linear, relu, sequential } from '@ag/nn';

const small = sequential(linear(4, 8), relu(), linear(8, 2));
const large = sequential(linear(4, 16), relu(), linear(16, 16), relu(), linear(16, 2));
large.loadStateDict(small.stateDict());
