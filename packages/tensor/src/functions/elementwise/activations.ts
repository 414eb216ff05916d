/** Activations that are rare enough to be functions alone. Where they have a kink the derivative is stated. */
import { checkFinite } from '../../check.ts';
import { shapeError, valueError } from '../../errors.ts';
import { formatShape, normalizeAxis } from '../../shape.ts';
import { checkTensor, type Tensor, type TensorLike } from '../../tensor.ts';
import { sectionOf } from '../select.ts';
import { asFloat, operandsOf } from './define.ts';

/** x where positive, else alpha·(e^(x/alpha) − 1) (Barron 2017): `elu` whose slope at 0 is 1 for every alpha. @throws RangeError for alpha 0 */
export function celu(x: Tensor, alpha = 1): Tensor {
  const input = asFloat(x, 'celu');
  if (checkFinite(alpha, 'celu', 'alpha') === 0) throw valueError('celu: alpha must not be 0');
  const positive = input.greater(0);
  return positive.where(input, positive.where(0, input).div(alpha).expm1().mul(alpha));
}

/** a·sigmoid(b) of the two halves a, b along an axis, the last by default (Dauphin et al. 2017). @throws RangeError for an odd size */
export function glu(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, checkTensor(x, 'glu').shape.length, 'glu');
  const size = x.shape[at];
  if (size % 2 !== 0)
    throw shapeError(
      `glu: axis ${at} of ${formatShape(x.shape)} has ${size} elements, which cannot be halved`,
    );
  const half = size / 2;
  return sectionOf(x, 0, half, at).mul(sectionOf(x, half, half, at).sigmoid());
}

/** x limited to 0 … 6 (Krizhevsky 2010); at both limits the derivative counts as 0. */
export function relu6(x: Tensor): Tensor {
  return between(checkTensor(x, 'relu6'), 0, 6);
}

/** x limited to low … high, by default −1 … 1; at both limits the derivative counts as 0. @throws RangeError unless low < high */
export function hardtanh(x: Tensor, low = -1, high = 1): Tensor {
  checkTensor(x, 'hardtanh');
  checkFinite(low, 'hardtanh', 'the lower limit');
  checkFinite(high, 'hardtanh', 'the upper limit');
  if (low >= high) throw valueError(`hardtanh: the lower limit ${low} must be below the upper limit ${high}`);
  return between(x, low, high);
}

/** x where it is above the limit, else the value; at the limit the derivative counts as 0. */
export function threshold(x: Tensor, limit: number, value: number): Tensor {
  checkTensor(x, 'threshold');
  checkFinite(limit, 'threshold', 'the limit');
  checkFinite(value, 'threshold', 'the value');
  return x.lessEqual(limit).where(value, x);
}

/**
 * x where positive, else weight·x with a weight that is learned (He et al. 2015): one for all, or one for each position along
 * axis 1, `[batch, channels, …]`, or anything that broadcasts. At 0 the derivative is that of the left side.
 */
export function prelu(x: TensorLike, weight: TensorLike): Tensor {
  const [input, own] = operandsOf('prelu', x, weight);
  const { shape } = input;
  const channels = own.shape.length === 1 && shape.length > 2 && own.shape[0] === shape[1];
  const slope = channels ? own.reshape([own.shape[0], ...shape.slice(2).map(() => 1)]) : own;
  return input.greater(0).where(input, input.mul(slope));
}

/** x brought nearer to 0 by `size`, 0 where it is not farther from it (Donoho 1995). */
export function softshrink(x: Tensor, size = 0.5): Tensor {
  const input = asFloat(x, 'softshrink');
  if (checkFinite(size, 'softshrink', 'the size') < 0)
    throw valueError(`softshrink: the size must be at least 0, got ${size}`);
  const outside = input.abs().lessEqual(size);
  return outside.where(0, input.sub(input.sign().mul(size)));
}

/** x where it is farther from 0 than `size`, else 0. */
export function hardshrink(x: Tensor, size = 0.5): Tensor {
  checkTensor(x, 'hardshrink');
  checkFinite(size, 'hardshrink', 'the size');
  return x.abs().lessEqual(size).where(0, x);
}

/** x − tanh x. */
export function tanhshrink(x: Tensor): Tensor {
  const input = asFloat(x, 'tanhshrink');
  return input.sub(input.tanh());
}

function between(x: Tensor, low: number, high: number): Tensor {
  return x.lessEqual(low).where(low, x.greaterEqual(high).where(high, x));
}
