/**
 * Expressions: compiled once for a kernel's structure, then bound to the sizes and strides of a launch.
 *
 * Compiling turns each instruction into one `Step` over registers. Binding adds the walks that fill the registers of
 * loads. Evaluating a block is then: every load, then every step; no decision is left per element.
 */
import { type DType, type TypedArray, toDType } from '../dtype.ts';
import { dtypeError } from '../errors.ts';
import type { BinaryOperation, Expression, Launch, Operand, UnaryOperation } from '../kernel/kernel.ts';
import { binaryStep, castStep, threefryStep, unaryStep, whereStep } from './operations.ts';
import { blockSize, type Register, RegisterAllocator, type RegisterFile, type Step } from './registers.ts';
import { Coordinates, Load } from './walk.ts';

/** A register that memory fills, and the launch operand it comes from. */
interface Leaf {
  readonly operand: number;
  readonly register: Register;
  readonly own: TypedArray;
  readonly isCoordinate: boolean;
  readonly isResult: boolean;
}

/** A register that holds one number during a run: a literal's position, or the constant itself. */
interface Fill {
  readonly register: Register;
  readonly dtype: DType;
  readonly literal: number;
  readonly value: number;
}

/** An expression as steps over registers. One register serves all `accumulator` instructions; the form fills it. */
export interface CompiledExpression {
  readonly results: readonly Register[];
  readonly resultDTypes: readonly DType[];
  readonly accumulator: Register;
  readonly leaves: readonly Leaf[];
  readonly fills: readonly Fill[];
  readonly steps: readonly Step[];
}

/**
 * @param accumulator - dtype of the finished combination that an epilogue reads; anything for maps and prologues.
 * @throws TypeError when an instruction's dtypes do not fit its operation.
 */
export function compileExpression(
  expression: Expression,
  file: RegisterFile,
  accumulator: DType,
): CompiledExpression {
  const { instructions } = expression;
  const allocator = new RegisterAllocator(file);
  const lastUse = lastUses(expression);
  const registers: Register[] = [];
  const leaves: Leaf[] = [];
  const fills: Fill[] = [];
  const steps: Step[] = [];
  const accumulatorRegister: Register = { array: allocator.take(accumulator), base: 0 };

  // What is filled before the steps keeps its array through all of them, so it is assigned first.
  instructions.forEach((instruction, i) => {
    if (instruction.op === 'accumulator') {
      if (instruction.dtype !== accumulator) throw mismatch('accumulator', instruction.dtype, accumulator);
      registers[i] = accumulatorRegister;
    } else if (instruction.op === 'load' || instruction.op === 'coordinate') {
      const own = allocator.take(instruction.dtype);
      const register = { array: own, base: 0 };
      const isCoordinate = instruction.op === 'coordinate';
      leaves.push({
        operand: instruction.operand,
        register,
        own,
        isCoordinate,
        isResult: expression.results.includes(i),
      });
      registers[i] = register;
    } else if (instruction.op === 'literal' || instruction.op === 'constant') {
      const register = { array: allocator.take(instruction.dtype), base: 0 };
      const literal = instruction.op === 'literal' ? instruction.literal : -1;
      const value = instruction.op === 'constant' ? toDType(instruction.value, instruction.dtype) : 0;
      fills.push({ register, dtype: instruction.dtype, literal, value });
      registers[i] = register;
    }
  });

  instructions.forEach((instruction, i) => {
    if (registers[i] !== undefined) return;
    const operands = operandsOf(instruction);
    const from = operands.map((operand) => instructions[operand].dtype);
    // An operand used for the last time may give its array to the result: both are walked in the same order.
    for (const operand of new Set(operands)) {
      if (lastUse[operand] === i && isComputed(instructions[operand].op)) {
        allocator.free(instructions[operand].dtype, registers[operand].array);
      }
    }
    const out: Register = { array: allocator.take(instruction.dtype), base: 0 };
    registers[i] = out;
    const [a, b, c] = operands.map((operand) => registers[operand]) as [Register, Register, Register];
    switch (instruction.op) {
      case 'cast':
        steps.push(castStep(from[0], instruction.dtype, a, out));
        break;
      case 'where':
        if (from[0] !== 'bool') throw mismatch('where (condition)', from[0], 'bool');
        if (from[1] !== from[2] || from[1] !== instruction.dtype) throw mismatch('where', from[1], from[2]);
        steps.push(whereStep(a, b, c, out));
        break;
      case 'threefry':
        for (const dtype of from) if (dtype !== 'uint32') throw mismatch('threefry', dtype, 'uint32');
        steps.push(threefryStep(a, b, c, instruction.stream, out));
        break;
      default: {
        const op = instruction.op as UnaryOperation | BinaryOperation;
        if (from.length === 2 && from[0] !== from[1]) throw mismatch(op, from[0], from[1]);
        const result = givesBool.has(op) ? 'bool' : from[0];
        if (instruction.dtype !== result) throw mismatch(`${op} (result)`, instruction.dtype, result);
        steps.push(
          from.length === 2
            ? binaryStep(op as BinaryOperation, from[0], a, b, out)
            : unaryStep(op as UnaryOperation, from[0], a, out),
        );
      }
    }
  });

  return {
    results: expression.results.map((result) => registers[result]),
    resultDTypes: expression.results.map((result) => instructions[result].dtype),
    accumulator: accumulatorRegister,
    leaves,
    fills,
    steps,
  };
}

