/**
 * The losses of classification into one of several classes.
 */
import { checkInteger, checkTensor, formatShape, isFloat, oneHot, type Tensor, userLine } from '@ag/tensor';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

export interface NllOptions extends LossOptions {
  /** A factor for each class, [classes]. The mean is then weighted with the targets' factors. */
  readonly weight?: Tensor;
  /** Targets with this index count nothing, neither in the sum nor in the mean. Default none: PyTorch's −100 has to be said. */
  readonly ignoreIndex?: number;
  /** The axis of classes. Default −1; 1 for images [n, classes, height, width]. */
  readonly axis?: number;
}

export interface CrossEntropyOptions extends NllOptions {
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016), in [0, 1). Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * −log softmax(logits)[target], stable for logits of any size.
 *
 * ```ts
 * const loss = crossEntropy(model.forward(x), labels, { labelSmoothing: 0.1 });
 * ```
 *
 * @param logits `[..., classes]`, not yet passed through softmax
 * @param target class indices `[...]` (any integer dtype, or whole numbers in float32), or probabilities
 * `[..., classes]`. What is no class (an index outside 0 … classes − 1, a fraction, NaN) gives NaN.
 * @returns a scalar, or `[...]` with reduction 'none'
 * @throws RangeError when the shapes do not fit
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(`crossEntropy: label smoothing must be in [0, 1), got ${labelSmoothing}`);
  }
  const scores = classesLast(logits, options.axis, 'crossEntropy');
  if (target.shape.length === logits.shape.length) {
    checkSameShape(logits, target, 'crossEntropy');
    return withProbabilities(
      scores,
      classesLast(target, options.axis, 'crossEntropy'),
      labelSmoothing,
      options,
    );
  }
  checkIndices(scores, target, options, 'crossEntropy');
  const total = scores.logSumExp(-1);
  const picked = pick(scores, target, options.weight);
  const chosen = total.sub(picked.value);
  const own = picked.factor ? chosen.mul(picked.factor) : chosen;
  if (labelSmoothing === 0) return average(own, target, picked, options);
  // Σ over classes of the loss that each of them would have had as target.
  const classes = scores.shape[scores.shape.length - 1]!;
  const all = options.weight
    ? total.unsqueeze(-1).sub(scores).mul(options.weight).sum(-1)
    : total.mul(classes).sub(scores.sum(-1));
  return average(own.mul(1 - labelSmoothing).add(all.mul(labelSmoothing / classes)), target, picked, options);
}

/**
 * −log p[target] of log-probabilities, as `logSoftmax` gives them.
 *
 * @param logProbabilities `[..., classes]`
 * @param target class indices `[...]`; what is no class (outside 0 … classes − 1, a fraction, NaN) gives NaN
 * @returns a scalar, or `[...]` with reduction 'none'
 */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  const scores = classesLast(logProbabilities, options.axis, 'nllLoss');
  checkIndices(scores, target, options, 'nllLoss');
  const picked = pick(scores, target, options.weight);
  const own = picked.value.neg();
  return average(picked.factor ? own.mul(picked.factor) : own, target, picked, options);
}

interface Picked {
  /** The score of the target's class. */
  readonly value: Tensor;
  /** The weight of the target's class. */
  readonly factor: Tensor | null;
  readonly classes: number;
}

/** By comparing with every class, which fuses with what is around it; looking up would need its own pass. */
function pick(scores: Tensor, target: Tensor, weight: Tensor | undefined): Picked {
  const classes = scores.shape[scores.shape.length - 1]!;
  if (weight && (weight.shape.length !== 1 || weight.shape[0] !== classes)) {
    throw new RangeError(
      `crossEntropy: needs a weight for each of ${classes} classes, got ${formatShape(weight.shape)}`,
    );
  }
  const hot = oneHot(target, classes, { dtype: 'bool' });
  return {
    value: hot.where(scores, 0).sum(-1),
    factor: weight ? hot.where(weight.cast(scores.dtype), 0).sum(-1) : null,
    classes,
  };
}

