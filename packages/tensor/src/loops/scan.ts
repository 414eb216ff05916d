/**
 * `scan` and `fori`: a state that is carried over the rows of sequences, or over a number of steps.
 */

import { checkInteger, describeValue } from '../check.ts';
import { codedError, shapeError, typeError, valueError } from '../errors.ts';
import { joined, sectionOf } from '../functions/select.ts';
import type { Op } from '../ops/op.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { literal, type Tensor } from '../tensor.ts';
import type { LoopAttributes } from './attributes.ts';
import { buildLoop } from './build.ts';
import { loops } from './loop.ts';
import { carriedLeaves, checkFunction, Trace } from './trace.ts';
import { type LoopTree, leavesOf, type TreeLeaf, treeLike } from './tree.ts';

export interface ScanOptions {
  /** From the last row to the first; `ys[i]` still belongs to `xs[i]`. Default false. */
  readonly reverse?: boolean;
  /** Steps that one run of the body takes, or true for all of them, as a loop of the program would. Default 1. */
  readonly unroll?: number | boolean;
  /** Number of steps, for loops without sequences. */
  readonly length?: number;
  /**
   * For gradients of long sequences: keep the carried values of every so many steps only and compute the steps between them again; true
   * for the square root of the number of steps, with which memory grows as that does. Default false: those of all steps.
   */
  readonly checkpoint?: number | boolean;
}

/** What `scan` gives: the carried values after the last step, and what the steps collected, one row for each. */
export interface ScanResult<C, Y> {
  readonly carry: C;
  readonly ys: Y;
}

/** What the function of a step gives back: the carried values, and what to collect. */
export type ScanStep<C, Y> = readonly [carry: C, y?: Y] | { readonly carry: C; readonly y?: Y };

/**
 * Carries values over the rows of `xs`: `carry ← f(carry, xs[i])`, collecting what each step gives besides. One operation, however
 * many steps there are: `f` is run once, on stand-ins for a step's values, and what it computes is planned once.
 *
 * ```ts
 * // A running mean with forgetting, and all its values
 * const { carry, ys } = scan((mean, x) => {
 *   const next = mean.mul(0.9).add(x.mul(0.1));
 *   return [next, next];
 * }, scalar(0), tensor([1, 2, 3]));
 * ```
 *
 * What is carried, gone through and collected may be a tensor or arrays and objects of tensors. Whatever else `f` reads, variables
 * included, gets its gradients. Gradients keep what was carried at each step, so memory grows with the number of steps: see
 * `checkpoint`. Random numbers are drawn anew at each step.
 *
 * @param f from the carried values, the rows of the sequences and the number of the row (an int32 scalar) to
 * `[carry, y]` or `{ carry, y }`; `y` may be left out
 * @param init the carried values before the first step; a step keeps their shapes and dtypes
 * @param xs sequences, `[steps, …]`, or null with `options.length`
 * @returns the carried values after the last step, and `ys`, `[steps, …]`
 * @throws RangeError when a step changes a shape or dtype, saying which, or sequences differ in length
 * @throws TypeError when `f` is async or gives back another structure
 */
export function scan<
  C extends LoopTree | null,
  X extends LoopTree | null,
  Y extends LoopTree | null | undefined = undefined,
>(
  f: (carry: C, x: X, step: Tensor) => ScanStep<C, Y>,
  init: C,
  xs: X,
  options: ScanOptions = {},
): ScanResult<C, Y> {
  checkOptions('scan', options, 'reverse unroll length checkpoint');
  checkFunction('scan', 'f', f);
  const rows = leavesOf(xs, 'xs', 'scan');
  const length = stepsOf(rows, options.length);
  return run(
    { op: loops.scan, step: f as AnyStep, reverse: options.reverse ?? false },
    init,
    xs,
    length,
    options,
  ) as ScanResult<C, Y>;
}

/**
 * `n` steps: `carry ← body(i, carry)` for i = 0 … n − 1. The same as `scan` without sequences.
 *
 * ```ts
 * fori(10, (i, x) => x.mul(2), scalar(1)); // 2¹⁰
 * ```
 *
 * @param n number of steps
 * @param body from the number of the step (an int32 scalar) and the carried values to the carried values
 * @param init what they are before the first step
 */
