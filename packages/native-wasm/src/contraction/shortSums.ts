/**
 * Sums of a few products for rows of results: the taps of a depthwise convolution.
 *
 * One factor has an element for each product, the other one a vector for each: rows of windows, which lie over one another. Sums
 * stay in registers, and the epilogue follows at once.
 */
import type { ContractKernel } from '@ag/tensor';
import { count, type LaunchAxes, type splitLast } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  parameter,
  type Stage,
  type Target,
} from '../abi.ts';
import { cost, emitExpression } from '../arithmetic/expression.ts';
import { loadVector, type Place, patternOf, splat, storeVector } from '../arithmetic/lanes.ts';
import { literalFields } from '../arithmetic/literals.ts';
import { sourcesAt } from '../arithmetic/sources.ts';
import { VectorCode } from '../arithmetic/vector.ts';
import * as w from '../assembler/opcodes.ts';
import { I32, i32, i32Parameters, i32s } from '../assembler/values.ts';
import { type Access, addressField, elementBytes, positions } from '../kernels/access.ts';
import { PointerWalk, walkFields } from '../kernels/pointerWalk.ts';
import { structureKey } from './epilogue.ts';

const lanes = 4;
/** Vectors of a pass. */
const most = 4;
/** Instructions of an epilogue that is not written out for each of them. */
const longEpilogue = 16;

/**
 * `moving`: the factor that goes along the row. Both are operands 0 and 1. With `phase`, a row has two results for each element of
 * it, whose other factors are so many elements apart: the two phases of a convolution with stride 2 read backwards. A
 * unit of work is a row.
 */
