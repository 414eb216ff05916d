/**
 * Programs that the host computes, by the reference backend: float64, and routines that know nothing of devices. What they read and
 * write stays in host memory until a kernel wants it, so a computation in float64 needs no device at all, and can be read at once.
 */
import {
  type Backend,
  type Binding,
  type BufferSpec,
  type Executable,
  type Program,
  reference,
} from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import { DeviceMemory, hostBytes, sourceOf } from '../device/memory.ts';
import type { Job } from '../queue/jobs.ts';
import type { Readback } from '../queue/readback.ts';
import { accessOf, type ProgramAccess } from './access.ts';
import { arrayOver } from './arrays.ts';

export class HostPrograms {
  #backend: Backend | null = null;

  prepare(program: Program): HostExecutable {
    this.#backend ??= reference();
    return new HostExecutable(this.#backend, program);
  }
}

export class HostExecutable implements Executable {
  readonly program: Program;
  readonly access: ProgramAccess;
  readonly #backend: Backend;
  readonly #inner: Executable;

  constructor(backend: Backend, program: Program) {
    this.program = program;
    this.access = accessOf(program);
    this.#backend = backend;
    this.#inner = backend.prepare(program);
  }

  dispose(): void {
    this.#backend.dispose(this.#inner);
  }

  /** Bytes of its working memory on the host. */
  get hostBytes(): number {
    return this.#backend.stats().bytes;
  }

  /** A run of it. `bindings` are memory of the device or arrays that stay as they are until it has run. */
  job(bindings: readonly Binding[], scalars: Float64Array, readback: Readback): Job {
    const memories = bindings.filter((binding) => binding instanceof DeviceMemory);
    const { read, written } = this.access;
    const compute = (): void => {
      const arrays = bindings.map((binding, i): Binding => {
        if (!(binding instanceof DeviceMemory)) return binding;
        const spec = this.#specOf(i);
        if (spec === null) return new Uint8Array(0);
        if (written[i] && !read[i] && binding.place === 'device') {
          // All of it is written.
          binding.place = 'undefined';
          binding.owner.unpark(binding);
        }
        const bytes = hostBytes(binding);
        if (bytes === null)
          throw codedError(Error, 'AG_INTERNAL', 'webgpu: values of a host program are on the device');
        return arrayOver(spec.dtype, bytes, spec.length);
      });
      this.#backend.run(this.#inner, arrays, scalars);
    };
    const onDevice = (): DeviceMemory[] => [
      ...new Set(
        bindings.filter(
          (binding, i): binding is DeviceMemory =>
            binding instanceof DeviceMemory && binding.place === 'device' && read[i],
        ),
      ),
    ];
    return {
      memories,
      wait: () => null,
      start: () => {
        const wanted = onDevice();
        if (wanted.length === 0) {
          compute();
          return undefined;
        }
        return bringToHost(wanted, readback).then(compute);
      },
    };
  }

  /** Whether a run would need nothing of the device. */
  isOnHost(bindings: readonly Binding[]): boolean {
    return bindings.every(
      (binding, i) =>
        !(binding instanceof DeviceMemory) || binding.place !== 'device' || !this.access.read[i],
    );
  }

  #specOf(binding: number): BufferSpec | null {
    const buffer = this.access.bufferOf[binding];
    return buffer < 0 ? null : this.program.buffers[buffer];
  }
}

/** Copies memory from the device; from then on it lies on the host. */
export async function bringToHost(memories: readonly DeviceMemory[], readback: Readback): Promise<void> {
  const wanted = memories.flatMap((memory) => {
    const source = sourceOf(memory);
    return source === null ? [] : [{ memory, source }];
  });
  const copies = await readback.read(
    wanted.map(({ memory, source }) => ({ ...source, bytes: memory.bytes })),
  );
  wanted.forEach(({ memory }, i) => {
    const host = new Uint8Array(Math.ceil(memory.bytes / 8) * 8);
    host.set(copies[i]);
    memory.host = host;
    memory.place = 'host';
    memory.owner.unpark(memory);
  });
}
