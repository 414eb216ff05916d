/**
 * The loops of the scalar vocabulary: for each operation and kind of dtype, a function that makes one `Step` over
 * registers. Storing into the typed array of the result does the rounding (float32) and the wrapping (integers).
 *
 * What `kernel.ts` leaves open is fixed here. Integers: `div` rounds toward zero and gives 0 for a divisor of 0, as
 * does `mod`; `floor`, `ceil` and `round` change nothing; functions that need fractions are not defined. bool knows
 * `not`, `and`, `or`, comparisons and, as products and extremes of 0 and 1, `mul`, `max` and `min`.
 */
import { type DType, toDType } from '../dtype.ts';
import { dtypeError } from '../errors.ts';
import { decode, encode, type HalfDType } from '../halves.ts';
import type { BinaryOperation, UnaryOperation } from '../kernel/kernel.ts';
import {
  acos,
  asin,
  atan,
  atan2,
  cos,
  cosh,
  exp,
  expm1,
  log,
  log1p,
  pow,
  sin,
  sinh,
  tan,
  tanh,
} from '../math/index.ts';
import type { Register, Step } from './registers.ts';
import {
  erf,
  integerModulo,
  integerPower,
  modulo,
  roundHalfToEven,
  shiftLeft,
  shiftRight,
  sigmoid,
  threefry,
} from './scalarMath.ts';

type UnaryLoop = (operand: Register, out: Register) => Step;
type BinaryLoop = (left: Register, right: Register, out: Register) => Step;

/** The step of a unary operation. @throws TypeError when the operation is not defined for the dtype. */
export function unaryStep(op: UnaryOperation, dtype: DType, operand: Register, out: Register): Step {
  const loop: UnaryLoop | undefined = unaryLoops[kindOf(dtype)][op];
  if (loop === undefined) throw undefinedOperation(op, dtype);
  return loop(operand, out);
}

/** The step of a binary operation on operands of one dtype. @throws TypeError when it is not defined for the dtype. */
export function binaryStep(
  op: BinaryOperation,
  dtype: DType,
  left: Register,
  right: Register,
  out: Register,
): Step {
  const loop: BinaryLoop | undefined = binaryLoops[kindOf(dtype)][op];
  if (loop === undefined) throw undefinedOperation(op, dtype);
  return loop(left, right, out);
}

/**
 * Conversion. To bool: x ≠ 0 (NaN is true). From a float to an integer: toward zero, NaN to 0, and to the nearest
 * integer the dtype has where x lies outside. Between integers: modulo 2³² or 2⁸. To float32: to the nearest. float16 and bfloat16,
 * which lie in registers as bits, come from and go to float32 alone.
 */
export function castStep(from: DType, to: DType, operand: Register, out: Register): Step {
  if (from === 'float16' || from === 'bfloat16') return halves(operand, out, from, decode);
  if (to === 'float16' || to === 'bfloat16') return halves(operand, out, to, encode);
  if (to === 'bool') return truth(operand, out);
  const saturates = kindOf(from) === 'float' && kindOf(to) === 'integer';
  return saturates ? saturate(operand, out, to) : copy(operand, out);
}

// biome-ignore format: like the tables below
const copy: UnaryLoop = (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i]; };
// biome-ignore format: like the tables below
const truth: UnaryLoop = (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] !== 0 ? 1 : 0; };

/** Bits to numbers, which are float32, or numbers to bits. */
function halves(a: Register, o: Register, dtype: HalfDType, of: typeof decode): Step {
  return (n) => {
    const x = a.array;
    const p = a.base;
    const z = o.array;
    for (let i = 0; i < n; i++) z[i] = of(x[p + i], dtype);
  };
}

function saturate(a: Register, o: Register, to: DType): Step {
  const lowest = toDType(-Infinity, to);
  const highest = toDType(Infinity, to);
  return (n) => {
    const x = a.array;
    const p = a.base;
    const z = o.array;
    // NaN passes through max and min, and becomes 0 in storing; so does any fraction left become nothing.
    for (let i = 0; i < n; i++) z[i] = Math.min(Math.max(x[p + i], lowest), highest);
  };
}

/** `condition ? left : right`, element by element. */
export function whereStep(condition: Register, left: Register, right: Register, out: Register): Step {
  return (n) => {
    const c = condition.array;
    const x = left.array;
    const y = right.array;
    const z = out.array;
    const r = condition.base;
    const p = left.base;
    const q = right.base;
    for (let i = 0; i < n; i++) z[i] = c[r + i] !== 0 ? x[p + i] : y[q + i];
  };
}

/** Random words: see `threefry` in `scalarMath.ts`. */
export function threefryStep(
  key0: Register,
  key1: Register,
  counter: Register,
  stream: number,
  out: Register,
): Step {
  return (n) => {
    const k = key0.array;
    const l = key1.array;
    const c = counter.array;
    const z = out.array;
    const p = key0.base;
    const q = key1.base;
    const r = counter.base;
    for (let i = 0; i < n; i++) z[i] = threefry(k[p + i], l[q + i], c[r + i], stream);
  };
}

function undefinedOperation(op: string, dtype: DType): TypeError {
  return dtypeError(`'${op}' is not defined for ${dtype}; cast the operands to a dtype that has it first`);
}

/** Dtypes whose loops are the same: storing tells float32 from float64 and the integers from one another. */
function kindOf(dtype: DType): 'float' | 'integer' | 'bool' {
  if (dtype === 'bool') return 'bool';
  return dtype === 'float32' || dtype === 'float64' ? 'float' : 'integer';
}