export function lowerShortSums(
  { launch }: LowerContext,
  accesses: readonly Access[],
  row: ReturnType<typeof splitLast>,
  summed: LaunchAxes,
  moving: 0 | 1,
  phase: number | null,
): Stage[] {
  const kernel = launch.kernel as ContractKernel;
  const { epilogue, extras, outputs } = kernel;
  const { outer, size, steps } = row;
  const argumentBlock = new ArgumentBlock();
  const k = count(summed.sizes);
  const sizeAt = argumentBlock.i32(size);
  const kAt = argumentBlock.i32(k);
  const addresses = accesses.map((access) => addressField(argumentBlock, access));
  const stepsAt = steps.map((step, i) => argumentBlock.i32(step * elementBytes(accesses[i])));
  const walk = walkFields(argumentBlock, outer, accesses);
  const literals = literalFields(argumentBlock, launch, [epilogue]);
  const waiting = argumentBlock.scratch({ bytes: 16 * most, perThread: true });
  const [still, along] = [1 - moving, moving].map((i) => positions(summed.sizes, summed.strides[i]));
  // The last fields, as their number is no part of the structure.
  const table = still.map((_, i) => {
    const at = argumentBlock.i32(4 * still[i]);
    argumentBlock.i32(4 * along[i]);
    return at;
  })[0];
  const patterns = steps.map((step, i) => (accesses[i].operand!.buffer < 0 ? 'strided' : patternOf(step)));
  const repeated = epilogue.instructions.length <= longEpilogue;
  // Not so far beyond the last element that memory may end there.
  const atOnce = patterns[moving] === 'contiguous' ? most : phase === null ? 1 : 2;

  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const v = new VectorCode(f, target);
    const [, begin, end] = i32Parameters(f);
    const rows = addresses.map((at) => argument(f, at).let());
    const pointers = rows.map(() => i32(f));
    const places = accesses.map(
      ({ dtype }, i): Place => ({
        dtype,
        pattern: patterns[i],
        pointer: pointers[i],
        step: argument(f, stepsAt[i]).let(),
      }),
    );
    const [entry, products, left, part, at, last, factor] = i32s(f, 7);
    const source: Place = { ...places[moving], pointer: i32(f) };
    const sums = Array.from({ length: most }, () => f.local(w.v128));

    const factors = phase === null ? [0] : [0, 4 * phase];

    /** Sums of so many vectors of results; of both phases each, one after the other in memory. */
    const sum = (vectors: number) => {
      const zero = v.f32(0);
      for (let i = 0; i < vectors; i++) f.get(zero).set(sums[i]);
      entry.set(i32(f, parameter.argumentBlock).add(table));
      products.set(argument(f, kAt));
      f.loop((again) => {
        factor.set(pointers[1 - moving].add(entry.load()));
        source.pointer.set(pointers[moving].add(entry.load(4)));
        const own = factors.map((offset) => splat(v, 'float32', factor, offset));
        const values = Array.from({ length: vectors / own.length }, (_, i) =>
          loadVector(v, lanes, source, i),
        );
        for (let i = 0; i < vectors; i++) {
          const value = values[Math.floor(i / own.length)];
          f.get(v.madd(value, own[i % own.length], sums[i])).set(sums[i]);
        }
        entry.increase(8);
        products.countDown(again);
      });
      if (phase === null) return;
      for (let i = 0; i < vectors; i += 2) {
        const [low, high] = [sums[i], sums[i + 1]];
        const first = v.shuffle32(low, high, 0, 4, 1, 5);
        f.get(v.shuffle32(low, high, 2, 6, 3, 7))
          .set(high)
          .get(first)
          .set(low);
      }
    };
    /** Finishes the sums of vector `i`, `ahead` vectors after the pointers, of which `part` are valid (all when null). */
    const finish = (i: number, ahead: number, part: I32 | null, inline: boolean) => {
      const results = emitExpression(
        v,
        lanes,
        epilogue,
        {
          ...sourcesAt(v, lanes, (operand) => places[operand], literals, ahead, part),
          accumulator: () => sums[i],
        },
        inline,
      );
      outputs.forEach(({ accumulate }, j) => {
        const place = places[2 + extras.length + j];
        storeVector(v, lanes, place, results[j], accumulate, ahead, part);
      });
    };
    const advance = (vectors: number) =>
      places.forEach(({ pointer, step, pattern }, i) => {
        if (i !== 1 - moving && pattern !== 'constant')
          pointer.increase(step.mul((vectors * lanes) / (i === moving ? factors.length : 1)));
      });
    const block = () => {
      sum(most);
      for (let i = 0; i < most; i++) finish(i, i, null, true);
      advance(most);
      left.increase(-most * lanes);
    };
    /** What is left of a row, or all of it where the epilogue is long: sums wait in memory for it. */
    const rest = () => {
      sum(atOnce);
      at.set(argument(f, waiting).add(new I32(f, () => f.globalGet(target.thread)).mul(16 * most)));
      for (let i = 0; i < atOnce; i++) at.store(v.leaf(sums[i]), 16 * i);
      last.set(at.add(16 * atOnce));
      f.loop((again) => {
        f.get(v.let(at.loadVector())).set(sums[0]);
        part.set(left.minU(lanes));
        left.geU(lanes).if(
          () => finish(0, 0, null, !repeated),
          () => finish(0, 0, part, false),
        );
        advance(1);
        left.set(left.sub(part));
        at.increase(16);
        at.ltU(last).and(left.ne(0)).branchIf(again);
      });
    };

    const walker = new PointerWalk(f, walk, rows);
    const position = begin.let();
    walker.seek(position);
    f.while(begin.ltU(end), () => {
      pointers.forEach((pointer, i) => pointer.set(rows[i]));
      left.set(argument(f, sizeAt));
      if (repeated) f.while(left.geU(most * lanes), block);
      f.while(left, rest);
      walker.next();
      begin.increase(1);
    });
    return f;
  };
  return [
    {
      key: `short sums ${moving} ${phase} ${outer.sizes.length} ${patterns.join()} ${structureKey(kernel)}`,
      argumentBlock,
      units: count(outer.sizes),
      grain: Math.max(1, Math.ceil(3000 / (size * (0.1 * k + cost(epilogue) + 0.1 * accesses.length)))),
      emit,
    },
  ];
}
