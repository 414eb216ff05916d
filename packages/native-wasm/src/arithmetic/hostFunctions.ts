/**
 * What JavaScript does for kernels: `%`, which WebAssembly lacks and which is exact on every engine. Functions of `Math`
 * are not, so `mathF64.ts` has its own. It sits at a first position of the function table, so kernels need not import it.
 */
import type { Target } from '../abi.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';

const names = ['remainder'] as const;

export type HostFunction = (typeof names)[number];

/** Positions of the table that they take. Position 0 stays empty. */
export const hostFunctionCount = names.length + 1;

const operands = [w.f64, w.f64];

/** Calls it on the float64 operands on the stack. */
export function hostFunction(f: FunctionBuilder, target: Target, name: HostFunction): void {
  target.needHostFunctions?.();
  f.i32(1 + names.indexOf(name)).callIndirect(target.module.type(operands, [w.f64]));
}

/** The module that puts them into a table; `worker.js` instantiates the same bytes. */
export function hostFunctionModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importTable('env', 'table', hostFunctionCount);
  names.forEach((name, i) => {
    module.element(1 + i, module.importFunction('math', name, operands, [w.f64]));
  });
  return module.bytes();
}
