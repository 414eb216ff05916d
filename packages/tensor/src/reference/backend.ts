/**
 * The reference backend: every kernel form in plain loops over typed arrays. It defines what kernels mean and is the
 * oracle for other backends.
 *
 * To read it: `registers.ts`, `operations.ts` and `walk.ts` are what expressions are made of, `expression.ts` puts them
 * together, `map.ts`, `reduce.ts`, `contract.ts`, `indexing.ts`, `ordering.ts` and `host.ts` are the kernel forms.
 */

import { type DType, dtypeOfArray, type TypedArray } from '../dtype.ts';
import { codedError, dtypeError, typeError } from '../errors.ts';
import {
  type Backend,
  type BackendStats,
  type Binding,
  type Executable,
  type Memory,
  OutOfMemoryError,
} from '../kernel/backend.ts';
import { type BufferSpec, kernelKey, type Launch, type Program } from '../kernel/kernel.ts';
import { ContractScratch, compileContract } from './contract.ts';
import type { BoundLaunch, CompiledKernel } from './form.ts';
import { compileHost } from './host.ts';
import { compileGather, compileScatter } from './indexing.ts';
import type { bindLoop } from './loop.ts';
import { compileMap } from './map.ts';
import { HostMemory } from './memory.ts';
import { compileScan, compileSort } from './ordering.ts';
import { compileReduce } from './reduce.ts';
import { RegisterFile } from './registers.ts';

/**
 * A backend that runs everything in JavaScript, on the calling thread, at once: errors of a run are thrown by `run`.
 * Scratch slot i is shared by all its programs and as large as the largest of them asks; `stats().bytes` counts memory
 * and slots, not the fixed working memory of the interpreter (registers and packing buffers, below 2 MB).
 *
 * @example
 * ```ts
 * use(reference());
 * ```
 */
export function reference(): Backend {
  return new ReferenceBackend();
}

/** Compiled kernels kept for programs to come; programs hold on to their own. */
const cacheSize = 2048;

interface ReferenceExecutable extends Executable {
  readonly launches: readonly BoundLaunch[];
  /** Memory that only it uses: the working memory of loops, and the slots of the programs in them. */
  readonly own: HostMemory[];
  /** The arrays of the program's buffers; bound ones only during a run. */
  readonly arrays: TypedArray[];
  /** The value of `#slotChanges` when the slots were last looked up. */
  slotsSeen: number;
}

const unbound: TypedArray = new Uint8Array(0);

class ReferenceBackend implements Backend {
  readonly name = 'reference';
  readonly #registers = new RegisterFile();
  readonly #scratch = new ContractScratch();
  readonly #kernels = new Map<string, CompiledKernel>();
  readonly #executables = new Set<Executable>();
  readonly #slots: HostMemory[] = [];
  #slotChanges = 0;
  #compiled = 0;
  #bytes = 0;
  #peakBytes = 0;

  allocate(bytes: number): HostMemory {
    let memory: HostMemory;
    try {
      memory = new HostMemory(bytes);
    } catch {
      throw new OutOfMemoryError(
        `reference: cannot allocate ${bytes} bytes of memory; ${this.#bytes} bytes are held. ` +
          'Use smaller batches, or drop tensors that are no longer needed.',
      );
    }
    this.#bytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    return memory;
  }

  release(memory: Memory): void {
    const own = checkMemory(memory);
    if (own.released) return;
    own.release();
    this.#bytes -= own.bytes;
  }

