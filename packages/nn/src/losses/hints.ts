/**
 * What losses can tell from the graph of what they are given. An activation that the loss has itself, or one that it needs and
 * that is not there: each is a look at one node, and said once.
 */
import type { Tensor } from '@ag/tensor';
import { warn, wouldWarn } from '@ag/tensor/engine';

/** Warns of softmax, sigmoid or logSoftmax's lack before a loss. @param needs what the loss takes */
export function hintAtActivation(
  scores: Tensor,
  loss: string,
  needs: 'logits of classes' | 'logits' | 'probabilities' | 'log-probabilities',
): void {
  const { op } = source(scores);
  if (op === null) return;
  if (op.name === 'softmax' && (needs === 'logits of classes' || needs === 'log-probabilities')) {
    warn(
      'AG_SOFTMAX_TWICE',
      needs === 'log-probabilities'
        ? `${loss} takes logarithms of probabilities and is given the output of softmax; use logSoftmax in its place, or crossEntropy on what comes before it`
        : `${loss} has a softmax of its own and is given the output of another one, so gradients are small and probabilities never come near 0 and 1; ` +
            'leave the softmax out of the model, and apply it to what the model says when probabilities are wanted',
    );
  } else if (op.name === 'sigmoid' && needs === 'logits') {
    warn(
      'AG_SIGMOID_TWICE',
      `${loss} has a sigmoid of its own and is given the output of another one; leave the sigmoid out of the model, or use bceLoss`,
    );
  } else if (needs === 'probabilities' && wouldWarn('AG_NOT_PROBABILITIES') && isLinear(scores)) {
    warn(
      'AG_NOT_PROBABILITIES',
      `${loss} takes probabilities and is given the output of a linear layer, which may be any number: the loss is NaN outside of 0 … 1; ` +
        'use bceWithLogits, or put a sigmoid at the end of the model',
    );
  }
}

/** What a view, such as a reshape, shows. */
function source(tensor: Tensor): Tensor {
  let at = tensor;
  while (at.op?.lower.form === 'view') at = at.inputs[0];
  return at;
}

/** A product, or one with a bias added. */
function isLinear(tensor: Tensor): boolean {
  const { op, inputs } = source(tensor);
  if (op?.lower.form === 'contract') return true;
  return op?.name === 'add' && inputs.some((input) => source(input).op?.lower.form === 'contract');
}
