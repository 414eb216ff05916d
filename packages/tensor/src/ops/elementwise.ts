/**
 * Operations that treat every element alike: arithmetic, functions of one variable, comparisons, selection.
 * Each stands with its rule; broadcasting is the planner's work and summing a gradient back is the engine's.
 */
import { computedDType, type DType, isFloat, promote } from '../dtype.ts';
import { builder, type Scalar, s } from '../kernel/expression.ts';
import { broadcastShapes } from '../shape.ts';
import {
  broadcastFloatType,
  broadcastType,
  defineOp,
  map,
  type Op,
  type TensorType,
  type VectorJacobianProduct,
} from './op.ts';

/** A function of one variable with a fractional result. */
/* @__NO_SIDE_EFFECTS__ */
export function unary(
  name: string,
  of: (x: Scalar) => Scalar,
  vjp?: VectorJacobianProduct<undefined>,
  cost = 8,
): Op<undefined> {
  return defineOp({
    name,
    type: broadcastFloatType(name),
    lower: map(([x]) => of(x), { cost }),
    ...(vjp && { vjp }),
  });
}

/** A function of one variable whose result has the dtype of its operand. */
/* @__NO_SIDE_EFFECTS__ */
function sameType(
  name: string,
  of: (x: Scalar) => Scalar,
  vjp?: VectorJacobianProduct<undefined>,
): Op<undefined> {
  return defineOp({ name, type: arithmeticType(name), lower: map(([x]) => of(x)), ...(vjp && { vjp }) });
}

/** A comparison: operands promote, the result is bool and has no gradient. */
/* @__NO_SIDE_EFFECTS__ */
function comparison(name: string, of: (x: Scalar, y: Scalar) => Scalar): Op<undefined> {
  const rule = broadcastType(name);
  return defineOp({
    name,
    type: (inputs) => ({ shape: rule(inputs).shape, dtype: 'bool' }),
    lower: map(([x, y]) => of(x, y), { operands: 'promoted' }),
  });
}

/** A test of one value. */
/* @__NO_SIDE_EFFECTS__ */
function test(name: string, of: (x: Scalar) => Scalar, operands: 'own' | 'output' = 'own'): Op<undefined> {
  return defineOp({
    name,
    type: ([x]) => ({ shape: x.shape, dtype: 'bool' }),
    lower: map(([x]) => of(x), { operands }),
  });
}

// Arithmetic

export const add = defineOp({
  name: 'add',
  type: broadcastType('add'),
  lower: map(([x, y]) => s.add(x, y)),
  vjp: (g) => [g, g],
});

export const sub = defineOp({
  name: 'sub',
  type: arithmeticType('sub'),
  lower: map(([x, y]) => s.sub(x, y)),
  vjp: (g) => [g, g.neg()],
});

export const mul = defineOp({
  name: 'mul',
  type: broadcastType('mul'),
  lower: map(([x, y]) => s.mul(x, y)),
  vjp: (g, [x, y]) => [g.mul(y), g.mul(x)],
});

export const div = defineOp({
  name: 'div',
  type: broadcastFloatType('div'),
  lower: map(([x, y]) => s.div(x, y)),
  vjp: (g, [, y], q) => [g.div(y), g.mul(q).div(y).neg()],
});

/** xʸ. At x = 0 the derivative by x uses the limit from the right, at x ≤ 0 the derivative by y counts as 0. */
export const pow = defineOp({
  name: 'pow',
  type: arithmeticType('pow'),
  lower: map(([x, y]) => s.pow(x, y), { cost: 16 }),
  vjp: (g, [x, y], p) => {
    const positive = x.greater(0);
    const logarithm = positive.where(positive.where(x, 1).log(), 0);
    const zero = y.equal(0);
    return [zero.where(0, g.mul(y).mul(x.pow(zero.where(1, y.sub(1))))), g.mul(p).mul(logarithm)];
  },
});

/** Remainder with the sign of the divisor. */
export const mod = defineOp({
  name: 'mod',
  type: arithmeticType('mod'),
  lower: map(([x, y]) => s.mod(x, y)),
  vjp: (g, [x, y]) => [g, g.mul(x.div(y).floor()).neg()],
});

/** Where both are equal each gets half of the gradient. */
export const maximum = defineOp({
  name: 'maximum',
  type: broadcastType('maximum'),
  lower: map(([x, y]) => s.max(x, y)),
  vjp: (g, [x, y]) => {
    const tie = x.equal(y).cast(g.dtype).mul(0.5);
    return [g.mul(x.greater(y).cast(g.dtype).add(tie)), g.mul(y.greater(x).cast(g.dtype).add(tie))];
  },
});

