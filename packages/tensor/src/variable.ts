/**
 * `Variable`: the only mutable thing. A parameter, a buffer, an optimizer's state. A plan writes the new value into
 * other memory and swaps on success, so tensors built on the previous value can still be computed until the next
 * update; older ones fail rather than silently use a newer value.
 */

import { primitiveOf } from './check.ts';
import { bytesPerElement, type DType, type TypedArray } from './dtype.ts';
import { codedError, shapeError } from './errors.ts';
import type { Backend, Memory } from './kernel/backend.ts';
import { checkOptions } from './options.ts';
import { notePart } from './run/decisions.ts';
import { cannotReadNow, readNow } from './run/deviceValue.ts';
import { beginOnDevice, commitUpdates, evaluate } from './run/evaluate.ts';
import { finalizersOf } from './run/finalization.ts';
import type { EvaluationGroup } from './run/group.ts';
import { checkAssignable, queueAssignment, queuedValue } from './run/pending.ts';
import { readTensorSync, readyValue } from './run/read.ts';
import { backend } from './run/runtime.ts';
import { activeTrace, readFlag, type Trace, writeFlag } from './run/tracing.ts';
import { formatShape, type Shape, sameShape, sizeOf } from './shape.ts';
import type { ShapeType } from './shapeTypes.ts';
import { checkTensor, Tensor } from './tensor.ts';

/** Options of a {@link Variable}. */
export interface VariableOptions {
  /** Shown in messages, summaries and saved files. */
  readonly name?: string;
  /** Whether `backward` computes a gradient for it. Default true for floats. */
  readonly trainable?: boolean;
  /** Write new values over the old ones: no second buffer, but tensors built on the old value cannot be computed afterwards. */
  readonly inPlace?: boolean;
}

/** Assignments that nobody evaluated are built on one another; this many are committed. */
const maxQueued = 64;

let unnamed = 0;

const finalizers = /* @__PURE__ */ finalizersOf<Storage>((storage) => storage.release());

/** Device memory of a variable, apart from it so that it can be freed after it. */
class Storage {
  backend: Backend | null = null;
  current: Memory | null = null;
  previous: Memory | null = null;

  release(): void {
    if (this.backend && this.current) this.backend.release(this.current);
    if (this.backend && this.previous) this.backend.release(this.previous);
    this.forget();
  }

  /** Without giving it back: the device is gone. */
  forget(): void {
    this.backend = null;
    this.current = null;
    this.previous = null;
  }
}

/** What a variable holds, on its way to another backend. */
export interface Moving {
  readonly version: number;
  readonly current: TypedArray;
  readonly previous: TypedArray | null;
}

/** A variable and the tensor that gives its next value. */
export interface Update {
  readonly variable: Variable;
  readonly value: Tensor;
}

/**
 * A tensor-valued cell that training updates.
 *
 * ```ts
 * const weight = new Variable(normal([784, 50], { std: 0.05 }), { name: 'weight' });
 * const y = x.matmul(weight.value);
 * ```
 */
export class Variable<S extends ShapeType = ShapeType> {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly inPlace: boolean;
  /** The gradient that `backward` left here, readable after the optimizer's step until the next `backward`. */
  grad: Tensor<S> | undefined = undefined;
  /** True while `grad` waits for an optimizer's step. @internal */
  gradPending = false;
  /** What `backward` tied to the gradient. @internal */
  gradGroup: EvaluationGroup | null = null;
  /** Whether an optimizer moves it: `backward` warns about those that none does. @internal */
  hasOptimizer = false;
  #trainable: boolean;
  #version = 0;
  /** The value while it has not been on a device yet, or where it was read to. */
  #host: TypedArray | null = null;
  #initial: Tensor | null = null;
  #previousReadable = false;
  #leaf: Tensor | null = null;
  /** Why the value is gone, until there is a new one. */
  #lost: Error | null = null;
  readonly #storage = new Storage();

  /** @param initial the first value; a random one is drawn when the variable is first used. */
  constructor(initial: Tensor<S>, options: VariableOptions = {}) {
    checkOptions('variable', options, 'name trainable inPlace');
    checkTensor(initial, 'Variable', 'initial value');
    this.name = options.name ?? `variable${unnamed++}`;
    this.shape = initial.shape;
    this.dtype = initial.dtype;
    this.#trainable = options.trainable ?? (initial.dtype === 'float32' || initial.dtype === 'float64');
    this.inPlace = options.inPlace ?? false;
    this.#initial = initial;
    finalizers.register(this, this.#storage);
    notePart(this);
  }

  /** Frozen variables (false) get no gradient. */
  get trainable(): boolean {
    return readFlag('trainable', this, this.#trainable);
  }

  set trainable(trainable: boolean) {
    writeFlag('trainable', this);
    this.#trainable = trainable;
  }

  /** The current value as a tensor. It stays the value of this version whatever happens to the variable later. */
  get value(): Tensor<S> {
    const trace = activeTrace();
    const recorded = trace?.updates.get(this);
    if (recorded) return this.trainable ? this.#standIn(trace!, recorded) : recorded;
    const queued = queuedValue(this);
    if (queued) {
      if (!this.trainable || trace) return queued;
      commitUpdates(new Map([[this, queued]]));
    }
    this.#leaf ??= new Tensor(this.shape, this.dtype, null, [], undefined, {
      kind: 'variable',
      variable: this,
      version: this.#version,
    });
    return this.#leaf;
  }

