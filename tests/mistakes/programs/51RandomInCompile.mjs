// Math.random in a compiled function
// AG_IMPURE_FUNCTION: traced once

import { compile } from '@ag/graph';
import { tensor } from '@ag/tensor';

const noisy = compile((x) => x.mul(Math.random()));
noisy(tensor([1, 2]));
noisy(tensor([1, 2]));
