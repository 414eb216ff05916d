/**
 * A backend that computes nothing and counts: what a plan launches and how many bytes it moves, so that tests can pin
 * both. Reads give zeros, so whatever depends on values is not meaningful on it.
 */
import type { Backend, BackendStats, Binding, Executable, Memory } from '../backend.ts';
import { allocateArray, bytesPerElement, type DType, type TypedArray } from '../dtype.ts';
import { type Kernel, kernelKey, type Launch, type Operand, type Program } from '../kernel.ts';

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
  return program.launches.map((launch) => trafficOfLaunch(launch, program)).reduce(sumOf, nothing);
}

function trafficOfLaunch(launch: Launch, program: Program): Traffic {
  let bytesRead = 0;
  let bytesWritten = 0;
  for (const { operand, sizes, reads, writes } of rolesOf(launch)) {
    if (operand.buffer < 0) continue;
    const { dtype, length } = program.buffers[operand.buffer]!;
    let elements = 1;
    sizes.forEach((size, axis) => {
      if (size === 0) elements = 0;
      else if (operand.strides[axis] !== 0) elements *= size;
    });
    const size = Math.min(elements, length) * bytesPerElement(dtype);
    if (reads) bytesRead += size;
    if (writes) bytesWritten += size;
  }
  return { launches: 1, byForm: { [launch.kernel.form]: 1 }, bytesRead, bytesWritten };
}

interface Role {
  readonly operand: Operand;
  /** Of the axes that the operand's strides are for. */
  readonly sizes: readonly number[];
  readonly reads: boolean;
  readonly writes: boolean;
}

function rolesOf({ kernel, dims, operands, shapes }: Launch): Role[] {
  const reads = (operand: Operand, sizes: readonly number[]): Role => ({
    operand,
    sizes,
    reads: true,
    writes: false,
  });
  const writes = (operand: Operand, sizes: readonly number[], accumulate: boolean): Role => ({
    operand,
    sizes,
    reads: accumulate,
    writes: true,
  });
  switch (kernel.form) {
    case 'map': {
      const inputs = kernel.inputs.length;
      return operands.map((operand, i) =>
        i < inputs ? reads(operand, dims) : writes(operand, dims, kernel.outputs[i - inputs]!.accumulate),
      );
    }
    case 'reduce': {
      const inputs = kernel.inputs.length;
      const extras = inputs + kernel.extras.length;
      const outer = dims.slice(0, kernel.outerRank);
      return operands.map((operand, i) => {
        if (i < inputs) return reads(operand, dims);
        return i < extras
          ? reads(operand, outer)
          : writes(operand, outer, kernel.outputs[i - extras]!.accumulate);
      });
    }
    case 'contract': {
      const { batchRank, mRank, nRank } = kernel;
      const batch = dims.slice(0, batchRank);
      const m = dims.slice(batchRank, batchRank + mRank);
      const n = dims.slice(batchRank + mRank, batchRank + mRank + nRank);
      const k = dims.slice(batchRank + mRank + nRank);
      const extras = 2 + kernel.extras.length;
      return operands.map((operand, i) => {
        if (i === 0) return reads(operand, [...batch, ...m, ...k]);
        if (i === 1) return reads(operand, [...batch, ...k, ...n]);
        const outer = [...batch, ...m, ...n];
        return i < extras
          ? reads(operand, outer)
          : writes(operand, outer, kernel.outputs[i - extras]!.accumulate);
      });
    }
    case 'gather': {
      // Of the source as many elements as are taken, at most all of it.
      const [source, index, output] = operands as [Operand, Operand, Operand];
      return [reads(taken(source, output), dims), reads(index, dims), writes(output, dims, false)];
    }
    case 'scatter': {
      const [updates, index, output] = operands as [Operand, Operand, Operand];
      const adds = kernel.combine === 'add';
      return [reads(updates, dims), reads(index, dims), writes(taken(output, updates), dims, adds)];
    }
    case 'scan':
    case 'sort':
      return [reads(operands[0]!, dims), writes(operands[1]!, dims, false)];
    case 'host':
      return operands.map((operand, i) =>
        i < kernel.inputs.length ? reads(operand, shapes![i]!) : writes(operand, shapes![i]!, false),
      );
  }
}

/** The operand with the strides of another: as many elements as that one has. */
function taken(operand: Operand, like: Operand): Operand {
  return { ...operand, strides: like.strides };
}
