/**
 * Compiled kernels, cached by structure. The new kernels of a plan become one module; each kernel is a position in the
 * function table. Kernels no plan uses are forgotten, oldest first, once there are many.
 */
import { type Features, kernelParameters, type Stage, type Target } from '../abi.ts';
import { hostFunctionCount, hostFunctionModule } from '../arithmetic/hostFunctions.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import { compiled } from '../engine/support.ts';
import { KeptCode, type KernelStore } from './keptCode.ts';

/** Kernels kept although no plan uses them now. */
const spare = 1024;

/** Where the function table holds the driver's `run`, in the calling thread. */
export const driverPosition = hostFunctionCount;

/** A compiled kernel. */
export interface CompiledKernel {
  readonly key: string;
  /** Position in the function table. */
  readonly position: number;
  /** Plans that hold it. */
  users: number;
}

/** For `hostFunctionModule`. `worker.js` has the same. */
const math = { remainder: (a: number, b: number) => a % b };

export class KernelCache {
  readonly table: WebAssembly.Table;
  /** Kernels compiled since the start. */
  compiled = 0;
  #features: Features;
  /** In front of keys: tells kernels for other features apart. */
  #prefix = '';
  readonly #memory: WebAssembly.Memory;
  readonly #shared: boolean;
  readonly #maximumPages: number;
  readonly #kernels = new Map<string, CompiledKernel>();
  readonly #vacant: number[] = [];
  readonly #kept: KeptCode | null;
  #positions = driverPosition + 1;
  #hasHostFunctions = false;

  constructor(
    features: Features,
    memory: WebAssembly.Memory,
    shared: boolean,
    maximumPages: number,
    store?: KernelStore,
  ) {
    this.#kept = store === undefined ? null : new KeptCode(store);
    this.#features = features;
    this.#memory = memory;
    this.#shared = shared;
    this.#maximumPages = maximumPages;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 256 });
  }

  /** Compiles anew from now on, for other features. Plans keep the kernels that they hold. */
  compileFor(features: Features): void {
    this.#features = features;
    this.#prefix += '+';
  }

  /**
   * The kernels of the stages, compiled where they are new; each counts one user more.
   * `publish` is given the new module, if there is one.
   */
  acquire(
    stages: readonly Stage[],
    publish: (bytes: Uint8Array, tableSize: number) => void,
  ): CompiledKernel[] {
    const fresh: { stage: Stage; kernel: CompiledKernel }[] = [];
    const kernels = stages.map((stage) => {
      const key = this.#prefix + stage.key;
      let kernel = this.#kernels.get(key);
      if (!kernel) {
        kernel = { key, position: this.#vacant.pop() ?? this.#positions++, users: 0 };
        fresh.push({ stage, kernel });
      } else this.#kernels.delete(key);
      // Behind the others: the map is in order of use.
      this.#kernels.set(key, kernel);
      kernel.users++;
      return kernel;
    });
    if (fresh.length > 0) {
      try {
        const bytes = this.#build(fresh);
        this.compiled += fresh.length;
        publish(bytes, this.table.length);
      } catch (error) {
        for (const { kernel } of fresh) {
          this.#kernels.delete(kernel.key);
          this.#vacant.push(kernel.position);
        }
        for (const kernel of kernels) kernel.users--;
        throw error;
      }
    }
    return kernels;
  }

  release(kernels: readonly CompiledKernel[]): void {
    for (const kernel of kernels) kernel.users--;
    let excess = this.#kernels.size - spare;
    for (const [key, kernel] of this.#kernels) {
      if (excess <= 0) break;
      if (kernel.users > 0) continue;
      this.#kernels.delete(key);
      this.#vacant.push(kernel.position);
      this.table.set(kernel.position, null);
      excess--;
    }
  }

  /** Puts JavaScript's functions into the table, the first time a kernel calls one. Workers do so at their start. */
  #loadHostFunctions(): void {
    if (this.#hasHostFunctions) return;
    this.#hasHostFunctions = true;
    new WebAssembly.Instance(compiled(hostFunctionModule()), {
      env: { table: this.table },
      math,
    });
  }

  #build(fresh: readonly { stage: Stage; kernel: CompiledKernel }[]): Uint8Array<ArrayBuffer> {
    const needed = this.#positions - this.table.length;
    if (needed > 0) this.table.grow(Math.max(needed, this.table.length >> 1));
    // The bytes say where in the table each kernel stands.
    const kernels = fresh.map(({ kernel }) => `${kernel.position} ${kernel.key}`);
    const key = this.#kept
      ? JSON.stringify([this.#features, this.#shared, this.#maximumPages, ...kernels])
      : '';
    const kept = this.#kept?.load(key) ?? null;
    if (kept !== null) {
      try {
        if (kept.hostFunctions) this.#loadHostFunctions();
        this.#instantiate(kept.bytes);
        return kept.bytes;
      } catch {
        // No module of ours: it is written anew.
      }
    }
    let hostFunctions = false;
    const target = this.newTarget(() => {
      hostFunctions = true;
      this.#loadHostFunctions();
    });
    for (const { stage, kernel } of fresh) target.module.element(kernel.position, stage.emit(target));
    const bytes = target.module.bytes();
    this.#instantiate(bytes);
    this.#kept?.save(key, { bytes, hostFunctions });
    return bytes;
  }

  /** A module to write kernels into. */
  newTarget(needHostFunctions?: () => void): Target {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory', 1, this.#maximumPages, this.#shared);
    module.importTable('env', 'table', 0);
    const thread = module.importGlobal('env', 'thread');
    module.type(kernelParameters, []);
    return { ...this.#features, module, thread, needHostFunctions };
  }

  /** Puts the kernels of a module into the table. Workers do the same with their own table and number. */
  #instantiate(bytes: Uint8Array<ArrayBuffer>): void {
    const env = {
      memory: this.#memory,
      table: this.table,
      thread: new WebAssembly.Global({ value: 'i32', mutable: false }, 0),
    };
    new WebAssembly.Instance(compiled(bytes), { env });
  }
}