/** Leaves ignored targets out, marks impossible ones, and reduces. */
function average(losses: Tensor, target: Tensor, picked: Picked, options: NllOptions): Tensor {
  const { ignoreIndex, reduction = 'mean' } = options;
  const inside = target.greaterEqual(0).logicalAnd(target.less(picked.classes));
  // Comparisons with NaN are false, so it is outside.
  const possible = isFloat(target.dtype) ? inside.logicalAnd(target.equal(target.floor())) : inside;
  // A constant that is added: the gradient needs no second look at the targets.
  let checked = losses.add(possible.where(0, Number.NaN).cast(losses.dtype));
  let counted = picked.factor;
  if (ignoreIndex !== undefined) {
    const kept = target.notEqual(ignoreIndex);
    checked = kept.where(checked, 0);
    counted = counted ? kept.where(counted, 0) : kept.cast(losses.dtype);
  }
  if (reduction !== 'mean' || counted === null) return reduce(checked, reduction);
  return checked.sum().div(counted.sum());
}

function withProbabilities(
  scores: Tensor,
  target: Tensor,
  smoothing: number,
  options: CrossEntropyOptions,
): Tensor {
  const classes = scores.shape[scores.shape.length - 1]!;
  const spread = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  const terms = scores.logSoftmax(-1).mul(options.weight ? spread.mul(options.weight) : spread);
  return reduce(terms.sum(-1).neg(), options.reduction);
}

function classesLast(scores: Tensor, axis = -1, loss: string): Tensor {
  const rank = checkTensor(scores, loss, 'scores').shape.length;
  checkInteger(axis, loss, 'axis');
  const at = axis < 0 ? axis + rank : axis;
  if (!(at >= 0 && at < rank)) {
    throw new RangeError(`${loss}: ${formatShape(scores.shape)} has no axis ${axis} of classes`);
  }
  if (!isFloat(scores.dtype)) throw new TypeError(`${loss}: scores must be floats, got ${scores.dtype}`);
  if (at === rank - 1) return scores;
  return scores.permute([...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== at), at]);
}

function checkIndices(scores: Tensor, target: Tensor, { ignoreIndex }: NllOptions, loss: string): void {
  if (ignoreIndex !== undefined) checkInteger(ignoreIndex, loss, 'ignoreIndex');
  const expected = scores.shape.slice(0, -1);
  if (
    checkTensor(target, loss, 'target').shape.length !== expected.length ||
    target.shape.some((size, i) => size !== expected[i])
  ) {
    throw new RangeError(
      `${loss}: scores for ${formatShape(expected)} targets need class indices of that shape, or probabilities of the ` +
        `scores' own shape; got ${formatShape(target.shape)}`,
    );
  }
  hintAtImpossible(target, scores.shape[scores.shape.length - 1]!, ignoreIndex, loss);
}

let hinted = false;

/** Says once why the loss is NaN, where the targets' elements are at hand. Large ones are not searched to the end. */
function hintAtImpossible(
  { leaf }: Tensor,
  classes: number,
  ignoreIndex: number | undefined,
  loss: string,
): void {
  if (hinted || leaf?.kind !== 'host') return;
  const { data } = leaf;
  for (let i = 0; i < data.length && i < 4096; i++) {
    const target = data[i]!;
    if ((target >= 0 && target < classes && Number.isInteger(target)) || target === ignoreIndex) continue;
    hinted = true;
    const remedy = target < 0 ? `; if it marks what does not count, give { ignoreIndex: ${target} }` : '';
    console.warn(
      `${loss}: target ${target} at position ${i} is none of the classes 0 … ${classes - 1}, so the loss is NaN${remedy} (${userLine(new Error().stack) ?? 'no line known'})`,
    );
    return;
  }
}
