/**
 * Tensors that belong to one computation: `backward` ties the loss, the gradients and what the user wants besides,
 * so that reading one of them computes all in one plan and nothing runs twice.
 */
import type { Tensor } from '../tensor.ts';

export interface EvaluationGroup {
  /** Computed with whatever of the group is asked for, and with the optimiser's step. */
  readonly tensors: readonly Tensor[];
  /** Computed as well when something is read before the step, which then finds them ready. */
  readonly gradients: readonly Tensor[];
  /** Set once the group has been evaluated. */
  done: boolean;
}

/** Evaluates `tensors` together from now on. */
export function tie(tensors: readonly Tensor[], gradients: readonly Tensor[]): EvaluationGroup {
  const group: EvaluationGroup = { tensors, gradients, done: false };
  for (const tensor of tensors) if (tensor.op !== null) tensor.group = group;
  for (const tensor of gradients) if (tensor.op !== null) tensor.group = group;
  return group;
}
