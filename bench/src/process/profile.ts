/**
 * `--profile`: where the time of a step goes. A backend around a backend that runs the launches of a plan one by one
 * and times each; they share the arena, so the values are the same as in one run.
 */
import {
  type Backend,
  type Binding,
  bytesPerElement,
  type Executable,
  type Launch,
  type Memory,
  type Program,
} from '@ag/tensor';
import { isTypedArray } from '@ag/tensor/engine';

interface Step {
  readonly executable: Executable;
  readonly launch: Launch;
  readonly work: string;
  /** Operations, of contractions; bytes of all operands, of others. */
  readonly amount: number;
  /** The fastest run: others may have waited for a processor. */
  ms: number;
}

interface Profiled extends Executable {
  readonly steps: readonly Step[];
  /** Memory for bindings that are host arrays, copied once for all launches. */
  readonly uploads: (Memory | undefined)[];
  upload: number;
  runs: number;
}

/** Backends that compute with `inner` and take notes, and the report of what they saw since the last `reset`. */
export function profiling(): { around(inner: Backend): Backend; reset(): void; report(): string } {
  const plans = new Set<Profiled>();
  const around = (inner: Backend): Backend => ({
    name: inner.name,
    allocate: (bytes, zeroed) => inner.allocate(bytes, zeroed),
    release: (memory) => inner.release(memory),
    write: (memory, data) => inner.write(memory, data),
    read: (memory, dtype, length) => inner.read(memory, dtype, length),
    readSync: (memory, dtype, length) => inner.readSync!(memory, dtype, length),
    prepare(program: Program): Executable {
      const steps = program.launches.map((launch) => ({
        executable: inner.prepare({ ...program, launches: [launch] }),
        launch,
        ...workOf(launch, program),
        ms: Number.POSITIVE_INFINITY,
      }));
      const plan: Profiled = { program, steps, uploads: [], upload: Number.POSITIVE_INFINITY, runs: 0 };
      plans.add(plan);
      return plan;
    },
    run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
      const plan = executable as Profiled;
      plan.runs++;
      const begin = performance.now();
      const resident = bindings.map((binding, i) => {
        if (!isTypedArray(binding)) return binding;
        let memory = plan.uploads[i];
        if (!memory) plan.uploads[i] = memory = inner.allocate(binding.byteLength);
        inner.write(memory, binding);
        return memory;
      });
      plan.upload = Math.min(plan.upload, performance.now() - begin);
      for (const step of plan.steps) {
        const start = performance.now();
        inner.run(step.executable, resident, scalars);
        step.ms = Math.min(step.ms, performance.now() - start);
      }
    },
    dispose(executable: Executable): void {
      plans.delete(executable as Profiled);
      const { steps, uploads } = executable as Profiled;
      for (const step of steps) inner.dispose(step.executable);
      for (const memory of uploads) if (memory) inner.release(memory);
    },
    stats: () => inner.stats(),
  });
  return {
    around,
    reset() {
      for (const plan of plans) {
        plan.runs = 0;
        plan.upload = Number.POSITIVE_INFINITY;
        for (const step of plan.steps) step.ms = Number.POSITIVE_INFINITY;
      }
    },
    report() {
      return [...plans]
        .filter(({ runs }) => runs > 0)
        .map(reportOf)
        .join('\n\n');
    },
  };
}

function reportOf({ steps, runs, upload }: Profiled): string {
  const total = steps.reduce((sum, { ms }) => sum + ms, 0);
  const lines = steps.map(({ launch, work, amount, ms }) => {
    const rate = `${(amount / ms / 1e6).toFixed(1)} ${launch.kernel.form === 'contract' ? 'GFLOP/s' : 'GB/s'}`;
    return [
      (1000 * ms).toFixed(1).padStart(9),
      `${((100 * ms) / total).toFixed(1)} %`.padStart(7),
      rate.padStart(14),
      `${launch.kernel.form} ${work}`.padEnd(36),
      launch.label,
    ].join('  ');
  });
  const head = `${runs} runs, ${steps.length} launches in ${micro(total)} at best, host arrays copied in ${micro(upload)}`;
  return [head, ...lines].join('\n');
}

const _micro = (ms: number): string => `${(1000 * ms).toFixed(1)} µs`;

const micro = (ms: number): string => `${(1000 * ms).toFixed(1)} µs`;

function workOf({ kernel, dims, operands }: Launch, { buffers }: Program): { work: string; amount: number } {
  const work = dims.join('×');
  const size = dims.reduce((product, length) => product * length, 1);
  if (kernel.form === 'contract') return { work, amount: 2 * size };
  const bytes = operands.map(({ buffer }) =>
    buffer < 0 ? 0 : Math.min(size, buffers[buffer].length) * bytesPerElement(buffers[buffer].dtype),
  );
  return { work, amount: bytes.reduce((sum, length) => sum + length, 0) };
}
