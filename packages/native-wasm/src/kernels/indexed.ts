/**
 * Gather and scatter: one axis of an operand is addressed by an index tensor.
 *
 * Where the index does not change along the last axis (rows of an embedding), whole runs are copied or added. An index
 * outside its axis writes the fault cell, which the run turns into a RangeError; nothing is read or
 * written there.
 */

import {
  bytesPerElement,
  type DType,
  type GatherKernel,
  kernelKey,
  type Launch,
  type ScatterKernel,
} from '@ag/tensor';
import { count, mergeLaunchAxes, sortAxes, splitLast } from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  parameter,
  type Stage,
  type Target,
} from '../abi.ts';
import { wrap } from '../arithmetic/conversion.ts';
import { loadVector, type Place, storeVector } from '../arithmetic/lanes.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import { binary32, binary64, binaryBool, binaryInteger } from '../arithmetic/vocabulary.ts';
import type { FunctionBuilder, Label } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type I32, type I32Variable, i32, i32Constant, i32Parameters, i32s } from '../assembler/values.ts';
import * as control from '../control.ts';
import { type Access, addressField, elementBytes } from './access.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

export function lowerGather(context: LowerContext, kernel: GatherKernel): Stage[] {
  const [source, index, output] = accessesOf(context, kernel.dtype);
  const axes = sortAxes(
    { sizes: context.launch.dims, strides: [source.strides, index.strides, output.strides] },
    [2],
  );
  const lowered = indexedStage(context, axes, [source, index, output]);
  const { argumentBlock, fields, walked, rows, units, length } = lowered;
  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const [, begin, end] = i32Parameters(f);
    const [source, index, output] = fields.addresses.map((at) => argument(f, at).let());
    const walk = new PointerWalk(f, fields.walk, [source, index, output]);
    const position = begin.let();
    walk.seek(position);
    f.loop((again) => {
      f.block((skip) => {
        const from = resolveIndex(f, fields, index, source, skip);
        if (rows) copyRun(f, fields, kernel.dtype, from, output, lowered.contiguous);
        else copyElement(kernel.dtype, from, output);
      });
      walk.next();
      begin.increase(1);
      begin.ltU(end).branchIf(again);
    });
    return f;
  };
  return [
    {
      key: `gather ${walked} ${rows} ${lowered.contiguous} ${kernelKey(kernel)}`,
      argumentBlock,
      units,
      grain: Math.ceil(3000 / (3 + (rows ? length * (lowered.contiguous ? 0.2 : 1.5) : 0))),
      emit,
    },
  ];
}

/** Most updates of one element that are added up in float32 as they come. */
const maxChain = 64;

/**
 * Updates of one element are applied in row-major order. Work is shared along the last axis where the index is the same for
 * all of it (each thread then walks all rows of its own columns); otherwise one thread does it all.
 *
 * Where many may meet in one element, what each float32 addition loses is kept beside the output and added with the next update
 * (W. Kahan, "Further remarks on reducing truncation errors", CACM 8, 1965). Only what is updated is touched there, so a large
 * table costs no more than the rows of it that are used.
 */
