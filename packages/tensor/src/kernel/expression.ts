/**
 * Building scalar expressions: what one element of a result is. Operations describe themselves with it
 * (`s.tanh(x)`), the planner strings those descriptions together into the body of one kernel.
 *
 * Equal instructions are shared as they are added, so a fused kernel computes nothing twice.
 */
import { computedDType, type DType, integerLimits, isFloat } from '../dtype.ts';
import { codedError, dtypeError } from '../errors.ts';
import {
  type BinaryOperation,
  binaryOperations,
  type Expression,
  type Instruction,
  type UnaryOperation,
  unaryOperations,
} from './kernel.ts';

/** An instruction of the expression being built, by position. */
export type Scalar = number;

const boolean = new Set(['isNaN', 'isFinite', 'not', 'equal', 'notEqual', 'less', 'lessEqual']);

type UnaryMethods = { readonly [K in UnaryOperation]: (x: Scalar) => Scalar };
type BinaryMethods = { readonly [K in BinaryOperation]: (x: Scalar, y: Scalar) => Scalar };

/** Adds instructions to one expression. The arithmetic methods (`add`, `exp`, …) mirror the kernel vocabulary. */
export class ExpressionBuilder {
  readonly instructions: Instruction[] = [];
  readonly #known = new Map<string, Scalar>();

  /** Adds any instruction, or finds the equal one that is already there. */
  emit(instruction: Instruction): Scalar {
    const key = instructionKey(instruction);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const position = this.instructions.push(instruction) - 1;
    this.#known.set(key, position);
    return position;
  }

  dtypeOf(x: Scalar): DType {
    return this.instructions[x].dtype;
  }

  constant(value: number, dtype: DType): Scalar {
    return this.emit({ op: 'constant', value, dtype });
  }

  /** A constant of the dtype of `like`. */
  number(value: number, like: Scalar): Scalar {
    return this.constant(value, this.dtypeOf(like));
  }

  /** Storage dtypes are met by the dtype they are computed as alone. */
  cast(x: Scalar, dtype: DType): Scalar {
    const from = this.dtypeOf(x);
    if (from === dtype) return x;
    const own = computedDType(from);
    const computed = computedDType(dtype);
    if (own !== from && own !== dtype) return this.cast(this.cast(x, own), dtype);
    if (computed === dtype || computed === from) return this.emit({ op: 'cast', a: x, dtype });
    let inside = x;
    if (computed === 'int32' && isFloat(from)) {
      // To the nearest integer there is; NaN passes through and becomes 0.
      const [lowest, highest] = integerLimits[dtype as 'int8'];
      inside = this.binary('min', this.binary('max', x, this.number(lowest, x)), this.number(highest, x));
    }
    return this.cast(this.cast(inside, computed), dtype);
  }

  unary(op: UnaryOperation, x: Scalar): Scalar {
    return this.emit({ op, a: x, dtype: boolean.has(op) ? 'bool' : this.dtypeOf(x) });
  }

  binary(op: BinaryOperation, x: Scalar, y: Scalar): Scalar {
    const a = this.dtypeOf(x);
    const b = this.dtypeOf(y);
    if (a !== b) throw dtypeError(`expression: ${op} of ${a} and ${b}; cast one of them first`);
    return this.emit({ op, a: x, b: y, dtype: boolean.has(op) ? 'bool' : a });
  }

  where(condition: Scalar, x: Scalar, y: Scalar): Scalar {
    return this.emit({ op: 'where', a: condition, b: x, c: y, dtype: this.dtypeOf(x) });
  }

  threefry(key0: Scalar, key1: Scalar, counter: Scalar, stream: number): Scalar {
    return this.emit({ op: 'threefry', a: key0, b: key1, c: counter, stream, dtype: 'uint32' });
  }

  /** The expression with the given results, without instructions that none of them needs. */
  finish(results: readonly Scalar[]): Expression {
    const used = new Uint8Array(this.instructions.length);
    for (const result of results) used[result] = 1;
    for (let i = this.instructions.length - 1; i >= 0; i--) {
      if (!used[i]) continue;
      for (const operand of operandsOf(this.instructions[i])) used[operand] = 1;
    }
    const position = new Int32Array(this.instructions.length);
    const instructions: Instruction[] = [];
    for (let i = 0; i < this.instructions.length; i++) {
      if (!used[i]) continue;
      position[i] = instructions.push(renumber(this.instructions[i], position)) - 1;
    }
    return { instructions, results: results.map((result) => position[result]) };
  }
}

/** One function for each operation of the vocabulary, on the expression being built: `s.add(x, y)`, `s.tanh(x)`. */
export const s: UnaryMethods & BinaryMethods = {
  ...(Object.fromEntries(
    unaryOperations.map((op) => [op, (x: Scalar) => builder().unary(op, x)]),
  ) as UnaryMethods),
  ...(Object.fromEntries(
    binaryOperations.map((op) => [op, (x: Scalar, y: Scalar) => builder().binary(op, x, y)]),
  ) as BinaryMethods),
};

let current: ExpressionBuilder | null = null;

/** Runs `describe` so that the functions of `s` add to `builder`. */
export function building<T>(builder: ExpressionBuilder, describe: () => T): T {
  const outer = current;
  current = builder;
  try {
    return describe();
  } finally {
    current = outer;
  }
}

/** The builder in use. @throws Error outside of `building`. */
export function builder(): ExpressionBuilder {
  if (!current)
    throw codedError(Error, 'AG_WRONG_TIME', 'scalar operations only work inside the `of` of a map lowering');
  return current;
}

/** Positions of the instructions that `instruction` reads. */
export function operandsOf(instruction: Instruction): number[] {
  const operands: number[] = [];
  if ('a' in instruction) operands.push(instruction.a);
  if ('b' in instruction) operands.push(instruction.b);
  if ('c' in instruction) operands.push(instruction.c);
  return operands;
}

function renumber(instruction: Instruction, position: Int32Array): Instruction {
  if (!('a' in instruction)) return instruction;
  const copy = { ...instruction, a: position[instruction.a] } as Instruction & {
    a: number;
    b?: number;
    c?: number;
  };
  if ('b' in copy && copy.b !== undefined) copy.b = position[copy.b];
  if ('c' in copy && copy.c !== undefined) copy.c = position[copy.c];
  return copy;
}

function instructionKey(i: Instruction): string {
  switch (i.op) {
    case 'load':
    case 'coordinate':
      return `${i.op} ${i.operand} ${i.dtype}`;
    case 'literal':
      return `literal ${i.literal} ${i.dtype}`;
    case 'constant':
      return `constant ${Object.is(i.value, -0) ? '-0' : i.value} ${i.dtype}`;
    case 'threefry':
      return `threefry ${i.a} ${i.b} ${i.c} ${i.stream}`;
    default:
      return `${i.op} ${operandsOf(i).join(' ')} ${i.dtype}`;
  }
}
