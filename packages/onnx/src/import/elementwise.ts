/**
 * Operators that treat every element alike.
 */
import { type DType, isFloat, type Tensor, where } from '@ag/tensor';
import { dtypeFor } from '../file/tensors.ts';
import type { Call, Rule, Rules } from './call.ts';

const unary =
  (of: (x: Tensor, call: Call) => Tensor): Rule =>
  (call) =>
    of(call.tensor(0), call);

const binary =
  (of: (x: Tensor, y: Tensor, call: Call) => Tensor): Rule =>
  (call) =>
    of(call.tensor(0), secondOperand(call), call);

/** Before version 7 the second operand could stand at any axis of the first. */
function secondOperand(call: Call): Tensor {
  const [x, y] = [call.tensor(0), call.tensor(1)];
  if (call.opset >= 7 || !call.attribute('axis') || call.int('broadcast', 0) === 0) return y;
  const after = x.shape.length - call.axis(call.int('axis'), x.shape.length) - y.shape.length;
  return y.reshape([...y.shape, ...new Array<number>(Math.max(0, after)).fill(1)]);
}

/** Any number of operands, one after the other. */
const folded =
  (of: (x: Tensor, y: Tensor) => Tensor): Rule =>
  (call) =>
    call.tensors().reduce(of);

/** Whole numbers below 2³² divided toward zero: float64 holds their quotients well enough. */
export function quotient(x: Tensor, y: Tensor): Tensor {
  if (isFloat(x.dtype)) return x.div(y);
  return x.cast('float64').div(y.cast('float64')).cast(x.dtype);
}

/** The remainder with the sign of the dividend, as C has it. */
function truncatedMod(x: Tensor, y: Tensor): Tensor {
  return x.abs().mod(y.abs()).mul(x.sign()).cast(x.dtype);
}

function clip(call: Call): Tensor {
  const x = call.tensor(0);
  if (call.opset < 11) {
    return x.clamp(call.float('min', Number.NEGATIVE_INFINITY), call.float('max', Number.POSITIVE_INFINITY));
  }
  // One after the other: where the lower limit lies above the upper one the upper one counts.
  let result = x;
  for (const i of [1, 2]) {
    if (!call.has(i)) continue;
    const { host } = call.value(i);
    const limit = host?.data.length === 1 && !Number.isNaN(host.data[0]) ? host.data[0] : call.tensor(i);
    result = i === 1 ? result.clamp(limit) : result.clamp(undefined, limit);
  }
  return result;
}

/** sign(x) · log(|x| + √(x² + 1)), without loss near 0. */
function asinh(x: Tensor): Tensor {
  const a = x.abs();
  return a
    .add(a.square().div(a.square().add(1).sqrt().add(1)))
    .log1p()
    .mul(x.sign());
}

function isInf(x: Tensor, call: Call): Tensor {
  const up = x.equal(Number.POSITIVE_INFINITY);
  const down = x.equal(Number.NEGATIVE_INFINITY);
  if (call.int('detect_positive', 1) === 0)
    return call.int('detect_negative', 1) === 0 ? x.notEqual(x).logicalAnd(x.equal(x)) : down;
  return call.int('detect_negative', 1) === 0 ? up : up.logicalOr(down);
}

/** Whole numbers moved by bits. What leaves at either end is lost; right shifts keep the sign. */
function bitShift(x: Tensor, y: Tensor, call: Call): Tensor {
  const bits = x.dtype === 'uint8' ? 8 : 32;
  const inside = y.less(bits).logicalAnd(y.greaterEqual(0));
  const factor = x.number(2).cast('float64').pow(inside.where(y, 0).cast('float64'));
  const exact = x.cast('float64');
  if (call.text('direction') === 'LEFT') {
    return signed(inside.where(exact.mul(factor).mod(2 ** bits), 0), x.dtype);
  }
  return inside.where(exact.div(factor).floor(), exact.less(0).where(exact.sign(), 0)).cast(x.dtype);
}

/** Numbers from 0 to 2³² − 1 as elements of a type, the upper half standing for negative ones where it has these. */
function signed(x: Tensor, dtype: DType): Tensor {
  if (dtype !== 'int32') return x.cast(dtype);
  return x
    .less(2 ** 31)
    .where(x, x.sub(2 ** 32))
    .cast('int32');
}

/** Integers bit by bit: their sums of powers of two. */
function bitwise(of: (x: Tensor, y: Tensor) => Tensor): Rule {
  return binary((x, y) => {
    const bits = x.dtype === 'uint8' ? 8 : 32;
    const range = 2 ** bits;
    // What is negative stands for what is 2³² more.
    let [a, b] = [x, y].map((t) => t.cast('float64').mod(range));
    let sum: Tensor | null = null;
    for (let bit = 0; bit < bits; bit++) {
      const [p, q] = [a.mod(2), b.mod(2)];
      const term = of(p, q).mul(2 ** bit);
      sum = sum === null ? term : sum.add(term);
      [a, b] = [a.sub(p).mul(0.5), b.sub(q).mul(0.5)];
    }
    return signed(sum!, x.dtype);
  });
}