export function lowerScatter(context: LowerContext, kernel: ScatterKernel): Stage[] {
  const [updates, index, output] = accessesOf(context, kernel.dtype);
  const axes = { sizes: context.launch.dims, strides: [output.strides, index.strides, updates.strides] };
  const lowered = indexedStage(context, axes, [output, index, updates]);
  const { argumentBlock, fields, walked, rows, length, contiguous } = lowered;
  const rowCount = argumentBlock.i32(count(lowered.outerSizes));
  const columns = 64;
  const add = kernel.combine === 'add';
  // Along axes on which the output stands still.
  const maxUpdates = count(context.launch.dims.filter((_, axis) => output.strides[axis] === 0));
  const compensates = add && kernel.dtype === 'float32' && maxUpdates > maxChain;
  const losses = compensates
    ? argumentBlock.scratch({ bytes: outputBytes(context.launch, output), perThread: false })
    : 0;
  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const v = new VectorCode(f, target);
    const [, begin, end] = i32Parameters(f);
    const lanes = kernel.dtype === 'float64' ? 2 : 4;
    const pointers = fields.addresses.map((at) => argument(f, at).let());
    const [output, index, updates] = pointers;
    const walk = new PointerWalk(f, fields.walk, pointers);
    const left = i32(f);
    const [toStep, , fromStep] = fields.steps.map((at) => argument(f, at).let());
    const first = begin.mul(columns).let();
    end.set(end.mul(columns));
    const width = end.minU(argument(f, fields.length)).sub(first).let();
    const [from, to, rest, part] = i32s(f, 4);
    const pattern = contiguous ? 'contiguous' : 'strided';
    const source: Place = { dtype: kernel.dtype, pattern, pointer: from, step: fromStep };
    const sum: Place = { dtype: kernel.dtype, pattern, pointer: to, step: toStep };
    const lost: Place = { ...sum, pointer: i32(f) };
    const distance = i32(f);
    if (compensates) distance.set(argument(f, losses).sub(output));

    /** Goes along one row and calls `each` for vectors of it: all lanes, or the first `part`. */
    const walkRow = (each: (part: I32 | null) => void) => {
      f.while(rest, () => {
        if (compensates) lost.pointer.set(to.add(distance));
        rest.geU(lanes).if(
          () => {
            part.set(lanes);
            each(null);
          },
          () => {
            part.set(rest);
            each(part);
          },
        );
        to.increase(toStep.mul(lanes));
        from.increase(fromStep.mul(lanes));
        rest.set(rest.sub(part));
      });
    };
    /** Goes through all rows. */
    const walkRows = (each: (part: I32 | null) => void) => {
      pointers.forEach((pointer, i) => pointer.set(argument(f, fields.addresses[i])));
      walk.reset();
      left.set(argument(f, rowCount));
      f.while(left, () => {
        f.block((skip) => {
          const base = resolveIndex(f, fields, index, output, skip);
          to.set(base.add(first.mul(toStep)));
          from.set(updates.add(first.mul(fromStep)));
          rest.set(width);
          walkRow(each);
        });
        walk.next();
        left.increase(-1);
      });
    };
    const read = (place: Place, part: I32 | null) => loadVector(v, lanes, place, 0, part);
    const { combine, dtype } = kernel;
    if (combine !== 'add' && combine !== 'set') {
      walkRows((part) =>
        storeVector(
          v,
          lanes,
          sum,
          meeting(v, combine, dtype, read(sum, part), read(source, part)),
          false,
          0,
          part,
        ),
      );
      return f;
    }
    const write = (place: Place, x: Vector, part: I32 | null, adds = false) =>
      storeVector(v, lanes, place, x, adds, 0, part);

    if (!compensates) {
      walkRows((part) => write(sum, read(source, part), part, add));
      return f;
    }
    // Losses are cleared; carried from update to update; added, and cleared again since an element may come once more.
    walkRows((part) => write(lost, v.f32(0), part));
    walkRows((part) => {
      const before = read(sum, part);
      const x = v.add(read(source, part), read(lost, part));
      const after = v.add(before, x);
      write(sum, after, part);
      write(lost, lossOf(v, before, x, after), part);
    });
    walkRows((part) => {
      write(sum, read(lost, part), part, true);
      write(lost, v.f32(0), part);
    });
    return f;
  };
  const total = count(context.launch.dims);
  return [
    {
      key: `scatter ${walked} ${contiguous} ${compensates} ${kernelKey(kernel)}`,
      argumentBlock,
      units: total === 0 ? 0 : rows ? Math.ceil(length / columns) : 1,
      grain: Math.ceil(3000 / (count(lowered.outerSizes) * (compensates ? 50 : 20))),
      emit,
    },
  ];
}

/** What is left of elements and updates that meet. */
function meeting(v: VectorCode, combine: 'mul' | 'max' | 'min', dtype: DType, a: Vector, b: Vector): Vector {
  if (dtype === 'bool') return binaryBool(v, combine, a, b);
  if (dtype === 'float32' && combine !== 'mul') {
    const code = combine === 'max' ? w.f32x4_pmax : w.f32x4_pmin;
    // Of a and b the first is the result where either is NaN.
    return v.select(v.op2(w.f32x4_ne, b, b), b, v.op2(code, a, b));
  }
  if (dtype === 'float32' || dtype === 'float64')
    return v.op2((dtype === 'float32' ? binary32 : binary64)[combine as 'mul'], a, b);
  return wrap(v, v.op2(binaryInteger[combine][dtype === 'int32' ? 0 : 1], a, b), dtype);
}

/** What rounding took from `sum` = a + b (D. Knuth, "The Art of Computer Programming" 2, 4.2.2, theorem B); 0 where that is no number. */
function lossOf(v: VectorCode, a: Vector, b: Vector, sum: Vector): Vector {
  const added = v.sub(sum, a);
  const loss = v.add(v.sub(a, v.sub(sum, added)), v.sub(b, added));
  return v.and(loss, v.equal(loss, loss));
}

