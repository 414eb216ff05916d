/**
 * Loops: gradients through carried values, rows, shared operands, chosen branches and steps that end early.
 */
import { cond, fori, scan, type Tensor, whileLoop } from '../index.ts';
import { type GradientCase, gradientCase } from './gradientCase.ts';

const cell = (w: Tensor) => (h: Tensor, x: Tensor) => {
  const next = h.matmul(w).add(x).tanh();
  return [next, next.square()] as const;
};

const sumOf = ([a, b]: readonly [Tensor, Tensor]): Tensor => a.sum().add(b);

const both = ({ carry, ys }: { carry: Tensor; ys: Tensor }): Tensor => carry.sum().add(ys.mul(0.5).sum());

/** What no row says. */
export const loopCases: readonly GradientCase[] = [
  gradientCase('scan', 'carry, rows and a shared operand', (h, xs, w) => both(scan(cell(w), h, xs)), [[2], [3, 2], [2, 2]], 3),
  gradientCase('scan', 'reverse', (h, xs, w) => both(scan(cell(w), h, xs, { reverse: true })), [[2], [3, 2], [2, 2]], 2),
  gradientCase('scan', 'blocks computed again', (h, xs, w) => both(scan(cell(w), h, xs, { checkpoint: 2 })), [[2], [5, 2], [2, 2]], 2),
  gradientCase('scan', 'a product of all steps', (h, xs, w) => both(scan(cell(w), h, xs)), [[1, 4], [2, 1, 4], [4, 4]], 2),
  gradientCase('fori', 'the number of the step', (x) => fori(3, (i, c) => c.mul(x).add(i.cast('float64')).sin(), x), [[2]], 3),
  gradientCase('whileLoop', 'ends before its limit', (x) => sumOf(whileLoop(([, n]) => n.less(2), ([c, n]) => [c.mul(x).sin(), n.add(c.square().sum()).add(0.7)] as [Tensor, Tensor], [x, x.sum().mul(0.2)] as [Tensor, Tensor], { maxSteps: 5 })), [[2]], 3),
  gradientCase('cond', 'the one', (x, y) => cond(x.square().sum().greater(-1), () => x.mul(y).sin(), () => x.add(y)), [[2], [2]], 3),
  gradientCase('cond', 'the other', (x, y) => cond(x.square().sum().less(-1), () => x.mul(y).sin(), () => x.exp().mul(y)), [[2], [2]], 3),
]; // biome-ignore format: a table
