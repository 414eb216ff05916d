/**
 * A backend that times another one, launch by launch. Each launch of a program becomes a program of its own, so that
 * the time between two launches can be taken, whatever computes. The kernels are the same, so are their results.
 */
import type {
  Backend,
  BackendStats,
  Binding,
  DType,
  Executable,
  Launch,
  Memory,
  Program,
  TypedArray,
} from '@ag/tensor';
import { launchTraffic } from '@ag/tensor/engine';
import { now } from '../clock.ts';

/** A launch and what its runs took. */
export interface TimedLaunch {
  readonly launch: Launch;
  /** Bytes that one run reads and writes. */
  readonly bytes: number;
  milliseconds: number;
  runs: number;
}

/** What somebody counted, by launch. */
export type Tally = Map<Launch, TimedLaunch>;

/** One launch as a program: where its bindings come from. */
interface Part {
  readonly launch: Launch;
  readonly bytes: number;
  readonly executable: Executable;
  readonly sources: readonly ({ readonly binding: number } | { readonly slot: number })[];
}

interface TimedExecutable extends Executable {
  readonly parts: readonly Part[];
  /** Memory for host arrays by binding, so that they are copied once in a run. */
  readonly uploads: Map<number, Memory>;
}

/** Computes by another backend, launch by launch, while a watch runs. */
export class TimedBackend implements Backend {
  readonly name: string;
  readonly arithmetic: NonNullable<Backend['arithmetic']>;
  readonly inner: Backend;
  readSync?: (memory: Memory, dtype: DType, length: number) => TypedArray | null;
  /** Where runs are counted now; null when they are not. */
  tally: Tally | null = null;
  readonly #executables = new Set<TimedExecutable>();
  /** Scratch memory: programs run one after another, so all share it. */
  readonly #slots: Memory[] = [];

  constructor(inner: Backend) {
    this.inner = inner;
    this.name = inner.name;
    this.arithmetic = inner.arithmetic ?? 'separate';
    const { readSync } = inner;
    if (readSync) this.readSync = (memory, dtype, length) => readSync.call(inner, memory, dtype, length);
  }

  allocate(bytes: number, zeroed?: boolean): Memory {
    return this.inner.allocate(bytes, zeroed);
  }

  release(memory: Memory): void {
    this.inner.release(memory);
  }

  write(memory: Memory, data: TypedArray): void {
    this.inner.write(memory, data);
  }

  read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return this.inner.read(memory, dtype, length);
  }

  prepare(program: Program): Executable {
    program.slots.forEach((bytes, slot) => {
      const held = this.#slots[slot];
      if (held && held.bytes >= bytes) return;
      // What was there stays until there is something in its place.
      this.#slots[slot] = this.inner.allocate(bytes, false);
      if (held) this.inner.release(held);
    });
    const parts: Part[] = [];
    try {
      for (const launch of program.launches) parts.push(this.#part(program, launch));
    } catch (error) {
      for (const { executable } of parts) this.inner.dispose(executable);
      throw error;
    }
    const executable: TimedExecutable = { program, parts, uploads: new Map() };
    this.#executables.add(executable);
    return executable;
  }

  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    const { parts, uploads } = executable as TimedExecutable;
    const memoryOf = (binding: number): Binding => {
      const given = bindings[binding];
      if (!ArrayBuffer.isView(given)) return given;
      let memory = uploads.get(binding);
      if (!memory || memory.bytes < given.byteLength) {
        const larger = this.inner.allocate(given.byteLength, false);
        if (memory) this.inner.release(memory);
        memory = larger;
        uploads.set(binding, memory);
      }
      this.inner.write(memory, given);
      return memory;
    };
    const places = new Map<number, Binding>();
    for (const { sources } of parts) {
      for (const source of sources) {
        if ('binding' in source && !places.has(source.binding))
          places.set(source.binding, memoryOf(source.binding));
      }
    }
    for (const { launch, bytes, executable, sources } of parts) {
      const bound = sources.map((source) =>
        'binding' in source ? places.get(source.binding)! : this.#slots[source.slot],
      );
      const began = now();
      this.inner.run(executable, bound, scalars);
      if (this.tally === null) continue;
      const timed = this.tally.get(launch) ?? { launch, bytes, milliseconds: 0, runs: 0 };
      this.tally.set(launch, timed);
      timed.milliseconds += now() - began;
      timed.runs++;
    }
  }

  dispose(executable: Executable): void {
    if (!this.#executables.delete(executable as TimedExecutable)) return;
    const { parts, uploads } = executable as TimedExecutable;
    for (const part of parts) this.inner.dispose(part.executable);
    for (const memory of uploads.values()) this.inner.release(memory);
  }

  stats(): BackendStats {
    return this.inner.stats();
  }

  /** Releases programs and scratch memory: nothing can be run afterwards, values can still be read. */
  close(): void {
    for (const executable of this.#executables) this.dispose(executable);
    for (const memory of this.#slots.splice(0)) this.inner.release(memory);
  }

  #part(program: Program, launch: Launch): Part {
    const used = [...new Set(launch.operands.map(({ buffer }) => buffer).filter((buffer) => buffer >= 0))];
    const specs = used.map((buffer) => program.buffers[buffer]);
    const { bytesRead, bytesWritten } = launchTraffic(launch, program);
    return {
      launch,
      bytes: bytesRead + bytesWritten,
      sources: specs.map((spec) => (spec.kind === 'bound' ? { binding: spec.binding } : { slot: spec.slot })),
      executable: this.inner.prepare({
        slots: [],
        buffers: specs.map(({ dtype, length }, binding) => ({ kind: 'bound', binding, dtype, length })),
        bindingCount: used.length,
        scalarCount: program.scalarCount,
        launches: [
          {
            ...launch,
            operands: launch.operands.map((operand) =>
              operand.buffer < 0 ? operand : { ...operand, buffer: used.indexOf(operand.buffer) },
            ),
          },
        ],
      }),
    };
  }
}
