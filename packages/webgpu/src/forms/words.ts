/** Whether an output of bytes can be written a word at a time. */
import { count } from '@ag/tensor/engine';
import type { FormRequest } from './form.ts';

/** It is the whole of its buffer, in the order in which positions are counted: no one else has bytes in its words. */
export function ownsWords(request: FormRequest, operand: number, sizes: readonly number[]): boolean {
  const { buffer, offset, dynamic, strides } = request.launch.operands[operand];
  if (request.inLoop || offset !== 0 || dynamic.length > 0) return false;
  let step = 1;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    if (sizes[axis] !== 1 && strides[axis] !== step) return false;
    step *= sizes[axis];
  }
  return count(sizes) === request.program.buffers[buffer].length;
}
