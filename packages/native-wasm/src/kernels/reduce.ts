/**
 * Reduce kernels: combine over some axes, with the expression before and the one after fused in.
 *
 * Vectors run along the reduced axis ("rows") or along an outer axis ("columns"), whichever the inputs lie along. Sums of
 * float32 are gathered in several vectors for at most 64 steps and then added up in float64, so that
 * the error does not grow with the length. A long reduction with few results is cut into blocks of a size that
 * depends on nothing but its shape, so the result has the same bits for any number of threads.
 */

import { bytesPerElement, type Expression, kernelKey, type ReduceKernel } from '@ag/tensor';
import {
  count,
  dtypeError,
  keepsFirstAxis,
  type LaunchAxes,
  mergeLaunchAxes,
  sortAxes,
  splitLast,
} from '@ag/tensor/engine';
import { ArgumentBlock, type LowerContext, type Scratch, type Stage, type Target } from '../abi.ts';
import { cost, lanesFor } from '../arithmetic/expression.ts';
import { patternOf } from '../arithmetic/lanes.ts';
import { literalFields } from '../arithmetic/literals.ts';
import { VectorCode } from '../arithmetic/vector.ts';
import * as w from '../assembler/opcodes.ts';
import { type Access, addressField, elementBytes } from './access.ts';
import { isArg } from './combine.ts';
import { walkFields } from './pointerWalk.ts';
import { columnVectors, ReduceCode } from './reduceCode.ts';

/** Elements of a block when a reduction is cut, and what makes cutting worth it. */
const blockElements = 32768;

/** A reduction whose operands need not be those of a launch. */
export interface Reduction {
  readonly kernel: ReduceKernel;
  /** Over the outer axes, then the reduced ones. */
  readonly inputs: readonly Access[];
  /** Extras and outputs, over the outer axes. */
  readonly results: readonly Access[];
  readonly outer: readonly number[];
  readonly reduced: readonly number[];
}

export function lowerReduce(context: LowerContext, kernel: ReduceKernel): Stage[] {
  const { program, launch } = context;
  if (kernel.dtype === 'bool' && kernel.combine === 'sum') {
    throw dtypeError(`${launch.label}: the sum of bool is not defined; cast to int32 first`);
  }
  const access = (i: number): Access => ({
    operand: launch.operands[i],
    dtype: launch.operands[i].buffer < 0 ? 'int32' : program.buffers[launch.operands[i].buffer].dtype,
    strides: launch.operands[i].strides,
  });
  const operands = launch.operands.map((_, i) => access(i));
  // Coordinates may stand among the inputs or the extras: they have strides over all axes or the outer ones.
  return splitReduction(context, {
    kernel,
    inputs: operands.slice(0, kernel.inputs.length),
    results: operands.slice(kernel.inputs.length),
    outer: launch.dims.slice(0, kernel.outerRank),
    reduced: launch.dims.slice(kernel.outerRank),
  });
}

/** One stage, or three: full blocks, the shorter last block, and the combination of the blocks' results. */
function splitReduction(context: LowerContext, reduction: Reduction): Stage[] {
  const { kernel, reduced, outer } = reduction;
  const outerCount = count(outer);
  const merged = mergeLaunchAxes({
    sizes: reduced,
    strides: reduction.inputs.map((a) => a.strides.slice(outer.length)),
  });
  const length = count(reduced);
  const first = merged.sizes[0] ?? 1;
  const rest = length / first;
  const block = Math.max(64, Math.floor(blockElements / Math.max(rest, Math.min(outerCount, 1024))));
  const tooFew = outerCount * 64 > length || outerCount > 512;
  if (isArg(kernel.combine) || tooFew || length * outerCount < 4 * blockElements || first < 2 * block) {
    return [reduceStage(context, reduction)];
  }
  const full = Math.floor(first / block);
  const last = first - full * block;
  const blocks = full + (last > 0 ? 1 : 0);
  const scratch: Scratch = { bytes: blocks * outerCount * bytesPerElement(kernel.dtype), perThread: false };
  const outerStrides = outer.map((_, axis) => count(outer.slice(axis + 1)));
  const partial = (from: number, blocks: number, length: number): Reduction => ({
    kernel: {
      ...kernel,
      outerRank: outer.length + 1,
      reducedRank: merged.sizes.length,
      extras: [],
      outputs: [{ dtype: kernel.dtype, accumulate: false }],
      epilogue: { instructions: [{ op: 'accumulator', dtype: kernel.dtype }], results: [0] },
    },
    inputs: reduction.inputs.map((input, i) => {
      const [step, ...others] = merged.strides[i];
      const operand = { ...input.operand!, offset: input.operand!.offset + from * block * step };
      return {
        ...input,
        operand,
        strides: [step * block, ...input.strides.slice(0, outer.length), step, ...others],
      };
    }),
    results: [
      {
        operand: null,
        scratch,
        dtype: kernel.dtype,
        strides: [outerCount, ...outerStrides],
        first: from * outerCount,
      },
    ],
    outer: [blocks, ...outer],
    reduced: [length, ...merged.sizes.slice(1)],
  });
  const stages = [reduceStage(context, partial(0, full, block))];
  if (last > 0) stages.push(reduceStage(context, partial(full, 1, last)));
  const { dtype } = kernel;
  stages.push(
    reduceStage(context, {
      kernel: {
        ...kernel,
        reducedRank: 1,
        inputs: [dtype],
        prologue: { instructions: [{ op: 'load', operand: 0, dtype }], results: [0] },
        epilogue: renumber(kernel.epilogue, 1 - kernel.inputs.length),
      },
      inputs: [{ operand: null, scratch, dtype, strides: [...outerStrides, outerCount] }],
      results: reduction.results,
      outer,
      reduced: [blocks],
    }),
  );
  return stages;
}

