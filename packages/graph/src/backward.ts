/**
 * The imperative face of differentiation: `backward(loss)` leaves a lazy gradient on every variable, and the
 * optimiser's step computes everything in one plan.
 */
import { checkTensor, evaluate, formatShape, type Tensor, tie, Variable } from '@ag/tensor';
import { detectAnomaly } from './anomaly.ts';
import { variableGradients } from './gradients.ts';

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
  if (loss.shape.some((size) => size !== 1)) {
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
  // Gradients of earlier micro-batches are computed now, so that their graphs do not pile up.
  const pending = [...found.keys()].filter((variable) => variable.gradPending && variable.grad);
  if (pending.length > 0) evaluate(pending.map((variable) => variable.grad!));
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
