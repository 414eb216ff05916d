/**
 * `backward(loss)`: leaves a lazy gradient on every variable. The optimizer's step computes everything in one plan.
 */

import { evaluate, formatShape, sizeOf, type Tensor, Variable } from '@ag/tensor';
import {
  activeTrace,
  assignmentsRefused,
  checkOptions,
  checkTensor,
  codedError,
  dropGradients,
  type EvaluationGroup,
  type Trace,
  tie,
  traverse,
  warn,
  wouldWarn,
} from '@ag/tensor/engine';
import { detectAnomaly } from './anomaly.ts';
import { variableGradients } from './gradients.ts';
import { isMapping } from './transforming.ts';

const differentiated = new WeakSet<Tensor>();

/** Whether `backward` was called on this tensor. @internal */
export function wasDifferentiated(loss: Tensor): boolean {
  return differentiated.has(loss);
}

/** Options of {@link backward}. */
export interface BackwardOptions {
  /** Tensors to be computed in the same plan as the gradients: metrics, activations, anything of the forward pass. */
  readonly also?: readonly Tensor[];
  /** Compute loss and gradients now and throw when one is not finite: see `detectAnomaly`, which also knows the lines. */
  readonly detectAnomaly?: boolean;
}

/**
 * Fills `.grad` of every trainable variable that `loss` depends on. Gradients add up over calls until an optimizer's
 * `step()` uses them; afterwards `.grad` stays readable and the next call replaces it. Gradients that turn out not to be
 * computable (a position that does not exist, no memory) are dropped when that is found: the error is thrown once, by the step,
 * by whoever reads one of them, or by the next call of `backward`, and the call after that starts clean.
 *
 * ```ts
 * const loss = crossEntropy(model.forward(x), y);
 * backward(loss);
 * optimizer.step();
 * console.log(await loss.item()); // computed by the step's plan
 * ```
 *
 * @param loss a scalar
 * @throws RangeError when `loss` is no scalar
 * @throws Error when it depends on no variable, or on frozen ones only
 * @throws whatever computing the gradients that wait throws
 */
export function backward(loss: Tensor, options: BackwardOptions = {}): void {
  checkOptions('backward', options, 'also detectAnomaly');
  checkTensor(loss, 'backward', 'loss');
  if (isMapping()) {
    throw codedError(
      Error,
      'AG_WRONG_TIME',
      'backward: inside vmap there is a gradient for each example, and a variable has one .grad. Map the gradient of a function, ' +
        'vmap(grad(f), [null, 0])(weights, examples), or call backward outside.',
    );
  }
  const refusal = assignmentsRefused();
  if (refusal !== null) {
    throw codedError(
      Error,
      'AG_WRONG_TIME',
      `backward: a variable has one .grad, not one for each step of a loop; use gradients or grad in it, or call backward outside. (${refusal})`,
    );
  }
  if (options.detectAnomaly) {
    detectAnomaly(() => {
      backward(loss, { ...options, detectAnomaly: false });
      evaluate(
        [loss, ...variableGradients(loss).keys()].flatMap((x) =>
          x instanceof Variable ? (x.grad ?? []) : x,
        ),
      );
    });
    return;
  }
  if (sizeOf(loss.shape) !== 1) {
    throw codedError(
      RangeError,
      'AG_NOT_SCALAR',
      `backward: the loss has shape ${formatShape(loss.shape)}, not that of a scalar; reduce it with loss.mean() or loss.sum()`,
    );
  }
  const found = variableGradients(loss);
  if (found.size === 0) {
    const frozen = frozenBehind(loss);
    if (frozen.length > 0) {
      throw codedError(
        Error,
        'AG_FROZEN',
        `backward: all variables that the loss depends on are frozen: ${listed(frozen)}. Unfreeze what shall be trained: ` +
          'variable.trainable = true, or module.unfreeze().',
      );
    }
    throw codedError(
      Error,
      'AG_NO_GRADIENT',
      'backward: the loss depends on no trainable variable. Was it computed with variable.value, and after the last update? ' +
        'Evaluated tensors forget what they were made of at the next update.',
    );
  }
  warnUnowned(found.keys());
  const before = traced();
  const pending = [...found.keys()].filter((variable) => variable.gradPending && variable.grad);
  if (before === null) {
    if (pending.length > 0) {
      warnWithoutStep(pending[0]);
      computeWaiting(pending);
    }
  } else {
    const outside = pending.find((variable) => !before.has(variable));
    if (outside) {
      throw codedError(
        Error,
        'AG_WRONG_TIME',
        `backward: a gradient of '${outside.name}' from outside waits for a step, and the compiled function would add it at every call; ` +
          'call optimizer.step() or optimizer.zeroGrad() before',
      );
    }
    for (const variable of found.keys()) {
      if (!before.has(variable)) before.set(variable, { grad: variable.grad, group: variable.gradGroup });
    }
  }
  const total = new Map<Variable, Tensor>();
  const earlier = new Map<Variable, Tensor>();
  for (const [variable, gradient] of found) {
    const waiting = variable.gradPending ? variable.grad : undefined;
    if (waiting) earlier.set(variable, waiting);
    total.set(variable, waiting ? waiting.add(gradient) : gradient);
  }
  differentiated.add(loss);
  const group = tie([loss, ...(options.also ?? [])], [...total.values()], {
    variables: [...total.keys()],
    earlier,
  });
  for (const [variable, gradient] of total) {
    variable.grad = gradient;
    variable.gradPending = true;
    variable.gradGroup = group;
  }
}

