/**
 * Numbers that count through several axes, as WGSL: which place on each axis a number stands for, and where operands lie there.
 *
 * Sizes and strides are arguments of a dispatch; what is structure is how many axes there are and along which an operand stands still.
 */
import { type LaunchAxes, mergeLaunchAxes } from '@ag/tensor/engine';
import type { KernelWriter } from '../../emit/kernelWriter.ts';

/** Statements, and the texts of what they compute. */
export interface Offsets {
  readonly lines: readonly string[];
  /** Of each operand, in elements; i32. */
  readonly offsets: readonly string[];
}

/**
 * Where each operand lies at the place that `index` stands for, without its own base.
 *
 * @param name begins the names of what is computed
 * @param index u32 text
 */
export function offsetsAt(
  w: KernelWriter,
  name: string,
  index: string,
  { sizes, strides }: LaunchAxes,
): Offsets {
  const { lines, digits } = digitsOf(w, name, index, sizes);
  const offsets = strides.map((own) => {
    const terms = own.flatMap((stride, axis) =>
      stride === 0 ? [] : [stride === 1 ? digits[axis] : `${digits[axis]} * ${w.argument(stride)}`],
    );
    return terms.length === 0 ? '0' : `(${terms.join(' + ')})`;
  });
  return { lines, offsets };
}

/** The place on each axis, the last axis the fastest; i32. */
export function digitsOf(
  w: KernelWriter,
  name: string,
  index: string,
  sizes: readonly number[],
): { readonly lines: readonly string[]; readonly digits: readonly string[] } {
  const lines: string[] = [];
  const digits: string[] = [];
  let rest = index;
  for (let axis = sizes.length - 1; axis > 0; axis--) {
    const size = `u32(${w.argument(sizes[axis])})`;
    lines.push(
      `let ${name}q${axis} = ${rest} / ${size};`,
      `let ${name}d${axis} = i32(${rest} - ${name}q${axis} * ${size});`,
    );
    digits[axis] = `${name}d${axis}`;
    rest = `${name}q${axis}`;
  }
  if (sizes.length > 0) digits[0] = `i32(${rest})`;
  return { lines, digits };
}

/** The same walk of some operands with as few axes as these need. */
export function mergedAxes(sizes: readonly number[], strides: readonly (readonly number[])[]): LaunchAxes {
  return mergeLaunchAxes({ sizes, strides });
}

/** Strides of neighbors in row-major order. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= sizes[axis];
  }
  return strides;
}

const declared = new WeakMap<KernelWriter, Set<string>>();

/** A declaration that several parts of a kernel share. */
export function declareOnce(w: KernelWriter, text: string): void {
  const known = declared.get(w) ?? new Set<string>();
  declared.set(w, known);
  if (known.has(text)) return;
  known.add(text);
  w.declare(text);
}