export function fori<C extends LoopTree>(n: number, body: (i: Tensor, carry: C) => C, init: C): C {
  checkInteger(n, 'fori', 'n', 0, 2 ** 31 - 1);
  checkFunction('fori', 'body', body);
  const step: AnyStep = (carry, _x, i) => [body(i, carry as C), null];
  return run({ op: loops.fori, step, reverse: false }, init, null, n, {}).carry as C;
}

type AnyStep = (carry: unknown, x: unknown, step: Tensor) => unknown;

interface Walk {
  readonly op: Op<LoopAttributes>;
  readonly step: AnyStep;
  readonly reverse: boolean;
}

function run(
  walk: Walk,
  init: unknown,
  xs: unknown,
  length: number,
  options: ScanOptions,
): ScanResult<unknown, unknown> {
  const { name } = walk.op;
  const chunk = (option: 'unroll' | 'checkpoint', all: number): number => {
    const given = options[option] ?? false;
    if (typeof given === 'boolean') return given ? all : 1;
    return checkInteger(given, name, option, 1);
  };
  const kept = chunk('checkpoint', Math.max(1, Math.ceil(Math.sqrt(length))));
  const unrolled = Math.min(chunk('unroll', Math.max(1, length)), Math.max(1, length));
  const inner = unrolled === 1 ? whole : inBlocks(unrolled, unrolledSteps);
  const outer = kept === 1 ? inner : inBlocks(kept, inner);
  return outer(walk, init, xs, length);
}

type Runner = (walk: Walk, init: unknown, xs: unknown, length: number) => ScanResult<unknown, unknown>;

/** All steps as one loop. */
const whole: Runner = ({ op, step, reverse }, init, xs, length) => {
  const { name } = op;
  const trace = new Trace(name);
  const before = leavesOf(init, 'init', name);
  const rows = leavesOf(xs, 'xs', name);
  const carry = trace.standIns(init, before, (of) => ({ type: of, role: { kind: 'carry' } }));
  const x = trace.standIns(xs, rows, (of) => ({
    type: { shape: of.shape.slice(1), dtype: of.dtype },
    role: { kind: 'sequence', of },
  }));
  const index = trace.stand(literal(0, 'int32'), { kind: 'index' });
  const { next, y } = partsOf(
    name,
    before,
    trace.run(index, () => step(carry.tree, x.tree, index)),
  );
  const collected = leavesOf(y, 'y', name);
  const loop = buildLoop({
    op,
    carry: carry.leaves.map((leaf, i) => ({ leaf, initial: before[i].tensor, next: next[i] })),
    others: collected.map(({ tensor }) => tensor),
    roleOf: trace.roleOf,
    length: length,
    reverse,
    recompute: false,
  });
  return {
    carry: treeLike(
      init,
      next.map((_, i) => loop.final(i)),
    ),
    ys: treeLike(
      y,
      collected.map(({ tensor }) => loop.stack(tensor)),
    ),
  };
};

/** All steps one after the other, as the program would take them. */
const unrolledSteps: Runner = ({ op: { name }, step, reverse }, init, xs, length) => {
  const before = leavesOf(init, 'init', name);
  const rows = leavesOf(xs, 'xs', name);
  let carry = init;
  const collected: unknown[] = new Array(length);
  for (let done = 0; done < length; done++) {
    const i = reverse ? length - 1 - done : done;
    const x = treeLike(
      xs,
      rows.map(({ tensor }) => sectionOf(tensor, i, 1, 0).squeeze(0)),
    );
    const { next, y } = partsOf(name, before, step(carry, x, literal(i, 'int32')));
    carry = treeLike(init, next);
    collected[i] = y;
  }
  return { carry, ys: stacked(name, collected) };
};

function stacked(name: string, collected: readonly unknown[]): unknown {
  const lists = collected.map((y) => leavesOf(y, 'y', name));
  if (lists.length === 0) return null;
  return treeLike(
    collected[0],
    lists[0].map((_, k) =>
      joined(
        lists.map((list) => list[k].tensor.unsqueeze(0)),
        0,
      ),
    ),
  );
}

