/**
 * Gradients that all ranks share, for loops of one's own. `fit({ world })` does it by itself.
 */
import { type Tensor, type Variable, zerosLike } from '@ag/tensor';
import { checkOptions, codedError, dynamicScalar, type EvaluationGroup, tie } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import { type Summand, type Sums, sumTogether } from './sums.ts';
import type { World } from './world.ts';

/** Options of {@link reduceGradients}. */
export interface ReduceGradientsOptions {
  /**
   * How many examples this rank's gradients are the mean of, so that all examples count the same where parts differ in size; 0 for
   * a rank that had none. Default: the ranks count the same.
   */
  readonly examples?: number;
  /** Scalars such as the loss, to be averaged in the same message. */
  readonly also?: readonly Tensor[];
}

/**
 * Replaces the waiting gradients by their mean over all ranks, between `backward` and the step, before any clipping:
 *
 * ```ts
 * backward(loss);
 * const [mean] = reduceGradients(model.parameters(), world, { examples: x.shape[0], also: [loss] });
 * optimizer.step();
 * console.log(await mean.item()); // of all ranks; computed by the step's plan
 * ```
 *
 * Nothing is sent yet: the sum is part of the step's plan, and of whatever reads a gradient before it. All ranks must have
 * gradients of the same parameters.
 *
 * @returns the means of `also`
 * @throws Error when no gradient waits, TrainingError `option` for a count that is none
 */
export function reduceGradients(
  parameters: Iterable<Variable>,
  world: World,
  options: ReduceGradientsOptions = {},
): Tensor[] {
  checkOptions('reduceGradients', options, 'examples also');
  const { examples, also = [] } = options;
  if (examples !== undefined && !(Number.isFinite(examples) && examples >= 0))
    throw new TrainingError(`reduceGradients: examples must be a number from 0, got ${examples}`, {
      code: 'option',
    });
  const waiting = gradientsOf(parameters);
  if (waiting.length === 0)
    throw codedError(
      Error,
      'AG_NO_GRADIENT',
      'reduceGradients: no parameter has a gradient waiting; call backward(loss) before',
    );
  if (world.size === 1) return [...also];
  const weight = examples ?? 1;
  const weighted = (name: string, tensor: Tensor): Summand => ({
    name,
    // Not 0 · x: a rank without examples may have computed NaN.
    tensor: weight === 0 ? zerosLike(tensor) : tensor.mul(weight),
  });
  const [, { grad }] = waiting[0];
  const count: Summand = { name: 'examples', tensor: dynamicScalar(() => weight, grad.dtype) };
  const sums = sumTogether(
    [
      count,
      ...also.map((tensor, i) => weighted(`figure ${i}`, tensor)),
      ...[...waiting].reverse().map(([variable, { grad }]) => weighted(variable.name, grad)),
    ],
    world,
    'gradients',
  );
  const [total, ...rest] = sums.tensors;
  const means = rest.map((tensor) => tensor.div(total.cast(tensor.dtype)));
  const figures = means.slice(0, also.length);
  replaceGradients(
    waiting.map(([variable], i) => [variable, means[means.length - 1 - i]]),
    { ...sums, tensors: figures },
  );
  return figures;
}

/** Parameters with a gradient that waits. */
export function gradientsOf(
  parameters: Iterable<Variable>,
): (readonly [Variable, { readonly grad: Tensor }])[] {
  return [...parameters].flatMap((variable) =>
    variable.gradPending && variable.grad ? [[variable, { grad: variable.grad }] as const] : [],
  );
}

/** Puts sums in the place of gradients, tied to what those were tied to, so that all is computed in one plan. */
export function replaceGradients(changed: readonly (readonly [Variable, Tensor])[], sums: Sums): void {
  const groups = new Set<EvaluationGroup>();
  const earlier = new Map<Variable, Tensor>();
  for (const [variable] of changed) {
    if (variable.gradGroup) groups.add(variable.gradGroup);
    const waited = variable.gradGroup?.earlier?.get(variable);
    if (waited) earlier.set(variable, waited);
  }
  const together = [...groups].flatMap((group) => [...group.tensors]);
  const group = tie(
    [...sums.buckets, ...together, ...sums.tensors],
    changed.map(([, grad]) => grad),
    { variables: changed.map(([variable]) => variable), earlier, from: [...groups] },
  );
  for (const [variable, grad] of changed) {
    variable.grad = grad;
    variable.gradGroup = group;
  }
}
