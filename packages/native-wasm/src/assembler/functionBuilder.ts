/**
 * Writes one WebAssembly function, instruction after instruction.
 *
 * They stand in the order the engine will see: V8 11 keeps it, and it decides between 13 and 57 GFLOP/s. Nothing is checked here:
 * `new WebAssembly.Module` does, with good messages. See `docs/decisions/` for why this is not a library. Encoding:
 * WebAssembly Core Specification 2.0, chapter 5, with the threads and relaxed SIMD proposals.
 *
 * @example
 * const module = new ModuleBuilder();
 * const add = module.function('add', [w.i32, w.i32], [w.i32]);
 * add.get(0).get(1).op(w.i32_add);
 * const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()));
 */
import { append, signed, unsigned, type ValueType } from './encoding.ts';
import * as w from './opcodes.ts';

/** Number of a local variable; parameters come first. */
export type Local = number;

/** A block that branches can leave (`block`, `if`) or repeat (`loop`). */
export type Label = number;

/** Anything with a function index: built here or imported. */
export interface Callable {
  readonly index: number;
}

/** A value of `values.ts`. */
interface Written {
  write(): void;
}

const empty = 0x40;

/** Values in code from here on are references to locals. */
const localTag = 256;

/** First byte of the codes of each page of `opcodes.ts`. */
const prefixes = [0, 0xfd, 0xfd, 0xfc, 0xfe];

const naturalAlignment = new Map<number, number>([
  [w.i32_load8_s, 0], [w.i32_load8_u, 0], [w.i32_store8, 0], [w.v128_load8_splat, 0], [w.v128_load8_lane, 0], [w.v128_store8_lane, 0],
  [w.i32_load16_s, 1], [w.i32_load16_u, 1], [w.i32_store16, 1], [w.v128_load16_splat, 1], [w.v128_load16_lane, 1], [w.v128_store16_lane, 1],
  [w.i64_atomic_load, 3], [w.i64_atomic_store, 3], [w.i64_atomic_rmw_add, 3], [w.i64_atomic_rmw_cmpxchg, 3],
]); // biome-ignore format: a table

const scratch = new DataView(new ArrayBuffer(8));

/** Bytes of a v128 constant from four 32-bit integers. */
export function lanes32(a: number, b: number, c: number, d: number): Uint8Array {
  return new Uint8Array(new Int32Array([a, b, c, d]).buffer);
}

/** Builds one function. Every method appends and returns `this`; operands are pushed before their instruction. */
export class FunctionBuilder implements Callable {
  readonly index: number;
  readonly type: number;
  /** The parameters, as locals. */
  readonly parameters: readonly Local[];
  /** All locals that are not parameters. */
  readonly #locals: { readonly type: ValueType; readonly temporary: boolean }[] = [];
  readonly #entry: number[] = [];
  /** Bytes; from `reference` on, references to locals, whose final numbers are not known yet. */
  #code: number[] = [];
  /** Where loops begin and end in the code. */
  readonly #loops: [start: number, end: number][] = [];
  #depth = 0;

  constructor(index: number, type: number, parameters: number) {
    this.index = index;
    this.type = type;
    this.parameters = Array.from({ length: parameters }, (_, i) => i);
  }

  /** A new local variable, zero at entry. */
  local(type: ValueType): Local {
    return this.#local(type, false);
  }

  /**
   * A new local that takes the value on the stack. After its last use its place may serve another: few locals make
   * small frames in baseline compilers, and let V8 pair vectors (each local set in a loop counts as used outside).
   */
  let(type: ValueType): Local {
    const local = this.#local(type, this.#code !== this.#entry);
    this.set(local);
    return local;
  }

  /**
   * Puts what `body` emits at the entry of the function, wherever emission stands: for constants and
   * arguments that a loop should find in locals (V8 13 materializes vector constants anew in each pass otherwise).
   */
  atEntry(body: () => void): this {
    const code = this.#code;
    this.#code = this.#entry;
    body();
    this.#code = code;
    return this;
  }

