/** Scalar expressions of the kernel language as WGSL: one `let` for each instruction. */
import type { BinaryOperation, DType, Expression, Instruction, UnaryOperation } from '@ag/tensor';
import { toDType } from '@ag/tensor';
import { dtypeError } from '@ag/tensor/engine';
import { constantText, valueType } from './dtypes.ts';

/** What an expression needs of the kernel around it. */
export interface ExpressionContext {
  /** The element of a launch operand at the current position, as its value type. */
  load(operand: number): string;
  /** Its address, an i32. */
  coordinate(operand: number): string;
  /** A number of the run. */
  literal(literal: number, dtype: DType): string;
  /** The finished combination, in an epilogue. */
  readonly accumulator?: string;
  /** Names are `prefix` and a number, so that two expressions can stand in one function. */
  readonly prefix: string;
  /** Notes that a function of the library is called; returns its name. */
  use(name: string): string;
}

export interface EmittedExpression {
  readonly lines: readonly string[];
  /** Names or texts of the results. */
  readonly results: readonly string[];
  readonly dtypes: readonly DType[];
}

/** @throws TypeError where an operation is not defined for its dtype, as the reference backend does. */
export function emitExpression(expression: Expression, context: ExpressionContext): EmittedExpression {
  const { instructions, results } = expression;
  const names: string[] = [];
  const lines: string[] = [];
  instructions.forEach((instruction, i) => {
    const text = instructionText(instruction, instructions, names, context);
    if (instruction.op === 'constant' || instruction.op === 'accumulator') {
      names.push(text);
      return;
    }
    const name = `${context.prefix}${i}`;
    lines.push(`let ${name} = ${text};`);
    names.push(name);
  });
  return {
    lines,
    results: results.map((i) => names[i]),
    dtypes: results.map((i) => instructions[i].dtype),
  };
}

function instructionText(
  instruction: Instruction,
  instructions: readonly Instruction[],
  names: readonly string[],
  context: ExpressionContext,
): string {
  const { dtype } = instruction;
  switch (instruction.op) {
    case 'load':
      return context.load(instruction.operand);
    case 'coordinate':
      return context.coordinate(instruction.operand);
    case 'literal':
      return context.literal(instruction.literal, dtype);
    case 'constant': {
      const text = constantText(toDType(instruction.value, dtype), dtype);
      if (text.startsWith('from_bits')) context.use('from_bits');
      return text;
    }
    case 'accumulator':
      return context.accumulator ?? '0';
    case 'cast':
      return castText(names[instruction.a], instructions[instruction.a].dtype, dtype, context);
    case 'where': {
      const [a, b, c] = [instruction.a, instruction.b, instruction.c];
      if (instructions[a].dtype !== 'bool')
        throw mismatch('where (condition)', instructions[a].dtype, 'bool');
      if (instructions[b].dtype !== dtype || instructions[c].dtype !== dtype)
        throw mismatch('where', instructions[b].dtype, instructions[c].dtype);
      return `select(${names[c]}, ${names[b]}, ${names[a]})`;
    }
    case 'threefry':
      return `${context.use('threefry')}(${names[instruction.a]}, ${names[instruction.b]}, ${names[instruction.c]}, ${instruction.stream}u)`;
    default: {
      const from = instructions[instruction.a].dtype;
      if ('b' in instruction) {
        if (instructions[instruction.b].dtype !== from)
          throw mismatch(instruction.op, from, instructions[instruction.b].dtype);
        return binaryText(instruction.op, from, names[instruction.a], names[instruction.b], context);
      }
      return unaryText(instruction.op, from, names[instruction.a], context);
    }
  }
}

function mismatch(what: string, got: DType, wanted: DType): TypeError {
  return dtypeError(`${what}: dtypes ${got} and ${wanted} meet; insert a cast`);
}

function undefinedOperation(op: string, dtype: DType): TypeError {
  return dtypeError(`'${op}' is not defined for ${dtype}; cast the operands to a dtype that has it first`);
}

/**
 * Conversion by the rule of `toDType`; between integers modulo 2³² or 2⁸. Storage dtypes meet the one they are computed as alone.
 */
export function castText(x: string, from: DType, to: DType, { use }: Pick<ExpressionContext, 'use'>): string {
  if (from === to) return x;
  if (from === 'bfloat16') return `bitcast<f32>(${x} << 16u)`;
  if (from === 'float16') return `${use('from_half')}(${x})`;
  switch (to) {
    case 'bool':
      if (from === 'float32') return `((bitcast<u32>(${x}) & 0x7fffffffu) != 0u)`;
      return from === 'int32' ? `(${x} != 0)` : `(${x} != 0u)`;
    case 'float32':
      return from === 'bool' ? `select(0.0, 1.0, ${x})` : `f32(${x})`;
    case 'int32':
      if (from === 'float32') return `${use('to_i32')}(${x})`;
      if (from === 'int8' || from === 'int16') return x;
      return from === 'bool' ? `select(0, 1, ${x})` : `bitcast<i32>(${x})`;
    case 'uint32':
      if (from === 'float32') return `${use('to_u32')}(${x})`;
      if (from === 'bool') return `select(0u, 1u, ${x})`;
      return from === 'uint8' ? x : `bitcast<u32>(${x})`;
    case 'uint8':
      if (from === 'float32') return `${use('to_u8')}(${x})`;
      if (from === 'bool') return `select(0u, 1u, ${x})`;
      return from === 'int32' ? `(bitcast<u32>(${x}) & 255u)` : `(${x} & 255u)`;
    case 'int8':
    case 'int16':
      return `extractBits(${x}, 0u, ${to === 'int8' ? 8 : 16}u)`;
    case 'float16':
      return `${use('to_half')}(${x})`;
    case 'bfloat16':
      return `${use('to_bfloat')}(${x})`;
    case 'float64':
      valueType(to);
      return x;
  }
}

