// Batches larger than the data
// AG_DATA_OPTION: batch

import { dataLoader, tensorDataset } from '@ag/datasets';

const data = tensorDataset([[0], [1], [2]], [[0], [1], [2]]);
dataLoader(data, { batchSize: 64 });