/** Where both are equal each gets half of the gradient. */
export const minimum = defineOp({
  name: 'minimum',
  type: broadcastType('minimum'),
  lower: map(([x, y]) => s.min(x, y)),
  vjp: (g, [x, y]) => {
    const tie = x.equal(y).cast(g.dtype).mul(0.5);
    return [g.mul(x.less(y).cast(g.dtype).add(tie)), g.mul(y.less(x).cast(g.dtype).add(tie))];
  },
});

/** The angle of the point (x, y), operands in the order y, x. At (0, 0) the derivatives count as 0. */
export const atan2 = defineOp({
  name: 'atan2',
  type: broadcastFloatType('atan2'),
  lower: map(([y, x]) => s.atan2(y, x), { cost: 8 }),
  vjp: (g, [y, x]) => {
    const square = x.square().add(y.square());
    const safe = square.equal(0).where(1, square);
    return [g.mul(x).div(safe), g.mul(y).div(safe).neg()];
  },
});

/** The sum of any number of tensors of one shape and dtype: how gradients are accumulated. */
export const addAll = defineOp({
  name: 'addAll',
  type: broadcastType('addAll'),
  lower: map((x) => x.reduce((sum, term) => s.add(sum, term))),
  vjp: (g, inputs) => inputs.map(() => g),
});

// Functions of one variable

export const neg = sameType('neg', s.neg, (g) => [g.neg()]);
/** At 0 the derivative counts as 0. */
export const abs = sameType('abs', s.abs, (g, [x]) => [g.mul(x.sign())]);
export const sign = sameType('sign', s.sign, (g) => [g.mul(0)]);
export const square = sameType(
  'square',
  (x) => s.mul(x, x),
  (g, [x]) => [g.mul(x).mul(2)],
);
export const floor = sameType('floor', integerAware(s.floor), (g) => [g.mul(0)]);
export const ceil = sameType('ceil', integerAware(s.ceil), (g) => [g.mul(0)]);
/** Halves go to the even neighbor. */
export const round = sameType('round', integerAware(s.round), (g) => [g.mul(0)]);

/** At 0 the derivative counts as 0, so that √(x²), distances and standard deviations have a finite one there. */
export const sqrt = unary(
  'sqrt',
  s.sqrt,
  (g, _x, y) => {
    const zero = y.equal(0);
    return [zero.where(0, g.div(zero.where(1, y).mul(2)))];
  },
  2,
);
export const rsqrt = unary(
  'rsqrt',
  (x) => s.div(builder().number(1, x), s.sqrt(x)),
  (g, _x, y) => [g.mul(y.square()).mul(y).mul(-0.5)],
  3,
);
export const reciprocal = unary(
  'reciprocal',
  (x) => s.div(builder().number(1, x), x),
  (g, _x, y) => [g.mul(y.square()).neg()],
  2,
);
export const exp = unary('exp', s.exp, (g, _x, y) => [g.mul(y)]);
/** The rule takes eˣ anew: far to the left nothing of it is left in eˣ − 1. */
export const expm1 = unary('expm1', s.expm1, (g, [x]) => [g.mul(x.exp())]);
export const log = unary('log', s.log, (g, [x]) => [g.div(x)]);
export const log1p = unary('log1p', s.log1p, (g, [x]) => [g.div(x.add(1))]);
export const log2 = unary(
  'log2',
  (x) => s.mul(s.log(x), builder().number(Math.LOG2E, x)),
  (g, [x]) => [g.div(x).mul(Math.LOG2E)],
);
export const sin = unary('sin', s.sin, (g, [x]) => [g.mul(x.cos())]);
export const cos = unary('cos', s.cos, (g, [x]) => [g.mul(x.sin()).neg()]);
export const tan = unary('tan', s.tan, (g, _x, y) => [g.mul(y.square().add(1))]);
export const asin = unary('asin', s.asin, (g, [x]) => [g.mul(x.square().neg().add(1).rsqrt())]);
export const acos = unary('acos', s.acos, (g, [x]) => [g.mul(x.square().neg().add(1).rsqrt()).neg()]);
export const atan = unary('atan', s.atan, (g, [x]) => [g.div(x.square().add(1))]);
export const sinh = unary('sinh', s.sinh, (g, [x]) => [g.mul(x.cosh())]);
export const cosh = unary('cosh', s.cosh, (g, [x]) => [g.mul(x.sinh())]);
export const tanh = unary('tanh', s.tanh, (g, _x, y) => [g.mul(y.square().neg().add(1))]);
export const erf = unary('erf', s.erf, (g, [x]) => [
  g.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)),
]);
export const sigmoid = unary('sigmoid', s.sigmoid, (g, _x, y) => [g.mul(y).mul(y.neg().add(1))]);

