/** Elementwise functions that take numbers apart: whole part, sign, what is not finite; and remainders. */
import { checkFinite, checkNumber } from '../../check.ts';
import { isFloat } from '../../dtype.ts';
import { builder, type Scalar, s } from '../../kernel/expression.ts';
import { checkOptions } from '../../options.ts';
import { checkTensor, type Tensor, type TensorLike } from '../../tensor.ts';
import {
  arithmeticType,
  asFloat,
  binaryFunction,
  negatedWhere,
  number,
  operandsOf,
  truthType,
  unaryFunction,
  where,
} from './define.ts';

const isFloatScalar = (x: Scalar): boolean => isFloat(builder().dtypeOf(x));
const falsehood = (): Scalar => builder().constant(0, 'bool');

/** The whole part: the integer next to x on the side of 0. Integers stay as they are. */
export const trunc = /* @__PURE__ */ unaryFunction('trunc', {
  of: (x) => (isFloatScalar(x) ? truncated(x) : x),
  vjp: (g) => [g.mul(0)],
  type: /* @__PURE__ */ arithmeticType('trunc'),
  cost: 2,
});

/** What `trunc` leaves out: x − trunc(x), with the sign of x. */
export const frac = /* @__PURE__ */ unaryFunction('frac', {
  of: (x) => (isFloatScalar(x) ? s.sub(x, truncated(x)) : number(0, x)),
  vjp: (g) => [g],
  type: /* @__PURE__ */ arithmeticType('frac'),
  cost: 2,
});

/** Remainder with the sign of the dividend, as C has it: a − trunc(a/b)·b, exact. `mod` takes the sign of the divisor. */
export const fmod = /* @__PURE__ */ binaryFunction('fmod', {
  of: (a, b) => {
    const rest = s.mod(s.abs(a), s.abs(b));
    return isFloatScalar(a) ? s.mul(s.sign(a), rest) : negatedWhere(s.less(a, number(0, a)), rest);
  },
  vjp: (g, [a, b]) => [g, g.mul(trunc(a.div(b))).neg()],
  type: /* @__PURE__ */ arithmeticType('fmod'),
});

/** ⌊a/b⌋: whole numbers by whole numbers stay whole, 0 where the divisor is 0. The result counts as flat. */
export const floorDivide = /* @__PURE__ */ binaryFunction('floorDivide', {
  of: (a, b) => {
    const quotient = s.div(s.sub(a, s.mod(a, b)), b);
    if (!isFloatScalar(a)) return quotient;
    return where(s.equal(b, number(0, b)), s.div(a, b), s.round(quotient));
  },
  vjp: (g) => [g.mul(0), g.mul(0)],
  type: /* @__PURE__ */ arithmeticType('floorDivide'),
});

/** Whether x is negative; of −0 it is true. */
export const signBit = /* @__PURE__ */ unaryFunction('signBit', {
  of: (x) => hasSign(x),
  type: /* @__PURE__ */ truthType('signBit'),
  operands: 'own',
  cost: 3,
});

/** |a| with the sign of b, that of −0 included. The derivative by b counts as 0, that by a at 0 too. */
export const copysign = /* @__PURE__ */ binaryFunction('copysign', {
  of: (a, b) => negatedWhere(hasSign(b), s.abs(a)),
  vjp: (g, [a, b]) => [g.mul(copysign(a.sign(), b)).mul(a.sign()), null],
  cost: 3,
});

/** 0 for negative numbers, 1 for positive ones, at 0 the element of b. NaN stays NaN. */
export function heaviside(a: TensorLike, b: TensorLike): Tensor {
  const [x, atZero] = operandsOf('heaviside', a, b);
  const float = asFloat(x, 'heaviside');
  return float.equal(0).where(atZero, float.sign().add(1).mul(0.5));
}

/** Whether x is ∞ or −∞. */
export const isInf = /* @__PURE__ */ infinityTest('isInf', (x) =>
  s.equal(s.abs(x), number(Number.POSITIVE_INFINITY, x)),
);

/** Whether x is ∞. */
export const isPosInf = /* @__PURE__ */ infinityTest('isPosInf', (x) =>
  s.equal(x, number(Number.POSITIVE_INFINITY, x)),
);

/** Whether x is −∞. */
export const isNegInf = /* @__PURE__ */ infinityTest('isNegInf', (x) =>
  s.equal(x, number(Number.NEGATIVE_INFINITY, x)),
);

/** Whether exactly one of the two is true. */
export function logicalXor(a: Tensor, b: Tensor): Tensor {
  checkTensor(b, 'logicalXor', 'b');
  return checkTensor(a, 'logicalXor', 'a').cast('bool').notEqual(b.cast('bool'));
}

/** The larger of two numbers, the other where one is NaN; equal ones share the gradient. */
export function fmax(a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = operandsOf('fmax', a, b);
  return x.isNaN().where(y, y.isNaN().where(x, x.maximum(y)));
}

