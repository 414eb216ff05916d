/**
 * Tensors that belong to one computation: `backward` ties the loss, the gradients and what the user wants besides,
 * so that reading one of them computes all in one plan and nothing runs twice.
 *
 * When that plan fails, the group is dissolved: its tensors stand alone, so that those that can be computed still are,
 * and its gradients no longer wait for a step, so that the next `backward` starts clean.
 */
import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';

/** Tensors that are computed together, such as the gradients that one `backward` left. */
export interface EvaluationGroup {
  /** Computed with whatever of the group is asked for, and with the optimizer's step. */
  readonly tensors: readonly Tensor[];
  /** Computed as well when something is read before the step, which then finds them ready. */
  readonly gradients: readonly Tensor[];
  /** On which variables the gradients wait. */
  readonly variables: readonly Variable[];
  /** What waited there before and is part of these gradients; null once these have been computed. */
  earlier: ReadonlyMap<Variable, Tensor> | null;
  /** Groups whose gradients these were made from, by clipping for instance. */
  readonly from: readonly EvaluationGroup[];
  /** Set once the group has been evaluated. */
  done: boolean;
}

/** Options of {@link tie}. */
export interface TieOptions {
  /** On which variables the gradients wait, in the same order. */
  readonly variables?: readonly Variable[];
  /** What waited on them before and is part of the gradients. */
  readonly earlier?: ReadonlyMap<Variable, Tensor>;
  /** Groups whose gradients these are made from. */
  readonly from?: readonly EvaluationGroup[];
}

/** Evaluates `tensors` together from now on. */
export function tie(
  tensors: readonly Tensor[],
  gradients: readonly Tensor[],
  { variables = [], earlier, from = [] }: TieOptions = {},
): EvaluationGroup {
  const group: EvaluationGroup = {
    tensors,
    gradients,
    variables,
    earlier: earlier ?? null,
    from,
    done: false,
  };
  for (const tensor of tensors) if (tensor.op !== null) tensor.group = group;
  for (const tensor of gradients) if (tensor.op !== null) tensor.group = group;
  return group;
}

/**
 * Drops the gradients that wait on these variables, and those that wait elsewhere from the same `backward`: what they were
 * meant for has failed.
 */
export function dropGradients(variables: Iterable<Variable>): void {
  for (const variable of variables) {
    if (!variable.gradPending) continue;
    if (variable.gradGroup) dissolve(variable.gradGroup, 'drop');
    leave(variable, undefined);
  }
}

/** Ends a group that failed. What waited before it goes on waiting (`keep`) or goes as well (`drop`). */
export function dissolve(group: EvaluationGroup, earlier: 'keep' | 'drop'): void {
  group.done = true;
  for (const tensor of group.tensors) if (tensor.group === group) tensor.group = null;
  for (const tensor of group.gradients) if (tensor.group === group) tensor.group = null;
  for (const variable of group.variables) {
    if (variable.gradGroup !== group || !variable.gradPending) continue;
    leave(variable, earlier === 'keep' ? group.earlier?.get(variable) : undefined);
  }
  for (const one of group.from) dissolve(one, earlier);
}

function leave(variable: Variable, gradient: Tensor | undefined): void {
  variable.grad = gradient;
  variable.gradPending = gradient !== undefined;
  variable.gradGroup = null;
}
