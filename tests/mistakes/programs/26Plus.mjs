// + between tensors
// AG_OPERATOR: a.add(b)

import { tensor } from '@ag/tensor';

const x = tensor([1, 2, 3]);
const y = x + x;
