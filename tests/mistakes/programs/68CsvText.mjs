// A text among numbers
// AG_DATA_VALUE: rooms

import { csvDataset } from '@ag/datasets';

const text = 'rooms,price\n3,100\nfour,120\n';
await csvDataset({ text }, { target: 'price' });
