/**
 * A backend that computes nothing and counts. It says what a plan launches and how many bytes it moves, so that tests
 * can pin both. Reads give zeros, so whatever depends on values is not meaningful on it.
 */

import { allocateArray, type DType, type TypedArray } from '../dtype.ts';
import type { Backend, BackendStats, Binding, Executable, Memory } from '../kernel/backend.ts';
import { type Kernel, kernelKey, type Program } from '../kernel/kernel.ts';
import { launchTraffic } from '../kernel/traffic.ts';

/** What one run, or several, would have done. */
export interface Traffic {
  /** Kernels launched. */
  readonly launches: number;
  /** The same by kernel form; forms that were not launched are left out. */
  readonly byForm: Readonly<Partial<Record<Kernel['form'], number>>>;
  /** Distinct elements that each launch reads, in bytes; an element broadcast or read through overlapping windows counts once. */
  readonly bytesRead: number;
  /** Distinct elements that each launch writes, in bytes; accumulating counts as reading and writing. */
  readonly bytesWritten: number;
}

/** Made by {@link nullBackend}. */
export interface NullBackend extends Backend {
  /** Since the creation or the last `reset`. */
  readonly total: Traffic & { readonly runs: number };
  /** Of the last run alone, with the labels of its launches in order. */
  readonly last: Traffic & { readonly labels: readonly string[] };
  reset(): void;
}

const nothing: Traffic = { launches: 0, byForm: {}, bytesRead: 0, bytesWritten: 0 };
const noRun = { ...nothing, labels: [] };

/**
 * A backend for tests of planning.
 *
 * @example
 * ```ts
 * const device = nullBackend();
 * use(device);
 * ones([4, 4]).add(1).sum().itemSync();
 * device.last.launches; // 1 where the map is fused into the sum
 * ```
 */
export function nullBackend(): NullBackend {
  const held = new Set<Memory>();
  const kernels = new Set<string>();
  const traffic = new WeakMap<Executable, NullBackend['last']>();
  const slots: number[] = [];
  let bytes = 0;
  let peakBytes = 0;
  let last: NullBackend['last'] = noRun;
  let total: NullBackend['total'] = { ...nothing, runs: 0 };

  const grow = (by: number): void => {
    bytes += by;
    peakBytes = Math.max(peakBytes, bytes);
  };

  return {
    name: 'null',
    get total() {
      return total;
    },
    get last() {
      return last;
    },
    reset() {
      last = noRun;
      total = { ...nothing, runs: 0 };
    },
    allocate(size: number): Memory {
      const memory = { bytes: size };
      held.add(memory);
      grow(size);
      return memory;
    },
    release(memory: Memory): void {
      if (held.delete(memory)) grow(-memory.bytes);
    },
    write(): void {},
    async read(_memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
      return allocateArray(dtype, length);
    },
    readSync: (_memory: Memory, dtype: DType, length: number) => allocateArray(dtype, length),
    prepare(program: Program): Executable {
      const executable = { program };
      for (const { kernel } of program.launches) kernels.add(kernelKey(kernel));
      traffic.set(executable, { ...trafficOf(program), labels: program.launches.map(({ label }) => label) });
      program.slots.forEach((size, slot) => {
        grow(Math.max(0, size - (slots[slot] ?? 0)));
        slots[slot] = Math.max(size, slots[slot] ?? 0);
      });
      return executable;
    },
    run(executable: Executable, _bindings: readonly Binding[], _scalars: Float64Array): void {
      last = traffic.get(executable)!;
      total = { ...sumOf(total, last), runs: total.runs + 1 };
    },
    dispose(): void {},
    stats: (): BackendStats => ({ kernels: kernels.size, interpreted: [], bytes, peakBytes }),
  };
}

function sumOf(a: Traffic, b: Traffic): Traffic {
  const byForm: Partial<Record<Kernel['form'], number>> = { ...a.byForm };
  for (const [form, count] of Object.entries(b.byForm) as [Kernel['form'], number][]) {
    byForm[form] = (byForm[form] ?? 0) + count;
  }
  return {
    launches: a.launches + b.launches,
    byForm,
    bytesRead: a.bytesRead + b.bytesRead,
    bytesWritten: a.bytesWritten + b.bytesWritten,
  };
}

/** What a run of the program does; it does not depend on the values. */
function trafficOf(program: Program): Traffic {
  return program.launches
    .map((launch) => ({
      launches: 1,
      byForm: { [launch.kernel.form]: 1 },
      ...launchTraffic(launch, program),
    }))
    .reduce(sumOf, nothing);
}