/** The memory from the first element of a scatter's output to its last, with 64 bytes to spare as everywhere. */
function outputBytes({ dims, axis }: Launch, { dtype, strides }: Access): number {
  const last = dims.reduce((sum, size, i) => sum + (size - 1) * strides[i], (axis!.size - 1) * axis!.stride);
  return Math.max(0, last + 1) * bytesPerElement(dtype) + 64;
}

interface IndexedFields {
  readonly addresses: readonly number[];
  readonly walk: ReturnType<typeof walkFields>;
  readonly length: number;
  /** Bytes to the next element along a run, for the operands in order. */
  readonly steps: readonly number[];
  readonly axisSize: number;
  readonly axisStride: number;
}

function accessesOf({ program, launch }: LowerContext, dtype: DType): Access[] {
  return launch.operands.map((operand, i) => ({
    operand,
    dtype: i === 1 ? 'int32' : (program.buffers[operand.buffer]?.dtype ?? dtype),
    strides: operand.strides,
  }));
}

/** The argument block both forms share. Of axes and accesses the first is the one that is indexed, the second the index. */
function indexedStage(
  { launch }: LowerContext,
  axes: { sizes: readonly number[]; strides: readonly (readonly number[])[] },
  accesses: readonly Access[],
) {
  const merged = mergeLaunchAxes(axes);
  const split = splitLast(merged);
  // Where the indexed operand stands still too, elements meet: one at a time.
  const rows = merged.sizes.length > 0 && split.steps[1] === 0 && split.steps[0] !== 0;
  const walked = rows ? split.outer : merged;
  const steps = rows ? split.steps : accesses.map(() => 0);
  const length = rows ? split.size : 1;
  const argumentBlock = new ArgumentBlock();
  const fields: IndexedFields = {
    addresses: accesses.map((access) => addressField(argumentBlock, access)),
    walk: walkFields(argumentBlock, walked, accesses),
    length: argumentBlock.i32(length),
    steps: steps.map((step, i) => argumentBlock.i32(step * elementBytes(accesses[i]))),
    axisSize: argumentBlock.i32(launch.axis!.size),
    axisStride: argumentBlock.i32(launch.axis!.stride * bytesPerElement(accesses[0].dtype)),
  };
  const contiguous = rows && steps[0] === 1 && steps[2] === 1;
  const units = count(merged.sizes) === 0 ? 0 : count(walked.sizes);
  return {
    argumentBlock,
    fields,
    walked: walked.sizes.length,
    outerSizes: walked.sizes,
    rows,
    units,
    length,
    contiguous,
  };
}

/** Address of the element that the index at `index` selects from `base`; leaves `skip` when there is none. */
function resolveIndex(
  f: FunctionBuilder,
  fields: IndexedFields,
  index: I32,
  base: I32,
  skip: Label,
): I32Variable {
  const size = argument(f, fields.axisSize);
  const i = index.load().let();
  i.ltS(0).if(() => i.increase(size));
  i.geU(size).if(() => {
    const cells = i32Constant(f, 0);
    cells.store(1, control.fault);
    cells.store(i32(f, parameter.argumentBlock), control.faultArguments);
    cells.store(index.load(), control.faultIndex);
    f.branch(skip);
  });
  return base.add(i.mul(argument(f, fields.axisStride))).let();
}

function copyElement(dtype: DType, from: I32, to: I32): void {
  const [load, store] = {
    8: [w.i64_load, w.i64_store],
    4: [w.i32_load, w.i32_store],
    2: [w.i32_load16_u, w.i32_store16],
    1: [w.i32_load8_u, w.i32_store8],
  }[bytesPerElement(dtype) as 8 | 4 | 2 | 1];
  to.store(from.load(0, load), 0, store);
}

function copyRun(
  f: FunctionBuilder,
  fields: IndexedFields,
  dtype: DType,
  from: I32Variable,
  output: I32,
  contiguous: boolean,
): void {
  const length = argument(f, fields.length).let();
  if (contiguous) {
    output.write();
    from.write();
    length.mul(bytesPerElement(dtype)).write();
    f.memoryCopy();
    return;
  }
  const to = output.let();
  f.doWhile(
    () => {
      copyElement(dtype, from, to);
      from.increase(argument(f, fields.steps[0]));
      to.increase(argument(f, fields.steps[2]));
    },
    () => {
      length.increase(-1);
      length.write();
    },
  );
}
