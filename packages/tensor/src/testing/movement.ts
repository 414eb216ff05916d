/**
 * Movement of elements: operations that change where elements are, not what they are.
 */
import {
  chunk,
  concat,
  diag,
  diagonal,
  expand,
  glu,
  pad,
  rearrange,
  reduce,
  repeat,
  roll,
  split,
  stack,
  tile,
  trace,
  tril,
  triu,
} from '../index.ts';
import { type GradientCase, gradientCase } from './gradientCase.ts';
import { floats, row, type StructuralRow } from './structural.ts';

export const movementRows: readonly StructuralRow[] = [
  row('reshape', 'with −1', [[4, 6]], (x) => x.reshape([3, 2, -1]), [3, 2, 4], ([i, j, k], x) => x(Math.floor((i * 8 + j * 4 + k) / 6), (i * 8 + j * 4 + k) % 6), { order: 3 }),
  row('permute', 'three axes', [[2, 3, 4]], (x) => x.permute([2, 0, 1]), [4, 2, 3], ([i, j, k], x) => x(j, k, i), { order: 3 }),
  row('broadcastTo', 'new and repeated axes', [[3, 1]], (x) => x.broadcastTo([2, 3, 4]), [2, 3, 4], ([, j], x) => x(j, 0)),
  row('slice', 'negative step', [[7, 5]], (x) => x.slice(5, 1, { step: -2 }).slice(1, 4, { axis: 1 }), [2, 3], ([i, j], x) => x(5 - 2 * i, j + 1)),
  row('flip', 'one axis', [[3, 4]], (x) => x.flip(1), [3, 4], ([i, j], x) => x(i, 3 - j)),
  row('pad', 'constant 1', [[2, 3]], (x) => x.pad([[1, 0], [0, 2]], 1), [3, 5], ([i, j], x) => (i < 1 || j > 2 ? 1 : x(i - 1, j))),
  row('concat', 'three parts', [[2, 3], [2, 1]], (x, y) => concat([x, y, x], 1), [2, 7], ([i, j], x, y) => (j < 3 ? x(i, j) : j === 3 ? y(i, 0) : x(i, j - 4))),
  row('stack', 'new inner axis', [[2, 3], [2, 3]], (x, y) => stack([x, y], 1), [2, 2, 3], ([i, j, k], x, y) => (j === 0 ? x : y)(i, k)),
  row('tril', 'tall, to above the diagonal', [[4, 3]], (x) => tril(x, 1), [4, 3], ([i, j], x) => (j <= i + 1 ? x(i, j) : 0)),
  row('triu', 'tall', [[4, 3]], (x) => triu(x, 0), [4, 3], ([i, j], x) => (j >= i ? x(i, j) : 0)),
  row('expand', 'elements of an axis of size 1', [[3, 1]], (x) => expand(x, [3, 4]), [3, 4], ([i], x) => x(i, 0)),
  row('chunk', 'the rest', [[2, 3]], (x) => chunk(x, 2, 1)[1], [2, 1], ([i], x) => x(i, 2)),
  row('pad', 'symmetric', [[2, 3]], (x) => x.pad([[0, 1], [3, 2]], { mode: 'symmetric' }), [3, 8], ([i, j], x) => x(Math.min(i, 1), [2, 1, 0, 0, 1, 2, 2, 1][j])),
  row('pad', 'circular', [[2, 3]], (x) => x.pad([[1, 0], [2, 3]], { mode: 'circular' }), [3, 8], ([i, j], x) => x((i + 1) % 2, (j + 1) % 3)),
  row('rearrange', 'axes taken apart, ordered, joined', [[2, 6, 3]], (x) => rearrange(x, 'b (h w) c -> (b c) w h', { h: 2 }), [6, 3, 2], ([i, w, h], x) => x(Math.floor(i / 3), h * 3 + w, i % 3)),
  row('rearrange', 'ellipsis', [[2, 3, 4]], (x) => rearrange(x, 'b ... -> (...) 1 b'), [12, 1, 2], ([i, , b], x) => x(b, Math.floor(i / 4), i % 4)),
  row('reduce', 'largest of blocks', [[4, 6]], (x) => reduce(x, '(h a) (w b) -> w h', 'max', { a: 2, b: 3 }), [2, 2], ([w, h], x) => Math.max(...[0, 1].flatMap((a) => [0, 1, 2].map((b) => x(2 * h + a, 3 * w + b))))),
  row('reduce', 'mean, kept as 1', [[4, 6]], (x) => reduce(x, 'a b -> 1 b', 'mean'), [1, 6], ([, j], x) => [0, 1, 2, 3].reduce((sum, i) => sum + x(i, j) / 4, 0), { dtypes: floats }),
  row('repeat', 'by a pattern', [[2, 3]], (x) => repeat(x, 'h w -> (w 2) c h', { c: 2 }), [6, 2, 2], ([i, , h], x) => x(h, Math.floor(i / 2))),
  row('glu', 'last axis', [[3, 4]], (x) => glu(x), [3, 2], ([i, j], x) => x(i, j) / (1 + Math.exp(-x(i, j + 2))), { dtypes: floats }),
  row('cast', 'to int32 and back', [[3, 4]], (x) => x.cast('int32').cast('float64'), [3, 4], ([i, j], x) => Math.trunc(x(i, j)), { order: 0 }),
  row('cast', 'to bool', [[3, 4]], (x) => x.cast('bool').cast('int32'), [3, 4], ([i, j], x) => (x(i, j) === 0 ? 0 : 1), { order: 0 }),
]; // biome-ignore format: a table