/** The expression with its operand numbers moved. */
export function renumber(expression: Expression, by: number): Expression {
  return {
    ...expression,
    instructions: expression.instructions.map((instruction) =>
      'operand' in instruction ? { ...instruction, operand: instruction.operand + by } : instruction,
    ),
  };
}

/** LaunchAxes of a reduction in the form that is compiled, and along which kind of axis vectors run. */
interface Shape {
  readonly columns: boolean;
  readonly outer: LaunchAxes;
  readonly reduced: LaunchAxes;
  /** Whether the first outer axis as it was given is the first still. */
  readonly firstKept: boolean;
}

function arrange({ kernel, inputs, results, outer, reduced }: Reduction): Shape {
  const n = outer.length;
  const outerAxes: LaunchAxes = {
    sizes: outer,
    strides: [...inputs.map((a) => a.strides.slice(0, n)), ...results.map((a) => a.strides)],
  };
  const reducedAxes: LaunchAxes = { sizes: reduced, strides: inputs.map((a) => a.strides.slice(n)) };
  const all = inputs.map((_, i) => i);
  const outputs = kernel.outputs.map((_, i) => inputs.length + kernel.extras.length + i);
  // Positions of extremes count in the order given; other combinations may go as memory does.
  const inner = mergeLaunchAxes(isArg(kernel.combine) ? reducedAxes : sortAxes(reducedAxes, all));
  /** Elements of the operand: what is repeated along other axes counts little. */
  const extent = (i: number) =>
    [outerAxes, reducedAxes].reduce(
      (n, { sizes, strides }) => n * count(sizes.filter((_, axis) => strides[i][axis] !== 0)),
      1,
    );
  const votes = (axes: LaunchAxes) =>
    all
      .filter((i) => axes.sizes.length > 0 && axes.strides[i][axes.sizes.length - 1] === 1)
      .reduce((sum, i) => sum + extent(i), 0);
  const byInputs = mergeLaunchAxes(sortAxes(outerAxes, all));
  const byOutputs = mergeLaunchAxes(sortAxes(outerAxes, outputs));
  const reducedLength = count(reduced);
  const lastOuter = byInputs.sizes[byInputs.sizes.length - 1] ?? 1;
  let columns = votes(byInputs) > votes(inner);
  if (votes(byInputs) === votes(inner)) columns = lastOuter > (inner.sizes[inner.sizes.length - 1] ?? 1);
  // Short rows leave vectors half empty.
  if (!columns && reducedLength < 8 && lastOuter >= 4) columns = true;
  if (columns && lastOuter < 4 && reducedLength >= 16) columns = false;
  const firstKept = keepsFirstAxis(outerAxes, columns ? all : outputs);
  return { columns, outer: columns ? byInputs : byOutputs, reduced: inner, firstKept };
}

export function reduceStage(context: LowerContext, reduction: Reduction): Stage {
  const { kernel, inputs, results } = reduction;
  const shape = arrange(reduction);
  const accesses = [...inputs, ...results];
  const lanes = lanesFor([...accesses.map((a) => a.dtype), kernel.dtype], kernel.prologue, kernel.epilogue);
  const argumentBlock = new ArgumentBlock();
  const outer = shape.columns ? splitLast(shape.outer) : null;
  const inner = splitLast(shape.reduced);
  const walked = outer ? outer.outer : shape.outer;
  const columnSteps = outer ? outer.steps : accesses.map(() => 0);
  const fields = {
    addresses: accesses.map((access) => addressField(argumentBlock, access)),
    /** Bytes to the next element along the vectors of columns. */
    columnSteps: columnSteps.map((step, i) => argumentBlock.i32(step * elementBytes(accesses[i]))),
    columns: argumentBlock.i32(outer?.size ?? 1),
    outer: walkFields(argumentBlock, walked, accesses),
    length: argumentBlock.i32(inner.size),
    rowSteps: inner.steps.map((step, i) => argumentBlock.i32(step * elementBytes(inputs[i]))),
    rows: argumentBlock.i32(count(inner.outer.sizes)),
    reduced: walkFields(argumentBlock, inner.outer, inputs),
    literals: literalFields(argumentBlock, context.launch, [kernel.prologue, kernel.epilogue]),
  };
  const pattern = (step: number, i: number) =>
    accesses[i].operand?.buffer === -1 ? 'strided' : patternOf(step);
  const patterns = (outer ? columnSteps : inner.steps).map(pattern);
  const blockSize = columnVectors(kernel)[0] * lanes;
  const outerCount = count(shape.outer.sizes);
  const units = outer ? count(walked.sizes) * Math.ceil(outer.size / blockSize) : outerCount;
  // Columns run across rows where the first axis is also the last.
  const rows =
    context.rows !== undefined && shape.firstKept && (!outer || walked.sizes.length > 0)
      ? context.rows
      : null;
  const each = (cost(kernel.prologue) + 0.03) * count(reduction.reduced) + cost(kernel.epilogue) + 5;
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    return new ReduceCode(new VectorCode(f, target), lanes, kernel, accesses, patterns, fields).emit(
      shape.columns,
    );
  };
  const form = `${shape.columns ? 'columns' : 'rows'} ${walked.sizes.length} ${inner.outer.sizes.length} ${patterns.join()}`;
  return {
    key: `reduce ${form} ${kernelKey({ ...kernel, outerRank: 0, reducedRank: 0 })}`,
    argumentBlock,
    units: outerCount === 0 ? 0 : units,
    grain: Math.max(1, Math.ceil(3000 / (each * (outer ? Math.min(blockSize, outer.size) : 1)))),
    emit,
    ...(rows === null ? {} : { unitsPerRow: units / rows }),
  };
}
