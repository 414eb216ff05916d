/**
 * `functionalCall`: a model as a function of its weights.
 */
import { formatShape, Tensor, type Variable } from '@ag/tensor';
import { codedError, nearestName } from '@ag/tensor/engine';
import { type Module, variablesByPath } from './module.ts';
import type { StateDict } from './state.ts';
import { withValues } from './substitute.ts';

/**
 * What a model computes with other weights than its own, which stay as they are: for gradients by functions of weights, for
 * networks that make the weights of others, for several models of one form at once.
 *
 * ```ts
 * const weights = model.stateDict();
 * const replaced = functionalCall(model, { ...weights, weight: y }, x); // weights as they are, but for one
 * // Ten models of one form, their weights side by side
 * const outputs = vmap((weight: Tensor, bias: Tensor) => functionalCall(model, { weight, bias }, x))(allWeights, allBiases);
 * ```
 *
 * @param weights tensors by the paths of parameters and buffers, as `stateDict` has them; what is left out is the model's own.
 * What the model assigns to a buffer that is given (running statistics) goes nowhere
 * @param inputs what `forward` takes
 * @throws RangeError for a path that the model does not have, and for another shape or dtype
 */
export function functionalCall<Inputs extends readonly unknown[], Output>(
  model: Module<Inputs, Output>,
  weights: StateDict,
  ...inputs: Inputs
): Output {
  const known = new Map(variablesByPath(model));
  const values = new Map<Variable, Tensor>();
  for (const [path, value] of Object.entries(weights)) {
    const variable = known.get(path);
    if (!variable) {
      const near = nearestName(path, [...known.keys()]);
      throw mismatch(`the model has no '${path}'${near ? `; it has '${near}'` : ''}`);
    }
    if (!(value instanceof Tensor))
      throw codedError(TypeError, 'AG_NOT_A_TENSOR', `functionalCall: '${path}' is no tensor`);
    if (formatShape(value.shape) !== formatShape(variable.shape) || value.dtype !== variable.dtype) {
      throw mismatch(
        `'${path}' should be ${formatShape(variable.shape)} ${variable.dtype}, got ${formatShape(value.shape)} ${value.dtype}`,
      );
    }
    values.set(variable, value);
  }
  return withValues(values, () => model.forward(...inputs), 'functionalCall');
}

function mismatch(message: string): Error {
  return codedError(RangeError, 'AG_STATE_MISMATCH', `functionalCall: ${message}`);
}
