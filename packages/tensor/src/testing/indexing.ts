/**
 * Indexing and sorting: elements picked, added or ordered by position.
 */
import {
  argsort,
  gather,
  indexSelect,
  max,
  min,
  scatter,
  scatterAdd,
  segmentMax,
  segmentMean,
  segmentMin,
  segmentSum,
  sort,
  take,
  tensor,
  topK,
} from '../index.ts';
import { roundEven } from './elementwise.ts';
import { convention, type GradientCase, gradientCase, numbers, positions } from './gradientCase.ts';
import { floats, line, row, type StructuralRow, sumOver } from './structural.ts';

const table = [[4, 0], [-1, 2]]; // biome-ignore format: a table
const columns = [[3, 0], [1, 1], [-4, 2]]; // biome-ignore format: a table
const segments = [1, 3, 1, 0, 3]; // biome-ignore format: a table
const numbersOnly = { dtypes: ['float32', 'float64', 'int32'] } as const;
/** The rows of a segment. */
const rowsOf = (s: number): number[] => segments.flatMap((own, i) => (own === s ? [i] : []));
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
  row('indexSelect', 'elements of columns', [[2, 4]], (x) => indexSelect(x, 1, positions([2, 0])), [2, 2], ([i, j], x) => x(i, [2, 0][j])),
  row('scatter', 'set, the last stays', [[4, 2], [3, 2]], (x, u) => scatter(x, positions(targets), u, 0), [4, 2], ([i, j], x, u) => { const r = line(3, (k) => k).filter((k) => targets[k][j] === i).at(-1); return r === undefined ? x(i, j) : u(r, j); }),
  row('scatter', 'mul', [[4, 2], [3, 2]], (x, u) => scatter(x, positions(targets), u, 0, { combine: 'mul' }), [4, 2], ([i, j], x, u) => line(3, (r) => (targets[r][j] === i ? u(r, j) : 1)).reduce((a, b) => a * b, x(i, j)), numbersOnly),
  row('scatter', 'max', [[4, 2], [3, 2]], (x, u) => scatter(x, positions(targets), u, 0, { combine: 'max' }), [4, 2], ([i, j], x, u) => Math.max(x(i, j), ...line(3, (r) => (targets[r][j] === i ? u(r, j) : Number.NEGATIVE_INFINITY)))),
  row('scatter', 'min, broadcast updates', [[4, 2], [3, 1]], (x, u) => scatter(x, positions(targets), u, 0, { combine: 'min' }), [4, 2], ([i, j], x, u) => Math.min(x(i, j), ...line(3, (r) => (targets[r][j] === i ? u(r, 0) : Number.POSITIVE_INFINITY)))),
  row('scatter', 'add, broadcast positions', [[2, 4], [2, 3]], (x, u) => scatter(x, positions([[0, -1, 0]]), u, 1, { combine: 'add' }), [2, 4], ([i, j], x, u) => x(i, j) + (j === 0 ? u(i, 0) + u(i, 2) : j === 3 ? u(i, 1) : 0), numbersOnly),
  row('at', 'set a row', [[3, 4], [4]], (x, v) => x.at(1).set(v), [3, 4], ([i, j], x, v) => (i === 1 ? v(j) : x(i, j))),
  row('at', 'add to a range', [[3, 4], [3, 2]], (x, v) => x.at(':', { start: 1, step: 2 }).add(v), [3, 4], ([i, j], x, v) => x(i, j) + (j % 2 === 1 ? v(i, (j - 1) / 2) : 0), numbersOnly),
  row('at', 'mul at pairs of positions', [[3, 4], [2]], (x, v) => x.at(positions([0, 2]), positions([3, 1])).mul(v), [3, 4], ([i, j], x, v) => x(i, j) * (i === 0 && j === 3 ? v(0) : i === 2 && j === 1 ? v(1) : 1), numbersOnly),
  row('at', 'max of rows that repeat', [[3, 4], [2, 4]], (x, v) => x.at(positions([2, 2])).max(v), [3, 4], ([i, j], x, v) => (i === 2 ? Math.max(x(i, j), v(0, j), v(1, j)) : x(i, j))),
  row('at', 'min, all', [[3, 4], []], (x, v) => x.at().min(v), [3, 4], ([i, j], x, v) => Math.min(x(i, j), v())),
  row('segmentSum', 'rows', [[5, 3]], (x) => segmentSum(x, positions(segments), 4), [4, 3], ([s, j], x) => rowsOf(s).reduce((sum, i) => sum + x(i, j), 0), numbersOnly),
  row('segmentMean', 'rows', [[5, 3]], (x) => segmentMean(x, positions(segments), 4), [4, 3], ([s, j], x) => rowsOf(s).reduce((sum, i) => sum + x(i, j), 0) / Math.max(1, rowsOf(s).length), { dtypes: floats }),
  row('segmentMax', 'rows', [[5, 3]], (x) => segmentMax(x, positions(segments), 2 + 2).slice(0, 2), [2, 3], ([s, j], x) => Math.max(...rowsOf(s).map((i) => x(i, j)))),
  row('segmentMin', 'rows', [[5, 3]], (x) => segmentMin(x, positions(segments)).slice(0, 2), [2, 3], ([s, j], x) => Math.min(...rowsOf(s).map((i) => x(i, j)))),
  row('max', 'with positions', [[4, 9]], (x) => max(x, 1, { indices: true }).values, [4], ([i], x) => Math.max(...line(9, (k) => x(i, k)))),
  row('min', 'positions', [[4, 9]], (x) => min(x, 0, { indices: true, keepDims: true }).indices, [1, 9], ([, j], x) => line(4, (k) => k).reduce((best, k) => (x(k, j) < x(best, j) ? k : best), 0), { order: 0 }),
  row('sort', 'positions', [[4, 9]], (x) => sort(x).indices, [4, 9], ([i, j], x) => line(9, (k) => k).sort((a, b) => x(i, a) - x(i, b) || a - b)[j], { order: 0 }),
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
  convention(
    'scatter',
    'set: the last',
    (x, u) => scatter(x, positions([1, 1]), u, 0),
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 0],
      [0, 1],
    ],
  ),
  convention(
    'scatter',
    'max, tie',
    (x, u) => scatter(x, positions([1, 1]), u, 0, { combine: 'max' }),
    [
      [1, 2],
      [2, 2],
    ],
    [
      [1, 0.5],
      [0.25, 0.25],
    ],
  ),
  convention(
    'scatter',
    'min, tie',
    (x, u) => scatter(x, positions([1, 1]), u, 0, { combine: 'min' }),
    [
      [1, 2],
      [2, 2],
    ],
    [
      [1, 0.5],
      [0.25, 0.25],
    ],
  ),
  convention(
    'scatter',
    'mul, zeros',
    (x, u) => scatter(x, positions([0, 0, 1]), u, 0, { combine: 'mul' }),
    [
      [5, 7],
      [0, 3, 0],
    ],
    [
      [0, 0],
      [15, 0, 7],
    ],
  ),
  convention('topK', 'tie: the first', (x) => topK(x, 1).values, [[1, 3, 3]], [[0, 1, 0]]),
];