/** Blocks of `size` steps as steps of a loop, each done by `inside`; what is left over comes as one shorter block. */
function inBlocks(size: number, inside: Runner): Runner {
  return (walk, init, xs, length) => {
    const { step, reverse, op } = walk;
    const rows = leavesOf(xs, 'xs', op.name);
    const blocks = Math.floor(length / size);
    if (blocks <= 1 && length <= size) return inside(walk, init, xs, length);
    const rest = length - blocks * size;
    const from = (start: number, count: number): unknown =>
      treeLike(
        xs,
        rows.map(({ tensor }) => sectionOf(tensor, start, count, 0)),
      );
    const shifted = (by: Tensor | number): Walk => ({
      ...walk,
      step: (carry, x, i) => step(carry, x, i.add(by)),
    });
    const main = (start: unknown): ScanResult<unknown, unknown> => {
      const own = from(0, blocks * size);
      const cut = leavesOf(own, 'xs', op.name).map(({ tensor }) =>
        tensor.reshape([blocks, size, ...tensor.shape.slice(1)]),
      );
      const outer: Walk = {
        op,
        reverse,
        step: (carry, x, block) => {
          const result = inside(shifted(block.mul(size)), carry, x, size);
          return [result.carry, result.ys];
        },
      };
      const { carry, ys } = whole(outer, start, treeLike(xs, cut), blocks);
      const flat = leavesOf(ys, 'y', op.name).map(({ tensor }) =>
        tensor.reshape([blocks * size, ...tensor.shape.slice(2)]),
      );
      return { carry, ys: treeLike(ys, flat) };
    };
    const left = (start: unknown): ScanResult<unknown, unknown> =>
      inside(shifted(blocks * size), start, from(blocks * size, rest), rest);
    if (rest === 0) return main(init);
    const first = reverse ? left(init) : main(init);
    const second = reverse ? main(first.carry) : left(first.carry);
    const [a, b] = reverse ? [second, first] : [first, second];
    const ends = leavesOf(b.ys, 'y', op.name);
    const ys = leavesOf(a.ys, 'y', op.name).map(({ tensor }, k) => joined([tensor, ends[k].tensor], 0));
    return { carry: second.carry, ys: treeLike(a.ys, ys) };
  };
}

/** The parts of what the function of a step gave back. */
function partsOf(name: string, before: readonly TreeLeaf[], result: unknown): { next: Tensor[]; y: unknown } {
  const pair = result as { readonly carry?: unknown; readonly y?: unknown } | readonly unknown[];
  const named = typeof pair === 'object' && pair !== null && !Array.isArray(pair) && 'carry' in pair;
  if (!named && !(Array.isArray(pair) && pair.length >= 1 && pair.length <= 2)) {
    throw typeError(
      `${name}: the function of a step must give back [carry, y] or { carry, y }, got ${describeValue(result)}`,
    );
  }
  const [carry, y] = named
    ? [(pair as { carry: unknown }).carry, (pair as { y?: unknown }).y]
    : (pair as readonly unknown[]);
  const named_ = before.map(({ tensor, path }) => ({ tensor, path: path.replace(/^init/, 'carry') }));
  return { next: carriedLeaves(name, named_, carry), y };
}

function stepsOf(rows: readonly TreeLeaf[], given: number | undefined): number {
  if (given !== undefined) checkInteger(given, 'scan', 'length', 0, 2 ** 31 - 1);
  if (rows.length === 0) {
    if (given !== undefined) return given;
    throw typeError(
      'scan: without sequences it must be said how many steps there are: scan(f, init, null, { length: 10 })',
    );
  }
  const [{ tensor, path }] = rows;
  for (const own of rows) {
    if (own.tensor.shape.length === 0)
      throw shapeError(`scan: ${own.path} is a scalar; a sequence has a row for each step, [steps, …]`);
    if (own.tensor.shape[0] === tensor.shape[0]) continue;
    throw shapeError(
      `scan: sequences have different numbers of rows: ${path} ${formatShape(tensor.shape)}, ${own.path} ${formatShape(own.tensor.shape)}`,
    );
  }
  const length = tensor.shape[0];
  if (length < 0)
    throw codedError(
      RangeError,
      'AG_OPEN_SIZE',
      `scan: the number of rows of ${path} is open until it is fed; give placeholders a fixed number of steps`,
    );
  if (given !== undefined && given !== length)
    throw valueError(`scan: length is ${given}, and ${path} ${formatShape(tensor.shape)} has ${length} rows`);
  return length;
}
