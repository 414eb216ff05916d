/**
 * Losses between probabilities. Where a factor is 0 the term counts 0, also beside an infinite logarithm: a perfect answer
 * has the loss 0 and a finite gradient, however sure it is.
 */

import {
  apply,
  broadcastFloatType,
  builder,
  defineOp,
  isFloat,
  map,
  type Scalar,
  s,
  type Tensor,
} from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { hintAtActivation } from './hints.ts';
import { checkSameShape, type LossOptions, type Reduction, reduce } from './reduction.ts';

/** Logarithms count as at least this, so that the loss of p = 0 and p = 1 is finite. */
const leastLogarithm = -100;
/** p · (1 − p) counts as at least this in the gradient, which is then finite. */
const leastVariance = 1e-12;

/** −(t · log p + (1 − t) · log(1 − p)) of p and t; the limits, on value and gradient, are PyTorch's. */
const binaryCrossEntropy = /* @__PURE__ */ defineOp({
  name: 'binaryCrossEntropy',
  type: /* @__PURE__ */ broadcastFloatType('bceLoss'),
  lower: /* @__PURE__ */ map(
    ([p, t]) => {
      const limited = (logarithm: Scalar) => s.max(logarithm, builder().number(leastLogarithm, p));
      const rest = s.sub(builder().number(1, t), t);
      return s.neg(s.add(s.mul(t, limited(s.log(p))), s.mul(rest, limited(s.log1p(s.neg(p))))));
    },
    { cost: 16 },
  ),
  vjp: (g, [p, t]) => {
    const variance = p.mul(p.neg().add(1)).maximum(leastVariance);
    const logOdds = p.log().maximum(leastLogarithm).sub(p.neg().log1p().maximum(leastLogarithm));
    return [g.mul(p.sub(t)).div(variance), g.mul(logOdds).neg()];
  },
});

/**
 * −(t · log p + (1 − t) · log(1 − p)) of probabilities p; logarithms count as at least −100, and p · (1 − p) in the gradient
 * as at least 1e-12, so that p = 0 and p = 1 stay finite, as in PyTorch. `bceWithLogits` is more accurate.
 *
 * @param probability in [0, 1], any shape; the loss is NaN outside
 * @param target in [0, 1], the same shape
 * @param options.weight a factor for each element, any shape that broadcasts
 */
export function bceLoss(
  probability: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor } = {},
): Tensor {
  checkOptions('bceLoss', options, 'reduction weight');
  checkSameShape(probability, target, 'bceLoss');
  hintAtActivation(probability, 'bceLoss', 'probabilities');
  const losses = apply(binaryCrossEntropy, [probability, target]);
  return reduce(options.weight ? losses.mul(options.weight) : losses, options.reduction);
}

/**
 * yes · softplus(−x) + no · softplus(x). Both terms are ≥ 0 and nothing cancels: 1e-15 stays 1e-15, in the gradient
 * no · sigmoid(x) − yes · sigmoid(−x), too. A factor 0 leaves out its term, also where x is infinite.
 */
const logisticLoss = /* @__PURE__ */ defineOp({
  name: 'logisticLoss',
  type: /* @__PURE__ */ broadcastFloatType('bceWithLogits'),
  lower: /* @__PURE__ */ map(
    ([x, yes, no]) => {
      const zero = builder().number(0, x);
      const part = (factor: Scalar, of: Scalar) =>
        builder().where(s.equal(factor, zero), zero, s.mul(factor, s.max(of, zero)));
      // softplus(±x) = max(±x, 0) + log(1 + e^−|x|)
      const both = s.mul(s.add(yes, no), s.log1p(s.exp(s.neg(s.abs(x)))));
      return s.add(s.add(part(yes, s.neg(x)), part(no, x)), both);
    },
    { cost: 16 },
  ),
  vjp: (g, [x, yes, no]) => {
    const opposite = x.neg();
    return [
      g.mul(no.mul(x.sigmoid()).sub(yes.mul(opposite.sigmoid()))),
      g.mul(opposite.softplus()),
      g.mul(x.softplus()),
    ];
  },
});

/**
 * The same for p = sigmoid(logit), stable and accurate for logits of any size, infinite ones included: a logit of ∞ has the
 * loss 0 for the target 1 and ∞ for 0.
 *
 * @param logit any shape
 * @param target in [0, 1], the same shape
 * @param options.weight a factor for each element; options.positiveWeight a factor for the part of t alone
 */
export function bceWithLogits(
  logit: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor; readonly positiveWeight?: Tensor | number } = {},
): Tensor {
  checkOptions('bceWithLogits', options, 'reduction weight positiveWeight');
  checkSameShape(logit, target, 'bceWithLogits');
  hintAtActivation(logit, 'bceWithLogits', 'logits');
  const { weight, positiveWeight } = options;
  const t = isFloat(target.dtype) ? target : target.cast(logit.dtype);
  const yes = positiveWeight === undefined ? t : t.mul(positiveWeight);
  const losses = apply(logisticLoss, [logit, yes, t.neg().add(1)]);
  return reduce(weight ? losses.mul(weight) : losses, options.reduction);
}

/**
 * The Kullback–Leibler divergence Σ t · (log t − input), where `input` holds log-probabilities; t = 0 counts 0, also where
 * the input is −∞.
 *
 * @param input log-probabilities, any shape
 * @param target probabilities, the same shape; with `logTarget` their logarithms
 * @param options.reduction 'batchMean' (default, the divergence): the sum divided by the size of axis 0; 'mean'
 * divides by all elements
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  options: { readonly reduction?: Reduction | 'batchMean'; readonly logTarget?: boolean } = {},
): Tensor {
  checkOptions('klDiv', options, 'reduction logTarget');
  checkSameShape(input, target, 'klDiv');
  const { reduction = 'batchMean', logTarget = false } = options;
  // What is not counted is replaced before anything is made of it: its derivatives would be 0 · ∞.
  const counted = logTarget ? target.greater(Number.NEGATIVE_INFINITY) : target.greater(0);
  const given = counted.where(input, 0);
  const share = counted.where(target, logTarget ? 0 : 1);
  const terms = logTarget ? share.exp().mul(share.sub(given)) : share.mul(share.log().sub(given));
  const divergence = counted.where(terms, 0);
  return reduction === 'batchMean'
    ? divergence.sum().div(input.shape[0] ?? 1)
    : reduce(divergence, reduction);
}
