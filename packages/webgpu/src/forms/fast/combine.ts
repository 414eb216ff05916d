/**
 * Combining numbers two by two: what a reduction and a scan do at each step, as statements on a state.
 *
 * `argmax` and `argmin` carry a whole number that orders values and the position along; of equals the first counts, and NaN is the
 * extreme, as the kernel language says.
 */
import type { Combine, DType } from '@ag/tensor';
import { combinerOf as combinationOf, extremeKey } from '../../emit/combine.ts';
import type { ValueType } from '../../emit/dtypes.ts';
import type { KernelWriter } from '../../emit/kernelWriter.ts';

/** A position that stands for no number yet. */
export const nowhere = '0x7fffffff';

/** Statements and texts for one combination. Its state is the variable `name`, and `nameAt` where positions count. */
export interface Combiner {
  /** Of a state. */
  readonly type: ValueType;
  readonly finds: boolean;
  /** Declares a state that stands for no numbers. */
  declare(name: string): string;
  /** Takes a number, and its position, into a state. */
  take(name: string, value: string, position: string): string;
  /** Takes one state into another. */
  merge(name: string, state: string, position: string): string;
}

/** @throws TypeError for sums of bool, as the reference backend does */
export function combinerFor(w: KernelWriter, combine: Combine, dtype: DType): Combiner {
  const use = (name: string) => w.use(name);
  if (combine === 'argmax' || combine === 'argmin') {
    const { type, lowest, keyOf } = extremeKey(combine, dtype, use);
    const merge = (name: string, state: string, position: string) =>
      `{ let other = ${state}; let at = ${position}; if (other > ${name} || (other == ${name} && at < ${name}At)) { ${name} = other; ${name}At = at; } }`;
    return {
      type,
      finds: true,
      declare: (name) => `var ${name}: ${type} = ${lowest}; var ${name}At = ${nowhere};`,
      take: (name, value, position) => `{ let value = ${value}; ${merge(name, keyOf('value'), position)} }`,
      merge,
    };
  }
  const { type, initial, combine: combined } = combinationOf(combine, dtype, use);
  const take = (name: string, value: string) => `${name} = ${combined(name, value)};`;
  return { type, finds: false, declare: (name) => `var ${name}: ${type} = ${initial};`, take, merge: take };
}
