/**
 * Softmax and running sums: each element depends on others along an axis.
 */
import { cumprod, cumsum } from '../index.ts';
import { type GradientCase, gradientCase } from './gradientCase.ts';
import { withZeros } from './reductions.ts';
import { floats, line, row, type StructuralRow, sumOver } from './structural.ts';

export const scanRows: readonly StructuralRow[] = [
  row('softmax', 'first axis', [[4, 6]], (x) => x.softmax(0), [4, 6], ([i, j], x) => Math.exp(x(i, j)) / sumOver(4, (k) => Math.exp(x(k, j))), { order: 3, dtypes: floats }),
  row('logSoftmax', 'last axis', [[4, 6]], (x) => x.logSoftmax(), [4, 6], ([i, j], x) => x(i, j) - Math.log(sumOver(6, (k) => Math.exp(x(i, k)))), { order: 3, dtypes: floats }),
  row('cumsum', 'last axis', [[3, 5]], (x) => x.cumsum(1), [3, 5], ([i, j], x) => sumOver(j + 1, (k) => x(i, k))),
  row('cumsum', 'reverse, first axis', [[3, 5]], (x) => x.cumsum(0, { reverse: true }), [3, 5], ([i, j], x) => sumOver(3 - i, (k) => x(i + k, j))),
  row('cumprod', 'last axis', [[2, 4]], (x) => x.cumprod(), [2, 4], ([i, j], x) => line(j + 1, (k) => x(i, k)).reduce((a, b) => a * b, 1), { order: 3 }),
]; // biome-ignore format: a table

/** What no row says. */
export const furtherScanCases: readonly GradientCase[] = [
  gradientCase('softmax', 'last axis', (x) => x.softmax(), [[2, 4]], 3),
  gradientCase('softmax', 'one class', (x) => x.softmax(), [[3, 1]], 2),
  gradientCase('cumsum', 'first axis', (x) => cumsum(x, 0).square(), [[4, 2]], 3),
  gradientCase('cumsum', 'reverse', (x) => cumsum(x, -1, { reverse: true }).square(), [[2, 4]], 2),
  gradientCase('cumprod', 'zeros', (x) => cumprod(x, 1), [withZeros()], 2),
  gradientCase('cumprod', 'reverse, first axis', (x) => cumprod(x, 0, { reverse: true }), [[3, 2]], 2),
];
