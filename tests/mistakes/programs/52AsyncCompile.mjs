// An async function to compile
// AG_ASYNC_FUNCTION: must not be async

import { compile } from '@ag/graph';
import { tensor } from '@ag/tensor';

const step = compile(async (x) => x.mul(2));
step(tensor([1, 2]));
