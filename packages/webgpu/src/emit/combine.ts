/** How values combine in reductions and scans, as WGSL. */

import type { Combine, DType } from '@ag/tensor';
import { codedError, dtypeError } from '@ag/tensor/engine';
import { type ValueType, valueType } from './dtypes.ts';
import { wrapped } from './expression.ts';

export interface Combiner {
  /** Type of what is carried. */
  readonly type: ValueType;
  /** What combining begins with. */
  readonly initial: string;
  readonly combine: (a: string, b: string) => string;
}

/** @throws TypeError for sums of bool, as the reference backend does */
export function combinerOf(
  combine: Exclude<Combine, 'argmax' | 'argmin'>,
  dtype: DType,
  use: (name: string) => string,
): Combiner {
  const type = valueType(dtype);
  if (dtype === 'bool') {
    if (combine === 'sum') throw dtypeError('the sum of bool is not defined; cast to int32 first');
    const any = combine === 'max';
    return { type, initial: any ? 'false' : 'true', combine: (a, b) => `(${a} ${any ? '||' : '&&'} ${b})` };
  }
  const zero = type === 'f32' ? '0.0' : type === 'i32' ? '0' : '0u';
  const one = type === 'f32' ? '1.0' : type === 'i32' ? '1' : '1u';
  switch (combine) {
    case 'sum':
      return { type, initial: zero, combine: (a, b) => wrapped(`${a} + ${b}`, dtype) };
    case 'prod':
      return { type, initial: one, combine: (a, b) => wrapped(`${a} * ${b}`, dtype) };
    case 'max':
    case 'min': {
      const [lowest, highest] = limitsOf(dtype, use);
      const name = dtype === 'float32' ? use(combine === 'max' ? 'maximum' : 'minimum') : combine;
      return {
        type,
        initial: combine === 'max' ? lowest : highest,
        combine: (a, b) => `${name}(${a}, ${b})`,
      };
    }
  }
}

/** Lowest and highest element. */
function limitsOf(dtype: DType, use: (name: string) => string): readonly [string, string] {
  switch (dtype) {
    case 'float32':
      return [`${use('from_bits')}(0xff800000u)`, `${use('from_bits')}(0x7f800000u)`];
    case 'int32':
      return ['(-2147483647 - 1)', '2147483647'];
    case 'uint32':
      return ['0u', '0xffffffffu'];
    case 'uint8':
      return ['0u', '255u'];
    default:
      throw codedError(TypeError, 'AG_INTERNAL', `webgpu: ${dtype} has no limits in a kernel`);
  }
}

/**
 * For positions of extremes: a whole number that orders values, the larger the better, NaN best. `lowest` is below all of them or
 * equal to the least.
 */
export function extremeKey(
  combine: 'argmax' | 'argmin',
  dtype: DType,
  use: (name: string) => string,
): { readonly type: 'i32' | 'u32'; readonly lowest: string; readonly keyOf: (x: string) => string } {
  const least = combine === 'argmin';
  switch (dtype) {
    case 'float32': {
      use('key');
      use('is_nan');
      // Infinities have keys of ±0x7f800000.
      return {
        type: 'i32',
        lowest: '-0x7f800000',
        keyOf: (x) => `select(${least ? '-' : ''}key(${x}), 0x7fffffff, is_nan(${x}))`,
      };
    }
    case 'int32':
      return { type: 'i32', lowest: '(-2147483647 - 1)', keyOf: (x) => (least ? `~${x}` : x) };
    case 'bool':
      return { type: 'u32', lowest: '0u', keyOf: (x) => `select(${least ? '1u, 0u' : '0u, 1u'}, ${x})` };
    default:
      return { type: 'u32', lowest: '0u', keyOf: (x) => (least ? `~${x}` : x) };
  }
}
