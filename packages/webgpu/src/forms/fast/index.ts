/** Forms that are fast where they apply, asked in this order before the plain ones. */
import type { Form } from '../form.ts';
import { band } from './band.ts';
import { tiledProduct } from './contract.ts';
import { fastReduce, thinProduct } from './reduce.ts';
import { fastScan } from './scan.ts';
import { fastSort } from './sort.ts';

export const fastForms: readonly Form[] = [band, thinProduct, tiledProduct, fastReduce, fastScan, fastSort];