/** What no row says. */
export const furtherMovementCases: readonly GradientCase[] = [
  gradientCase(
    'slice',
    'after reshape, permute and flip',
    (x) => x.permute([1, 0, 2]).reshape([4, 6]).flip(0).slice(3, 0, { step: -2 }).square(),
    [[3, 4, 2]],
  ),
  gradientCase(
    'concat',
    'of a padded part',
    (x, y) =>
      concat([
        x.pad([
          [1, 0],
          [0, 1],
        ]),
        y,
      ]).square(),
    [
      [2, 2],
      [1, 3],
    ],
  ),
  gradientCase('broadcastTo', 'times itself', (x) => x.broadcastTo([3, 2, 2]).mul(x).tanh(), [[2, 1]]),
  gradientCase('reshape', 'after a permutation', (x) => x.permute([1, 0]).reshape([6]).square(), [[2, 3]], 2),
  gradientCase('reshape', 'zero-size', (x) => x.reshape([3, 0]).exp(), [[0, 5]], 2),
  gradientCase('flatten', 'inner axes', (x) => x.flatten(1).square(), [[2, 2, 2]], 2),
  gradientCase('squeeze', 'axis', (x) => x.squeeze(1).square(), [[2, 1, 3]], 2),
  gradientCase('unsqueeze', 'axis', (x) => x.unsqueeze(1).mul(x), [[3, 3]], 2),
  gradientCase('transpose', 'times itself', (x) => x.transpose().mul(x), [[3, 3]], 2),
  gradientCase('broadcastTo', 'scalar', (x) => x.broadcastTo([3]).square(), [[]], 2),
  gradientCase('broadcastTo', 'to zero-size', (x) => x.broadcastTo([0, 3]).square(), [[3]], 2),
  gradientCase('expand', 'axis of size 1', (x) => expand(x, [2, 3]).square(), [[2, 1]], 2),
  gradientCase(
    'slice',
    'parts that overlap',
    (x) => concat([x.slice(0, 2).square(), x.slice(1, 3).exp()]),
    [[3, 2]],
    3,
  ),
  gradientCase('slice', 'nothing', (x) => x.slice(2, 2).square(), [[3]], 2),
  gradientCase(
    'pad',
    'constant',
    (x) =>
      pad(x, [
        [1, 2],
        [0, 1],
      ]).square(),
    [[3, 2]],
    2,
  ),
  gradientCase(
    'pad',
    'reflect',
    (x) =>
      pad(
        x,
        [
          [1, 2],
          [0, 1],
        ],
        { mode: 'reflect' },
      ).square(),
    [[3, 2]],
    2,
  ),
  gradientCase(
    'pad',
    'edge',
    (x) =>
      pad(
        x,
        [
          [1, 2],
          [2, 1],
        ],
        { mode: 'edge' },
      ).square(),
    [[3, 2]],
    2,
  ),
  gradientCase('roll', 'one axis', (x) => roll(x, 1, 0).mul(x), [[3, 2]], 2),
  gradientCase('repeat', 'axis', (x) => repeat(x, 2, 0).square(), [[3, 2]], 2),
  gradientCase('tile', 'two axes', (x) => tile(x, [2, 3]).square(), [[2, 2]], 2),
  gradientCase('concat', 'the same twice', (x) => concat([x, x.square(), x], 1).square(), [[2, 2]], 3),
  gradientCase(
    'concat',
    'zero-size part',
    (a, b) => concat([a, b]).square(),
    [
      [0, 2],
      [3, 2],
    ],
    2,
  ),
  gradientCase('stack', 'new last axis', (a, b) => stack([a, b.square()], -1).square(), [[3], [3]], 2),
  gradientCase(
    'split',
    'three parts',
    (x) => split(x, [1, 2, 1]).reduce((sum, part) => sum.add(part.square().sum()), x.sum()),
    [[4, 2]],
    2,
  ),
  gradientCase(
    'chunk',
    'uneven',
    (x) => chunk(x, 2, 1).reduce((sum, part) => sum.mul(part.sum()), x.sum()),
    [[2, 3]],
    2,
  ),
  gradientCase('triu', 'above the diagonal', (x) => triu(x, 1).matmul(x), [[3, 3]], 2),
  gradientCase('trace', 'of a square', (x) => trace(x.matmul(x)), [[3, 3]], 2),
  gradientCase('diagonal', 'times itself', (x) => diagonal(x).square(), [[3, 3]], 2),
  gradientCase('diag', 'of a vector', (x) => diag(x).matmul(x), [[3]], 2),
];
