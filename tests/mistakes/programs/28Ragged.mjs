// Rows of different lengths
// AG_SHAPE_MISMATCH: ragged

import { tensor } from '@ag/tensor';

tensor([
  [1, 2, 3],
  [4, 5],
]);
