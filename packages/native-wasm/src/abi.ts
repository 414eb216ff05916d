/**
 * The calling convention of compiled kernels.
 *
 * It is all that passes between the code that lowers launches, the code they become, the driver that calls it and the
 * threads that share it.
 *
 * A launch lowers to one or more stages, run one after another. A stage is a WebAssembly function
 * `(argumentBlock: i32, begin: i32, end: i32)` and an argument block: a piece of linear memory that holds its sizes,
 * strides in bytes, addresses and literals. `begin … end` is a range of the stage's units of work (rows, tiles, blocks of
 * elements: the stage decides). The driver may call the function once with all units or in any number
 * of pieces, on any thread, in any order; the result must be the same bits each time. A stage therefore never splits a
 * reduction by units.
 *
 * Code is cached under `Stage.key` and depends on structure only; whatever changes with sizes goes into the argument block.
 */
import type { DType, Launch, Operand, Program } from '@ag/tensor';
import type { Callable, FunctionBuilder } from './assembler/functionBuilder.ts';
import type { ModuleBuilder } from './assembler/moduleBuilder.ts';
import * as w from './assembler/opcodes.ts';
import { type I32, i32 } from './assembler/values.ts';
import * as header from './header.ts';

/** The function type of every kernel. */
export const kernelParameters = [w.i32, w.i32, w.i32] as const;

/** Numbers of the parameters of a kernel, as locals. */
export const parameter = { argumentBlock: 0, begin: 1, end: 2 } as const;

/** A field of the argument block of the kernel that is written, read where it is used. */
export function argument(f: FunctionBuilder, at: number): I32 {
  return i32(f, parameter.argumentBlock).load(at);
}

/** What kernels are compiled for. */
export interface Features {
  /** `relaxed_madd` may be used. */
  readonly relaxedSimd: boolean;
  /** The engine keeps the order of loads in long loops (V8 from 12 on), so that contractions may use 6 × 8 tiles. */
  readonly tallTiles: boolean;
  /** The engine makes 256-bit instructions of two neighboring 128-bit ones: tiles of contractions are twice as wide. */
  readonly pairedVectors?: boolean;
  /** Convolutions may be computed by minimal filtering. */
  readonly winograd?: boolean;
  /** Most threads that may call a kernel at the same time (the calling one included). */
  readonly threads: number;
}

/** Where a kernel is emitted: one module holds the new kernels of a plan. */
export interface Target extends Features {
  readonly module: ModuleBuilder;
  /** Number of the global that holds the calling thread's number, 0 … threads − 1. */
  readonly thread: number;
  /** Called for each use of a host function, where the table does not have them yet: few programs use one. */
  readonly needHostFunctions?: (() => void) | undefined;
}

/** Working memory of a launch, shared by its stages; undefined contents at the start of the launch. */
export interface Scratch {
  /** Bytes; with `perThread`, of each thread. A multiple of 64 makes every part aligned. */
  readonly bytes: number;
  /** Thread t owns the part from `address + t · bytes`. */
  readonly perThread: boolean;
  /** What a stage with `once` leaves there stays for all runs of a program in a loop. */
  readonly kept?: boolean;
}

export type Field =
  | { readonly at: number; readonly kind: 'f32' | 'f64'; readonly value: number }
  /** Address of the operand's first element, dynamic offsets included. */
  | {
      readonly at: number;
      readonly kind: 'address';
      readonly operand: Operand;
      readonly dtype: DType;
      readonly bytes: number;
    }
  /** The offset itself, in elements, of an operand without a buffer. */
  | { readonly at: number; readonly kind: 'coordinate'; readonly operand: Operand }
  /** A scalar of the run: f32, f64, i32, u32 (also for uint8); bool as 0 or −1. */
  | { readonly at: number; readonly kind: 'literal'; readonly scalar: number; readonly dtype: DType }
  | { readonly at: number; readonly kind: 'scratch'; readonly scratch: Scratch; readonly bytes: number };