/** log(1 + eˣ) without overflow. */
export const softplus = unary(
  'softplus',
  (x) => s.add(s.max(x, builder().number(0, x)), s.log1p(s.exp(s.neg(s.abs(x))))),
  (g, [x]) => [g.mul(x.sigmoid())],
);

/** max(x, 0); at 0 the derivative counts as 0. */
export const relu = sameType(
  'relu',
  (x) => s.max(x, builder().number(0, x)),
  (g, _x, y) => [y.greater(0).where(g, 0)],
);

// Comparisons and logic

export const equal = comparison('equal', s.equal);
export const notEqual = comparison('notEqual', s.notEqual);
export const less = comparison('less', s.less);
export const lessEqual = comparison('lessEqual', s.lessEqual);
export const greater = comparison('greater', (x, y) => s.less(y, x));
export const greaterEqual = comparison('greaterEqual', (x, y) => s.lessEqual(y, x));
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name of the method
export const isNaN = test('isNaN', (x) =>
  isFloat(builder().dtypeOf(x)) ? s.isNaN(x) : builder().constant(0, 'bool'));
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name of the method
export const isFinite = test('isFinite', (x) =>
  isFloat(builder().dtypeOf(x)) ? s.isFinite(x) : builder().constant(1, 'bool'));
export const logicalNot = test('logicalNot', s.not, 'output');
export const logicalAnd = logical('logicalAnd', s.and);
export const logicalOr = logical('logicalOr', s.or);

// Selection and conversion

/** `condition ? x : y`; the gradient goes to the side that was taken. */
export const where = defineOp({
  name: 'where',
  type: (inputs: readonly TensorType[]): TensorType => {
    const [condition, x, y] = inputs as [TensorType, TensorType, TensorType];
    const shape = broadcastShapes(condition.shape, broadcastShapes(x.shape, y.shape, 'where'), 'where');
    return { shape, dtype: promote(x.dtype, y.dtype) };
  },
  lower: map(
    ([condition, x, y]) => {
      const e = builder();
      const dtype = promote(e.dtypeOf(x), e.dtypeOf(y));
      return e.where(e.cast(condition, 'bool'), e.cast(x, dtype), e.cast(y, dtype));
    },
    { operands: 'own' },
  ),
  vjp: (g, [condition]) => [null, condition.where(g, 0), condition.where(0, g)],
});

/** Conversion to another dtype; fractions are cut off, anything but 0 is true. */
export const cast = defineOp<{ readonly dtype: DType }>({
  name: 'cast',
  type: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  lower: map(([x], { dtype }) => builder().cast(x, dtype), { operands: 'own' }),
  vjp: (g, [x]) => [isFloat(x.dtype) ? g.cast(computedDType(x.dtype)) : null],
});

/* @__NO_SIDE_EFFECTS__ */
function logical(name: string, of: (x: Scalar, y: Scalar) => Scalar): Op<undefined> {
  const rule = broadcastType(name);
  return defineOp({
    name,
    type: (inputs) => ({ shape: rule(inputs).shape, dtype: 'bool' }),
    lower: map(([x, y]) => of(x, y)),
  });
}

/** Shapes broadcast, dtypes promote; bools count as int32, so that −true is −1 and true − true is 0. */
/* @__NO_SIDE_EFFECTS__ */
function arithmeticType(name: string): (inputs: readonly TensorType[]) => TensorType {
  const rule = broadcastType(name);
  return (inputs) => {
    const { shape, dtype } = rule(inputs);
    return { shape, dtype: dtype === 'bool' ? 'int32' : dtype };
  };
}

/** Rounding leaves integers as they are. */
/* @__NO_SIDE_EFFECTS__ */
function integerAware(of: (x: Scalar) => Scalar): (x: Scalar) => Scalar {
  return (x) => (isFloat(builder().dtypeOf(x)) ? of(x) : x);
}
