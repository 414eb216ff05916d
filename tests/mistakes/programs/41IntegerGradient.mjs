// A gradient by integers
// AG_NOT_DIFFERENTIABLE: Cast it with

import { grad } from '@ag/graph';
import { tensor } from '@ag/tensor';

const slope = grad((x) => x.square().sum());
slope(tensor([1, 2, 3], { dtype: 'int32' }));
