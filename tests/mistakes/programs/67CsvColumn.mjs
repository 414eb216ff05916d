// A CSV column that is not there
// AG_DATA_COLUMN: price

import { csvDataset } from '@ag/datasets';

const text = 'rooms,price\n3,100\n4,120\n';
await csvDataset({ text }, { target: 'Price' });
