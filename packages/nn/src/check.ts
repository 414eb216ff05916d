/**
 * Checks that layers share, so that mistakes are reported alike.
 */
import { formatShape, type Tensor } from '@ag/tensor';
import { checkTensor, shapeError, valueError } from '@ag/tensor/engine';

/** A number of features, channels or heads. @throws RangeError unless it is a whole number ≥ 1 */
export function checkCount<N extends number>(count: N, layer: string, what: string): N {
  if (!Number.isInteger(count) || count < 1) {
    throw valueError(`${layer}: the number of ${what} must be a whole number ≥ 1, got ${count}`);
  }
  return count;
}

/** A share or probability. @throws RangeError outside 0 … 1 */
export function checkProbability(p: number, layer: string): number {
  if (!(p >= 0 && p <= 1)) {
    const percent = p > 1 && p <= 100 ? `; for ${p} % give ${p / 100}` : '';
    throw valueError(`${layer}: the probability must be in [0, 1], got ${p}${percent}`);
  }
  return p;
}

/**
 * @param outputs what the layer gives, for the remedy
 * @throws RangeError when the last axis of `x` does not have `size` elements
 */
export function checkLastAxis(x: Tensor, size: number, layer: string, outputs: number): void {
  const { shape } = checkTensor(x, layer);
  const found = shape[shape.length - 1];
  if (found !== size) {
    const merged = shape.slice(1).reduce((product, one) => product * one, 1);
    throw shapeError(
      `${layer}: expects ${size} features along the last axis, got ${formatShape(shape)}; ` +
        (shape.length > 2 && merged === size
          ? 'flatten() before it merges the axes after the first'
          : found === undefined
            ? 'give it a batch, [batch, features]'
            : `either it should be ${layer}(${found}, ${outputs}), or what comes before it should give ${size}`),
    );
  }
}

/** @throws RangeError when `x` does not have one of the given numbers of axes */
export function checkRank(x: Tensor, ranks: readonly number[], layer: string, layout: string): void {
  if (!ranks.includes(checkTensor(x, layer).shape.length)) {
    throw shapeError(`${layer}: expects ${layout}, got ${formatShape(x.shape)}`);
  }
}
