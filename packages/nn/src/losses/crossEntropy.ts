/**
 * The losses of classification into one of several classes.
 */

import { formatShape, isFloat, oneHot, type Tensor } from '@ag/tensor';
import {
  checkInteger,
  checkOptions,
  checkTensor,
  dtypeError,
  shapeError,
  valueError,
  warn,
  wouldWarn,
} from '@ag/tensor/engine';
import { classAxis, classesLast, expectedTargets } from '../classAxis.ts';
import { hintAtActivation } from './hints.ts';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

/** Options of {@link nllLoss}. */
export interface NllOptions extends LossOptions {
  /** A factor for each class, [classes]. The mean is then weighted with the targets' factors. */
  readonly weight?: Tensor;
  /** Targets with this index are ignored, in the sum and in the mean. Default none: PyTorch's −100 has to be said. */
  readonly ignoreIndex?: number;
  /**
   * The axis of classes. By default found from the targets' shape: the last, `[batch, time, classes]`, or axis 1,
   * `[batch, classes, …]` as in PyTorch. Where the shapes allow both, it has to be said.
   */
  readonly axis?: number;
}

/** Options of {@link crossEntropy}. */
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
 * A class of weight 0, or with a target probability of 0, counts nothing, also where its logit is −∞. Rows of nothing but −∞
 * and logits of +∞ give NaN, as softmax does.
 *
 * @param logits `[..., classes]` or `[batch, classes, ...]`, not yet passed through softmax
 * @param target class indices, `[...]` or `[batch, ...]` (any integer dtype, or whole numbers in float32), or probabilities of
 * the logits' shape. What is no class (an index outside 0 … classes − 1, a fraction, NaN)
 * gives NaN.
 * @returns a scalar, or one loss for each target with reduction 'none'
 * @throws RangeError when the shapes do not fit, and when both axes could hold the classes: for indices with three axes or
 * more where sizes are equal, for probabilities with three axes or more always
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions('crossEntropy', options, 'labelSmoothing weight ignoreIndex axis reduction');
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw valueError(`crossEntropy: label smoothing must be in [0, 1), got ${labelSmoothing}`);
  }
  const axis = axisOf(logits, target, options.axis, 'crossEntropy');
  hintAtActivation(logits, 'crossEntropy', 'logits of classes');
  const scores = classesLast(logits, axis);
  if (target.shape.length === logits.shape.length) {
    checkSameShape(
      logits,
      target,
      'crossEntropy',
      'the last layer and the labels need the same number of classes',
    );
    return withProbabilities(scores, classesLast(target, axis), labelSmoothing, options);
  }
  checkIndices(logits, scores, target, options, 'crossEntropy');
  // Less the largest, which changes nothing but the rounding: of 10000.1 little more than the 10000 would be left.
  const peak = scores.max(-1, { keepDims: true }).detach();
  const shifted = scores.sub(peak.isFinite().where(peak, 0));
  const total = shifted.exp().sum(-1).log();
  const picked = pick(shifted, target, options.weight, 'crossEntropy');
  const own = weighted(total.sub(picked.value), picked.factor);
  if (labelSmoothing === 0) return average(own, target, picked, options);
  // Σ over classes of the loss that each of them would have had as target.
  const classes = shifted.shape[shifted.shape.length - 1];
  const all = options.weight
    ? weighted(total.unsqueeze(-1).sub(shifted), options.weight.cast(shifted.dtype)).sum(-1)
    : total.mul(classes).sub(shifted.sum(-1));
  return average(own.mul(1 - labelSmoothing).add(all.mul(labelSmoothing / classes)), target, picked, options);
}

/**
 * −log p[target] of log-probabilities, as `logSoftmax` gives them.
 *
 * @param logProbabilities `[..., classes]` or `[batch, classes, ...]`
 * @param target class indices, `[...]` or `[batch, ...]`; what is no class (outside 0 … classes − 1, a fraction, NaN)
 * gives NaN
 * @returns a scalar, or one loss for each target with reduction 'none'
 * @throws RangeError when the shapes do not fit, and when both axes could hold the classes
 */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  checkOptions('nllLoss', options, 'weight ignoreIndex axis reduction');
  const scores = classesLast(logProbabilities, axisOf(logProbabilities, target, options.axis, 'nllLoss'));
  checkIndices(logProbabilities, scores, target, options, 'nllLoss');
  hintAtActivation(logProbabilities, 'nllLoss', 'log-probabilities');
  const picked = pick(scores, target, options.weight, 'nllLoss');
  return average(weighted(picked.value.neg(), picked.factor), target, picked, options);
}