/** The smaller of two numbers, the other where one is NaN; equal ones share the gradient. */
export function fmin(a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = operandsOf('fmin', a, b);
  return x.isNaN().where(y, y.isNaN().where(x, x.minimum(y)));
}

/** What takes the place of what is not finite. */
export interface NanToNumOptions {
  /** For NaN. Default 0. */
  readonly nan?: number;
  /** For ∞. Default: the largest number of the dtype. */
  readonly posInf?: number;
  /** For −∞. Default: the lowest number of the dtype. */
  readonly negInf?: number;
}

/** x with numbers where it is NaN or infinite; there the gradient is 0. Integers stay as they are. */
export function nanToNum(x: Tensor, options: NanToNumOptions = {}): Tensor {
  checkOptions('nanToNum', options, 'nan posInf negInf');
  checkTensor(x, 'nanToNum');
  const largest = x.dtype === 'float64' ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127;
  const { nan = 0, posInf = largest, negInf = -largest } = options;
  checkNumber(nan, 'nanToNum', 'nan');
  checkNumber(posInf, 'nanToNum', 'posInf');
  checkNumber(negInf, 'nanToNum', 'negInf');
  if (!isFloat(x.dtype)) return x;
  return x.isNaN().where(nan, isPosInf(x).where(posInf, isNegInf(x).where(negInf, x)));
}

/** How far apart numbers may be. */
export interface IsCloseOptions {
  /** Relative to |b|. Default 1e-5. */
  readonly relative?: number;
  /** Default 1e-8. */
  readonly absolute?: number;
  /** Whether NaN is close to NaN. Default false. */
  readonly equalNaN?: boolean;
}

/** Whether |a − b| ≤ absolute + relative·|b|; infinities are close to themselves only. */
export function isClose(a: TensorLike, b: TensorLike, options: IsCloseOptions = {}): Tensor {
  checkOptions('isClose', options, 'relative absolute equalNaN');
  const { relative = 1e-5, absolute = 1e-8, equalNaN = false } = options;
  checkFinite(relative, 'isClose', 'relative');
  checkFinite(absolute, 'isClose', 'absolute');
  const [x, y] = operandsOf('isClose', a, b).map((operand) => asFloat(operand, 'isClose'));
  const near = x.sub(y).abs().lessEqual(y.abs().mul(relative).add(absolute)).logicalAnd(y.isFinite());
  const same = near.logicalOr(x.equal(y));
  return equalNaN ? same.logicalOr(x.isNaN().logicalAnd(y.isNaN())) : same;
}

/** a + weight·(b − a): a at 0, b at 1. */
export function lerp(a: TensorLike, b: TensorLike, weight: TensorLike): Tensor {
  const [x, y] = operandsOf('lerp', a, b);
  if (typeof weight !== 'number') checkTensor(weight, 'lerp', 'the weight', 'a tensor or a number');
  return x.add(y.sub(x).mul(weight));
}

/** Degrees of an angle in radians as radians: x·π/180. */
export function deg2rad(x: Tensor): Tensor {
  return asFloat(x, 'deg2rad').mul(Math.PI / 180);
}

/** Radians as degrees: x·180/π. */
export function rad2deg(x: Tensor): Tensor {
  return asFloat(x, 'rad2deg').mul(180 / Math.PI);
}

/** sin πx / πx, 1 at 0. Near 0 by its power series, so that derivatives are right there, too. */
export function sinc(x: Tensor): Tensor {
  const angle = asFloat(x, 'sinc').mul(Math.PI);
  const near = angle.abs().less(0.15);
  const square = near.where(angle, 0).square();
  // 1 − t/6·(1 − t/20·(1 − t/42·(1 − t/72·(1 − t/110)))) of t = (πx)²
  const series = [110, 72, 42, 20, 6].reduce(
    (rest: Tensor, divisor) => square.div(-divisor).mul(rest).add(1),
    square.mul(0).add(1),
  );
  const far = near.where(1, angle);
  return near.where(series, far.sin().div(far));
}

function truncated(x: Scalar): Scalar {
  return where(s.less(x, number(0, x)), s.ceil(x), s.floor(x));
}

function hasSign(x: Scalar): Scalar {
  if (builder().dtypeOf(x) === 'bool') return falsehood();
  const zero = number(0, x);
  const negative = s.less(x, zero);
  if (!isFloatScalar(x)) return negative;
  return s.or(negative, s.and(s.equal(x, zero), s.less(s.div(number(1, x), x), zero)));
}

/* @__NO_SIDE_EFFECTS__ */
function infinityTest(name: string, of: (x: Scalar) => Scalar): (x: Tensor) => Tensor {
  return unaryFunction(name, {
    of: (x) => (isFloatScalar(x) ? of(x) : falsehood()),
    type: truthType(name),
    operands: 'own',
    cost: 1,
  });
}
