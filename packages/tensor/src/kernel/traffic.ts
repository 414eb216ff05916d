/**
 * How much memory a launch touches, known from its sizes and strides alone: for tests of planning and for profiles.
 */
import { bytesPerElement } from '../dtype.ts';
import type { Launch, Operand, Program } from './kernel.ts';

/**
 * Bytes of the distinct elements that a launch reads and writes: one that is broadcast or read through overlapping windows
 * counts once, one that is added to counts as read and written.
 */
export function launchTraffic(
  launch: Launch,
  program: Program,
): { readonly bytesRead: number; readonly bytesWritten: number } {
  let bytesRead = 0;
  let bytesWritten = 0;
  for (const { operand, sizes, reads, writes } of rolesOf(launch)) {
    if (operand.buffer < 0) continue;
    const { dtype, length } = program.buffers[operand.buffer];
    let elements = 1;
    sizes.forEach((size, axis) => {
      if (size === 0) elements = 0;
      else if (operand.strides[axis] !== 0) elements *= size;
    });
    const size = Math.min(elements, length) * bytesPerElement(dtype);
    if (reads) bytesRead += size;
    if (writes) bytesWritten += size;
  }
  return { bytesRead, bytesWritten };
}

interface Role {
  readonly operand: Operand;
  /** Of the axes that the operand's strides are for. */
  readonly sizes: readonly number[];
  readonly reads: boolean;
  readonly writes: boolean;
}

function rolesOf({ kernel, dims, operands, shapes }: Launch): Role[] {
  const reads = (operand: Operand, sizes: readonly number[]): Role => ({
    operand,
    sizes,
    reads: true,
    writes: false,
  });
  const writes = (operand: Operand, sizes: readonly number[], accumulate: boolean): Role => ({
    operand,
    sizes,
    reads: accumulate,
    writes: true,
  });
  switch (kernel.form) {
    case 'map': {
      const inputs = kernel.inputs.length;
      return operands.map((operand, i) =>
        i < inputs ? reads(operand, dims) : writes(operand, dims, kernel.outputs[i - inputs].accumulate),
      );
    }
    case 'reduce': {
      const inputs = kernel.inputs.length;
      const extras = inputs + kernel.extras.length;
      const outer = dims.slice(0, kernel.outerRank);
      return operands.map((operand, i) => {
        if (i < inputs) return reads(operand, dims);
        return i < extras
          ? reads(operand, outer)
          : writes(operand, outer, kernel.outputs[i - extras].accumulate);
      });
    }
    case 'contract': {
      const { batchRank, mRank, nRank } = kernel;
      const batch = dims.slice(0, batchRank);
      const m = dims.slice(batchRank, batchRank + mRank);
      const n = dims.slice(batchRank + mRank, batchRank + mRank + nRank);
      const k = dims.slice(batchRank + mRank + nRank);
      const extras = 2 + kernel.extras.length;
      return operands.map((operand, i) => {
        if (i === 0) return reads(operand, [...batch, ...m, ...k]);
        if (i === 1) return reads(operand, [...batch, ...k, ...n]);
        const outer = [...batch, ...m, ...n];
        return i < extras
          ? reads(operand, outer)
          : writes(operand, outer, kernel.outputs[i - extras].accumulate);
      });
    }
    case 'gather': {
      // Of the source as many elements as are taken, at most all of it.
      const [source, index, output] = operands as [Operand, Operand, Operand];
      return [reads(taken(source, output), dims), reads(index, dims), writes(output, dims, false)];
    }
    case 'scatter': {
      const [updates, index, output] = operands as [Operand, Operand, Operand];
      const adds = kernel.combine !== 'set';
      return [reads(updates, dims), reads(index, dims), writes(taken(output, updates), dims, adds)];
    }
    case 'scan':
    case 'sort':
      return [reads(operands[0], dims), writes(operands[1], dims, false)];
    case 'host':
    case 'loop':
      return operands.map((operand, i) =>
        i < kernel.inputs.length ? reads(operand, shapes![i]) : writes(operand, shapes![i], false),
      );
  }
}

/** The operand with the strides of another: as many elements as that one has. */
function taken(operand: Operand, like: Operand): Operand {
  return { ...operand, strides: like.strides };
}