interface Picked {
  /** The score of the target's class. */
  readonly value: Tensor;
  /** The weight of the target's class. */
  readonly factor: Tensor | null;
  readonly classes: number;
}

/** By comparing with every class, which fuses with what is around it; looking up would need its own pass. */
function pick(scores: Tensor, target: Tensor, weight: Tensor | undefined, loss: string): Picked {
  const classes = scores.shape[scores.shape.length - 1];
  if (weight && (weight.shape.length !== 1 || weight.shape[0] !== classes)) {
    throw shapeError(
      `${loss}: needs a weight for each of ${classes} classes, got ${formatShape(weight.shape)}`,
    );
  }
  const hot = oneHot(target, classes, { dtype: 'bool' });
  return {
    value: hot.where(scores, 0).sum(-1),
    factor: weight ? hot.where(weight.cast(scores.dtype), 0).sum(-1) : null,
    classes,
  };
}

/** Losses times factors; 0 · ∞ counts 0: a class that was ruled out by −∞ and is not asked for. */
function weighted(losses: Tensor, factor: Tensor | null): Tensor {
  if (factor === null) return losses;
  const nothing = factor.equal(0).logicalAnd(losses.abs().equal(Number.POSITIVE_INFINITY));
  return nothing.where(0, losses.mul(factor));
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
  const classes = scores.shape[scores.shape.length - 1];
  const spread = smoothing === 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  const factor = options.weight ? spread.mul(options.weight) : spread;
  return reduce(weighted(scores.logSoftmax(-1), factor).sum(-1).neg(), options.reduction);
}

function axisOf(scores: Tensor, target: Tensor, axis: number | undefined, loss: string): number {
  checkTensor(scores, loss, 'scores');
  checkTensor(target, loss, 'target');
  if (axis !== undefined) checkInteger(axis, loss, 'axis');
  if (!isFloat(scores.dtype)) throw dtypeError(`${loss}: scores must be floats, got ${scores.dtype}`);
  return classAxis(scores.shape, target.shape, axis, loss);
}

/** @param scores the given ones with the classes moved to the end */
function checkIndices(
  given: Tensor,
  scores: Tensor,
  target: Tensor,
  { axis, ignoreIndex }: NllOptions,
  loss: string,
): void {
  if (ignoreIndex !== undefined) checkInteger(ignoreIndex, loss, 'ignoreIndex');
  const expected = scores.shape.slice(0, -1);
  if (
    checkTensor(target, loss, 'target').shape.length !== expected.length ||
    target.shape.some((size, i) => size !== expected[i])
  ) {
    throw shapeError(
      `${loss}: scores ${formatShape(given.shape)} need class indices of the shape ${expectedTargets(given.shape, axis)}, or ` +
        `probabilities of the scores' own shape; got ${formatShape(target.shape)}`,
    );
  }
  hintAtImpossible(target, scores.shape[scores.shape.length - 1], ignoreIndex, loss);
}

/** Says once why the loss is NaN, where the targets' elements are at hand. Large ones are not searched to the end. */
function hintAtImpossible(
  { leaf }: Tensor,
  classes: number,
  ignoreIndex: number | undefined,
  loss: string,
): void {
  if (leaf?.kind !== 'host' || !wouldWarn('AG_IMPOSSIBLE_TARGET')) return;
  const { data } = leaf;
  for (let i = 0; i < data.length && i < 4096; i++) {
    const target = data[i];
    if ((target >= 0 && target < classes && Number.isInteger(target)) || target === ignoreIndex) continue;
    const remedy =
      target < 0
        ? `; if it marks what does not count, give { ignoreIndex: ${target} }`
        : Number.isInteger(target)
          ? '; classes are counted from 0, so subtract 1 from labels that begin with 1, or give the last layer more outputs'
          : Number.isNaN(target)
            ? ''
            : '; targets of this shape are whole numbers, probabilities have the shape of the scores';
    warn(
      'AG_IMPOSSIBLE_TARGET',
      `${loss}: target ${target} at position ${i} is none of the classes 0 … ${classes - 1}, so the loss is NaN${remedy}`,
    );
    return;
  }
}
