/**
 * A few long sums for each of a batch: the gradient of the taps of a depthwise convolution.
 *
 * Results of one batch share a factor and read the other at distances of their own, as windows do; up to five of them are summed
 * side by side, so that the shared vectors are read once for all. Sums move to float64 after at most 64 steps (`totals.ts`
 * says why). They go to working memory, and the epilogue to a reduction over nothing.
 */
import type { ContractKernel } from '@ag/tensor';
import { count, type splitLast } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  parameter,
  type Scratch,
  type Stage,
  type Target,
} from '../abi.ts';
import { loadVector, type Place, patternOf } from '../arithmetic/lanes.ts';
import { VectorCode } from '../arithmetic/vector.ts';
import { lanes32 } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type I32, i32, i32Parameters, i32s, v128, v128s } from '../assembler/values.ts';
import { type Access, addressField, positions } from '../kernels/access.ts';
import { PointerWalk, walkFields } from '../kernels/pointerWalk.ts';
import { reduceStage, renumber } from '../kernels/reduce.ts';

const lanes = 4;
/** Most results that are summed side by side: V8 11 makes all loads of a pass first, each into a register. */
const mostAtOnce = 5;
/** Steps before sums move to float64. */
const foldSteps = 64;

interface Dots {
  /** Operands over all results. */
  readonly accesses: readonly Access[];
  readonly batch: readonly number[];
  /** Axes of the results that share a factor. */
  readonly along: readonly number[];
  /** What is summed over, for both factors. */
  readonly inner: ReturnType<typeof splitLast>;
  /** The factor that is shared, operand 0 or 1. */
  readonly shared: 0 | 1;
}

