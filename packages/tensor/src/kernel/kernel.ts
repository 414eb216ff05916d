/**
 * Kernel IR: what a planner asks a backend to compute. Plain data, no strings to parse, no sizes.
 *
 * A kernel says *what one element is* (an `Expression`) and *in which form elements combine* (`form`). Sizes,
 * strides, offsets and literals are not part of a kernel; they are arguments of each `Launch`. So one compiled
 * kernel serves every batch size and every learning rate. Every backend must render exactly this vocabulary;
 * the reference backend in `reference/` is its living definition.
 */
import type { DType, TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { DynamicOffset } from '../view.ts';
import type { LoopSchedule } from './loopSchedule.ts';

/** Operations on one operand. Result dtype = operand dtype, except `isNaN`, `isFinite`, `not` (bool). */
export const unaryOperations = [
  'neg', 'abs', 'sign', 'sqrt', 'exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan',
  'sinh', 'cosh', 'tanh', 'erf', 'sigmoid', 'floor', 'ceil', 'round', 'isNaN', 'isFinite', 'not',
] as const; // biome-ignore format: a table

/**
 * Operations on two operands of one dtype. `equal` … `lessEqual` give bool. `and`, `or`, `xor` are those of truth values for bool
 * and of each bit for integers. `mod` has the sign of the divisor, `round` goes to even, `max`/`min` pass NaN on, integers
 * wrap. Shifts are for integers: by a count below 0 or above 31 nothing of the number is left but, to the right, its sign.
 */
export const binaryOperations = [
  'add', 'sub', 'mul', 'div', 'pow', 'mod', 'atan2', 'max', 'min',
  'equal', 'notEqual', 'less', 'lessEqual', 'and', 'or', 'xor', 'shiftLeft', 'shiftRight',
] as const; // biome-ignore format: a table

/** Operations of one number in kernels. */
export type UnaryOperation = (typeof unaryOperations)[number];
/** Operations of two numbers in kernels. */
export type BinaryOperation = (typeof binaryOperations)[number];

/** One step of an expression; `a`, `b`, `c` are positions of earlier instructions. */
export type Instruction =
  /** The element of a launch operand at the current position. */
  | { readonly op: 'load'; readonly operand: number; readonly dtype: DType }
  /** The address itself: offset + Σ position·strides of a launch operand that has no buffer. */
  | { readonly op: 'coordinate'; readonly operand: number; readonly dtype: 'int32' }
  /** A number given at each run: `scalars[launch.literals[literal]]`. */
  | { readonly op: 'literal'; readonly literal: number; readonly dtype: DType }
  /** A number that is part of the kernel's structure. */
  | { readonly op: 'constant'; readonly value: number; readonly dtype: DType }
  /** In an epilogue: the finished reduction or contraction. */
  | { readonly op: 'accumulator'; readonly dtype: DType }
  | { readonly op: 'cast'; readonly a: number; readonly dtype: DType }
  | { readonly op: UnaryOperation; readonly a: number; readonly dtype: DType }
  | { readonly op: BinaryOperation; readonly a: number; readonly b: number; readonly dtype: DType }
  /** `a` (bool) ? `b` : `c`. */
  | {
      readonly op: 'where';
      readonly a: number;
      readonly b: number;
      readonly c: number;
      readonly dtype: DType;
    }
  /**
   * First word of Threefry-2x32 with 20 rounds (Salmon et al. 2011), key words `a` and `b` (uint32),
   * counter words `c` (uint32) and `stream`.
   */
  | {
      readonly op: 'threefry';
      readonly a: number;
      readonly b: number;
      readonly c: number;
      readonly stream: number;
      readonly dtype: 'uint32';
    };

/** Straight-line code for one element, in static single assignment; `results` are positions of instructions. */
export interface Expression {
  readonly instructions: readonly Instruction[];
  readonly results: readonly number[];
}

/** What a kernel writes, and whether it adds. */
export interface Output {
  readonly dtype: DType;
  /** Add to what the buffer holds instead of replacing it. */
  readonly accumulate: boolean;
}

/** How a reduction puts elements together. */
export type Combine = 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin';

/** out[i] = expression(inputs[i]…). Operands: inputs, outputs, all strided over `rank` axes. */
export interface MapKernel {
  readonly form: 'map';
  readonly rank: number;
  readonly inputs: readonly DType[];
  readonly outputs: readonly Output[];
  readonly expression: Expression;
}

/**
 * out[i] = epilogue(combine over r of prologue(inputs[i, r])). Axes: `outerRank`, then `reducedRank`. Operands:
 * inputs over both groups, extras (read by the epilogue) over the outer axes, outputs over the outer axes.
 * Epilogue operand numbers go on after the inputs. `argmax`/`argmin` give the row-major position (int32) of the first
 * extreme within the reduced axes, NaN counting as the extreme. `dtype` is that of the prologue's result.
 */
export interface ReduceKernel {
  readonly form: 'reduce';
  readonly outerRank: number;
  readonly reducedRank: number;
  readonly combine: Combine;
  readonly dtype: DType;
  readonly inputs: readonly DType[];
  readonly extras: readonly DType[];
  readonly outputs: readonly Output[];
  readonly prologue: Expression;
  readonly epilogue: Expression;
}

/**
 * out[b, m, n] = epilogue(Σₖ A[b, m, k]·B[b, k, n]); each of b, m, n, k is a group of axes. Axes of the launch:
 * batch, m, n, k. Operands: A with strides over batch, m, k; B over batch, k, n; extras and outputs over batch, m, n.
 * Epilogue operand numbers start at 2 (A is 0, B is 1).
 */
export interface ContractKernel {
  readonly form: 'contract';
  readonly batchRank: number;
  readonly mRank: number;
  readonly nRank: number;
  readonly kRank: number;
  readonly dtype: DType;
  readonly extras: readonly DType[];
  readonly outputs: readonly Output[];
  readonly epilogue: Expression;
}

/**
 * out[i] = source[i with an axis replaced by index[i]]. Operands: source (strides over `rank` axes, 0 where the index
 * decides), index (int32), output. `launch.axis` gives size and stride of the indexed axis in the source.
 * An index outside −size … size − 1 makes the run fail with a RangeError; negative ones count from the end.
 */
export interface GatherKernel {
  readonly form: 'gather';
  readonly rank: number;
  readonly dtype: DType;
}

/** How a scatter puts an update where something is already. */
export type ScatterCombine = 'set' | 'add' | 'mul' | 'max' | 'min';

/**
 * output[i with an axis replaced by index[i]] (+)= updates[i], for i in row-major order. Operands: updates, index (int32),
 * output. The output holds its base values already. `launch.axis` is the indexed axis of the output. Updates of a float32
 * element are added up so that the error does not grow with their number.
 */
export interface ScatterKernel {
  readonly form: 'scatter';
  readonly rank: number;
  readonly dtype: DType;
  readonly combine: ScatterCombine;
}

/** Running combination along the last axis. Operands: input, output over `outerRank + 1` axes. */
export interface ScanKernel {
  readonly form: 'scan';
  readonly outerRank: number;
  readonly combine: 'sum' | 'prod' | 'max' | 'min';
  readonly reverse: boolean;
  readonly dtype: DType;
}

/** Positions (int32) that sort the last axis, stable, NaN last. Operands: input, output over `outerRank + 1` axes. */
export interface SortKernel {
  readonly form: 'sort';
  readonly outerRank: number;
  readonly descending: boolean;
  readonly dtype: DType;
}

/** A routine that runs on the host between two parts of a plan. Operands: inputs, outputs, all contiguous. */
export interface HostKernel {
  readonly form: 'host';
  readonly name: string;
  readonly inputs: readonly DType[];
  readonly outputs: readonly DType[];
  /** Whether it meets routines of other processes: what has begun one is not run again after a failure. */
  readonly collective?: 'whole' | 'start' | 'finish';
  /** Fills `outputs` from `inputs`; `launch.shapes` holds the shapes, inputs first. */
  readonly run: (
    inputs: readonly TypedArray[],
    outputs: readonly TypedArray[],
    shapes: readonly (readonly number[])[],
  ) => void;
}

/**
 * Other programs, run again and again between two parts of a plan: the body of a loop. Operands: inputs, outputs, all contiguous.
 * The programs see the parts of the operands that a step is about, so a loop of any length has the same ones. Nothing that they
 * read or write is shared with the program around them but these operands.
 */
export interface LoopKernel {
  readonly form: 'loop';
  readonly name: string;
  readonly inputs: readonly DType[];
  readonly outputs: readonly DType[];
  readonly programs: readonly Program[];
  /** Bytes of working memory, area by area; undefined contents at the start. */
  readonly scratch: readonly number[];
  /** About how often the first program is run. */
  readonly steps: number;
  /** What is run with which parts of the operands. */
  readonly schedule: LoopSchedule;
  /** Goes through the steps. */
  readonly run: (machine: LoopMachine) => void;
  /** The reference backend's part, `bindLoop`. It comes with the kernel: programs without loops do not hold it. */
  readonly bindToArrays: unknown;
}

/** What a backend offers to the routine of a loop. An area is an operand of the launch or, behind these, working memory. */
export interface LoopMachine {
  /** Those of the run. */
  readonly scalars: Float64Array;
  /** Runs one of the programs, all work before it done. */
  run(program: number, step: LoopStep): void;
  /**
   * Runs all steps by itself, at most `limit`, where a backend does that; `body` and `test` are those of the first step. Returns how many
   * were taken.
   */
  runAll?(limit: number, body: LoopStep, test: LoopStep | null): number;
  /** After `runAll`: throws what the step behind those taken met. */
  check?(): void;
  /** Copies bytes from area to area. */
  copy(from: number, fromOffset: number, to: number, toOffset: number, bytes: number): void;
  /** Sets bytes to 0. */
  clear(area: number, offset: number, bytes: number): void;
  /** The first element of an area, after all work so far. */
  read(area: number, dtype: DType): number;
  /** Sets the first element of an area of int32. */
  write(area: number, value: number): void;
}

/** What a program of a loop is given: binding b lies `offsets[b]` bytes from the start of area `areas[b]`. */
export interface LoopStep {
  readonly areas: readonly number[];
  readonly offsets: readonly number[];
  readonly scalars: Float64Array;
}

/** A kernel: one of a few forms, as plain data without sizes. */
export type Kernel =
  | MapKernel
  | ReduceKernel
  | ContractKernel
  | GatherKernel
  | ScatterKernel
  | ScanKernel
  | SortKernel
  | HostKernel
  | LoopKernel;

/** Where a launch finds an operand. */
export interface Operand {
  /** Position in `Program.buffers`; −1 for the operand of a `coordinate` instruction. */
  readonly buffer: number;
  /** In elements. */
  readonly offset: number;
  readonly dynamic: readonly DynamicOffset[];
  /** In elements, one for each axis the kernel form gives this operand. */
  readonly strides: readonly number[];
}

/** One kernel with its arguments; everything here is fixed when the plan is made, except scalars. */
export interface Launch {
  readonly kernel: Kernel;
  /** Sizes of the axes, groups in the order the kernel form states. */
  readonly dims: readonly number[];
  readonly operands: readonly Operand[];
  /** For each `literal` instruction number, its position in the scalars of the run. */
  readonly literals: readonly number[];
  /** The indexed axis of `gather` and `scatter`. */
  readonly axis?: { readonly size: number; readonly stride: number };
  /**
   * Neighbors of the same number are a band. They go over the same rows: the smallest of their first sizes says how many, the
   * others' are multiples of it. Of what one writes the others read the same row only, so a backend may run all of
   * them for some rows before any for the next, and different rows at the same time.
   */
  readonly band?: number;
  /** Shapes of the operands of a `host` or `loop` kernel. */
  readonly shapes?: readonly (readonly number[])[];
  /** Names of the operations in it, for profiles and error messages. */
  readonly label: string;
  /** For profiles that asked for it: where each operation of `label` comes from, in the same order. */
  readonly parts?: readonly LaunchPart[];
}

/** Where a part of a kernel comes from. */
export interface LaunchPart {
  /** The operation as it was called, such as `softmax` where `label` says `exp`. */
  readonly operation: string;
  /** The part of the program that called it, as who asked names it. */
  readonly scope: string;
}

/** A buffer that launches address: bound anew at each run, or a part of the plan's scratch memory. */
export type BufferSpec =
  | { readonly kind: 'bound'; readonly binding: number; readonly dtype: DType; readonly length: number }
  | { readonly kind: 'slot'; readonly slot: number; readonly dtype: DType; readonly length: number };

/** A whole plan for a backend: launches in order over buffers. */
export interface Program {
  /** Bytes of each scratch slot; slots never overlap, their contents do not outlive the run. */
  readonly slots: readonly number[];
  readonly buffers: readonly BufferSpec[];
  readonly bindingCount: number;
  readonly scalarCount: number;
  readonly launches: readonly Launch[];
  /**
   * Bindings that are written over others: new values of variables that usually lie in the memory of the old ones, each as the binding
   * of the new value and that of the old. A run may bind them apart nevertheless.
   */
  readonly aliases?: readonly (readonly [target: number, old: number])[];
}

/** No position of any axis: what stands in an index for a number that is no whole number of 32 bits. */
export const noPosition = -(2 ** 31);

/** What a backend throws for an index outside its axis. `at` says where the index stands, if it is known. */
export function indexError(label: string, index: number, size: number, at?: readonly number[]): RangeError {
  const where = at === undefined ? '' : ` at position [${at.join(', ')}]`;
  const range = size === 0 ? 'it has no elements' : `indices must be in ${-size} … ${size - 1}`;
  return codedError(
    RangeError,
    'AG_INDEX_OUT_OF_RANGE',
    index === noPosition
      ? `${label}: an index${where} is NaN, a fraction or beyond 32 bits, for an axis of size ${size}; ${range}`
      : `${label}: index ${index}${where} does not exist on an axis of size ${size}; ${range}`,
  );
}

/** A text that is equal for kernels of equal structure: the key under which backends cache compiled code. */
export function kernelKey(kernel: Kernel): string {
  let key = JSON.stringify(kernel);
  // JSON writes neither infinities and NaN nor -0.
  for (const [name, part] of Object.entries(
    kernel as unknown as Record<string, Partial<Expression> | null>,
  )) {
    part?.instructions?.forEach((instruction, i) => {
      if (instruction.op !== 'constant') return;
      const { value } = instruction;
      if (!Number.isFinite(value)) key += ` ${name} ${i} ${value}`;
      else if (Object.is(value, -0)) key += ` ${name} ${i} -0`;
    });
  }
  return key;
}
