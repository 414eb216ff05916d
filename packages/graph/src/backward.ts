/**
 * The imperative face of differentiation: `backward(loss)` leaves a lazy gradient on every variable, and the
 * optimiser's step computes everything in one plan.
 */
import {
  activeTrace,
  checkTensor,
  type EvaluationGroup,
  evaluate,
  formatShape,
  sizeOf,
  type Tensor,
  type Trace,
  tie,
  Variable,
} from '@ag/tensor';
import { detectAnomaly } from './anomaly.ts';
import { variableGradients } from './gradients.ts';
import { isMapping } from './transforming.ts';

const differentiated = new WeakSet<Tensor>();

/** Whether `backward` was called on this tensor. @internal */
export function wasDifferentiated(loss: Tensor): boolean {
  return differentiated.has(loss);
}

export interface BackwardOptions {
  /** Tensors to be computed in the same plan as the gradients: metrics, activations, anything of the forward pass. */
  readonly also?: readonly Tensor[];
  /** Compute loss and gradients now and throw when one is not finite: see `detectAnomaly`, which also knows the lines. */
  readonly detectAnomaly?: boolean;
}

/**
 * Fills `.grad` of every trainable variable that `loss` depends on. Gradients add up over calls until an optimiser's
 * `step()` uses them; afterwards `.grad` stays readable and the next call replaces it.
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
 * @throws Error when it depends on no trainable variable
 */
export function backward(loss: Tensor, options: BackwardOptions = {}): void {
  checkTensor(loss);
  if (isMapping()) {
    throw new Error(
      'backward: inside vmap there is a gradient for each example, and a variable has one .grad. Map the gradient of a function, ' +
        'vmap(grad(f), [null, 0])(weights, examples), or call backward outside.',
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
    throw new RangeError(
      `backward: the loss has shape ${formatShape(loss.shape)}, not that of a scalar; reduce it with loss.mean() or loss.sum()`,
    );
  }
  const found = variableGradients(loss);
  if (found.size === 0) {
    throw new Error(
      'backward: the loss depends on no trainable variable. Was it computed with variable.value, and after the last update? ' +
        'Evaluated tensors forget what they were made of at the next update.',
    );
  }
  warnUnowned(found.keys());
  const before = traced();
  const pending = [...found.keys()].filter((variable) => variable.gradPending && variable.grad);
  if (before === null) {
    // Gradients of earlier micro-batches are computed now, so that their graphs do not pile up.
    if (pending.length > 0) evaluate(pending.map((variable) => variable.grad!));
  } else {
    const outside = pending.find((variable) => !before.has(variable));
    if (outside) {
      throw new Error(
        `backward: a gradient of '${outside.name}' from outside waits for a step, and the compiled function would add it at every call; ` +
          'call optimizer.step() or optimizer.zeroGrad() before',
      );
    }
    for (const variable of found.keys()) {
      if (!before.has(variable)) before.set(variable, { grad: variable.grad, group: variable.gradGroup });
    }
  }
  const total = new Map<Variable, Tensor>();
  for (const [variable, gradient] of found) {
    total.set(variable, variable.gradPending && variable.grad ? variable.grad.add(gradient) : gradient);
  }
  differentiated.add(loss);
  const group = tie([loss, ...(options.also ?? [])], [...total.values()]);
  for (const [variable, gradient] of total) {
    variable.grad = gradient;
    variable.gradPending = true;
    variable.gradGroup = group;
  }
}

let told = false;

/** A parameter that was left out of the optimiser stays as it is, silently: said once, where some do have one. */
function warnUnowned(variables: Iterable<Variable>): void {
  if (told) return;
  const all = [...variables];
  const unowned = all.filter((variable) => !variable.owned);
  if (unowned.length === 0 || unowned.length === all.length) return;
  told = true;
  const names = unowned.slice(0, 5).map((variable) => `'${variable.name}'`);
  globalThis.console?.warn(
    `ag: no optimiser moves ${names.join(', ')}${unowned.length > 5 ? ` and ${unowned.length - 5} more` : ''}, though the loss depends on ` +
      'them and others have one. Give them to an optimiser, or freeze them: variable.trainable = false. (Said once.)',
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
