/**
 * Values as small trees, so that kernels read left to right: `base.add(row.mul(64))`.
 *
 * A tree is written out, operands first, when it is used: by `set`, `let`, `store`, `if`, a call. Nothing is kept or moved on the
 * way, so the bytes are those of the same instructions appended one by one. A tree that is used twice is computed twice:
 * what shall be computed once goes to a variable.
 *
 * @example
 * const [address, row] = i32Parameters(f);
 * const sum = address.add(row.mul(64)).load().let();
 * sum.ltS(0).if(() => sum.set(sum.add(1)));
 */
import type { ValueType } from './encoding.ts';
import type { Callable, FunctionBuilder, Label, Local } from './functionBuilder.ts';
import type { ModuleBuilder } from './moduleBuilder.ts';
import * as w from './opcodes.ts';

/** An i32, or a number that becomes a constant. */
export type Int = I32 | number;

/** An operand of a call. */
export type Value = I32 | V128 | number;

function write(f: FunctionBuilder, value: Value): void {
  if (typeof value === 'number') f.i32(value);
  else value.write();
}

/** A 32-bit integer. Methods are named as instructions: `S` with a sign, `U` without. */
export class I32 {
  readonly f: FunctionBuilder;
  readonly #written: (() => void) | undefined;

  constructor(f: FunctionBuilder, written?: () => void) {
    this.f = f;
    this.#written = written;
  }

  /** Writes the instructions that leave the value on the stack. */
  write(): void {
    this.#written?.();
  }

  add(other: Int): I32 {
    return this.#with(w.i32_add, other);
  }

  sub(other: Int): I32 {
    return this.#with(w.i32_sub, other);
  }

  mul(other: Int): I32 {
    return this.#with(w.i32_mul, other);
  }

  divU(other: Int): I32 {
    return this.#with(w.i32_div_u, other);
  }

  remU(other: Int): I32 {
    return this.#with(w.i32_rem_u, other);
  }

  and(other: Int): I32 {
    return this.#with(w.i32_and, other);
  }

  or(other: Int): I32 {
    return this.#with(w.i32_or, other);
  }

  shl(other: Int): I32 {
    return this.#with(w.i32_shl, other);
  }

  shrU(other: Int): I32 {
    return this.#with(w.i32_shr_u, other);
  }

  eq(other: Int): I32 {
    return this.#with(w.i32_eq, other);
  }

  ne(other: Int): I32 {
    return this.#with(w.i32_ne, other);
  }

  ltS(other: Int): I32 {
    return this.#with(w.i32_lt_s, other);
  }

  ltU(other: Int): I32 {
    return this.#with(w.i32_lt_u, other);
  }

  gtS(other: Int): I32 {
    return this.#with(w.i32_gt_s, other);
  }

  gtU(other: Int): I32 {
    return this.#with(w.i32_gt_u, other);
  }

  leS(other: Int): I32 {
    return this.#with(w.i32_le_s, other);
  }

  geS(other: Int): I32 {
    return this.#with(w.i32_ge_s, other);
  }

  geU(other: Int): I32 {
    return this.#with(w.i32_ge_u, other);
  }

  /** 1 for 0, else 0. */
  isZero(): I32 {
    return new Operation(this.f, this, w.i32_eqz);
  }

  /** ⌈this / by⌉ */
  ceilDiv(by: number): I32 {
    return this.add(by - 1).divU(by);
  }

  /** The smaller one; both are written twice. */
  minS(other: Int): I32 {
    return this.ltS(other).select(this, other);
  }

  minU(other: Int): I32 {
    return this.ltU(other).select(this, other);
  }

  /** `then` where this is not 0, else `otherwise`; both are computed, before this. */
  select(then: Int, otherwise: Int): I32 {
    return new I32(this.f, () => {
      write(this.f, then);
      write(this.f, otherwise);
      this.write();
      this.f.op(w.select);
    });
  }

  /** As an address: the i32 there, or what another load instruction of that result makes of it. */
  load(offset = 0, code: number = w.i32_load): I32 {
    return new Load(this.f, this, code, offset);
  }

