/**
 * Softmax and running sums: each element depends on others along an axis.
 */
import { cummax, cummin, cumprod, cumsum, logCumsumExp } from '../index.ts';
import { convention, type GradientCase, gradientCase } from './gradientCase.ts';
import { withZeros } from './reductions.ts';
import { floats, line, row, type StructuralRow, sumOver } from './structural.ts';

export const scanRows: readonly StructuralRow[] = [
  row('softmax', 'first axis', [[4, 6]], (x) => x.softmax(0), [4, 6], ([i, j], x) => Math.exp(x(i, j)) / sumOver(4, (k) => Math.exp(x(k, j))), { order: 3, dtypes: floats }),
  row('logSoftmax', 'last axis', [[4, 6]], (x) => x.logSoftmax(), [4, 6], ([i, j], x) => x(i, j) - Math.log(sumOver(6, (k) => Math.exp(x(i, k)))), { order: 3, dtypes: floats }),
  row('cumsum', 'last axis', [[3, 5]], (x) => x.cumsum(1), [3, 5], ([i, j], x) => sumOver(j + 1, (k) => x(i, k))),
  row('cumsum', 'reverse, first axis', [[3, 5]], (x) => x.cumsum(0, { reverse: true }), [3, 5], ([i, j], x) => sumOver(3 - i, (k) => x(i + k, j))),
  row('cumprod', 'last axis', [[2, 4]], (x) => x.cumprod(), [2, 4], ([i, j], x) => line(j + 1, (k) => x(i, k)).reduce((a, b) => a * b, 1), { order: 3 }),
  row('cumsum', 'exclusive', [[3, 5]], (x) => x.cumsum(1, { exclusive: true }), [3, 5], ([i, j], x) => sumOver(j, (k) => x(i, k))),
  row('cumsum', 'exclusive from the end, first axis', [[3, 5]], (x) => x.cumsum(0, { exclusive: true, reverse: true }), [3, 5], ([i, j], x) => sumOver(2 - i, (k) => x(i + 1 + k, j))),
  row('cumprod', 'exclusive', [[2, 4]], (x) => x.cumprod(1, { exclusive: true }), [2, 4], ([i, j], x) => line(j, (k) => x(i, k)).reduce((a, b) => a * b, 1)),
  row('cummax', 'last axis', [[3, 7]], (x) => cummax(x), [3, 7], ([i, j], x) => Math.max(...line(j + 1, (k) => x(i, k)))),
  row('cummin', 'first axis', [[7, 3]], (x) => cummin(x, 0), [7, 3], ([i, j], x) => Math.min(...line(i + 1, (k) => x(k, j)))),
  row('logCumsumExp', 'last axis', [[3, 6]], (x) => logCumsumExp(x), [3, 6], ([i, j], x) => Math.log(sumOver(j + 1, (k) => Math.exp(x(i, k)))), { order: 3, dtypes: floats }),
]; // biome-ignore format: a table

/** What no row says. */
export const furtherScanCases: readonly GradientCase[] = [
  gradientCase('softmax', 'last axis', (x) => x.softmax(), [[2, 4]], 3),
  gradientCase('softmax', 'one class', (x) => x.softmax(), [[3, 1]], 2),
  gradientCase('cumsum', 'first axis', (x) => cumsum(x, 0).square(), [[4, 2]], 3),
  gradientCase('cumsum', 'reverse', (x) => cumsum(x, -1, { reverse: true }).square(), [[2, 4]], 2),
  gradientCase('logCumsumExp', 'first axis', (x) => logCumsumExp(x, 0), [[5, 2]], 2),
  convention('cummax', 'tie: the last', (x) => cummax(x), [[2, 1, 2, 2]], [[2, 0, 1, 1]]),
  gradientCase('cumprod', 'zeros', (x) => cumprod(x, 1), [withZeros()], 2),
  gradientCase('cumprod', 'reverse, first axis', (x) => cumprod(x, 0, { reverse: true }), [[3, 2]], 2),
];
