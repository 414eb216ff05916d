// A word index as large as the table
// AG_INDEX_OUT_OF_RANGE: 0 … 99

import { embedding } from '@ag/nn';
import { tensor } from '@ag/tensor';

const words = embedding(100, 8);
const found = words.forward(tensor([3, 100], { dtype: 'int32' }));
await found.data();
