/**
 * The model's answer to a batch. Whatever a batch holds as `x` is the one argument of `forward`: a tensor, a tuple or an object
 * of tensors. What goes wrong between a model and inputs of another form is said in these terms.
 */
import type { Module } from '@ag/nn';
import { Tensor } from '@ag/tensor';
import { synchronous } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';
import { describeStructure } from './structure.ts';

/** A `forward` that takes its argument apart: `forward({ image, meta })`. */
const takesApart = /^[^(]*\(\s*[{[]/;

/** @throws TrainingError `option` when the model expects inputs of another form */
export function forward<X, Output>(model: Module<[X], Output>, x: X, operation: string): Output {
  let output: Output;
  try {
    output = model.forward(x);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    // Any mistake in a model of one tensor is its own.
    const single = x instanceof Tensor;
    if (single && !takesApart.test(String(model.forward))) throw cause;
    const rule = single
      ? 'It takes several inputs: let the data give an object or a tuple of tensors as x'
      : 'forward gets x as one argument: forward({ a, b }) for an object, forward([a, b]) for a tuple';
    throw new TrainingError(
      `${operation}: the model's forward failed on x ${describeStructure(x)}. ${rule}. ${cause.message}`,
      { code: 'option', cause },
    );
  }
  return synchronous(operation, output, "the model's forward");
}