  /** An instruction without immediate operands. */
  op(code: number): this {
    const page = code >> 8;
    if (page === 0) this.#code.push(code);
    else {
      this.#code.push(prefixes[page]);
      unsigned(this.#code, page === 2 ? code - 0x100 : code & 0xff);
    }
    return this;
  }

  get(local: Local): this {
    this.#code.push(0x20, localTag + local);
    return this;
  }

  set(local: Local): this {
    this.#code.push(0x21, localTag + local);
    return this;
  }

  tee(local: Local): this {
    this.#code.push(0x22, localTag + local);
    return this;
  }

  globalGet(index: number): this {
    this.#code.push(0x23);
    unsigned(this.#code, index);
    return this;
  }

  /** Pushes an i32 constant. */
  i32(value: number): this {
    this.#code.push(0x41);
    signed(this.#code, value | 0);
    return this;
  }

  /** Pushes an i64 constant that fits 32 bits. */
  i64(value: number): this {
    this.#code.push(0x42);
    signed(this.#code, value | 0);
    return this;
  }

  f32(value: number): this {
    scratch.setFloat32(0, value, true);
    this.#code.push(0x43);
    return this.#scratch(4);
  }

  f64(value: number): this {
    scratch.setFloat64(0, value, true);
    this.#code.push(0x44);
    return this.#scratch(8);
  }

  /** Pushes a v128 constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): this {
    this.op(0x10c);
    append(this.#code, bytes);
    return this;
  }

  /** Pushes a v128 constant with four equal 32-bit floats. */
  f32x4(value: number): this {
    scratch.setFloat32(0, value, true);
    return this.op(0x10c).#scratch(4, 4);
  }

  /** Pushes a v128 constant with two equal 64-bit floats. */
  f64x2(value: number): this {
    scratch.setFloat64(0, value, true);
    return this.op(0x10c).#scratch(8, 2);
  }

  /** Pushes a v128 constant with four equal 32-bit integers. */
  i32x4(value: number): this {
    scratch.setInt32(0, value, true);
    return this.op(0x10c).#scratch(4, 4);
  }

  /** A load, store or atomic instruction at a constant byte offset. The address (and value) are on the stack. */
  memory(code: number, offset = 0): this {
    // Atomics must state their natural alignment; for the others it is a hint that x86 and ARM engines ignore.
    this.op(code);
    this.#code.push(naturalAlignment.get(code) ?? (code >= 0x400 ? 2 : 0));
    unsigned(this.#code, offset);
    return this;
  }

  /** Loads from `local + offset`. */
  load(code: number, local: Local, offset = 0): this {
    return this.get(local).memory(code, offset);
  }

  /** `v128.loadN_lane` / `v128.storeN_lane`: address and vector are on the stack. */
  memoryLane(code: number, offset: number, lane: number): this {
    this.memory(code, offset);
    this.#code.push(lane);
    return this;
  }

  /** `extract_lane` / `replace_lane`. */
  lane(code: number, lane: number): this {
    this.op(code);
    this.#code.push(lane);
    return this;
  }

  /** `i8x16.shuffle` by 32-bit lanes 0…7 of two vectors. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    this.op(0x10d);
    for (const lane of [a, b, c, d]) for (let byte = 0; byte < 4; byte++) this.#code.push(lane * 4 + byte);
    return this;
  }

  /** `i8x16.shuffle` by bytes 0…31 of two vectors. */
  shuffle(bytes: readonly number[]): this {
    this.op(0x10d);
    append(this.#code, bytes);
    return this;
  }

  memoryCopy(): this {
    this.op(0x30a);
    this.#code.push(0, 0);
    return this;
  }

  memoryFill(): this {
    this.op(0x30b);
    this.#code.push(0);
    return this;
  }

  call(callee: Callable): this {
    this.#code.push(0x10);
    unsigned(this.#code, callee.index);
    return this;
  }

  /** Calls the function whose table position is on the stack, after its arguments. `type` from `ModuleBuilder.type`. */
  callIndirect(type: number): this {
    this.#code.push(0x11);
    unsigned(this.#code, type);
    this.#code.push(0);
    return this;
  }

  /** Code that `branch(label)` leaves. */
  block(body: (exit: Label) => void, result: number = empty): this {
    return this.#nest(0x02, result, body);
  }

  /** Code that `branch(label)` repeats; falling off its end leaves it. */
  loop(body: (again: Label) => void, result: number = empty): this {
    const start = this.#code.length;
    this.#nest(0x03, result, body);
    this.#loops.push([start, this.#code.length]);
    return this;
  }

  /** Runs `then` when the i32 on the stack is not 0, else `otherwise`. */
  if(then: (exit: Label) => void, otherwise?: () => void, result: number = empty): this {
    return this.#nest(0x04, result, (exit) => {
      then(exit);
      if (otherwise) {
        this.#code.push(0x05);
        otherwise();
      }
    });
  }

  /** `while (condition) body`; `condition` pushes an i32. `body` may branch to `exit`. */
  while(condition: (() => void) | Written, body: (exit: Label) => void): this {
    return this.block((exit) => {
      this.loop((again) => {
        if (typeof condition === 'function') condition();
        else condition.write();
        this.op(w.i32_eqz).branchIf(exit);
        body(exit);
        this.branch(again);
      });
    });
  }

  /** `do body while (condition)`: cheaper than `while` when at least one pass is certain. */
  doWhile(body: () => void, condition: () => void): this {
    return this.loop((again) => {
      body();
      condition();
      this.branchIf(again);
    });
  }

  branch(label: Label): this {
    this.#code.push(0x0c);
    unsigned(this.#code, this.#depth - label);
    return this;
  }

  branchIf(label: Label): this {
    this.#code.push(0x0d);
    unsigned(this.#code, this.#depth - label);
    return this;
  }

  /** The function body as the code section holds it, its length first. */
  encode(): Uint8Array {
    const { numbers, types } = this.#assign();
    const head: number[] = [];
    const groups: [number, ValueType][] = [];
    for (const type of types) {
      const last = groups[groups.length - 1];
      if (last && last[1] === type) last[0]++;
      else groups.push([1, type]);
    }
    unsigned(head, groups.length);
    for (const [count, type] of groups) {
      unsigned(head, count);
      head.push(type);
    }
    // Long functions are tens of thousands of bytes, made before anything is optimized: one loop, no copies.
    const body = new Uint8Array(head.length + 3 * (this.#entry.length + this.#code.length) + 1);
    body.set(head);
    let end = head.length;
    for (const part of [this.#entry, this.#code]) {
      for (let i = 0; i < part.length; i++) {
        let value = part[i];
        if (value >= localTag) {
          value = numbers[value - localTag];
          for (; value > 127; value >>= 7) body[end++] = (value & 127) | 128;
        }
        body[end++] = value;
      }
    }
    body[end++] = 0x0b;
    const length: number[] = [];
    unsigned(length, end);
    const bytes = new Uint8Array(length.length + end);
    bytes.set(length);
    bytes.set(body.subarray(0, end), length.length);
    return bytes;
  }

  #local(type: ValueType, temporary: boolean): Local {
    return this.parameters.length + this.#locals.push({ type, temporary }) - 1;
  }

  /** Final numbers of all locals, and the types of those that are not parameters. */
  #assign(): { numbers: number[]; types: ValueType[] } {
    const count = this.parameters.length;
    const code = this.#code;
    const locals = this.#locals;
    /** Where each local is used first and last; −1 where it is not. */
    const first = new Array<number>(count + locals.length).fill(-1);
    const last = first.slice();
    for (let at = 0; at < code.length; at++) {
      const local = code[at] - localTag;
      if (local < 0) continue;
      if (first[local] < 0) first[local] = at;
      last[local] = at;
    }
    // What is set before a loop and read in it must last to the loop's end. Inner loops end first in the list.
    for (const [start, end] of this.#loops) {
      for (let i = count; i < first.length; i++)
        if (first[i] < start && last[i] > start && last[i] < end) last[i] = end;
    }
    const numbers: number[] = Array.from(this.parameters);
    const types: ValueType[] = [];
    const temporaries: Local[] = [];
    locals.forEach(({ type, temporary }, i) => {
      if (!temporary) numbers[count + i] = count + types.push(type) - 1;
      else if (first[count + i] >= 0) temporaries.push(count + i);
    });
    // In the order of the code: before a local begins, the places of those that have ended are free.
    const ending = [...temporaries].sort((a, b) => last[a] - last[b]);
    const free = new Map<ValueType, number[]>();
    let ended = 0;
    for (const local of temporaries.sort((a, b) => first[a] - first[b])) {
      for (; last[ending[ended]] < first[local]; ended++) {
        const { type } = locals[ending[ended] - count];
        const places = free.get(type);
        if (places) places.push(numbers[ending[ended]]);
        else free.set(type, [numbers[ending[ended]]]);
      }
      const { type } = locals[local - count];
      numbers[local] = free.get(type)?.pop() ?? count + types.push(type) - 1;
    }
    return { numbers, types };
  }

  /** The first bytes of `scratch`, so many times. */
  #scratch(bytes: number, times = 1): this {
    for (let i = 0; i < bytes * times; i++) this.#code.push(scratch.getUint8(i % bytes));
    return this;
  }

  #nest(code: number, result: number, body: (label: Label) => void): this {
    this.#code.push(code, result);
    const label = ++this.#depth;
    body(label);
    this.#depth--;
    this.#code.push(0x0b);
    return this;
  }
}
