/**
 * Indexing and sorting: elements picked, added or ordered by position.
 */
import { argsort, gather, indexSelect, scatterAdd, sort, take, tensor, topK } from '../index.ts';
import { roundEven } from './elementwise.ts';
import { convention, type GradientCase, gradientCase, numbers, positions } from './gradientCase.ts';
import { line, row, type StructuralRow, sumOver } from './structural.ts';

const table = [[4, 0], [-1, 2]]; // biome-ignore format: a table
const columns = [[3, 0], [1, 1], [-4, 2]]; // biome-ignore format: a table
const targets = [[1, 1], [1, 0], [3, 1]]; // biome-ignore format: a table

export const indexingRows: readonly StructuralRow[] = [
  row('take', 'rows', [[5, 3]], (x) => take(x, positions(table)), [2, 2, 3], ([i, j, k], x) => x((table[i][j] + 5) % 5, k)),
  row('gather', 'repeated positions', [[3, 4]], (x) => gather(x, positions(columns), 1), [3, 2], ([i, j], x) => x(i, (columns[i][j] + 4) % 4)),
  row(
    'scatterAdd', 'repeated positions', [[4, 2], [3, 2]], (x, u) => scatterAdd(x, positions(targets), u, 0),
    [4, 2], ([i, j], x, u) => x(i, j) + sumOver(3, (r) => (targets[r][j] === i ? u(r, j) : 0)), { dtypes: ['float32', 'float64', 'int32'] },
  ),
  row('sort', 'columns', [[4, 9]], (x) => sort(x, 1), [4, 9], ([i, j], x) => line(9, (k) => x(i, k)).sort((a, b) => a - b)[j]),
  row(
    'argsort', 'descending and stable', [[6, 4]], (x) => argsort(x.round(), 0, { descending: true }),
    [6, 4], ([i, j], x) => line(6, (k) => k).sort((a, b) => roundEven(x(b, j)) - roundEven(x(a, j)) || a - b)[i], { order: 0, dtypes: ['float32', 'int32', 'uint8'] },
  ),
  row('topK', 'values', [[3, 8]], (x) => topK(x, 2).values, [3, 2], ([i, j], x) => line(8, (k) => x(i, k)).sort((a, b) => b - a)[j]),
]; // biome-ignore format: a table

/** What no row says. */
export const furtherIndexingCases: readonly GradientCase[] = [
  gradientCase(
    'gather',
    'broadcast index',
    (x) => gather(x, positions([[0, -1, 2]]), 1).square(),
    [[2, 3]],
    2,
  ),
  gradientCase('indexSelect', 'columns', (x) => indexSelect(x, 1, positions([2, 0])).square(), [[2, 3]], 2),
  gradientCase(
    'index',
    'position, range, ellipsis',
    (x) => x.index(1, '...', { step: -1 }).square(),
    [[2, 2, 3]],
    2,
  ),
  gradientCase(
    'index',
    'positions',
    (x) =>
      x
        .index(positions([1, 0, 1]))
        .mul(2)
        .exp(),
    [[2, 2]],
    2,
  ),
  gradientCase('index', 'mask', (x) => x.index(tensor([1, 0, 1], { dtype: 'bool' })).square(), [[3, 2]], 2),
  gradientCase(
    'sort',
    'axis',
    (x) =>
      sort(x, 0)
        .mul(numbers([[1], [2], [3]]))
        .square(),
    [[3, 2]],
    2,
  ),
  gradientCase('sort', 'descending', (x) => sort(x, -1, { descending: true }).cumsum().square(), [[2, 3]], 2),

  convention('sort', 'tie keeps its order', (x) => sort(x).mul(numbers([1, 2, 3])), [[5, 1, 5]], [[2, 1, 3]]),
  convention('topK', 'tie: the first', (x) => topK(x, 1).values, [[1, 3, 3]], [[0, 1, 0]]),
];
