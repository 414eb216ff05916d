/**
 * The float64 functions of the scalar vocabulary, two elements at a time.
 *
 * They take the steps of `@ag/tensor/math` one by one, so that both give the same bits, on every engine. Read its sources
 * for what the steps are; change both together.
 *
 * No fused multiply-add may stand here: it would round once where those sources round twice.
 */

import type { UnaryOperation } from '@ag/tensor';
import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { Doubles } from './doubles.ts';
import { cosh, exp, expm1, log, log1p, pow, sinh, tanh } from './exponentialF64.ts';
import { acos, asin, atan2, trigonometric } from './trigonometricF64.ts';
import type { Vector, VectorCode } from './vector.ts';

/** By the names of the vocabulary. */
export const unaryFunctions64: Partial<Record<UnaryOperation, (v: VectorCode, x: Vector) => Vector>> = {
  exp: (v, x) => exp(new Doubles(v), x),
  expm1: (v, x) => expm1(new Doubles(v), x),
  log: (v, x) => log(new Doubles(v), x),
  log1p: (v, x) => log1p(new Doubles(v), x),
  sinh: (v, x) => sinh(new Doubles(v), x),
  cosh: (v, x) => cosh(new Doubles(v), x),
  tanh: (v, x) => tanh(new Doubles(v), x),
  sin: (v, x) => trigonometric(new Doubles(v), x, 'sin'),
  cos: (v, x) => trigonometric(new Doubles(v), x, 'cos'),
  tan: (v, x) => trigonometric(new Doubles(v), x, 'tan'),
  asin: (v, x) => asin(new Doubles(v), x),
  acos: (v, x) => acos(new Doubles(v), x),
  atan: (v, x) => atan2(new Doubles(v), x, v.f64(1)),
};

export const binaryFunctions64 = {
  pow: (v: VectorCode, x: Vector, y: Vector) => pow(new Doubles(v), x, y),
  atan2: (v: VectorCode, y: Vector, x: Vector) => atan2(new Doubles(v), y, x),
};

/** One of them as a function of the module, `(v128, …) → v128`. */
export function function64(target: Target, v: VectorCode, name: UnaryOperation | 'pow' | 'atan2'): Callable {
  const operands = name === 'pow' || name === 'atan2' ? [w.v128, w.v128] : [w.v128];
  return target.module.shared(`${name}64`, operands, [w.v128], (f) => {
    const code = v.within(f);
    const [x, y] = f.parameters;
    f.get(
      name === 'pow' || name === 'atan2'
        ? binaryFunctions64[name](code, x, y)
        : unaryFunctions64[name]!(code, x),
    );
  });
}
