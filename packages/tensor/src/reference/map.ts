/** The map form: one expression per element, in blocks over the merged axes. */
import type { MapKernel } from '../kernel/kernel.ts';
import { sizeOf } from '../shape.ts';
import { BoundExpression, compileExpression } from './expression.ts';
import { bindStores, type CompiledKernel, checkOutputs } from './form.ts';
import { blockSize, type RegisterFile } from './registers.ts';

export function compileMap(kernel: MapKernel, file: RegisterFile): CompiledKernel {
  const compiled = compileExpression(kernel.expression, file, 'float64');
  checkOutputs(compiled, kernel.outputs);
  return (launch) => {
    const total = sizeOf(launch.dims);
    const expression = new BoundExpression(compiled, launch, launch.dims, (operand) => operand.strides);
    const stores = bindStores(compiled, kernel.outputs, launch, kernel.inputs.length, launch.dims);
    return (arrays, scalars) => {
      if (total === 0) return;
      expression.start(arrays, scalars, total);
      for (const store of stores) store.start(arrays, scalars);
      for (let position = 0; position < total; position += blockSize) {
        const n = Math.min(blockSize, total - position);
        expression.evaluate(position, n);
        for (const store of stores) store.store(position, n);
      }
      expression.finish();
      for (const store of stores) store.finish();
    };
  };
}
