// More inputs than labels
// AG_DATA_MISMATCH: 3

import { tensorDataset } from '@ag/datasets';

tensorDataset(
  [
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  [[0], [1]],
);
