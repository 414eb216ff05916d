/**
 * Losses of pairs and triplets: what belongs together comes close, what does not keeps apart. Distances are those between the
 * last axes, `[..., features] → [...]`.
 */

import { arange, concat, formatShape, type Tensor } from '@ag/tensor';
import { checkOptions, checkTensor, shapeError, valueError } from '@ag/tensor/engine';
import { crossEntropy } from './crossEntropy.ts';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

/**
 * max(0, |anchor − positive| − |anchor − negative| + margin) (Schroff, Kalenichenko, Philbin 2015, without their squares, as in
 * PyTorch).
 *
 * @param anchor `[..., features]`
 * @param positive what belongs to it, the same shape
 * @param negative what does not, the same shape
 * @param options.margin default 1; options.p the norm's order, default 2, Infinity for the largest difference
 * @param options.swap take the distance of positive and negative where it is the smaller one (Balntas et al. 2016), default false
 * @param options.epsilon is added to each difference, so that equal points have a gradient, default 1e-6
 * @throws RangeError when the shapes differ
 */
export function tripletLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: LossOptions & {
    readonly margin?: number;
    readonly p?: number;
    readonly swap?: boolean;
    readonly epsilon?: number;
  } = {},
): Tensor {
  checkOptions('tripletLoss', options, 'reduction margin p swap epsilon');
  checkSameShape(anchor, positive, 'tripletLoss');
  checkSameShape(anchor, negative, 'tripletLoss');
  const { margin = 1, p = 2, swap = false, epsilon = 1e-6 } = options;
  if (!(p >= 1)) throw valueError(`tripletLoss: the norm's order p must be at least 1, got ${p}`);
  const distance = (a: Tensor, b: Tensor): Tensor => a.sub(b).add(epsilon).norm(-1, { p });
  const other = distance(anchor, negative);
  const apart = swap ? other.minimum(distance(positive, negative)) : other;
  return reduce(distance(anchor, positive).sub(apart).add(margin).relu(), options.reduction);
}

/**
 * max(0, margin − target · (a − b)): a should be larger than b by the margin where the target is 1, smaller where it is −1.
 *
 * @param a scores, any shape
 * @param b scores, the same shape
 * @param target 1 or −1, the same shape
 * @param options.margin default 0
 * @throws RangeError when the shapes differ
 */
export function marginRankingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkOptions('marginRankingLoss', options, 'reduction margin');
  checkSameShape(a, b, 'marginRankingLoss');
  checkSameShape(a, target, 'marginRankingLoss');
  const ahead = target.mul(a.sub(b));
  return reduce(
    ahead
      .neg()
      .add(options.margin ?? 0)
      .relu(),
    options.reduction,
  );
}

/**
 * ½D² for pairs that belong together (target 1), ½ · max(0, margin − D)² for others (0 or −1), where D is the Euclidean distance
 * (Hadsell, Chopra, LeCun 2006; they number the pairs the other way round). Equal points that should be apart have the gradient 0:
 * no direction leads away from each other.
 *
 * @param a `[..., features]`
 * @param b the same shape
 * @param target 1, or 0 or −1, for each pair, `[...]`
 * @param options.margin default 1
 * @throws RangeError when the shapes do not fit
 */
export function contrastiveLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkOptions('contrastiveLoss', options, 'reduction margin');
  checkSameShape(a, b, 'contrastiveLoss');
  const square = a.sub(b).square().sum(-1);
  checkSameShape(square, target, 'contrastiveLoss');
  // The root of 0 has no derivative: what is not counted is replaced before.
  const some = square.greater(0);
  const distance = some.where(some.where(square, 1).sqrt(), 0);
  const lacking = distance
    .neg()
    .add(options.margin ?? 1)
    .relu();
  return reduce(target.greater(0).where(square, lacking.square()).mul(0.5), options.reduction);
}

/**
 * InfoNCE (van den Oord, Li, Vinyals 2018): the cross-entropy of finding the key that belongs to each query, by the cosine of their
 * angle over a temperature. Without negatives of their own all other keys of the batch are the wrong ones.
 *
 * @param queries `[batch, features]`, of any length
 * @param keys `[batch, features]`, row i belongs to query i
 * @param options.negatives `[count, features]`, instead of the other keys
 * @param options.temperature default 0.1
 * @param options.symmetric also find the query of each key, and take the mean of both, as CLIP does (Radford et al. 2021); default
 * false, not together with negatives
 * @returns a scalar, or one loss for each query with reduction 'none'
 * @throws RangeError when the shapes do not fit
 */
export function infoNceLoss(
  queries: Tensor,
  keys: Tensor,
  options: LossOptions & {
    readonly negatives?: Tensor;
    readonly temperature?: number;
    readonly symmetric?: boolean;
  } = {},
): Tensor {
  checkOptions('infoNceLoss', options, 'reduction negatives temperature symmetric');
  checkSameShape(queries, keys, 'infoNceLoss');
  const { negatives, temperature = 0.1, symmetric = false } = options;
  if (queries.ndim !== 2)
    throw shapeError(`infoNceLoss: expects [batch, features], got ${formatShape(queries.shape)}`);
  if (!(temperature > 0))
    throw valueError(`infoNceLoss: the temperature must be above 0, got ${temperature}`);
  const [q, k] = [unit(queries), unit(keys)];
  const reduction = { reduction: options.reduction ?? 'mean' } as const;
  if (negatives) {
    if (symmetric) throw valueError('infoNceLoss: symmetric is of the keys of a batch; leave out negatives');
    const { shape } = checkTensor(negatives, 'infoNceLoss', 'negatives');
    if (shape.length !== 2 || shape[1] !== queries.shape[1]) {
      throw shapeError(
        `infoNceLoss: negatives should be [count, ${queries.shape[1]}], got ${formatShape(shape)}`,
      );
    }
    const own = q.mul(k).sum(-1, { keepDims: true });
    const scores = concat([own, q.matmul(unit(negatives).transpose())], -1).div(temperature);
    return reduce(scores.logSumExp(-1).sub(scores.slice(0, 1, { axis: -1 }).squeeze(-1)), options.reduction);
  }
  const scores = q.matmul(k.transpose()).div(temperature);
  const places = arange(0, queries.shape[0], 1, { dtype: 'int32' });
  const forth = crossEntropy(scores, places, reduction);
  if (!symmetric) return forth;
  return forth.add(crossEntropy(scores.transpose(), places, reduction)).mul(0.5);
}

/** Of length 1 along the last axis; lengths count as at least 1e-12, as in PyTorch's `normalize`. */
function unit(v: Tensor): Tensor {
  const square = v.square().sum(-1, { keepDims: true });
  const some = square.greater(1e-24);
  return v.div(some.where(some.where(square, 1).sqrt(), 1e-12));
}
