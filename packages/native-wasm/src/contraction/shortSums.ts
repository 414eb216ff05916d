/**
 * Sums of a few products for rows of results: the taps of a depthwise convolution.
 *
 * One factor has an element for each product, the other one a vector for each: rows of windows, which lie over one another. Sums
 * stay in registers, and the epilogue follows at once.
 */
import { type ContractKernel, kernelKey } from '@ag/tensor';
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
import {
  coordinates,
  loadPartial,
  loadVector,
  type Place,
  patternOf,
  splat,
  storePartial,
  storeVector,
} from '../arithmetic/lanes.ts';
import { literalFields, literalVector } from '../arithmetic/literals.ts';
import { VectorCode } from '../arithmetic/vector.ts';
import * as w from '../assembler/opcodes.ts';
import { type I32, i32, i32Constant, i32Parameters } from '../assembler/values.ts';
import { type Access, addressField, elementBytes, positions } from '../kernels/access.ts';
import { PointerWalk, walkFields } from '../kernels/pointerWalk.ts';

const lanes = 4;
/** Instructions of an epilogue that is not repeated for each vector of a pass. */
const longEpilogue = 16;

/** `moving`: the factor that goes along the row. Both are operands 0 and 1. A unit of work is a row. */
export function lowerShortSums(
  { launch }: LowerContext,
  accesses: readonly Access[],
  row: ReturnType<typeof splitLast>,
  summed: LaunchAxes,
  moving: 0 | 1,
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
  const [still, along] = [1 - moving, moving].map((i) => positions(summed.sizes, summed.strides[i]));
  // The last fields, as their number is no part of the structure.
  const table = still.map((_, i) => {
    const at = argumentBlock.i32(4 * still[i]);
    argumentBlock.i32(4 * along[i]);
    return at;
  })[0];
  const patterns = steps.map((step, i) => (accesses[i].operand!.buffer < 0 ? 'strided' : patternOf(step)));
  const most = epilogue.instructions.length > longEpilogue ? 1 : 4;

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
    const entry = i32(f);
    const products = i32(f);
    const left = i32(f);
    const source: Place = { ...places[moving], pointer: i32(f) };
    const sums = Array.from({ length: most }, () => f.local(w.v128));

    /** `vectors` vectors of results, or the first `part` elements of one. */
    const block = (vectors: number, part: I32 | null) => {
      const zero = v.f32(0);
      for (let i = 0; i < vectors; i++) f.get(zero).set(sums[i]);
      entry.set(i32(f, parameter.argumentBlock).add(table));
      products.set(argument(f, kAt));
      f.loop((again) => {
        const factor = splat(v, 'float32', pointers[1 - moving].add(entry.load()));
        source.pointer.set(pointers[moving].add(entry.load(4)));
        const values = Array.from({ length: vectors }, (_, i) => loadVector(v, lanes, source, i));
        values.forEach((value, i) => f.get(v.madd(value, factor, sums[i])).set(sums[i]));
        entry.increase(8);
        products.countDown(again);
      });
      const whole = part === null;
      for (let i = 0; i < vectors; i++) {
        const results = emitExpression(
          v,
          lanes,
          epilogue,
          {
            load: (operand) =>
              whole ? loadVector(v, lanes, places[operand], i) : loadPartial(v, lanes, places[operand], part),
            coordinate: (operand) => coordinates(v, places[operand], lanes, i),
            literal: (literal, dtype) => literalVector(v, literals, literal, dtype),
            accumulator: () => sums[i],
          },
          vectors === most && whole,
        );
        outputs.forEach(({ accumulate }, j) => {
          const place = places[2 + extras.length + j];
          if (whole) storeVector(v, lanes, place, results[j], accumulate, i);
          else storePartial(v, lanes, place, results[j], accumulate, part);
        });
      }
      places.forEach(({ pointer, step, pattern }) => {
        if (pattern !== 'constant') pointer.increase(step.mul(vectors * lanes));
      });
      left.set(left.sub(part ?? i32Constant(f, vectors * lanes)));
    };

    const walker = new PointerWalk(f, walk, rows);
    const position = begin.let();
    walker.seek(position);
    f.while(begin.ltU(end), () => {
      pointers.forEach((pointer, i) => pointer.set(rows[i]));
      left.set(argument(f, sizeAt));
      if (most > 1) f.while(left.geU(most * lanes), () => block(most, null));
      f.while(left.geU(lanes), () => block(1, null));
      left.if(() => block(1, left));
      walker.next();
      begin.increase(1);
    });
    return f;
  };
  return [
    {
      key: `short sums ${moving} ${outer.sizes.length} ${patterns.join()} ${kernelKey({ ...kernel, batchRank: 0, mRank: 0, nRank: 0, kRank: 0 })}`,
      argumentBlock,
      units: count(outer.sizes),
      grain: Math.max(1, Math.ceil(3000 / (size * (0.1 * k + cost(epilogue) + 0.1 * accesses.length)))),
      emit,
    },
  ];
}