  /** The value that a step gave it in the function being traced; one tensor for each step. */
  #standIn(trace: Trace, recorded: Tensor): Tensor {
    const known = trace.standInOf.get(this);
    if (known?.inputs[0] === recorded) return known;
    const tensor = recorded.detach();
    trace.standIns.set(tensor, this);
    trace.standInOf.set(this, tensor);
    return tensor;
  }

  /** Number of updates so far. */
  get version(): number {
    return this.#version;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Sets a new value. It takes effect with the first evaluation of anything that `value` was computed with, at the
   * latest when the variable is read.
   * @throws RangeError when shape or dtype differ.
   */
  assign(value: Tensor<S>): void {
    checkTensor(value, 'assign', 'value');
    if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype) {
      throw shapeError(
        `assign: variable '${this.name}' is ${formatShape(this.shape)} ${this.dtype}, the value ${formatShape(value.shape)} ${value.dtype}`,
      );
    }
    checkAssignable(this);
    const trace = activeTrace();
    if (trace) {
      trace.updates.set(this, value);
    } else if (value.op === null || this.trainable) {
      commitUpdates(new Map([[this, value]]));
    } else {
      if (queueAssignment(this, value) >= maxQueued) this.flush();
    }
  }

  /** Commits a queued assignment now. @internal */
  flush(): void {
    const queued = queuedValue(this);
    if (queued) commitUpdates(new Map([[this, queued]]));
  }

  /** Frees its device memory; the variable must not be used afterwards. */
  dispose(): void {
    this.#storage.release();
  }

  /** What operators of the language get. @internal */
  [Symbol.toPrimitive](hint: string): string {
    return primitiveOf(this, hint);
  }

  toString(): string {
    return `Variable '${this.name}' ${formatShape(this.shape)} ${this.dtype}`;
  }

  // For plans

  /** The leaf of the current version, if anybody asked for it. @internal */
  currentLeaf(): Tensor | null {
    return this.#leaf;
  }

  /** What has to be computed before it first lies in memory. @internal */
  get initial(): Tensor | null {
    return this.#initial?.op && !isZero(this.#initial) ? this.#initial : null;
  }

  /** `memory` holds its first value, computed for it alone. @internal */
  begin(target: Backend, memory: Memory): void {
    const storage = this.#storage;
    storage.backend = target;
    storage.current = memory;
    this.#initial = null;
  }

  /** Memory that holds the value of `version`. @throws Error when that value is gone. @internal */
  memoryOf(version: number, target: Backend): Memory {
    this.#settle(target);
    if (this.#lost) throw this.#lost;
    if (version === this.#version) return this.#storage.current!;
    if (version === this.#version - 1 && this.#previousReadable) return this.#storage.previous!;
    throw this.#stale(version);
  }

  /** Memory that holds the current value. @internal */
  currentMemory(target: Backend): Memory {
    this.#settle(target);
    if (this.#lost) throw this.#lost;
    return this.#storage.current!;
  }

  /** Memory for the next value; `readsPrevious`: the run reads the value before the current one. @internal */
  targetOf(target: Backend, inPlace: boolean, readsPrevious: boolean): Memory {
    this.#settle(target);
    if (this.#lost) return target.allocate(this.size * bytesPerElement(this.dtype), false);
    if (inPlace) return this.#storage.current!;
    if (this.#storage.previous && !readsPrevious) {
      this.#previousReadable = false;
      return this.#storage.previous;
    }
    return target.allocate(this.size * bytesPerElement(this.dtype), false);
  }

  /** The run that should have filled `memory` failed. @internal */
  abandon(memory: Memory, target: Backend): void {
    if (memory !== this.#storage.current && memory !== this.#storage.previous) target.release(memory);
  }

  /** `memory` holds the new value. @internal */
  commit(memory: Memory, target: Backend, inPlace: boolean): void {
    const storage = this.#storage;
    if (this.#lost) {
      // There is no value before it.
      storage.backend = target;
      storage.current = memory;
    } else if (inPlace) {
      // Left from a value that could not be written over the one before.
      if (storage.previous) target.release(storage.previous);
      storage.previous = null;
    } else {
      if (storage.previous && storage.previous !== memory) target.release(storage.previous);
      storage.previous = storage.current;
      storage.current = memory;
    }
    this.#previousReadable = !inPlace && !this.#lost;
    this.#lost = null;
    this.#version++;
    this.#leaf = null;
    this.#host = null;
  }

  /** @internal */
  async read(version: number): Promise<TypedArray> {
    const target = this.#storage.backend ?? backend();
    return target.read(this.memoryOf(version, target), this.dtype, this.size);
  }

  /** @internal */
  readSync(version: number): TypedArray {
    const target = this.#storage.backend ?? backend();
    const elements = readNow(target, this.memoryOf(version, target), this.dtype, this.size);
    if (elements) return elements;
    throw cannotReadNow(
      `the backend '${target.name}' cannot read synchronously`,
      'use await variable.value.data()',
    );
  }

  /** Whether the value of `version` is there. @internal */
  isReadable(version: number): boolean {
    if (this.#lost) return false;
    return version === this.#version || (version === this.#version - 1 && this.#previousReadable);
  }

  /** The elements of `version`, when they can be read at once and nothing needs to be computed for it. @internal */
  readyValue(version: number): TypedArray | null {
    if (this.#initial) return readyValue(this.#initial);
    const { backend: home, current } = this.#storage;
    if (!home || !current || !this.isReadable(version)) return null;
    return readNow(home, this.memoryOf(version, home), this.dtype, this.size);
  }

  /**
   * Copies of what it holds on another backend than `target`, for `moveIn` to put there; null when nothing has to move.
   * @internal
   */
  async moveOut(target: Backend): Promise<Moving | null> {
    const { backend: home, current, previous } = this.#storage;
    if (this.#initial || this.#lost || !home || !current || home === target) return null;
    const read = (memory: Memory): Promise<TypedArray> => home.read(memory, this.dtype, this.size);
    const version = this.#version;
    const copies = [read(current)];
    if (previous && this.#previousReadable) copies.push(read(previous));
    const [now, before = null] = await Promise.all(copies);
    return { version, current: now, previous: before };
  }

  /** Puts copies into memory of `target`. False when the variable has been updated since they were made. @internal */
  moveIn(target: Backend, { version, current, previous }: Moving): boolean {
    if (version !== this.#version) return false;
    this.#putInto(target, current, previous);
    return true;
  }

  /** What it holds is gone with its device: reading it throws until it is given another value. @internal */
  lose(cause: unknown): void {
    this.#lost = codedError(
      Error,
      'AG_DEVICE_LOST',
      `the value of variable '${this.name}' was lost with its device; load a state that was saved before: ` +
        'model.loadStateDict(…), or fit({ resume: await loadCheckpoint(…) })',
      { cause },
    );
    this.#storage.forget();
    this.#previousReadable = false;
    this.#host = null;
  }

  /** Puts the current value into memory of `target`: the first time, or after `use` chose another backend. */
  #settle(target: Backend): void {
    const storage = this.#storage;
    if (this.#lost || (storage.backend === target && storage.current)) return;
    let previous: TypedArray | null = null;
    const bytes = this.size * bytesPerElement(this.dtype);
    if (this.#initial) {
      const initial = this.#initial;
      if (isZero(initial)) {
        storage.backend = target;
        storage.current = target.allocate(bytes);
        this.#initial = null;
        return;
      }
      if (target.idle !== undefined && readyValue(initial) === null) {
        beginOnDevice(new Map([[this, initial]]));
        return;
      }
      evaluate([initial], { toHost: true });
      this.#host = readyValue(initial) ?? readTensorSync(initial);
      this.#initial = null;
    } else if (storage.backend && storage.current) {
      const home = storage.backend;
      const read = (memory: Memory): TypedArray => {
        const elements = readNow(home, memory, this.dtype, this.size);
        if (elements) return elements;
        throw cannotReadNow(
          `variable '${this.name}' lies on '${home.name}', which cannot be read synchronously, and is used on '${target.name}'`,
          'move it with the rest of the model before: await moveTo(backend, model, optimizer)',
        );
      };
      this.#host = read(storage.current);
      if (storage.previous && this.#previousReadable) previous = read(storage.previous);
    }
    if (!this.#host) throw codedError(Error, 'AG_DISPOSED', `variable '${this.name}' was disposed`);
    this.#putInto(target, this.#host, previous);
    this.#host = null;
  }

  #putInto(target: Backend, current: TypedArray, previous: TypedArray | null): void {
    const storage = this.#storage;
    storage.release();
    const write = (elements: TypedArray): Memory => {
      const memory = target.allocate(this.size * bytesPerElement(this.dtype), false);
      target.write(memory, elements);
      return memory;
    };
    this.#host = current;
    // If there is memory for the current value only, it has moved nevertheless.
    this.#previousReadable = false;
    storage.backend = target;
    storage.current = write(current);
    storage.previous = previous && write(previous);
    this.#previousReadable = previous !== null;
    this.#host = null;
  }

  #stale(version: number): Error {
    return codedError(
      Error,
      'AG_STALE_VALUE',
      `a tensor was built on version ${version} of '${this.name}', which has since been updated to version ${this.#version}; ` +
        'that value is gone. Evaluate the tensor before the update, or pass it to backward(loss, { also: [tensor] }).',
    );
  }
}

/** Whether all elements are the literal 0: new memory is that already. */
function isZero(tensor: Tensor): boolean {
  let node = tensor;
  while (node.op?.lower.form === 'view') node = node.inputs[0];
  return node.leaf?.kind === 'literal' && Object.is(node.leaf.value, 0);
}
