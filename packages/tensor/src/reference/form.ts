/**
 * What the kernel forms share: a kernel is compiled for its structure, bound to the arguments of a launch, and run.
 */
import type { DType, TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Launch, Output } from '../kernel/kernel.ts';
import type { CompiledExpression } from './expression.ts';
import { Store } from './walk.ts';

/** One launch, ready to run: `arrays` are the program's buffers in this run. */
export type BoundLaunch = (arrays: readonly TypedArray[], scalars: Float64Array) => void;

/** A kernel without sizes. Binding may be done any number of times; bound launches run one at a time. */
export type CompiledKernel = (launch: Launch) => BoundLaunch;

/** The stores of an expression's results to the launch operands from number `first` on. */
export function bindStores(
  compiled: CompiledExpression,
  outputs: readonly Output[],
  launch: Launch,
  first: number,
  sizes: readonly number[],
): Store[] {
  return outputs.map((output, i) => {
    const operand = launch.operands[first + i];
    return new Store(compiled.results[i], operand, sizes, operand.strides, output.accumulate);
  });
}

/** @throws TypeError when results and outputs differ in number or dtype. */
export function checkOutputs(compiled: CompiledExpression, outputs: readonly Output[]): void {
  if (compiled.results.length !== outputs.length) {
    throw codedError(
      TypeError,
      'AG_INTERNAL',
      `${compiled.results.length} results for ${outputs.length} outputs`,
    );
  }
  outputs.forEach((output, i) => {
    const dtype: DType = compiled.resultDTypes[i];
    if (dtype !== output.dtype)
      throw codedError(
        TypeError,
        'AG_INTERNAL',
        `result ${i} is ${dtype}, its output ${output.dtype}; insert a cast`,
      );
  });
}