// In the tables below x and y are the operands, which start at p and q, and z is the result.

// biome-ignore format: a table
const unaryFloat: Partial<Record<UnaryOperation, UnaryLoop>> = {
  neg: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = -x[p + i]; },
  abs: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.abs(x[p + i]); },
  sign: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.sign(x[p + i]); },
  sqrt: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.sqrt(x[p + i]); },
  exp: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = exp(x[p + i]); },
  expm1: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = expm1(x[p + i]); },
  log: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = log(x[p + i]); },
  log1p: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = log1p(x[p + i]); },
  sin: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = sin(x[p + i]); },
  cos: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = cos(x[p + i]); },
  tan: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = tan(x[p + i]); },
  asin: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = asin(x[p + i]); },
  acos: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = acos(x[p + i]); },
  atan: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = atan(x[p + i]); },
  sinh: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = sinh(x[p + i]); },
  cosh: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = cosh(x[p + i]); },
  tanh: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = tanh(x[p + i]); },
  erf: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = erf(x[p + i]); },
  sigmoid: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = sigmoid(x[p + i]); },
  floor: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.floor(x[p + i]); },
  ceil: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.ceil(x[p + i]); },
  round: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = roundHalfToEven(x[p + i]); },
  isNaN: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Number.isNaN(x[p + i]) ? 1 : 0; },
  isFinite: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Number.isFinite(x[p + i]) ? 1 : 0; },
};

// biome-ignore format: a table
const unaryInteger: Partial<Record<UnaryOperation, UnaryLoop>> = {
  neg: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = -x[p + i]; },
  abs: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.abs(x[p + i]); },
  sign: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.sign(x[p + i]); },
  floor: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i]; },
  ceil: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i]; },
  round: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i]; },
  isNaN: (_, o) => (n) => { o.array.fill(0, 0, n); },
  isFinite: (_, o) => (n) => { o.array.fill(1, 0, n); },
};

// biome-ignore format: a table
const unaryBool: Partial<Record<UnaryOperation, UnaryLoop>> = {
  not: (a, o) => (n) => { const x = a.array, p = a.base, z = o.array; for (let i = 0; i < n; i++) z[i] = 1 - x[p + i]; },
  isNaN: (_, o) => (n) => { o.array.fill(0, 0, n); },
  isFinite: (_, o) => (n) => { o.array.fill(1, 0, n); },
};

// biome-ignore format: a table
const binaryFloat: Partial<Record<BinaryOperation, BinaryLoop>> = {
  add: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] + y[q + i]; },
  sub: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] - y[q + i]; },
  mul: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] * y[q + i]; },
  div: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] / y[q + i]; },
  pow: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = pow(x[p + i], y[q + i]); },
  mod: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = modulo(x[p + i], y[q + i]); },
  atan2: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = atan2(x[p + i], y[q + i]); },
  max: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.max(x[p + i], y[q + i]); },
  min: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.min(x[p + i], y[q + i]); },
  equal: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] === y[q + i] ? 1 : 0; },
  notEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] !== y[q + i] ? 1 : 0; },
  less: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] < y[q + i] ? 1 : 0; },
  lessEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] <= y[q + i] ? 1 : 0; },
};

// biome-ignore format: a table
const binaryInteger: Partial<Record<BinaryOperation, BinaryLoop>> = {
  add: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] + y[q + i]; },
  sub: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] - y[q + i]; },
  mul: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.imul(x[p + i], y[q + i]); },
  div: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = y[q + i] === 0 ? 0 : x[p + i] / y[q + i]; },
  pow: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = integerPower(x[p + i], y[q + i]); },
  mod: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = integerModulo(x[p + i], y[q + i]); },
  max: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.max(x[p + i], y[q + i]); },
  min: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = Math.min(x[p + i], y[q + i]); },
  equal: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] === y[q + i] ? 1 : 0; },
  notEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] !== y[q + i] ? 1 : 0; },
  less: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] < y[q + i] ? 1 : 0; },
  lessEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] <= y[q + i] ? 1 : 0; },
  and: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] & y[q + i]; },
  or: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] | y[q + i]; },
  xor: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] ^ y[q + i]; },
  shiftLeft: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = shiftLeft(x[p + i], y[q + i]); },
  shiftRight: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = shiftRight(x[p + i], y[q + i]); },
};

// biome-ignore format: a table
const binaryBool: Partial<Record<BinaryOperation, BinaryLoop>> = {
  mul: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] & y[q + i]; },
  max: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] | y[q + i]; },
  min: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] & y[q + i]; },
  and: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] & y[q + i]; },
  or: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] | y[q + i]; },
  equal: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] === y[q + i] ? 1 : 0; },
  notEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] !== y[q + i] ? 1 : 0; },
  less: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] < y[q + i] ? 1 : 0; },
  lessEqual: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] <= y[q + i] ? 1 : 0; },
  xor: (a, b, o) => (n) => { const x = a.array, y = b.array, p = a.base, q = b.base, z = o.array; for (let i = 0; i < n; i++) z[i] = x[p + i] ^ y[q + i]; },
};

const unaryLoops = { float: unaryFloat, integer: unaryInteger, bool: unaryBool };
const binaryLoops = { float: binaryFloat, integer: binaryInteger, bool: binaryBool };
