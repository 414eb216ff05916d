/**
 * Losses as operators.
 */
import type { Tensor } from '@ag/tensor';
import type { Call, Rules } from './call.ts';

/** The negative logarithm at the class that each position has, weighted; classes lie along axis 1. */
function negative(call: Call, logarithms: Tensor, classes: Tensor, weight: Tensor | null): Tensor {
  const index = classes.cast('int32');
  const ignored = call.attribute('ignore_index') ? call.int('ignore_index') : null;
  const counts = ignored === null ? null : index.notEqual(ignored);
  const safe = counts ? counts.where(index, 0) : index;
  const picked = logarithms.gather(safe.unsqueeze(1), 1).squeeze(1).neg();
  let share = weight ? weight.take(safe) : null;
  if (counts) share = share ? counts.where(share, 0) : counts.cast(logarithms.dtype);
  const losses = share ? picked.mul(share) : picked;
  switch (call.text('reduction', 'mean')) {
    case 'none':
      return losses;
    case 'sum':
      return losses.sum();
    default:
      return share ? losses.sum().div(share.sum()) : losses.mean();
  }
}

export const losses: Rules = {
  NegativeLogLikelihoodLoss: (call) => negative(call, call.tensor(0), call.tensor(1), call.optional(2)),
  SoftmaxCrossEntropyLoss: (call) => {
    const logarithms = call.tensor(0).logSoftmax(1);
    const loss = negative(call, logarithms, call.tensor(1), call.optional(2));
    return call.wants(1) ? [loss, logarithms] : [loss];
  },
};
