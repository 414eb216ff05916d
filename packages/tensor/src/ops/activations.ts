/**
 * Activations whose derivative is an operation of its own, not a chain of steps: it needs nothing but x, so a plan computes it where
 * it computes the value, and the backward pass reads one number for each element instead of all that lies between.
 */
import { builder, type Scalar, s } from '../kernel/expression.ts';
import type { Tensor } from '../tensor.ts';
import { unary } from './elementwise.ts';
import type { Op } from './op.ts';

/** x · sigmoid(x). */
export const silu = withSlope(
  'silu',
  (x) => s.mul(x, s.sigmoid(x)),
  (x) => {
    const y = s.sigmoid(x);
    const one = builder().number(1, x);
    return s.mul(y, s.add(one, s.mul(x, s.sub(one, y))));
  },
  (x) => {
    const y = x.sigmoid();
    return y.mul(y.neg().add(1)).mul(x.mul(y.mul(-2).add(1)).add(2));
  },
);

/** x · Φ(x), with the distribution function Φ and the density φ of the normal distribution. */
export const gelu = withSlope(
  'gelu',
  (x) => s.mul(x, distribution(x)),
  (x) => {
    const number = (value: number) => builder().number(value, x);
    const density = s.mul(number(1 / Math.sqrt(2 * Math.PI)), s.exp(s.mul(number(-0.5), s.mul(x, x))));
    return s.add(distribution(x), s.mul(x, density));
  },
  (x) => {
    const square = x.clamp(-flat, flat).square();
    return square
      .mul(-0.5)
      .exp()
      .mul(1 / Math.sqrt(2 * Math.PI))
      .mul(square.neg().add(2));
  },
);

function distribution(x: Scalar): Scalar {
  const number = (value: number) => builder().number(value, x);
  return s.mul(number(0.5), s.add(number(1), s.erf(s.mul(x, number(Math.SQRT1_2)))));
}

/** x · (1 + t) / 2 with t = tanh(a·(x + b·x³)), which comes near to `gelu` (Hendrycks & Gimpel 2016). */
export const geluTanh = withSlope(
  'geluTanh',
  (x) => {
    const number = (value: number) => builder().number(value, x);
    return s.mul(s.mul(number(0.5), x), s.add(number(1), geluTangent(x)));
  },
  // (1 + t) / 2 + x/2 · (1 − t²) · a·(1 + 3b·x²)
  (x) => {
    const number = (value: number) => builder().number(value, x);
    const t = geluTangent(x);
    // Beyond the limit 1 − t² is 0, and x² would overflow.
    const near = s.max(number(-flat), s.min(number(flat), x));
    const inner = s.add(number(geluScale), s.mul(number(3 * geluScale * geluCubic), s.mul(near, near)));
    const outer = s.mul(s.sub(number(1), s.mul(t, t)), s.mul(s.mul(number(0.5), near), inner));
    return s.add(s.mul(number(0.5), s.add(number(1), t)), outer);
  },
  // (1 − t²) · (i′ + 3ab·x² − x·t·i′²) with i′ = a·(1 + 3b·x²)
  (far) => {
    const x = far.clamp(-flat, flat);
    const square = x.square();
    const t = x.mul(square).mul(geluCubic).add(x).mul(geluScale).tanh();
    const cubic = square.mul(3 * geluScale * geluCubic);
    const inner = cubic.add(geluScale);
    return t
      .square()
      .neg()
      .add(1)
      .mul(inner.add(cubic).sub(x.mul(t).mul(inner.square())));
  },
);

/** Where the derivatives of gelu, which fall like e^(−x²/2), have long been constant in either float type. */
const flat = 100;
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

function geluTangent(x: Scalar): Scalar {
  const number = (value: number) => builder().number(value, x);
  return s.tanh(s.mul(s.add(x, s.mul(s.mul(x, s.mul(x, x)), number(geluCubic))), number(geluScale)));
}

/** A function with its first and second derivative. */
/* @__NO_SIDE_EFFECTS__ */
function withSlope(
  name: string,
  of: (x: Scalar) => Scalar,
  first: (x: Scalar) => Scalar,
  second: (x: Tensor) => Tensor,
): Op<undefined> {
  const slope = unary(`${name}Slope`, first, (g, [x]) => [g.mul(second(x))], 16);
  return unary(name, of, (g, [x]) => [g.mul(g.apply(slope, [x]))], 16);
}
