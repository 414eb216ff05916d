/**
 * Picking, rearranging and summing by notation, against NumPy. Each row has the NumPy expression, ours, and what
 * NumPy 2 printed for the former (shape and elements) with these operands, row-major:
 *
 * ```python
 * def seq(*shape): return ((np.arange(np.prod(shape)) * 7 + 3) % 11 - 5).astype(np.float64).reshape(shape)
 * x, y, v, z = seq(3, 4), seq(2, 3, 4), seq(5), seq(2, 3, 4, 2)
 * i, j, k, m, mv = np.array([2, 0, -1]), np.array([[0], [3]]), np.array([1, 0]), x > 0, np.array([True, False, True])
 * a, b, c, s, t, q, kk = seq(2, 3), seq(3, 4), seq(4, 2), seq(3, 3), seq(2, 2, 2), seq(2, 5, 3, 2), seq(2, 4, 3, 2)
 * ```
 */
import { describe, expect, it } from 'vitest';
import {
  argsort,
  chunk,
  concat,
  diag,
  diagonal,
  einsum,
  nonzero,
  ones,
  sort,
  split,
  stack,
  type Tensor,
  take,
  tensor,
  tensordot,
  topK,
  trace,
  tril,
  triu,
  zeros,
} from '../index.ts';

function sequence(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, n) => ((n * 7 + 3) % 11) - 5),
    { shape },
  );
}

const [x, y, v, z] = [sequence([3, 4]), sequence([2, 3, 4]), sequence([5]), sequence([2, 3, 4, 2])];
const [i, j, k] = [
  [2, 0, -1],
  [[0], [3]],
  [1, 0],
].map((data) => tensor(data, { dtype: 'int32' })) as [Tensor, Tensor, Tensor];
const [m, mv] = [x.greater(0), tensor([true, false, true], { dtype: 'bool' })];
const [a, b, c, s, t] = [
  sequence([2, 3]),
  sequence([3, 4]),
  sequence([4, 2]),
  sequence([3, 3]),
  sequence([2, 2, 2]),
];
const [q, kk] = [sequence([2, 5, 3, 2]), sequence([2, 4, 3, 2])];

type Row = readonly [
  numpy: string,
  ours: () => Tensor,
  shape: readonly number[],
  elements: readonly number[],
];