/** The arguments of a stage. Each method appends a field and returns its byte offset within the argument block. */
export class ArgumentBlock {
  readonly fields: Field[] = [];
  /** Integers that never change: byte offset, value, and so on. There are many of them. */
  readonly constants: number[] = [];
  #end: number = header.fields;

  /** The same for other operands and scalars. */
  static for(
    { constants, fields, bytes }: ArgumentBlock,
    operandOf: (operand: Operand) => Operand,
    scalarOf: (scalar: number) => number,
  ): ArgumentBlock {
    const block = new ArgumentBlock();
    block.#end = bytes;
    // Nothing is appended any more, so the list can be shared.
    (block as { constants: readonly number[] }).constants = constants;
    for (const field of fields) {
      if (field.kind === 'address' || field.kind === 'coordinate')
        block.fields.push({ ...field, operand: operandOf(field.operand) });
      else if (field.kind === 'literal') block.fields.push({ ...field, scalar: scalarOf(field.scalar) });
      else block.fields.push(field);
    }
    return block;
  }

  i32(value: number): number {
    const at = this.#take(4);
    this.constants.push(at, value);
    return at;
  }

  f32(value: number): number {
    const at = this.#take(4);
    this.fields.push({ at, kind: 'f32', value });
    return at;
  }

  f64(value: number): number {
    const at = this.#take(8);
    this.fields.push({ at, kind: 'f64', value });
    return at;
  }

  /** The operand's address plus `bytes`. `dtype` is that of its elements. */
  address(operand: Operand, dtype: DType, bytes = 0): number {
    const at = this.#take(4);
    this.fields.push({ at, kind: 'address', operand, dtype, bytes });
    return at;
  }

  coordinate(operand: Operand): number {
    const at = this.#take(4);
    this.fields.push({ at, kind: 'coordinate', operand });
    return at;
  }

  /** `scalar` is a position in the scalars of a run: `launch.literals[literal]`. Takes 8 bytes for float64, else 4. */
  literal(scalar: number, dtype: DType): number {
    const at = this.#take(dtype === 'float64' ? 8 : 4);
    this.fields.push({ at, kind: 'literal', scalar, dtype });
    return at;
  }

  /** The address of working memory plus `bytes`. */
  scratch(scratch: Scratch, bytes = 0): number {
    const at = this.#take(4);
    this.fields.push({ at, kind: 'scratch', scratch, bytes });
    return at;
  }

  /** Bytes of the whole argument block. */
  get bytes(): number {
    return (this.#end + 15) & ~15;
  }

  #take(bytes: number): number {
    const at = (this.#end + bytes - 1) & -bytes;
    this.#end = at + bytes;
    return at;
  }
}

/** One kernel call of a plan. */
export interface Stage {
  /** Equal keys mean equal code. */
  readonly key: string;
  readonly argumentBlock: ArgumentBlock;
  /** Units of work, 0 … 2³¹ − 1; 0 means that nothing is called. */
  readonly units: number;
  /** Fewest units worth handing to another thread: about 3 µs of work. */
  readonly grain: number;
  /** Most pieces for each thread: 1 where a call has a cost of its own (packing), 4 by default. */
  readonly pieces?: number;
  /** Builds the function, of type `kernelParameters` → nothing. Called only when the key is not in the cache. */
  readonly emit: (target: Target) => Callable;
  /** With `LowerContext.rows`: units of each row. Units a·n … b·n are then rows a … b, whole. */
  readonly unitsPerRow?: number;
  /** How many of the stages that follow this one calls itself: the driver passes over them. */
  readonly members?: number;
  /** With `unitsPerRow`: all units come so many times, each time those of all rows. Default 1. */
  readonly sections?: number;
  /** In a program of a loop: run once before the steps. */
  readonly once?: boolean;
}

/** What a lowering may look at. Nothing else decides what a launch becomes. */
export interface LowerContext extends Features {
  readonly program: Program;
  readonly launch: Launch;
  /** If possible, make one unit per row, for so many rows along the first axis: see `bands.ts`. */
  readonly rows?: number;
  /** In a program of a loop: whether a buffer has the same contents at all steps. */
  readonly isConstant?: (buffer: number) => boolean;
}
