/** Where operands stand: a number of an element becomes coordinates, and these addresses. */
import { type LaunchAxes, mergeLaunchAxes } from '@ag/tensor/engine';
import type { KernelWriter } from './kernelWriter.ts';

export interface Walked {
  /** Statements, in which `coordinates` and addresses are named. */
  readonly lines: readonly string[];
  /** For each operand asked about, its address: a name or a word of the arguments, an i32. */
  readonly addresses: readonly string[];
}

/**
 * Addresses of operands at position `id` (a u32 that names one), counted in row-major order over `sizes`. `strides[i]` are those of
 * `operands[i]`. Axes that all operands pass in one step are one; an operand that lies as the positions are counted needs no
 * coordinates, and one that is broadcast over an axis none of it.
 */
export function walkAddresses(
  writer: KernelWriter,
  id: string,
  sizes: readonly number[],
  operands: readonly number[],
  strides: readonly (readonly number[])[],
  prefix: string,
): Walked {
  const axes = mergeLaunchAxes({ sizes, strides });
  const offsets = operands.map((operand) => writer.offset(operand));
  return walkMerged(writer, id, axes, offsets, prefix);
}

/** The same with the axes as they are and starts given as text. */
export function walkMerged(
  writer: KernelWriter,
  id: string,
  { sizes, strides }: LaunchAxes,
  starts: readonly string[],
  prefix: string,
): Walked {
  const lines: string[] = [];
  const rank = sizes.length;
  const contiguous = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((a, b) => a * b, 1));
  const kinds = strides.map((own) => {
    if (own.every((stride) => stride === 0)) return 'constant';
    return own.every((stride, axis) => stride === contiguous[axis]) ? 'linear' : 'strided';
  });
  if (kinds.includes('strided')) {
    if (rank === 1) lines.push(`let ${prefix}c0 = i32(${id});`);
    let rest = id;
    for (let axis = rank - 1; axis > 0; axis--) {
      const size = `u32(${writer.argument(sizes[axis])})`;
      const next = `${prefix}q${axis}`;
      lines.push(`let ${next} = ${rest} / ${size};`);
      lines.push(`let ${prefix}c${axis} = i32(${rest} - ${next} * ${size});`);
      rest = next;
      if (axis === 1) lines.push(`let ${prefix}c0 = i32(${rest});`);
    }
  }
  const addresses = strides.map((own, i) => {
    const start = starts[i];
    if (kinds[i] === 'constant') return start;
    const name = `${prefix}a${i}`;
    if (kinds[i] === 'linear') {
      lines.push(`let ${name} = ${start} + i32(${id});`);
    } else {
      const terms = own.flatMap((stride, axis) =>
        stride === 0 ? [] : [`${prefix}c${axis} * ${writer.argument(stride)}`],
      );
      lines.push(`let ${name} = ${[start, ...terms].join(' + ')};`);
    }
    return name;
  });
  return { lines, addresses };
}