/** An expression over the axes of one launch. */
export class BoundExpression {
  readonly #loads: readonly (Load | Coordinates)[];
  readonly #fills: readonly Fill[];
  readonly #literals: readonly number[];
  readonly #steps: readonly Step[];

  /** `stridesOf` gives an operand's strides over the axes `sizes`. */
  constructor(
    compiled: CompiledExpression,
    launch: Launch,
    sizes: readonly number[],
    stridesOf: (operand: Operand) => readonly number[],
  ) {
    const severalResults = compiled.results.length > 1;
    this.#loads = compiled.leaves.map((leaf) => {
      const operand = launch.operands[leaf.operand];
      const strides = stridesOf(operand);
      if (leaf.isCoordinate) return new Coordinates(leaf.own, operand, sizes, strides);
      // Storing one result must not change another that is still to be stored from memory.
      return new Load(leaf.register, leaf.own, operand, sizes, strides, leaf.isResult && severalResults);
    });
    this.#fills = compiled.fills;
    this.#literals = launch.literals;
    this.#steps = compiled.steps;
  }

  /** Makes ready for blocks of at most `n` elements. */
  start(arrays: readonly TypedArray[], scalars: Float64Array, n: number): void {
    const count = Math.min(n, blockSize);
    for (let i = 0; i < this.#fills.length; i++) {
      const { register, dtype, literal, value } = this.#fills[i];
      register.array.fill(literal < 0 ? value : toDType(scalars[this.#literals[literal]], dtype), 0, count);
    }
    for (let i = 0; i < this.#loads.length; i++) this.#loads[i].start(arrays, scalars);
  }

  /** Computes the elements `position … position + n − 1` into the result registers; `n` ≤ `blockSize`. */
  evaluate(position: number, n: number): void {
    for (let i = 0; i < this.#loads.length; i++) this.#loads[i].load(position, n);
    for (let i = 0; i < this.#steps.length; i++) this.#steps[i](n);
  }

  /** Lets go of the operands after a run. */
  finish(): void {
    for (let i = 0; i < this.#loads.length; i++) this.#loads[i].finish();
  }
}

const givesBool = new Set<string>(['isNaN', 'isFinite', 'not', 'equal', 'notEqual', 'less', 'lessEqual']);

function isComputed(op: string): boolean {
  return (
    op !== 'load' && op !== 'coordinate' && op !== 'literal' && op !== 'constant' && op !== 'accumulator'
  );
}

function operandsOf(instruction: object): number[] {
  const { a, b, c } = instruction as { a?: number; b?: number; c?: number };
  return [a, b, c].filter((operand) => operand !== undefined);
}

/** For each instruction the last one that reads it; results are read after all. */
function lastUses(expression: Expression): number[] {
  const last = expression.instructions.map(() => -1);
  expression.instructions.forEach((instruction, i) => {
    for (const operand of operandsOf(instruction)) last[operand] = i;
  });
  for (const result of expression.results) last[result] = Infinity;
  return last;
}

function mismatch(what: string, got: DType, wanted: DType): TypeError {
  return dtypeError(`${what}: dtypes ${got} and ${wanted} meet; insert a cast`);
}
