/**
 * JavaScript's Math for the few places where one element at a time is right: float64 functions, and angles too large for
 * float32 reduction. They sit at the first positions of the function table, so kernels need not import them.
 */
import type { Target } from './abi.ts';
import { type FunctionBuilder, ModuleBuilder } from './assembler.ts';
import * as w from './opcodes.ts';

const names = [
  'exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh',
  'pow', 'atan2', 'remainder',
] as const; // biome-ignore format: a table

export type HostFunction = (typeof names)[number];

/** Positions of the table that they take. Position 0 stays empty. */
export const hostFunctionCount = names.length + 1;

const operandsOf = (name: HostFunction) =>
  names.indexOf(name) < names.indexOf('pow') ? [w.f64] : [w.f64, w.f64];

/** Calls it on the float64 operands on the stack. */
export function hostFunction(f: FunctionBuilder, target: Target, name: HostFunction): void {
  target.needHostFunctions?.();
  f.i32(1 + names.indexOf(name)).callIndirect(target.module.type(operandsOf(name), [w.f64]));
}

/** The module that puts them into a table; `worker.js` instantiates the same bytes. */
export function hostFunctionModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importTable('env', 'table', hostFunctionCount);
  names.forEach((name, i) => {
    module.element(1 + i, module.importFunction('math', name, operandsOf(name), [w.f64]));
  });
  return module.bytes();
}