export const elementwise: Rules = {
  Identity: (call) => call.value(0),
  Abs: unary((x) => x.abs()),
  Neg: unary((x) => x.neg()),
  Sign: unary((x) => x.sign()),
  Floor: unary((x) => x.floor()),
  Ceil: unary((x) => x.ceil()),
  Round: unary((x) => x.round()),
  Sqrt: unary((x) => x.sqrt()),
  Reciprocal: unary((x) => x.reciprocal()),
  Exp: unary((x) => x.exp()),
  Log: unary((x) => x.log()),
  Sin: unary((x) => x.sin()),
  Cos: unary((x) => x.cos()),
  Tan: unary((x) => x.tan()),
  Asin: unary((x) => x.asin()),
  Acos: unary((x) => x.acos()),
  Atan: unary((x) => x.atan()),
  Sinh: unary((x) => x.sinh()),
  Cosh: unary((x) => x.cosh()),
  Tanh: unary((x) => x.tanh()),
  Asinh: unary(asinh),
  Acosh: unary((x) => x.add(x.square().sub(1).sqrt()).log()),
  Atanh: unary((x) => x.mul(2).div(x.neg().add(1)).log1p().mul(0.5)),
  Erf: unary((x) => x.erf()),
  Not: unary((x) => x.logicalNot()),
  IsNaN: unary((x) => x.isNaN()),
  IsInf: unary(isInf),

  Sigmoid: unary((x) => x.sigmoid()),
  Relu: unary((x) => x.relu()),
  LeakyRelu: unary((x, call) => x.leakyRelu(call.float('alpha', 0.01))),
  Elu: unary((x, call) => x.elu(call.float('alpha', 1))),
  Selu: unary((x, call) => {
    const alpha = call.float('alpha', 1.6732632423543772);
    return x.elu(alpha).mul(call.float('gamma', 1.0507009873554805));
  }),
  Celu: unary((x, call) => {
    const alpha = call.float('alpha', 1);
    return x.div(alpha).elu().mul(alpha);
  }),
  ThresholdedRelu: unary((x, call) => x.greater(call.float('alpha', 1)).where(x, 0)),
  HardSigmoid: unary((x, call) => x.mul(call.float('alpha', 0.2)).add(call.float('beta', 0.5)).clamp(0, 1)),
  HardSwish: unary((x) => x.hardSwish()),
  Softplus: unary((x) => x.softplus()),
  Softsign: unary((x) => x.softsign()),
  Mish: unary((x) => x.mish()),
  Swish: unary((x, call) => {
    const alpha = call.float('alpha', 1);
    return alpha === 1 ? x.silu() : x.mul(x.mul(alpha).sigmoid());
  }),
  Gelu: unary((x, call) => x.gelu(call.text('approximate', 'none') === 'tanh' ? 'tanh' : 'none')),
  Shrink: unary((x, call) => {
    const [lambda, bias] = [call.float('lambd', 0.5), call.float('bias', 0)];
    return x.less(-lambda).where(x.add(bias), x.greater(lambda).where(x.sub(bias), 0));
  }),
  PRelu: binary((x, given, call) => {
    // Before version 7 slopes were those of channels.
    const own = call.opset < 7 && given.shape.length === 1 && given.shape[0] > 1;
    const slope = own ? given.reshape([-1, ...x.shape.slice(2).map(() => 1)]) : given;
    return x.less(0).where(x.mul(slope), x).cast(x.dtype);
  }),

  Add: binary((x, y) => x.add(y)),
  Sub: binary((x, y) => x.sub(y)),
  Mul: binary((x, y) => x.mul(y)),
  Div: binary(quotient),
  Pow: binary((x, y, call) => {
    const { host } = call.value(1);
    // Squares and roots are cheaper than powers.
    const exponent = host?.data.length === 1 && host.shape.length <= x.shape.length ? host.data[0] : y;
    return x.pow(exponent).cast(x.dtype);
  }),
  Mod: binary((x, y, call) => (call.int('fmod', 0) === 1 ? truncatedMod(x, y) : x.mod(y))),
  Max: folded((x, y) => x.maximum(y)),
  Min: folded((x, y) => x.minimum(y)),
  Sum: folded((x, y) => x.add(y)),
  Mean: (call) =>
    call
      .tensors()
      .reduce((x, y) => x.add(y))
      .div(call.inputs.length),

  Equal: binary((x, y) => x.equal(y)),
  Less: binary((x, y) => x.less(y)),
  LessOrEqual: binary((x, y) => x.lessEqual(y)),
  Greater: binary((x, y) => x.greater(y)),
  GreaterOrEqual: binary((x, y) => x.greaterEqual(y)),
  And: binary((x, y) => x.logicalAnd(y)),
  Or: binary((x, y) => x.logicalOr(y)),
  Xor: binary((x, y) => x.cast('bool').notEqual(y.cast('bool'))),
  BitShift: binary(bitShift),
  BitwiseAnd: bitwise((p, q) => p.mul(q)),
  BitwiseOr: bitwise((p, q) => p.maximum(q)),
  BitwiseXor: bitwise((p, q) => p.sub(q).abs()),
  BitwiseNot: unary((x) => {
    if (x.dtype === 'int32') return x.neg().sub(1);
    return x
      .cast('float64')
      .neg()
      .add(x.dtype === 'uint8' ? 255 : 2 ** 32 - 1)
      .cast(x.dtype);
  }),

  Where: (call) => where(call.tensor(0), call.tensor(1), call.tensor(2)),
  Clip: clip,
  Cast: unary((x, call) => x.cast(dtypeFor(call.int('to'), 'to'))),
  CastLike: binary((x, like) => x.cast(like.dtype)),
};