  /** As an address: the vector there. */
  loadVector(offset = 0, code: number = w.v128_load): V128 {
    return new V128(this.f, () => {
      this.write();
      this.f.memory(code, offset);
    });
  }

  /** As an address: writes a value there. */
  store(value: Value, offset = 0, code?: number): void {
    this.write();
    write(this.f, value);
    this.f.memory(code ?? (value instanceof V128 ? w.v128_store : w.i32_store), offset);
  }

  /** As an address: writes one lane there. */
  storeLane(value: V128, code: number, offset: number, lane: number): void {
    this.write();
    value.write();
    this.f.memoryLane(code, offset, lane);
  }

  /** As an address: the vector with one lane read from there. */
  loadLane(vector: V128, code: number, offset: number, lane: number): V128 {
    return new V128(this.f, () => {
      this.write();
      vector.write();
      this.f.memoryLane(code, offset, lane);
    });
  }

  /** In all four lanes. */
  splat(): V128 {
    return new V128(this.f, () => {
      this.write();
      this.f.op(w.i32x4_splat);
    });
  }

  /** In a variable of its own: see `FunctionBuilder.let`. */
  let(): I32Variable {
    this.write();
    return new I32Variable(this.f, this.f.let(w.i32));
  }

  /** Runs `then` where this is not 0, else `otherwise`. */
  if(then: () => void, otherwise?: () => void): void {
    this.write();
    this.f.if(then, otherwise);
  }

  /** One of two values, of which only the one that is wanted is computed. */
  ifElse(then: () => Int, otherwise: () => Int): I32 {
    return this.#then(() =>
      this.f.if(
        () => write(this.f, then()),
        () => write(this.f, otherwise()),
        w.i32,
      ),
    );
  }

  branchIf(label: Label): void {
    this.write();
    this.f.branchIf(label);
  }

  #then(more: () => void): I32 {
    return new I32(this.f, () => {
      this.write();
      more();
    });
  }

  #with(code: number, other: Int): I32 {
    return new Operation(this.f, this, code, other);
  }
}

/** One instruction. Kernels are made of tens of thousands, before anything runs: objects are cheaper than functions here. */
class Operation extends I32 {
  readonly #left: I32;
  readonly #code: number;
  readonly #right: Int | undefined;

  constructor(f: FunctionBuilder, left: I32, code: number, right?: Int) {
    super(f);
    this.#left = left;
    this.#code = code;
    this.#right = right;
  }