  write(memory: Memory, data: TypedArray): void {
    if (data.byteLength > memory.bytes) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `reference: ${data.byteLength} bytes do not fit into memory of ${memory.bytes} bytes`,
      );
    }
    checkMemory(memory).view(dtypeOfArray(data)).set(data);
  }

  async read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return this.readSync(memory, dtype, length);
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    const view = checkMemory(memory).view(dtype);
    if (length > view.length) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `reference: cannot read ${length} elements of ${dtype} from ${memory.bytes} bytes`,
      );
    }
    return view.slice(0, length);
  }

  prepare(program: Program): Executable {
    const own: HostMemory[] = [];
    const launches = this.#bind(program, own);
    program.slots.forEach((bytes, slot) => {
      const held = this.#slots[slot];
      if (held !== undefined && held.bytes >= bytes) return;
      this.#replaceSlot(slot, bytes);
    });
    const executable: ReferenceExecutable = {
      program,
      launches,
      own,
      arrays: program.buffers.map(() => unbound),
      slotsSeen: -1,
    };
    this.#executables.add(executable);
    return executable;
  }

  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    const { program, launches, arrays } = executable as ReferenceExecutable;
    const { buffers } = program;
    for (let i = 0; i < buffers.length; i++) {
      const spec = buffers[i];
      if (spec.kind === 'bound') arrays[i] = arrayOf(bindings[spec.binding], spec);
    }
    this.#lookUpSlots(executable as ReferenceExecutable);
    try {
      for (let i = 0; i < launches.length; i++) launches[i](arrays, scalars);
    } finally {
      for (let i = 0; i < buffers.length; i++) if (buffers[i].kind === 'bound') arrays[i] = unbound;
    }
  }

  dispose(executable: Executable): void {
    if (!this.#executables.delete(executable)) return;
    for (const memory of (executable as ReferenceExecutable).own) this.release(memory);
    const needed = this.#slots.map(() => 0);
    for (const { program } of this.#executables) {
      program.slots.forEach((bytes, slot) => {
        needed[slot] = Math.max(needed[slot], bytes);
      });
    }
    // Giving back only what is at least half too large saves allocating it again for every plan that comes and goes.
    needed.forEach((bytes, slot) => {
      if (this.#slots[slot].bytes > 2 * bytes) this.#replaceSlot(slot, bytes);
    });
  }

  stats(): BackendStats {
    return { kernels: this.#compiled, interpreted: [], bytes: this.#bytes, peakBytes: this.#peakBytes };
  }

  /** The launches of a program, and of those in it; `own` gets the memory that these take. */
  #bind(program: Program, own: HostMemory[]): BoundLaunch[] {
    const take = (bytes: number): HostMemory => {
      const memory = this.allocate(bytes);
      own.push(memory);
      return memory;
    };
    return program.launches.map((launch) => {
      if (launch.kernel.form !== 'loop') return this.#compile(launch)(launch);
      const bodies = launch.kernel.programs.map((body) => ({
        program: body,
        launches: this.#bind(body, own),
        slots: body.slots.map(take),
      }));
      const bind = launch.kernel.bindToArrays as typeof bindLoop;
      return bind(launch.kernel, launch, bodies, launch.kernel.scratch.map(take));
    });
  }

  #replaceSlot(slot: number, bytes: number): void {
    const held = this.#slots[slot];
    this.#slots[slot] = this.allocate(bytes);
    if (held !== undefined) this.release(held);
    this.#slotChanges++;
  }

  #lookUpSlots(executable: ReferenceExecutable): void {
    if (executable.slotsSeen === this.#slotChanges) return;
    executable.program.buffers.forEach((spec, i) => {
      if (spec.kind === 'slot') executable.arrays[i] = this.#slots[spec.slot].view(spec.dtype);
    });
    executable.slotsSeen = this.#slotChanges;
  }

  #compile(launch: Launch): CompiledKernel {
    const { kernel } = launch;
    // A host kernel's routine is not part of its key, and there is nothing to compile.
    if (kernel.form === 'host') return compileHost(kernel);
    const key = kernelKey(kernel);
    let compiled = this.#kernels.get(key);
    if (compiled === undefined) {
      compiled = this.#compileNew(launch);
      this.#compiled++;
      if (this.#kernels.size >= cacheSize) this.#kernels.delete(this.#kernels.keys().next().value!);
    } else {
      this.#kernels.delete(key);
    }
    this.#kernels.set(key, compiled);
    return compiled;
  }

  #compileNew({ kernel, label }: Launch): CompiledKernel {
    try {
      switch (kernel.form) {
        case 'map':
          return compileMap(kernel, this.#registers);
        case 'reduce':
          return compileReduce(kernel, this.#registers);
        case 'contract':
          return compileContract(kernel, this.#registers, this.#scratch);
        case 'gather':
          return compileGather(kernel);
        case 'scatter':
          return compileScatter(kernel);
        case 'scan':
          return compileScan(kernel);
        case 'sort':
          return compileSort(kernel);
        case 'host':
          return compileHost(kernel);
        case 'loop':
          throw codedError(Error, 'AG_INTERNAL', `${label}: a loop is bound with the programs in it`);
      }
    } catch (error) {
      if (error instanceof TypeError) throw dtypeError(`${label}: ${error.message}`, { cause: error });
      throw error;
    }
  }
}

function checkMemory(memory: Memory): HostMemory {
  if (memory instanceof HostMemory) return memory;
  throw typeError('reference: this memory belongs to another backend; read it there and write a copy');
}

/** What `dtypeOfArray` says of an array that holds elements of the dtype. */
function arrayDType(dtype: DType): DType {
  return dtype === 'bool' ? 'uint8' : dtype === 'bfloat16' ? 'float16' : dtype;
}

/** What a bound buffer stands for in this run. */
function arrayOf(binding: Binding | undefined, spec: BufferSpec & { kind: 'bound' }): TypedArray {
  if (binding === undefined)
    throw codedError(TypeError, 'AG_INTERNAL', `reference: binding ${spec.binding} is missing`);
  const isHostArray = ArrayBuffer.isView(binding);
  const array = isHostArray ? binding : checkMemory(binding).view(spec.dtype);
  if (isHostArray && dtypeOfArray(array) !== arrayDType(spec.dtype)) {
    throw codedError(
      TypeError,
      'AG_INTERNAL',
      `reference: binding ${spec.binding} should be ${spec.dtype}, got ${array.constructor.name}`,
    );
  }
  if (array.length < spec.length) {
    throw codedError(
      RangeError,
      'AG_INTERNAL',
      `reference: binding ${spec.binding} should hold ${spec.length} elements of ${spec.dtype}, it holds ${array.length}`,
    );
  }
  return array;
}
