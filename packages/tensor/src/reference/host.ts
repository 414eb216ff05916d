/** The host form: a routine that gets plain arrays of exactly its operands' elements. */
import type { HostKernel } from '../kernel/kernel.ts';
import { sizeOf } from '../shape.ts';
import type { CompiledKernel } from './form.ts';
import { baseOf } from './walk.ts';

export function compileHost(kernel: HostKernel): CompiledKernel {
  return (launch) => {
    const shapes = launch.shapes!;
    const lengths = shapes.map(sizeOf);
    return (arrays, scalars) => {
      const operands = launch.operands.map((operand, i) => {
        const base = baseOf(operand, scalars);
        return arrays[operand.buffer].subarray(base, base + lengths[i]);
      });
      kernel.run(operands.slice(0, kernel.inputs.length), operands.slice(kernel.inputs.length), shapes);
    };
  };
}