// biome-ignore format: a table
const rows: readonly Row[] = [
  ["x[1]", () => x.index(1), [4], [4, 0, -4, 3]],
  ["x[-1, 2]", () => x.index(-1, 2), [], [2]],
  ["x[:, 1:-1]", () => x.index(':', { start: 1, end: -1 }), [3, 2], [5, 1, 0, -4, -5, 2]],
  ["x[::-1, 3:0:-2]", () => x.index({ step: -1 }, { start: 3, end: 0, step: -2 }), [3, 2], [-2, -5, 3, 0, -3, 5]],
  ["x[-2:, 10:]", () => x.index({ start: -2 }, { start: 10 }), [2, 0], []],
  ["y[..., 0]", () => y.index('...', 0), [2, 3], [-2, 4, -1, 5, 0, -5]],
  ["y[None, 1, ..., None]", () => y.index(null, 1, '...', null), [1, 3, 4, 1], [5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5]],
  ["y[...]", () => y.index('...'), [2, 3, 4], [-2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5]],
  ["y[0, ..., ::2]", () => y.index(0, '...', { step: 2 }), [3, 2], [-2, 1, 4, -4, -1, 2]],
  ["x[i]", () => x.index(i), [3, 4], [-1, -5, 2, -2, -2, 5, 1, -3, -1, -5, 2, -2]],
  ["x[:, i]", () => x.index(':', i), [3, 3], [1, -2, -3, -4, 4, 3, 2, -1, -2]],
  ["x[i, i]", () => x.index(i, i), [3], [2, -2, -2]],
  ["x[i, j]", () => x.index(i, j), [2, 3], [-1, -2, -1, -2, -3, -2]],
  ["y[k, :, k]", () => y.index(k, ':', k), [2, 3], [1, -4, 2, -2, 4, -1]],
  ["y[:, i, i]", () => y.index(':', i, i), [2, 3], [2, -2, -2, -2, 5, 5]],
  ["y[1, :, i]", () => y.index(1, ':', i), [3, 3], [-3, 3, -2, 5, 0, -5, 4, -1, 5]],
  ["y[:, 1, i]", () => y.index(':', 1, i), [2, 3], [-4, 4, 3, 3, 0, -1]],
  ["y[i[1:2], None, 2]", () => y.index(i.slice(1, 2), null, 2), [1, 1, 4], [-1, -5, 2, -2]],
  ["z[:, i, i, :]", () => z.index(':', i, i, ':'), [2, 3, 2], [-5, 2, -2, 5, -2, 5, -2, 5, 1, -3, 1, -3]],
  ["z[k, :, :, k]", () => z.index(k, ':', ':', k), [2, 3, 4], [-3, 0, 3, -5, -2, 1, 4, -4, -1, 2, 5, -3, -2, 1, 4, -4, -1, 2, 5, -3, 0, 3, -5, -2]],
  ["y[k, 1:, i[:2]]", () => y.index(k, { start: 1 }, i.index({ end: 2 })), [2, 2], [3, -2, 4, -1]],
  ["x[m]", () => x.index(m), [5], [5, 1, 4, 3, 2]],
  ["x[mv]", () => x.index(mv), [2, 4], [-2, 5, 1, -3, -1, -5, 2, -2]],
  ["x[:, 1][mv]", () => x.index(':', 1).index(mv), [2], [5, -5]],
  ["y[:, mv]", () => y.index(':', mv), [2, 2, 4], [-2, 5, 1, -3, -1, -5, 2, -2, 5, 1, -3, 4, -5, 2, -2, 5]],
  ["y[0, m]", () => y.index(0, m), [5], [5, 1, 4, 3, 2]],
  ["y[:, m]", () => y.index(':', m), [2, 5], [5, 1, 4, 3, 2, 1, -3, 0, -1, -2]],
  ["x[m & ~m]", () => x.index(m.logicalAnd(m.logicalNot())), [0], []],
  ["np.roll(x, 1)", () => x.roll(1), [3, 4], [-2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2]],
  ["np.roll(x, -1, 0)", () => x.roll(-1, 0), [3, 4], [4, 0, -4, 3, -1, -5, 2, -2, -2, 5, 1, -3]],
  ["np.roll(x, [1, 6], [0, -1])", () => x.roll([1, 6], [0, -1]), [3, 4], [2, -2, -1, -5, 1, -3, -2, 5, -4, 3, 4, 0]],
  ["np.roll(y, 2, (0, 2))", () => y.roll(2, [0, 2]), [2, 3, 4], [1, -3, -2, 5, -4, 3, 4, 0, 2, -2, -1, -5, -3, 4, 5, 1, 3, -1, 0, -4, -2, 5, -5, 2]],
  ["np.repeat(x, 2)", () => x.repeat(2), [24], [-2, -2, 5, 5, 1, 1, -3, -3, 4, 4, 0, 0, -4, -4, 3, 3, -1, -1, -5, -5, 2, 2, -2, -2]],
  ["np.repeat(x, 3, 0)", () => x.repeat(3, 0), [9, 4], [-2, 5, 1, -3, -2, 5, 1, -3, -2, 5, 1, -3, 4, 0, -4, 3, 4, 0, -4, 3, 4, 0, -4, 3, -1, -5, 2, -2, -1, -5, 2, -2, -1, -5, 2, -2]],
  ["np.repeat(x, 2, -1)", () => x.repeat(2, -1), [3, 8], [-2, -2, 5, 5, 1, 1, -3, -3, 4, 4, 0, 0, -4, -4, 3, 3, -1, -1, -5, -5, 2, 2, -2, -2]],
  ["np.repeat(x, 0, 0)", () => x.repeat(0, 0), [0, 4], []],
  ["np.tile(v, 2)", () => v.tile(2), [10], [-2, 5, 1, -3, 4, -2, 5, 1, -3, 4]],
  ["np.tile(x, (2, 1, 2))", () => x.tile([2, 1, 2]), [2, 3, 8], [-2, 5, 1, -3, -2, 5, 1, -3, 4, 0, -4, 3, 4, 0, -4, 3, -1, -5, 2, -2, -1, -5, 2, -2, -2, 5, 1, -3, -2, 5, 1, -3, 4, 0, -4, 3, 4, 0, -4, 3, -1, -5, 2, -2, -1, -5, 2, -2]],
  ["np.tile(y, 2)", () => y.tile(2), [2, 3, 8], [-2, 5, 1, -3, -2, 5, 1, -3, 4, 0, -4, 3, 4, 0, -4, 3, -1, -5, 2, -2, -1, -5, 2, -2, 5, 1, -3, 4, 5, 1, -3, 4, 0, -4, 3, -1, 0, -4, 3, -1, -5, 2, -2, 5, -5, 2, -2, 5]],
  ["np.tile(x, (0, 1))", () => x.tile([0, 1]), [0, 4], []],
  ["np.pad(x, ((1, 0), (2, 3)), mode='edge')", () => x.pad([[1, 0], [2, 3]], { mode: 'edge' }), [4, 9], [-2, -2, -2, 5, 1, -3, -3, -3, -3, -2, -2, -2, 5, 1, -3, -3, -3, -3, 4, 4, 4, 0, -4, 3, 3, 3, 3, -1, -1, -1, -5, 2, -2, -2, -2, -2]],
  ["np.pad(x, ((2, 1), (0, 3)), mode='reflect')", () => x.pad([[2, 1], [0, 3]], { mode: 'reflect' }), [6, 7], [-1, -5, 2, -2, 2, -5, -1, 4, 0, -4, 3, -4, 0, 4, -2, 5, 1, -3, 1, 5, -2, 4, 0, -4, 3, -4, 0, 4, -1, -5, 2, -2, 2, -5, -1, 4, 0, -4, 3, -4, 0, 4]],
  ["np.pad(v, (2, 1), constant_values=9)", () => v.pad([[2, 1]], { value: 9 }), [8], [9, 9, -2, 5, 1, -3, 4, 9]],
  ["np.pad(v, (0, 4), mode='reflect')", () => v.pad([[0, 4]], { mode: 'reflect' }), [9], [-2, 5, 1, -3, 4, -3, 1, 5, -2]],
  ["np.take(x, j, 1)", () => take(x, j, 1), [3, 2, 1], [-2, -3, 4, 3, -1, -2]],
  ["np.take(x, i[0], 0)", () => x.take(i.index(0)), [4], [-1, -5, 2, -2]],
  ["np.diag(v)", () => diag(v), [5, 5], [-2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 4]],
  ["np.diag(v, 2)", () => diag(v, 2), [7, 7], [0, 0, -2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["np.diag(v, -1)", () => diag(v, -1), [6, 6], [0, 0, 0, 0, 0, 0, -2, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 0, 4, 0]],
  ["np.diag(x)", () => diag(x), [3], [-2, 0, 2]],
  ["np.diag(x, 2)", () => diag(x, 2), [2], [1, 3]],
  ["np.diag(x, -1)", () => diag(x, -1), [2], [4, -5]],
  ["np.diag(x, 9)", () => diag(x, 9), [0], []],
  ["np.diagonal(y, 1, -2, -1)", () => diagonal(y, 1), [2, 3], [5, -4, -2, 1, 3, 5]],
  ["np.trace(x, 1)", () => trace(x, 1), [], [-1]],
  ["np.tril(x, 1)", () => tril(x, 1), [3, 4], [-2, 5, 0, 0, 4, 0, -4, 0, -1, -5, 2, -2]],
  ["np.triu(y, -1)", () => triu(y, -1), [2, 3, 4], [-2, 5, 1, -3, 4, 0, -4, 3, 0, -5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, 0, 2, -2, 5]],
  ["np.sort(x)", () => sort(x), [3, 4], [-3, -2, 1, 5, -4, 0, 3, 4, -5, -2, -1, 2]],
  ["np.sort(x, 0)", () => sort(x, 0), [3, 4], [-2, -5, -4, -3, -1, 0, 1, -2, 4, 5, 2, 3]],
  ["np.argsort(x, 0, kind='stable')", () => argsort(x, 0), [3, 4], [0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1]],
  ["-np.sort(-x, 1)", () => sort(x, 1, { descending: true }), [3, 4], [5, 1, -2, -3, 4, 3, 0, -4, 2, -1, -2, -5]],
  ["np.concatenate(np.split(x, [1, 1], 1)[::-1], 1)", () => concat(split(x, [1, 0, 3], 1).toReversed(), 1), [3, 4], [5, 1, -3, -2, 0, -4, 3, 4, -5, 2, -2, -1]],
  ["np.stack([x, -x], -1)", () => stack([x, x.neg()], -1), [3, 4, 2], [-2, 2, 5, -5, 1, -1, -3, 3, 4, -4, 0, 0, -4, 4, 3, -3, -1, 1, -5, 5, 2, -2, -2, 2]],
  ["np.clip(x, np.array([[-1], [0], [1]]), np.array([2, 3, 2, 3]))", () => x.clamp(tensor([[-1], [0], [1]]), tensor([2, 3, 2, 3])), [3, 4], [-1, 3, 1, -1, 2, 0, 0, 3, 1, 1, 2, 1]],
  ["np.einsum('ij,jk->ik', a, b)", () => einsum('ij,jk->ik', a, b), [2, 4], [23, -15, -20, 19, 22, -15, -19, 21]],
  ["np.einsum('ij,jk', a, b)", () => einsum('ij,jk', a, b), [2, 4], [23, -15, -20, 19, 22, -15, -19, 21]],
  ["np.einsum('ij,jk->ki', a, b)", () => einsum('ij,jk->ki', a, b), [4, 2], [23, 22, -15, -15, -20, -19, 19, 21]],
  ["np.einsum('ij->ji', a)", () => einsum('ij->ji', a), [3, 2], [-2, -3, 5, 4, 1, 0]],
  ["np.einsum('ba', a)", () => einsum('ba', a), [3, 2], [-2, -3, 5, 4, 1, 0]],
  ["np.einsum('ij->', a)", () => einsum('ij->', a), [], [5]],
  ["np.einsum('ij->j', a)", () => einsum('ij->j', a), [3], [-5, 9, 1]],
  ["np.einsum('ii', s)", () => einsum('ii', s), [], [1]],
  ["np.einsum('ii->i', s)", () => einsum('ii->i', s), [3], [-2, 4, -1]],
  ["np.einsum('iii->i', t)", () => einsum('iii->i', t), [2], [-2, 3]],
  ["np.einsum('iij->ij', t)", () => einsum('iij->ij', t), [2, 2], [-2, 5, -4, 3]],
  ["np.einsum('ij,ij->ij', a, a)", () => einsum('ij,ij->ij', a, a), [2, 3], [4, 25, 1, 9, 16, 0]],
  ["np.einsum('ij,ij', a, a)", () => einsum('ij,ij', a, a), [], [55]],
  ["np.einsum('i,j->ij', v, v)", () => einsum('i,j->ij', v, v), [5, 5], [4, -10, -2, 6, -8, -10, 25, 5, -15, 20, -2, 5, 1, -3, 4, 6, -15, -3, 9, -12, -8, 20, 4, -12, 16]],
  ["np.einsum('i,i', v, v)", () => einsum('i,i', v, v), [], [55]],
  ["np.einsum('ij,jk,kl->il', a, b, c)", () => einsum('ij,jk,kl->il', a, b, c), [2, 2], [-217, 217, -219, 218]],
  ["np.einsum('ij,jk,ki->', a, b, c)", () => einsum('ij,jk,ki->', a, b, c), [], [1]],
  ["np.einsum('i,ij,j', a[0], s, a[1])", () => einsum('i,ij,j', a.index(0), s, a.index(1)), [], [97]],
  ["np.einsum('bqhd,bkhd->bhqk', q, kk)", () => einsum('bqhd,bkhd->bhqk', q, kk), [2, 3, 5, 4], [29, 23, -5, -11, 23, 25, -17, -15, -5, -17, 26, 14, -11, -15, 14, 10, -17, -13, 2, 6, 10, 14, -15, -11, 14, 26, -17, -5, -15, -17, 25, 23, -11, -5, 23, 29, 4, -4, -12, -20, 16, 8, 0, -8, 8, 8, 8, -14, 0, 8, 16, -20, -8, -14, -20, 29, -16, -14, -12, 23, 14, 26, -17, -5, -15, -17, 25, 23, -11, -5, 23, 29, 4, -4, -12, -20, 8, 8, -14, -14, 8, 8, 8, -14, 0, 8, 16, -20, -8, -14, -20, 29, -16, -14, -12, 23, 20, 8, -4, -5, -17, 26, 14, 2, -15, 14, 10, 6, -13, 2, 6, 10, -11, -10, 2, 14, 24, -11, -13, -15]],
  ["np.einsum('...ij->...ji', y)", () => einsum('...ij->...ji', y), [2, 4, 3], [-2, 4, -1, 5, 0, -5, 1, -4, 2, -3, 3, -2, 5, 0, -5, 1, -4, 2, -3, 3, -2, 4, -1, 5]],
  ["np.einsum('...ij,...j->...i', y, x[0])", () => einsum('...ij,...j->...i', y, x.index(0)), [2, 3], [39, -21, -15, -20, -14, 3]],
  ["np.einsum('...ij,jk', y, c)", () => einsum('...ij,jk', y, c), [2, 3, 2], [25, -34, -36, 29, 13, 4, -37, 34, 12, 9, -16, -16]],
  ["np.einsum('...i->...', y)", () => einsum('...i->...', y), [2, 3], [1, 3, -6, 7, -2, 0]],
  ["np.einsum('ij...,jk...->ik...', t, t)", () => einsum('ij...,jk...->ik...', t, t), [2, 2, 2], [8, 25, -6, -24, -24, 0, 20, 9]],
  ["np.einsum('ij,ab->', a, b)", () => einsum('ij,ab->', a, b), [], [-10]],
  ["np.einsum('ij,k->ikj', a, v)", () => einsum('ij,k->ikj', a, v), [2, 5, 3], [4, -10, -2, -10, 25, 5, -2, 5, 1, 6, -15, -3, -8, 20, 4, 6, -8, 0, -15, 20, 0, -3, 4, 0, 9, -12, 0, -12, 16, 0]],
  ["np.einsum('ij,jk->jik', a, b)", () => einsum('ij,jk->jik', a, b), [3, 2, 4], [4, -10, -2, 6, 6, -15, -3, 9, 20, 0, -20, 15, 16, 0, -16, 12, -1, -5, 2, -2, 0, 0, 0, 0]],
  ["np.einsum('i...,i...', a, a)", () => einsum('i...,i...', a, a), [3], [13, 41, 1]],
  ["np.einsum(' i j , j k -> i k ', a, b)", () => einsum(' i j , j k -> i k ', a, b), [2, 4], [23, -15, -20, 19, 22, -15, -19, 21]],
  ["np.einsum('ij,ij->i', a, a[:1])", () => einsum('ij,ij->i', a, a.slice(0, 1)), [2], [30, 26]],
  ["np.einsum('bij,bjk->bik', y, seq(2,4,2))", () => einsum('bij,bjk->bik', y, sequence([2, 4, 2])), [2, 3, 2], [25, -34, -36, 29, 13, 4, -30, -14, 10, 7, -16, 39]],
  ["np.einsum('ij,jk,jl->ikl', a, b, b)", () => einsum('ij,jk,jl->ikl', a, b, b), [2, 4, 4], [73, 25, -78, 50, 25, -25, -20, 40, -78, -20, 82, -58, 50, 40, -58, 31, 52, 30, -58, 30, 30, -75, -15, 45, -58, -15, 61, -39, 30, 45, -39, 9]],
  ["np.tensordot(y, y.transpose(1, 2, 0))", () => tensordot(y, y.permute([1, 2, 0])), [2, 2], [114, -54, -54, 135]],
  ["np.tensordot(a, c, ([0], [1]))", () => tensordot(a, c, [[0], [1]]), [3, 4], [-11, 7, -8, -1, 10, -7, 20, -8, -2, 1, 4, -4]],
  ["np.tensordot(v, v, 0)", () => tensordot(v, v, 0), [5, 5], [4, -10, -2, 6, -8, -10, 25, 5, -15, 20, -2, 5, 1, -3, 4, 6, -15, -3, 9, -12, -8, 20, 4, -12, 16]],
  ["np.tensordot(y, b, ([1, 2], [0, 1]))", () => tensordot(y, b, [[1, 2], [0, 1]]), [2], [114, -54]],
  ["np.linalg.norm(x)", () => x.norm(), [], [10.677078252]],
  ["np.linalg.norm(x, axis=0)", () => x.norm(0), [4], [4.582575695, 7.0710678119, 4.582575695, 4.6904157598]],
  ["np.linalg.norm(x, 1, axis=1, keepdims=True)", () => x.norm(1, { p: 1, keepDims: true }), [3, 1], [11, 11, 10]],
  ["np.linalg.norm(x, np.inf, axis=0)", () => x.norm(0, { p: Number.POSITIVE_INFINITY }), [4], [4, 5, 4, 3]],
  ["np.linalg.norm(x, -np.inf, axis=0)", () => x.norm(0, { p: Number.NEGATIVE_INFINITY }), [4], [1, 0, 1, 2]],
  ["np.linalg.norm(x, 0, axis=-1)", () => x.norm(-1, { p: 0 }), [3], [4, 3, 4]],
  ["np.linalg.norm(x, 3, axis=1)", () => x.norm(1, { p: 3 }), [3], [5.4401218254, 5.3716853549, 5.2171034463]],
  ["np.linalg.norm(x, 1.5, axis=1)", () => x.norm(1, { p: 1.5 }), [3], [7.4183060856, 7.6589874154, 6.826808063]],
  ["np.linalg.norm(v, -1)", () => v.norm(0, { p: -1 }), [], [0.4379562044]],
  ["np.sqrt((y * y).sum((0, 2)))", () => y.norm([0, 2]), [3], [9.4868329805, 8.1853527719, 9.5916630466]],
];

describe('against NumPy', () => {
  for (const [name, ours, shape, elements] of rows) {
    it(name, () => {
      const result = ours();
      expect(result.shape).toEqual(shape);
      const found = result.dataSync();
      expect(found.length).toBe(elements.length);
      elements.forEach((value, n) => {
        expect(found[n], `element ${n}`).toBeCloseTo(value, 9);
      });
    });
  }
});

describe('index', () => {
  it('takes positions found without reading synchronously', async () => {
    expect(await x.index(...(await nonzero(m))).toArray()).toEqual(await x.index(m).toArray());
  });
  it('says what does not fit', () => {
    expect(() => x.index(3)).toThrow('index: position 3 is outside an axis of size 3');
    expect(() => x.index(0, 0, 0)).toThrow('index: 3 axes are indexed, but [3, 4] has 2');
    expect(() => x.index('...', '...')).toThrow("'...' may stand only once");
    expect(() => x.index(tensor([true, false], { dtype: 'bool' }))).toThrow(
      'a mask of shape [2] does not fit axes of sizes [3]',
    );
    expect(() => x.index(tensor([3], { dtype: 'int32' })).dataSync()).toThrow(RangeError);
    expect(() =>
      x.index(tensor([0], { dtype: 'int32' }), tensor([4], { dtype: 'int32' })).dataSync(),
    ).toThrow(RangeError);
    expect(() => x.index('all' as never)).toThrow('index: expected a number');
  });
});

describe('pieces', () => {
  it('splits into pieces of one size and into parts', () => {
    const shapes = (list: readonly Tensor[]): readonly (readonly number[])[] =>
      list.map((piece) => piece.shape);
    expect(shapes(split(x, 3, 1))).toEqual([
      [3, 3],
      [3, 1],
    ]);
    expect(shapes(split(x, [0, 4], 1))).toEqual([
      [3, 0],
      [3, 4],
    ]);
    expect(shapes(split(zeros([0, 2]), 2))).toEqual([[0, 2]]);
    expect(shapes(chunk(x, 2, 1))).toEqual([
      [3, 2],
      [3, 2],
    ]);
    expect(shapes(chunk(x, 9))).toEqual([
      [1, 4],
      [1, 4],
      [1, 4],
    ]);
    expect(shapes(chunk(zeros([0, 2]), 2))).toEqual([[0, 2]]);
    expect(stack([ones([]), zeros([])]).shape).toEqual([2]);
    expect(concat([zeros([0, 2]), ones([1, 2])]).shape).toEqual([1, 2]);
  });
  it('says what does not fit', () => {
    expect(() => split(x, [1, 1])).toThrow('split: sizes 1 + 1 = 2 do not add up to 3');
    expect(() => split(x, [4, -1])).toThrow('whole numbers ≥ 0');
    expect(() => split(x, 0)).toThrow('split: the size must be a whole number ≥ 1');
    expect(() => chunk(x, 0)).toThrow('chunk: the count must be a whole number ≥ 1');
    expect(() => stack([])).toThrow('at least one tensor');
    expect(() => stack([x, y])).toThrow('stack: shapes differ');
    expect(() => concat([x, sequence([3, 3])])).toThrow('concat: shapes must be equal except along axis 0');
    expect(() => x.pad([[1, 1]])).toThrow('pad: give one [before, after]');
    expect(() =>
      x.pad(
        [
          [3, 0],
          [0, 0],
        ],
        { mode: 'reflect' },
      ),
    ).toThrow("mode 'reflect' can add at most 2 elements to an axis of size 3");
    expect(() => zeros([0]).pad([[1, 0]], { mode: 'edge' })).toThrow('at most 0');
    expect(() => x.roll([1, 2], 0)).toThrow('roll: shifts');
    expect(() => x.repeat(-1, 0)).toThrow('repeat: the count');
    expect(() => x.tile([1.5])).toThrow('tile: a count');
    expect(() => x.clamp(2, 1)).toThrow('clamp: the lower limit 2');
  });
});

describe('einsum', () => {
  it('sums products of bool and uint8 as int32', async () => {
    const big = tensor([200, 200], { dtype: 'uint8' });
    expect(einsum('i,i', big, big).dtype).toBe('int32');
    expect(await einsum('i,i', big, big).item()).toBe(80000);
    expect(await einsum('i,i->i', big, big).toArray()).toEqual([40000, 40000]);
  });
  it('says what does not fit', () => {
    expect(() => einsum('ij,jk', a)).toThrow("einsum: 2 terms and 1 operands in 'ij,jk' for [2, 3]");
    expect(() => einsum('ij,jk->ik', a, a)).toThrow("sizes 3 and 2 of axis 'j'");
    expect(() => einsum('i->i', a)).toThrow("the term 'i' names 1 axes of 2");
    expect(() => einsum('ij->ik', a)).toThrow("axis 'k' of the output, which no operand has");
    expect(() => einsum('ij->ii', a)).toThrow("axis 'i' twice in the output");
    expect(() => einsum('i1->i', a)).toThrow("the term 'i1'");
    expect(() => tensordot(a, a, 1)).toThrow(
      'tensordot: axes [1] of [2, 3] and [0] of [2, 3] do not pair up',
    );
  });
});

describe('sorting', () => {
  it('takes the largest with their positions', async () => {
    const { values, indices } = topK(
      tensor([
        [3, 1, 2],
        [5, 6, 4],
      ]),
      2,
    );
    expect(await values.toArray()).toEqual([
      [3, 2],
      [6, 5],
    ]);
    expect(await indices.toArray()).toEqual([
      [0, 2],
      [1, 0],
    ]);
    expect(
      topK(
        tensor([
          [3, 1, 2],
          [5, 6, 4],
        ]),
        1,
        0,
      ).values.shape,
    ).toEqual([1, 3]);
    expect(() => topK(x, 5)).toThrow('topK: k must be a whole number in 0 … 4');
  });
});

describe('functions of unsigned integers', () => {
  it('do not wrap around on the way', () => {
    // Against the same numbers in float32.
    for (const dtype of ['uint8', 'uint32', 'bool'] as const) {
      const whole = tensor(
        [
          [1, 0, 1],
          [0, 0, 1],
        ],
        { dtype },
      );
      const large =
        dtype === 'bool'
          ? whole
          : tensor(
              [
                [1, 250, 255],
                [3, 16, 200],
              ],
              { dtype },
            );
      const functions: ((t: Tensor) => Tensor)[] = [
        (t) => t.softmax(),
        (t) => t.logSoftmax(0),
        (t) => t.logSumExp(1),
        (t) => t.gelu(),
        (t) => t.gelu('tanh'),
        (t) => t.logSigmoid(),
        (t) => t.softsign(),
        (t) => t.hardSigmoid(),
        (t) => t.variance(0),
      ];
      for (const f of functions) {
        for (const t of [whole, large]) {
          expect(f(t).dtype).toBe('float32');
          expect([...f(t).dataSync()]).toEqual([...f(t.cast('float32')).dataSync()]);
        }
      }
    }
  });
});

describe('softmax of nothing', () => {
  it('is nothing, and log-sum-exp the logarithm of 0', async () => {
    expect(await zeros([2, 0]).softmax().toArray()).toEqual([[], []]);
    expect(await zeros([0, 2]).logSoftmax().toArray()).toEqual([]);
    expect(await zeros([2, 0]).logSumExp(1).toArray()).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(await zeros([0, 3]).logSumExp(1).toArray()).toEqual([]);
  });
});
