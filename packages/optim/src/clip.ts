/**
 * Clips gradients between `backward` and `step`. Both change `.grad` lazily; the limit becomes part of the step's
 * plan.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions, codedError, type EvaluationGroup, tie, valueError } from '@ag/tensor/engine';

/**
 * Scales all gradients by one factor so that their joint norm is at most `maximum` (Pascanu, Mikolov, Bengio 2013).
 *
 * ```ts
 * backward(loss);
 * const norm = clipGradNorm(model.parameters(), 1);
 * optimizer.step();
 * console.log(await norm.item()); // before clipping; computed by the step's plan
 * ```
 *
 * @param parameters those without a waiting gradient are passed over
 * @param maximum above 0
 * @param options.order of the norm: 2 (default), any number above 0, or Infinity for the largest element
 * @returns the norm before clipping, a scalar; ∞ where squares overflow (float32 beyond 1e19), when all gradients become 0
 * @throws RangeError for a maximum that is not above 0; Error when no gradient waits
 */
export function clipGradNorm(
  parameters: Iterable<Variable>,
  maximum: number,
  options: { readonly order?: number } = {},
): Tensor {
  checkOptions('clipGradNorm', options, 'order');
  if (!(maximum > 0)) throw valueError(`clipGradNorm: the largest norm must be above 0, got ${maximum}`);
  const waiting = withGradient(parameters, 'clipGradNorm');
  const { order = 2 } = options;
  if (!(order > 0)) throw valueError(`clipGradNorm: the order must be above 0 or Infinity, got ${order}`);
  const largest = order === Number.POSITIVE_INFINITY;
  const parts = waiting.map(({ grad }) => {
    if (order === 2) return grad.square().sum();
    if (largest) return grad.abs().max();
    return order === 1 ? grad.abs().sum() : grad.abs().pow(order).sum();
  });
  const joined = parts.reduce((a, b) => (largest ? a.maximum(b) : a.add(b)));
  const norm = order === 2 ? joined.sqrt() : order === 1 || largest ? joined : joined.pow(1 / order);
  // The small number keeps the factor finite for the gradient 0.
  const factor = norm.add(1e-6).reciprocal().mul(maximum).minimum(1);
  replace(
    waiting.map(({ variable, grad }) => ({ variable, grad: grad.mul(factor.cast(grad.dtype)) })),
    [norm],
  );
  return norm;
}

/**
 * Limits every element of every gradient to [−limit, limit].
 *
 * @throws RangeError for a limit that is not above 0; Error when no gradient waits
 */
export function clipGradValue(parameters: Iterable<Variable>, limit: number): void {
  if (!(limit > 0)) throw valueError(`clipGradValue: the limit must be above 0, got ${limit}`);
  const waiting = withGradient(parameters, 'clipGradValue');
  replace(
    waiting.map(({ variable, grad }) => ({ variable, grad: grad.clamp(-limit, limit) })),
    [],
  );
}

interface Waiting {
  readonly variable: Variable;
  readonly grad: Tensor;
}

function withGradient(parameters: Iterable<Variable>, where: string): Waiting[] {
  const found: Waiting[] = [];
  for (const variable of parameters) {
    if (variable.gradPending && variable.grad) found.push({ variable, grad: variable.grad });
  }
  if (found.length === 0)
    throw codedError(
      Error,
      'AG_NO_GRADIENT',
      `${where}: no parameter has a gradient waiting; call backward(loss) before`,
    );
  return found;
}

/** Puts other gradients in place, tied to what the former ones were tied to, and to `more`. */
function replace(changed: readonly Waiting[], more: readonly Tensor[]): void {
  const groups = new Set<EvaluationGroup>();
  for (const { variable } of changed) if (variable.gradGroup) groups.add(variable.gradGroup);
  const together = [...groups].flatMap((group) => [...group.tensors]);
  const earlier = new Map<Variable, Tensor>();
  for (const { variable } of changed) {
    const waited = variable.gradGroup?.earlier?.get(variable);
    if (waited) earlier.set(variable, waited);
  }
  const group = tie(
    [...together, ...more],
    changed.map(({ grad }) => grad),
    { variables: changed.map(({ variable }) => variable), earlier, from: [...groups] },
  );
  for (const { variable, grad } of changed) {
    variable.grad = grad;
    variable.gradGroup = group;
  }
}
