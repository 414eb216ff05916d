/**
 * Small parts of optimizers: state as it starts, weight decay, messages when something does not fit.
 */
import { type Tensor, type Variable, zeros } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { ParameterState } from './optimizerTypes.ts';
import type { PlateauSchedule, Schedule } from './schedules.ts';

/** State of zeros in the shape of the parameter. */
export function zeroState(parameter: Variable, ...names: readonly string[]): ParameterState<Tensor> {
  const none = zeros(parameter.shape, { dtype: parameter.dtype });
  return Object.fromEntries(names.map((name) => [name, none]));
}

/** The gradient of the loss and of ½ · weightDecay · ‖value‖². Without decay nothing is multiplied by 0. */
export function withDecay(gradient: Tensor, value: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
}

/** Options without those that are undefined, which stand for the default. */
export function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

export function isStateful(schedule: Schedule): schedule is PlateauSchedule {
  return 'loadState' in schedule;
}

/** Of a saved state that is of something else. */
export function mismatch(message: string): Error {
  return codedError(Error, 'AG_STATE_MISMATCH', message);
}

/** Why a step finds nothing to do. */
export function withoutGradients(
  parameters: readonly Variable[],
  gradients: ReadonlyMap<Variable, Tensor> | undefined,
): Error {
  if (parameters.every(({ trainable }) => !trainable))
    return codedError(
      Error,
      'AG_FROZEN',
      'step: all parameters of this optimizer are frozen; set variable.trainable = true, or call module.unfreeze()',
    );
  if (gradients)
    return codedError(
      Error,
      'AG_NO_GRADIENT',
      'step: the gradients given are of no trainable parameter of this optimizer; their keys must be its variables',
    );
  return codedError(
    Error,
    'AG_NO_GRADIENT',
    'step: no parameter of this optimizer has a gradient waiting; call backward(loss) first, with a loss that depends on them. ' +
      'Gradients of your own are given to the step: step(new Map([[variable, gradient]])), not assigned to variable.grad',
  );
}
