// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Gather and scatter: one axis of an operand is addressed by an index tensor.
 *
 * Where the index does not change along the last axis (rows of an embedding), whole runs are copied or added. An index
 * outside its axis writes the fault cell, which the run turns into a RangeError; nothing is read or
 * written there.
 */
import { bytesPerElement, type DType, type GatherKernel, kernelKey, type Launch, type ScatterKernel } from '@ag/tensor';
import { ArgumentBlock, type LowerContext, parameter, type Stage, type Target } from '../abi.ts';
import { loadPartial, loadVector, type Place, storePartial, storeVector } from '../arithmetic/lanes.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import type { FunctionBuilder, Label, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { control } from '../control.ts';
import { type Access, addressField, elementBytes } from './access.ts';
import { count, mergeAxes, sortAxes, splitLast } from './axes.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

export function lowerGather(context: LowerContext, kernel: GatherKernel): Stage[] {
  const [source, index, output] = accessesOf(context, kernel.dtype);
  const axes = sortAxes({ sizes: context.launch.dims, strides: [source.strides, index.strides, output.strides] }, [2]);
  const lowered = indexedStage(context, axes, [source, index, output]);
  const { argumentBlock, fields, walked, rows, units, length } = lowered;
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    const { begin, end } = parameter;
    const [source, index, output] = fields.addresses.map((at) => load(f, at));
    const walk = new PointerWalk(f, fields.walk, [source, index, output]);
    const position = f.get(begin).let(w.i32);
    walk.seek(position);
    f.loop((again) => {
      f.block((skip) => {
        const from = resolveIndex(f, fields, index, source, skip);
        if (rows) copyRun(f, fields, kernel.dtype, from, output, lowered.contiguous);
        else copyElement(f, kernel.dtype, from, output);
      });
      walk.next();
      f.increment(begin, 1).get(begin).get(end).op(w.i32_lt_u).branchIf(again);
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
  const losses = compensates ? argumentBlock.scratch({ bytes: outputBytes(context.launch, output), perThread: false }) : 0;
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    const v = new VectorCode(f, target);
    const { begin, end } = parameter;
    const lanes = kernel.dtype === 'float64' ? 2 : 4;
    const [output, index, updates] = fields.addresses.map((at) => load(f, at));
    const walk = new PointerWalk(f, fields.walk, [output, index, updates]);
    const left = f.local(w.i32);
    const [toStep, , fromStep] = fields.steps.map((at) => load(f, at));
    const first = f.get(begin).i32(columns).op(w.i32_mul).let(w.i32);
    f.get(end).i32(columns).op(w.i32_mul).set(end);
    f.get(end).load(w.i32_load, parameter.argumentBlock, fields.length).get(end).load(w.i32_load, parameter.argumentBlock, fields.length);
    const width = f.op(w.i32_lt_u).op(w.select).get(first).op(w.i32_sub).let(w.i32);
    const from = f.local(w.i32);
    const to = f.local(w.i32);
    const rest = f.local(w.i32);
    const part = f.local(w.i32);
    const pattern = contiguous ? 'contiguous' : 'strided';
    const source: Place = { dtype: kernel.dtype, pattern, pointer: from, step: fromStep };
    const target_: Place = { dtype: kernel.dtype, pattern, pointer: to, step: toStep };
    const lost: Place = { ...target_, pointer: f.local(w.i32) };
    const distance = f.local(w.i32);
    if (compensates) f.load(w.i32_load, parameter.argumentBlock, losses).get(output).op(w.i32_sub).set(distance);

    /** Goes through the rows and calls `each` for vectors of them: all lanes, or the first `part`. */
    const walkRows = (each: (part: Local | null) => void) => {
      fields.addresses.forEach((at, i) => f.load(w.i32_load, parameter.argumentBlock, at).set([output, index, updates][i]));
      walk.reset();
      f.load(w.i32_load, parameter.argumentBlock, rowCount).set(left);
      f.while(
        () => f.get(left),
        () => {
          f.block((skip) => {
            const base = resolveIndex(f, fields, index, output, skip);
            f.get(base).get(first).get(toStep).op(w.i32_mul).op(w.i32_add).set(to);
            f.get(updates).get(first).get(fromStep).op(w.i32_mul).op(w.i32_add).set(from);
            f.get(width).set(rest);
            f.while(
              () => f.get(rest),
              () => {
                if (compensates) f.get(to).get(distance).op(w.i32_add).set(lost.pointer);
                f.get(rest).i32(lanes).op(w.i32_ge_u);
                f.if(
                  () => {
                    f.i32(lanes).set(part);
                    each(null);
                  },
                  () => {
                    f.get(rest).set(part);
                    each(part);
                  },
                );
                f.get(to).get(toStep).i32(lanes).op(w.i32_mul).op(w.i32_add).set(to);
                f.get(from).get(fromStep).i32(lanes).op(w.i32_mul).op(w.i32_add).set(from);
                f.get(rest).get(part).op(w.i32_sub).set(rest);
              },
            );
          });
          walk.next();
          f.increment(left, -1);
        },
      );
    };
    const read = (place: Place, part: Local | null) =>
      part === null ? loadVector(v, lanes, place) : loadPartial(v, lanes, place, part);
    const write = (place: Place, x: Vector, part: Local | null, adds = false) =>
      part === null ? storeVector(v, lanes, place, x, adds) : storePartial(v, lanes, place, x, adds, part);

    if (!compensates) {
      walkRows((part) => write(target_, read(source, part), part, add));
      return f;
    }
    // Losses are cleared; carried from update to update; added, and cleared again since an element may come once more.
    walkRows((part) => write(lost, v.f32(0), part));
    walkRows((part) => {
      const total = read(target_, part);
      const x = v.add(read(source, part), read(lost, part));
      const sum = v.add(total, x);
      write(target_, sum, part);
      write(lost, lossOf(v, total, x, sum), part);
    });
    walkRows((part) => {
      write(target_, read(lost, part), part, true);
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
  const merged = mergeAxes(axes);
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
  return { argumentBlock, fields, walked: walked.sizes.length, outerSizes: walked.sizes, rows, units, length, contiguous };
}

const load = (f: FunctionBuilder, at: number) => f.load(w.i32_load, parameter.argumentBlock, at).let(w.i32);

/** Address of the element that the index at `index` selects from `base`; leaves `skip` when there is none. */
function resolveIndex(f: FunctionBuilder, fields: IndexedFields, index: Local, base: Local, skip: Label): Local {
  const i = f.load(w.i32_load, index).let(w.i32);
  f.get(i).i32(0).op(w.i32_lt_s);
  f.if(() => f.get(i).load(w.i32_load, parameter.argumentBlock, fields.axisSize).op(w.i32_add).set(i));
  f.get(i).load(w.i32_load, parameter.argumentBlock, fields.axisSize).op(w.i32_ge_u);
  f.if(() => {
    f.i32(0).i32(1).memory(w.i32_store, control.fault);
    f.i32(0).get(parameter.argumentBlock).memory(w.i32_store, control.faultArguments);
    f.i32(0).load(w.i32_load, index).memory(w.i32_store, control.faultIndex);
    f.branch(skip);
  });
  f.get(base).get(i).load(w.i32_load, parameter.argumentBlock, fields.axisStride).op(w.i32_mul).op(w.i32_add);
  return f.let(w.i32);
}

function copyElement(f: FunctionBuilder, dtype: DType, from: Local, to: Local): void {
  const [load, store] = {
    8: [w.i64_load, w.i64_store],
    4: [w.i32_load, w.i32_store],
    1: [w.i32_load8_u, w.i32_store8],
  }[bytesPerElement(dtype) as 8 | 4 | 1];
  f.get(to).load(load, from).memory(store);
}

function copyRun(
  f: FunctionBuilder,
  fields: IndexedFields,
  dtype: DType,
  from: Local,
  output: Local,
  contiguous: boolean,
): void {
  const length = load(f, fields.length);
  if (contiguous) {
    f.get(output).get(from).get(length).i32(bytesPerElement(dtype)).op(w.i32_mul).memoryCopy();
    return;
  }
  const to = f.get(output).let(w.i32);
  f.doWhile(
    () => {
      copyElement(f, dtype, from, to);
      f.get(from).load(w.i32_load, parameter.argumentBlock, fields.steps[0]).op(w.i32_add).set(from);
      f.get(to).load(w.i32_load, parameter.argumentBlock, fields.steps[2]).op(w.i32_add).set(to);
    },
    () => f.increment(length, -1).get(length),
  );
}