export function lowerDots(context: LowerContext, { accesses, batch, along, inner, shared }: Dots): Stage[] {
  const kernel = context.launch.kernel as ContractKernel;
  const factors = [accesses[shared], accesses[1 - shared]];
  const order = [shared, 1 - shared];
  const results = count(along);
  const groups = Math.ceil(results / mostAtOnce);
  const atOnce = Math.ceil(results / groups);
  /** How many groups have one result less. */
  const smaller = groups * atOnce - results;
  const batches = count(batch);
  const scratch: Scratch = { bytes: 4 * batches * results, perThread: false };

  const argumentBlock = new ArgumentBlock();
  const addresses = factors.map((factor) => addressField(argumentBlock, factor));
  const sumsAt = argumentBlock.scratch(scratch);
  const fixed = [results, groups, groups - smaller, inner.size, count(inner.outer.sizes)];
  const [resultsAt, groupsAt, largerAt, lengthAt, rowsAt] = fixed.map((value) => argumentBlock.i32(value));
  const over = batch.map((_, axis) => axis);
  const strides = factors.map(({ strides }) => over.map((axis) => strides[axis]));
  const batchWalk = walkFields(argumentBlock, { sizes: batch, strides }, factors);
  const rowAxes = { sizes: inner.outer.sizes, strides: order.map((i) => inner.outer.strides[i]) };
  const rowWalk = walkFields(argumentBlock, rowAxes, factors);
  const distances = factors[1].strides.slice(batch.length).filter((_, i) => i < along.length);
  const table = positions(along, distances).map((offset) => argumentBlock.i32(4 * offset))[0];
  const patterns = order.map((i) => patternOf(inner.steps[i]));

  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const v = new VectorCode(f, target);
    const [block, begin, end] = i32Parameters(f);
    const starts = addresses.map((at) => argument(f, at).let());
    const walker = new PointerWalk(f, batchWalk, starts);
    const rowStarts = starts.map(() => i32(f));
    const rowWalker = new PointerWalk(f, rowWalk, rowStarts);
    const cursors = i32s(f, 1 + atOnce);
    const places = cursors.map((pointer, i): Place => {
      const pattern = patterns[Math.min(i, 1)];
      return { dtype: 'float32', pattern, pointer, step: pointer };
    });
    const bytes = (i: number) => (patterns[Math.min(i, 1)] === 'alternate' ? 32 : 16);
    const sums = v128s(f, atOnce);
    const totals = sums.map(() => v128(f));
    const [to, entry, rows, left, steps, chunk] = i32s(f, 6);
    // Lanes of what is left of a row.
    const inside = v
      .leaf(v.entry('order', () => f.v128(lanes32(0, 1, 2, 3))))
      .op(
        w.i32x4_lt_s,
        argument(f, lengthAt)
          .and(lanes - 1)
          .splat(),
      )
      .let();

    const fold = (taken: number) => {
      for (let i = 0; i < taken; i++) {
        const low = sums[i].op(w.f64x2_promote_low_f32x4);
        const high = sums[i].shuffle32(sums[i], 2, 3, 2, 3).op(w.f64x2_promote_low_f32x4);
        totals[i].set(totals[i].op(w.f64x2_add, low.op(w.f64x2_add, high)));
        sums[i].set(v.leaf(v.f32(0)));
      }
      steps.set(0);
    };
    const multiply = (taken: number, masked: boolean) => {
      const values = places.slice(0, taken + 1).map((place) => {
        const value = loadVector(v, lanes, place);
        return masked ? v.let(inside.and(v.leaf(value))) : value;
      });
      for (let i = 0; i < taken; i++)
        f.get(v.madd(values[i + 1], values[0], sums[i].local)).set(sums[i].local);
      for (let i = 0; i <= taken; i++) cursors[i].increase(bytes(i));
      steps.increase(1);
    };
    const group = (taken: number) => {
      for (let i = 0; i < taken; i++) {
        sums[i].set(v.leaf(v.f32(0)));
        totals[i].set(v.leaf(v.f32(0)));
      }
      steps.set(0);
      rowStarts.forEach((start, i) => start.set(starts[i]));
      rowWalker.reset();
      rows.set(argument(f, rowsAt));
      f.loop((nextRow) => {
        cursors.forEach((cursor, i) => {
          if (i <= taken) cursor.set(i === 0 ? rowStarts[0] : rowStarts[1].add(entry.load(4 * (i - 1))));
        });
        left.set(argument(f, lengthAt).divU(lanes));
        f.while(left, () => {
          chunk.set(left.minU(foldSteps));
          left.set(left.sub(chunk));
          // A chain may be as long again.
          steps
            .add(chunk)
            .gtU(foldSteps)
            .if(() => fold(taken));
          f.loop((more) => {
            multiply(taken, false);
            chunk.countDown(more);
          });
        });
        argument(f, lengthAt)
          .and(lanes - 1)
          .if(() => multiply(taken, true));
        rowWalker.next();
        rows.countDown(nextRow);
      });
      fold(taken);
      for (let i = 0; i < taken; i++) {
        const total = totals[i];
        const sum = total.op(w.f64x2_add, total.shuffle32(total, 2, 3, 2, 3)).op(w.f32x4_demote_f64x2_zero);
        to.storeLane(sum, w.v128_store32_lane, 4 * i, 0);
      }
      to.increase(4 * taken);
      entry.increase(4 * taken);
    };

    // Unit = batch · groups + group.
    const batchOf = begin.divU(argument(f, groupsAt)).let();
    const number = begin.sub(batchOf.mul(argument(f, groupsAt))).let();
    const first = () => i32(f, parameter.argumentBlock).add(table);
    const skipped: I32 = number.mul(atOnce).sub(number.sub(number.minU(argument(f, largerAt))));
    entry.set(skipped.let());
    to.set(argument(f, sumsAt).add(batchOf.mul(argument(f, resultsAt)).add(entry).mul(4)));
    entry.set(first().add(entry.mul(4)));
    walker.seek(batchOf);
    f.while(begin.ltU(end), () => {
      if (atOnce > 1 && smaller > 0) {
        number.ltU(argument(f, largerAt)).if(
          () => group(atOnce),
          () => group(atOnce - 1),
        );
      } else group(atOnce);
      number.increase(1);
      number.eq(argument(f, groupsAt)).if(() => {
        number.set(0);
        entry.set(block.add(table));
        walker.next();
      });
      begin.increase(1);
    });
    return f;
  };
  const { dtype, extras, outputs, epilogue } = kernel;
  const k = inner.size * count(inner.outer.sizes);
  const form = `${batch.length} ${rowAxes.sizes.length} ${patterns.join()} ${atOnce} ${smaller > 0}`;
  const sizes = [...batch, ...along];
  return [
    {
      key: `dots ${shared} ${form}`,
      argumentBlock,
      units: batches * groups,
      grain: Math.max(1, Math.ceil(3000 / (k * atOnce * 0.08))),
      emit,
    },
    reduceStage(context, {
      kernel: {
        form: 'reduce',
        outerRank: sizes.length,
        reducedRank: 1,
        combine: 'sum',
        dtype,
        inputs: [dtype],
        extras,
        outputs,
        prologue: { instructions: [{ op: 'load', operand: 0, dtype }], results: [0] },
        epilogue: renumber(epilogue, -1),
      },
      inputs: [
        {
          operand: null,
          scratch,
          dtype,
          strides: [...sizes.map((_, axis) => count(sizes.slice(axis + 1))), 1],
        },
      ],
      results: accesses.slice(2),
      outer: sizes,
      reduced: [1],
    }),
  ];
}
