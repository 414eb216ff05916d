/**
 * What losses share: the reduction to one number, and the check that shapes agree.
 */
import { formatShape, type Tensor } from '@ag/tensor';
import { checkTensor, shapeError, valueError } from '@ag/tensor/engine';

/** 'mean' over all elements, their 'sum', or 'none': one loss for each element. */
export type Reduction = 'mean' | 'sum' | 'none';

/** Options that all losses take. */
export interface LossOptions {
  /** Default 'mean'. */
  readonly reduction?: Reduction;
}

export function reduce(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  switch (reduction) {
    case 'mean':
      return losses.mean();
    case 'sum':
      return losses.sum();
    case 'none':
      return losses;
    default:
      throw valueError(`loss: the reduction must be 'mean', 'sum' or 'none', got '${String(reduction)}'`);
  }
}

/**
 * Shapes must be equal: broadcasting [n] against [n, 1] would silently compare every pair.
 * @throws RangeError when they differ
 */
export function checkSameShape(a: Tensor, b: Tensor, loss: string, cure?: string): void {
  checkTensor(a, loss, 'prediction');
  checkTensor(b, loss, 'target');
  if (a.shape.length !== b.shape.length || a.shape.some((size, i) => size !== b.shape[i])) {
    throw shapeError(
      `${loss}: prediction ${formatShape(a.shape)} and target ${formatShape(b.shape)} differ in shape; ${cure ?? remedy(a.shape, b.shape)}`,
    );
  }
}

function remedy(prediction: readonly number[], target: readonly number[]): string {
  const [last] = prediction.slice(-1);
  const oneLess =
    target.length === prediction.length - 1 && target.every((size, i) => size === prediction[i]);
  if (oneLess && last === 1) return 'target.unsqueeze(-1) gives it the axis that is missing';
  if (oneLess) return 'for class indices use crossEntropy, or oneHot(target, classes)';
  return 'use reshape, squeeze or unsqueeze';
}