/**
 * Computes gradients of earlier micro-batches, so that their graphs do not pile up: those of each `backward` on their own, since
 * one that cannot be computed takes only what belongs to it along.
 *
 * @throws the first error; the gradients that failed no longer wait, those before them do
 */
function computeWaiting(pending: readonly Variable[]): void {
  const byGroup = new Map<EvaluationGroup | null, Variable[]>();
  for (const variable of pending) {
    const list = byGroup.get(variable.gradGroup);
    if (list) list.push(variable);
    else byGroup.set(variable.gradGroup, [variable]);
  }
  const errors: unknown[] = [];
  for (const [group, variables] of byGroup) {
    try {
      evaluate(variables.map((variable) => variable.grad!));
    } catch (error) {
      errors.push(error);
      // Somebody else put them there.
      if (group === null) dropGradients(variables);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Variables that no gradient is computed for, among those the loss is made of. */
function frozenBehind(loss: Tensor): Variable[] {
  const found = new Set<Variable>();
  for (const { leaf } of traverse([loss], []).leaves) {
    if (leaf?.kind === 'variable' && !leaf.variable.trainable) found.add(leaf.variable);
  }
  return [...found];
}

function listed(variables: readonly Variable[]): string {
  const names = variables.slice(0, 5).map((variable) => `'${variable.name}'`);
  return `${names.join(', ')}${variables.length > 5 ? ` and ${variables.length - 5} more` : ''}`;
}

/** A parameter that was left out of the optimizer stays as it is, silently: said once, where some do have one. */
function warnUnowned(variables: Iterable<Variable>): void {
  if (!wouldWarn('AG_UNOWNED_PARAMETERS')) return;
  const all = [...variables];
  const unowned = all.filter((variable) => !variable.hasOptimizer);
  if (unowned.length === 0 || unowned.length === all.length) return;
  warn(
    'AG_UNOWNED_PARAMETERS',
    `no optimizer moves ${listed(unowned)}, though the loss depends on ` +
      'them and others have one. Give them to an optimizer, or freeze them: variable.trainable = false.',
  );
}

/** Calls in a row after which nobody adds up gradients on purpose. */
const withoutStep = 300;

/** How often the gradient of a variable was added to since the variable changed. */
const additions = new WeakMap<Variable, { version: number; count: number }>();

/** A loop without `step()` computes gradients for ever and learns nothing. */
function warnWithoutStep(variable: Variable): void {
  const { version } = variable;
  const known = additions.get(variable);
  const count = known?.version === version ? known.count + 1 : 1;
  additions.set(variable, { version, count });
  if (count < withoutStep) return;
  warn(
    'AG_STEP_MISSING',
    `backward was called ${count} times and no step was taken in between: gradients add up, and the parameters stay as they are. ` +
      'Call optimizer.step() after backward(loss)',
  );
}

interface Former {
  readonly grad: Tensor | undefined;
  readonly group: EvaluationGroup | null;
}

/** What the variables held that a trace has differentiated by. */
const formerOf = new WeakMap<Trace, Map<Variable, Former>>();

/** The map of the active trace; null outside of traces. */
function traced(): Map<Variable, Former> | null {
  const trace = activeTrace();
  if (trace === null) return null;
  const known = formerOf.get(trace) ?? new Map<Variable, Former>();
  formerOf.set(trace, known);
  return known;
}

/**
 * Ends the tracing of `work`: gradients that it left on variables are expressions of placeholders, so what was there before
 * is put back. A compiled function returns the gradients it wants to show.
 */
export function keepingGradients<T>(work: () => T): T {
  try {
    return work();
  } finally {
    for (const [variable, { grad, group }] of traced() ?? []) {
      variable.grad = grad;
      variable.gradGroup = group;
      variable.gradPending = false;
    }
  }
}