  override write(): void {
    this.#left.write();
    if (this.#right !== undefined) write(this.f, this.#right);
    this.f.op(this.#code);
  }
}

class Load extends I32 {
  readonly #address: I32;
  readonly #code: number;
  readonly #offset: number;

  constructor(f: FunctionBuilder, address: I32, code: number, offset: number) {
    super(f);
    this.#address = address;
    this.#code = code;
    this.#offset = offset;
  }

  override write(): void {
    this.#address.write();
    this.f.memory(this.#code, this.#offset);
  }
}

/** A local that holds an i32. */
export class I32Variable extends I32 {
  readonly local: Local;

  constructor(f: FunctionBuilder, local: Local) {
    super(f);
    this.local = local;
  }

  override write(): void {
    this.f.get(this.local);
  }

  set(value: Int): void {
    write(this.f, value);
    this.f.set(this.local);
  }

  /** The value, which the variable has from then on. */
  tee(value: Int): I32 {
    return new I32(this.f, () => {
      write(this.f, value);
      this.f.tee(this.local);
    });
  }

  increase(by: Int): void {
    this.set(this.add(by));
  }

  /** One less, and back to `again` until nothing is left. */
  countDown(again: Label): void {
    this.increase(-1);
    this.branchIf(again);
  }
}

/** A vector of 128 bits; instructions that depend on the type of elements are given by their codes. */
export class V128 {
  readonly f: FunctionBuilder;
  readonly #written: (() => void) | undefined;

  constructor(f: FunctionBuilder, written?: () => void) {
    this.f = f;
    this.#written = written;
  }

  /** Writes the instructions that leave the value on the stack. */
  write(): void {
    this.#written?.();
  }

  op(code: number, ...others: readonly Value[]): V128 {
    return new V128(this.f, () => {
      this.write();
      for (const other of others) write(this.f, other);
      this.f.op(code);
    });
  }

  and(other: V128): V128 {
    return this.op(w.v128_and, other);
  }

  or(other: V128): V128 {
    return this.op(w.v128_or, other);
  }

  /** Whether any bit is set. */
  any(): I32 {
    return new I32(this.f, () => {
      this.write();
      this.f.op(w.v128_any_true);
    });
  }

  shuffle32(other: V128, ...lanes: [number, number, number, number]): V128 {
    return new V128(this.f, () => {
      this.write();
      other.write();
      this.f.shuffle32(...lanes);
    });
  }

  let(): V128Variable {
    this.write();
    return new V128Variable(this.f, this.f.let(w.v128));
  }
}

/** A local that holds a vector. */
export class V128Variable extends V128 {
  readonly local: Local;

  constructor(f: FunctionBuilder, local: Local) {
    super(f);
    this.local = local;
  }

  override write(): void {
    this.f.get(this.local);
  }

  set(value: V128): void {
    value.write();
    this.f.set(this.local);
  }
}

/** A new variable, 0 at entry, or the one that is given. */
export function i32(f: FunctionBuilder, local: Local = f.local(w.i32)): I32Variable {
  return new I32Variable(f, local);
}

/** A new variable, 0 at entry, or the one that is given. */
export function v128(f: FunctionBuilder, local: Local = f.local(w.v128)): V128Variable {
  return new V128Variable(f, local);
}

/** A vector constant. */
export function v128Constant(f: FunctionBuilder, bytes: ArrayLike<number>): V128 {
  return new V128(f, () => f.v128(bytes));
}

/** A number as a value, to go on from: `i32Constant(f, 2).sub(x)`. */
export function i32Constant(f: FunctionBuilder, value: number): I32 {
  return new I32(f, () => f.i32(value));
}

/** All parameters, where they are i32. */
export function i32Parameters(f: FunctionBuilder): I32Variable[] {
  return f.parameters.map((local) => new I32Variable(f, local));
}

/** A function that kernels of a module share (`ModuleBuilder.shared`), of as many parameters as `body` takes, all i32. */
export function sharedFunction(
  module: ModuleBuilder,
  name: string,
  results: readonly ValueType[],
  body: (f: FunctionBuilder, ...parameters: I32Variable[]) => void,
): Callable {
  const parameters = new Array<ValueType>(body.length - 1).fill(w.i32);
  return module.shared(name, parameters, results, (f) => body(f, ...i32Parameters(f)));
}

/** So many new variables, 0 at entry. */
export function i32s(f: FunctionBuilder, count: number): I32Variable[] {
  return Array.from({ length: count }, () => i32(f));
}

/** So many new variables, 0 at entry. */
export function v128s(f: FunctionBuilder, count: number): V128Variable[] {
  return Array.from({ length: count }, () => v128(f));
}

/** Calls a function without a result. */
export function perform(f: FunctionBuilder, callee: Callable, ...operands: readonly Value[]): void {
  for (const operand of operands) write(f, operand);
  f.call(callee);
}

/** The i32 that a function gives. */
export function call(f: FunctionBuilder, callee: Callable, ...operands: readonly Value[]): I32 {
  return new I32(f, () => perform(f, callee, ...operands));
}

/** The vector that a function gives. */
export function callVector(f: FunctionBuilder, callee: Callable, ...operands: readonly Value[]): V128 {
  return new V128(f, () => perform(f, callee, ...operands));
}

/** Calls the function at a position of the table, of a type that `ModuleBuilder.type` has numbered. */
export function performIndirect(
  f: FunctionBuilder,
  type: number,
  position: I32,
  ...operands: readonly Value[]
): void {
  for (const operand of operands) write(f, operand);
  position.write();
  f.callIndirect(type);
}