/** Functions of the library that compute an operation of float32. */
const floatFunctions: Partial<Record<UnaryOperation, string>> = {
  neg: 'negate',
  abs: 'absolute',
  sign: 'sign_of',
  sqrt: 'square_root',
  exp: 'exponential',
  expm1: 'exponential_minus_one',
  log: 'logarithm',
  log1p: 'logarithm_of_one_plus',
  sin: 'sine',
  cos: 'cosine',
  tan: 'tangent',
  asin: 'arc_sine',
  acos: 'arc_cosine',
  atan: 'arc_tangent',
  sinh: 'hyperbolic_sine',
  cosh: 'hyperbolic_cosine',
  tanh: 'hyperbolic_tangent',
  erf: 'error_function',
  sigmoid: 'sigmoid',
  floor: 'round_down',
  ceil: 'round_up',
  round: 'round_even',
  isNaN: 'is_nan',
  isFinite: 'is_finite',
};

function unaryText(op: UnaryOperation, dtype: DType, x: string, { use }: ExpressionContext): string {
  if (op === 'isNaN' && dtype !== 'float32') return 'false';
  if (op === 'isFinite' && dtype !== 'float32') return 'true';
  if (dtype === 'bool') {
    if (op === 'not') return `!${x}`;
    throw undefinedOperation(op, dtype);
  }
  if (dtype === 'float32') {
    const name = floatFunctions[op];
    if (name === undefined) throw undefinedOperation(op, dtype);
    return `${use(name)}(${x})`;
  }
  switch (op) {
    case 'neg':
      if (dtype === 'int32') return `-${x}`;
      return wrapped(`0u - ${x}`, dtype);
    case 'abs':
      return dtype === 'int32' ? `abs(${x})` : x;
    case 'sign':
      return dtype === 'int32' ? `sign(${x})` : `min(${x}, 1u)`;
    case 'floor':
    case 'ceil':
    case 'round':
      return x;
    default:
      throw undefinedOperation(op, dtype);
  }
}

/** Integer arithmetic stays within its dtype. */
export function wrapped(text: string, dtype: DType): string {
  return dtype === 'uint8' ? `((${text}) & 255u)` : `(${text})`;
}

const infix: Partial<Record<BinaryOperation, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  equal: '==',
  notEqual: '!=',
  less: '<',
  lessEqual: '<=',
  and: '&',
  or: '|',
  xor: '^',
};

function binaryText(
  op: BinaryOperation,
  dtype: DType,
  a: string,
  b: string,
  { use }: ExpressionContext,
): string {
  if (dtype === 'bool') return boolText(op, a, b);
  if (dtype === 'float32') return floatText(op, a, b, use);
  const kind = dtype === 'int32' ? 'i32' : 'u32';
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      return wrapped(`${a} ${infix[op]} ${b}`, dtype);
    case 'div':
      return `${use(`divide_${kind}`)}(${a}, ${b})`;
    case 'mod':
      return `${use(`modulo_${kind}`)}(${a}, ${b})`;
    case 'pow':
      return wrapped(`${use(`power_${kind}`)}(${a}, ${b})`, dtype);
    case 'max':
    case 'min':
      return `${op}(${a}, ${b})`;
    case 'equal':
    case 'notEqual':
    case 'less':
    case 'lessEqual':
    case 'and':
    case 'or':
    case 'xor':
      return `(${a} ${infix[op]} ${b})`;
    case 'shiftLeft':
      return wrapped(`${use(`shift_left_${kind}`)}(${a}, ${b})`, dtype);
    case 'shiftRight':
      return `${use(`shift_right_${kind}`)}(${a}, ${b})`;
    default:
      throw undefinedOperation(op, dtype);
  }
}

function boolText(op: BinaryOperation, a: string, b: string): string {
  switch (op) {
    case 'mul':
    case 'min':
    case 'and':
      return `(${a} && ${b})`;
    case 'max':
    case 'or':
      return `(${a} || ${b})`;
    case 'equal':
      return `(${a} == ${b})`;
    case 'notEqual':
    case 'xor':
      return `(${a} != ${b})`;
    case 'less':
      return `(!${a} && ${b})`;
    case 'lessEqual':
      return `(!${a} || ${b})`;
    default:
      throw undefinedOperation(op, 'bool');
  }
}

function floatText(op: BinaryOperation, a: string, b: string, use: (name: string) => string): string {
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      return `${a} ${infix[op]} ${b}`;
    case 'div':
      return `${use('divide')}(${a}, ${b})`;
    case 'pow':
      return `${use('power')}(${a}, ${b})`;
    case 'mod':
      return `${use('modulo')}(${a}, ${b})`;
    case 'atan2':
      return `${use('arc_tangent2')}(${a}, ${b})`;
    case 'max':
      return `${use('maximum')}(${a}, ${b})`;
    case 'min':
      return `${use('minimum')}(${a}, ${b})`;
    case 'equal':
      return `${use('equal')}(${a}, ${b})`;
    case 'notEqual':
      return `!${use('equal')}(${a}, ${b})`;
    case 'less':
      return `${use('less')}(${a}, ${b})`;
    case 'lessEqual':
      return `${use('less_equal')}(${a}, ${b})`;
    default:
      throw undefinedOperation(op, 'float32');
  }
}
