/** Programs on the device, as the backend runs them: bound to memory, one submission a run as long as nothing waits for the host. */
import { type Binding, bytesPerElement, type Executable, type Program, type TypedArray } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import { DeviceMemory, deviceBuffer, writeBytes } from '../device/memory.ts';
import { mostParkedBytes } from '../device/parked.ts';
import type { Job } from '../queue/jobs.ts';
import { bytesOf } from './arrays.ts';
import { Compiled, needsHost, record, type Sharing, type Variant, waitingFor } from './compiled.ts';
import type { Environment } from './environment.ts';
import type { Frame } from './frame.ts';
import { Recorder } from './recorder.ts';

/** Memory of this backend, or an array of the host. */
export type DeviceBinding = DeviceMemory | TypedArray;

export class DeviceExecutable implements Executable {
  readonly program: Program;
  readonly #environment: Environment;
  readonly #compiled: Compiled;
  /** What was written last through each binding that is not read, where it is small. */
  readonly #results: (DeviceMemory | undefined)[] = [];

  constructor(environment: Environment, program: Program) {
    this.program = program;
    this.#environment = environment;
    environment.slots.reserve(program.slots);
    this.#compiled = new Compiled(environment, program, false);
    // What is usually written over what.
    this.#compiled.variant(
      new Map((program.aliases ?? []).map(([target, old]) => [Math.max(target, old), Math.min(target, old)])),
    );
  }

  /** Bytes of scratch areas that it uses. */
  get scratchBytes(): number[] {
    return this.#compiled.scratchBytes;
  }

  /** Whether a run may start or end later than it was called. */
  waits(bindings: readonly Binding[]): boolean {
    const variant = this.#compiled.variant(this.#sharing(bindings));
    return needsHost(variant) || waitingFor(variant) !== null;
  }

  dispose(): void {
    this.#compiled.dispose();
  }

  /** A run of it. Host arrays are read when the job starts. */
  job(bindings: readonly DeviceBinding[], scalars: Float64Array): Job {
    const variant = this.#compiled.variant(this.#sharing(bindings));
    return {
      memories: bindings.filter((binding) => binding instanceof DeviceMemory),
      wait: () => waitingFor(variant),
      start: () => this.#run(variant, bindings, scalars),
    };
  }

  /** Which written bindings share memory with which others: the later one of two with the earlier. */
  #sharing(bindings: readonly Binding[]): Sharing {
    const { written } = this.#compiled.access;
    const sharing = new Map<number, number>();
    const first = new Map<Binding, number>();
    bindings.forEach((binding, i) => {
      if (!(binding instanceof DeviceMemory)) return;
      const known = first.get(binding);
      if (known === undefined) first.set(binding, i);
      else if (written[i] || written[known]) sharing.set(i, known);
    });
    return sharing;
  }

  #run(
    variant: Variant,
    bindings: readonly DeviceBinding[],
    scalars: Float64Array,
  ): Promise<void> | undefined {
    const { device, buffers, counters } = this.#environment;
    const lent: GPUBuffer[] = [];
    const recorder = new Recorder(device, counters);
    const frame = this.#frame(bindings, scalars, lent, recorder);
    const finish = (): void => {
      recorder.submit();
      for (const buffer of lent) buffers.give(buffer);
    };
    const ended = record(variant, frame, recorder, this.#environment, this.program);
    if (ended !== undefined) return ended.finally(finish);
    finish();
    return undefined;
  }

  /** The buffer of the last result at this place, unless this run has to do with that. */
  #bufferOfResult(i: number, bindings: readonly DeviceBinding[], recorder: Recorder): GPUBuffer | null {
    const last = this.#results[i];
    const binding = bindings[i];
    if (last === undefined || bindings.includes(last)) return null;
    if (!(binding instanceof DeviceMemory) || binding.bytes > mostParkedBytes) return null;
    return this.#environment.buffers.park(last, () => recorder.between());
  }

  /** Buffers for what is bound; host arrays go to buffers that are lent for the run. */
  #frame(
    bindings: readonly DeviceBinding[],
    scalars: Float64Array,
    lent: GPUBuffer[],
    recorder: Recorder,
  ): Frame {
    const { device, buffers, slots, counters } = this.#environment;
    const { read, written, bufferOf } = this.#compiled.access;
    const specs = this.program.buffers;
    const bound = new Array<GPUBuffer | null>(specs.length).fill(null);
    bindings.forEach((binding, i) => {
      const buffer = bufferOf[i];
      if (buffer < 0 || !read[i]) return;
      if (binding instanceof DeviceMemory) {
        if (binding.place === 'host') counters.bytesWritten += binding.bytes;
        bound[buffer] = deviceBuffer(binding, device);
        return;
      }
      const { length, dtype } = specs[buffer];
      const data = bytesOf(binding);
      const lend = buffers.take(Math.max(length * bytesPerElement(dtype), 4));
      writeBytes(device, lend, data, data.byteLength);
      counters.bytesWritten += data.byteLength;
      lent.push(lend);
      bound[buffer] = lend;
    });
    bindings.forEach((binding, i) => {
      const buffer = bufferOf[i];
      if (buffer < 0 || !written[i] || !(binding instanceof DeviceMemory)) return;
      binding.buffer ??= this.#bufferOfResult(i, bindings, recorder) ?? buffers.take(binding.bytes);
      if (!read[i] && binding.bytes <= mostParkedBytes) this.#results[i] = binding;
      buffers.unpark(binding);
      binding.host = null;
      binding.place = 'device';
      bound[buffer] = binding.buffer;
    });
    return {
      scalars,
      offsetOf: () => 0,
      bufferOf(buffer) {
        const spec = specs[buffer];
        const found = spec.kind === 'slot' ? slots.get(spec.slot) : bound[buffer];
        if (!found) throw codedError(TypeError, 'AG_INTERNAL', `webgpu: buffer ${buffer} is not bound`);
        return found;
      },
    };
  }
}
