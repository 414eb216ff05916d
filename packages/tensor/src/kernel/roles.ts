/**
 * The roles of axes in a contraction: batch, m, n and k.
 *
 * Each is a group of axes of A[m, k]·B[k, n]. Nothing here depends on WebAssembly: any backend that multiplies in blocks
 * reads its operands so.
 */
import { bytesPerElement, type DType } from '../dtype.ts';
import type { ContractKernel, Launch, Operand } from './kernel.ts';

/** Axes that act as one: (size, stride in bytes) from the innermost outwards, never empty. */
export interface Group {
  readonly count: number;
  readonly size: number;
  readonly axes: readonly (readonly [size: number, stride: number])[];
}

/** An operand with its groups. */
export interface Factor {
  readonly operand: Operand;
  readonly dtype: DType;
  readonly batch: Group;
  readonly rows: Group;
  readonly columns: Group;
}

/** The operands of a contraction. */
export interface Roles {
  /** Rows are m, columns are k. */
  readonly a: Factor;
  /** Rows are k, columns are n. */
  readonly b: Factor;
  /** Extras, then outputs; rows are m, columns are n. */
  readonly others: readonly Factor[];
}

/** The roles as a launch gives them. */
export function contractRoles(launch: Launch): Roles {
  const kernel = launch.kernel as ContractKernel;
  const { batchRank, mRank, nRank, dtype } = kernel;
  const { dims } = launch;
  const ends = [batchRank, batchRank + mRank, batchRank + mRank + nRank];
  const batchDims = dims.slice(0, ends[0]);
  const mDims = dims.slice(ends[0], ends[1]);
  const nDims = dims.slice(ends[1], ends[2]);
  const kDims = dims.slice(ends[2]);
  const factor = (
    position: number,
    type: DType,
    rows: readonly number[],
    columns: readonly number[],
  ): Factor => {
    const operand = launch.operands[position];
    // Coordinates are counted in elements.
    const size = operand.buffer < 0 ? 1 : bytesPerElement(type);
    const split = batchRank + rows.length;
    return {
      operand,
      dtype: type,
      batch: groupOf(batchDims, operand.strides.slice(0, batchRank), size),
      rows: groupOf(rows, operand.strides.slice(batchRank, split), size),
      columns: groupOf(columns, operand.strides.slice(split), size),
    };
  };
  const types = [...kernel.extras, ...kernel.outputs.map((output) => output.dtype)];
  return {
    a: factor(0, dtype, mDims, kDims),
    b: factor(1, dtype, kDims, nDims),
    others: types.map((type, i) => factor(2 + i, type, mDims, nDims)),
  };
}

/** The same product the other way round: (A·B)ᵀ = Bᵀ·Aᵀ. */
export function transposed({ a, b, others }: Roles): Roles {
  return { a: flip(b), b: flip(a), others: others.map(flip) };
}

function flip(factor: Factor): Factor {
  return { ...factor, rows: factor.columns, columns: factor.rows };
}

/** Merges axes that lie behind one another and drops those of size 1. */
export function groupOf(sizes: readonly number[], strides: readonly number[], size: number): Group {
  const axes: [number, number][] = [];
  let count = 1;
  for (let i = sizes.length - 1; i >= 0; i--) {
    const length = sizes[i];
    const stride = strides[i] * size;
    count *= length;
    if (length === 1) continue;
    const outer = axes[axes.length - 1];
    if (outer && stride === outer[0] * outer[1]) outer[0] *= length;
    else axes.push([length, stride]);
  }
  if (axes.length === 0) axes.push([1, size]);
  return { count, size, axes };
}

/** Whether neighbors of the group lie side by side, in runs at least. */
export function hasRuns(group: Group): boolean {
  return group.axes[0][1] === group.size;
}

/** Whether the whole group lies side by side. */
export function isDense(group: Group): boolean {
  return group.axes.length === 1 && hasRuns(group);
}

/** The memory within which all elements of a factor lie, from its first element on: where it starts, how long it is. */
export function spanOf({ rows, columns }: Factor): { readonly start: number; readonly bytes: number } {
  let start = 0;
  let end = rows.size;
  for (const [size, stride] of [...rows.axes, ...columns.axes]) {
    start += Math.min(0, (size - 1) * stride);
    end += Math.max(0, (size - 1) * stride);
  }
  return { start, bytes: end - start };
}
