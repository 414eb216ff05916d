// An option in another spelling
// AG_UNKNOWN_OPTION: did you mean 'batchSize'

import { dataLoader, tensorDataset } from '@ag/datasets';

const data = tensorDataset([[0], [1]], [[0], [1]]);
dataLoader(data, { batch_size: 2 });
