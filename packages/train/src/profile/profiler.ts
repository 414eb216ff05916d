/**
 * Where the time of training goes: by kernel, by operation and by module. One kernel often computes several
 * operations. Where it is built around one (a product, a reduction, …) its whole time is that one's, since the
 * elementwise work behind it costs next to nothing; kernels of elementwise operations alone are shared evenly
 * between them.
 */
import { creationOf, startCapture } from '@ag/graph';
import type { AnyModule } from '@ag/nn';
import { type Backend, backend, type Launch, type Tensor, use } from '@ag/tensor';
import { listenToCreation, setScopeNames } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import { type Tally, TimedBackend } from './timedBackend.ts';

/** Options of a profile of {@link fit}. */
export interface ProfileOptions {
  /** Steps at the start that are not counted: plans are made in them and the engine warms up. Default 10. */
  readonly warmUp?: number;
}

/** Time and memory traffic of something, for one step. */
export interface ProfileRow {
  readonly name: string;
  readonly milliseconds: number;
  /** Of the time in kernels, in [0, 1]. */
  readonly share: number;
  /** Bytes read and written. */
  readonly bytes: number;
  /** Kernels run; parts of kernels where several share one. */
  readonly runs: number;
}

/** One kernel, for one step. */
export interface KernelRow extends ProfileRow {
  /** How its elements are combined: `map`, `reduce`, `contract`, … */
  readonly form: string;
  /** Sizes of its axes. */
  readonly sizes: readonly number[];
  /** Where its operations come from. */
  readonly modules: readonly string[];
}

/** What a profile says; times are milliseconds of an average step. */
export interface Profile {
  /** Steps counted. */
  readonly steps: number;
  readonly milliseconds: {
    /** Waiting for the batch. */
    readonly data: number;
    /** Building the graph, finding its plan, reading results. */
    readonly host: number;
    readonly kernels: number;
  };
  /** Slowest first, as the others. */
  readonly operations: readonly ProfileRow[];
  readonly kernels: readonly KernelRow[];
  /** By path; `(backward)` behind it for its gradients. In brackets what lies outside of modules. */
  readonly modules: readonly ProfileRow[];
}

/** Parts of a step that lie outside of modules. */
export type StepPart = 'data' | 'model' | 'loss' | 'metrics' | 'gradients' | 'update';

/** Runs that are profiled at the same time share one timing backend: each counts its own steps on it. */
interface Session {
  readonly backend: TimedBackend;
  readonly profilers: Set<Profiler>;
  /** Whose step is under way. */
  current: Profiler | null;
}

const sessions = new Map<Backend, Session>();

/** Joins the timing backend in use, or puts one around the backend in use. */
function join(profiler: Profiler): Session {
  const known = sessions.get(backend());
  if (known) {
    known.profilers.add(profiler);
    return known;
  }
  const timed = new TimedBackend(backend());
  const session: Session = { backend: timed, profilers: new Set([profiler]), current: null };
  sessions.set(timed, session);
  use(timed);
  setScopeNames(scopeOf);
  return session;
}

/** Whoever leaves last puts back the backend that was there, unless somebody has chosen another one since. */
function leave(session: Session, profiler: Profiler): void {
  session.profilers.delete(profiler);
  if (session.current === profiler) session.current = null;
  if (session.profilers.size > 0) return;
  sessions.delete(session.backend);
  if (sessions.size === 0) setScopeNames(null);
  if (backend() === session.backend) use(session.backend.inner);
  session.backend.close();
}

function scopeOf(tensor: Tensor): string {
  const session = sessions.get(backend());
  const [first] = session?.profilers ?? [];
  return (session?.current ?? first)?.scopeOf(tensor) ?? '(model)';
}

/** Watches a training run from its creation until `stop`. */
export class Profiler {
  readonly #warmUp: number;
  readonly #session: Session;
  readonly #tally: Tally = new Map();
  readonly #undo: (() => void)[] = [];
  readonly #partOf = new WeakMap<Tensor, StepPart>();
  #part: StepPart = 'data';
  #steps = 0;
  #data = 0;
  #compute = 0;
  #stopped = false;

  constructor(model: AnyModule, { warmUp = 10 }: ProfileOptions = {}) {
    if (!(Number.isInteger(warmUp) && warmUp >= 0)) {
      throw new TrainingError(`fit: profile.warmUp must be a whole number from 0, got ${warmUp}`, {
        code: 'option',
      });
    }
    this.#warmUp = warmUp;
    this.#session = join(this);
    this.#undo.push(() => leave(this.#session, this));
    try {
      this.#undo.push(startCapture({ sites: false, model }));
      this.#undo.push(
        listenToCreation((tensor) => {
          // What other runs build at the same time is theirs.
          if ((this.#session.current ?? this) === this) this.#partOf.set(tensor, this.#part);
        }),
      );
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** What is built from now on belongs to this part. */
  enter(part: StepPart): void {
    this.#part = part;
  }

  /** Counts what `work` computes before it returns. */
  counting<T>(work: () => T): T {
    const { backend } = this.#session;
    this.#session.current = this;
    backend.tally = this.#steps >= this.#warmUp ? this.#tally : null;
    try {
      return work();
    } finally {
      this.#session.current = null;
      backend.tally = null;
      this.#part = 'data';
    }
  }

  /** A step was taken: how long it waited for data, and how long it computed. */
  step(data: number, compute: number): void {
    if (this.#steps++ < this.#warmUp) return;
    this.#data += data;
    this.#compute += compute;
  }

  /** Computes as before from now on. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const undo of this.#undo.reverse()) undo();
  }

  /** What was measured; null when no step was counted. */
  result(): Profile | null {
    const steps = this.#steps - this.#warmUp;
    if (steps <= 0) return null;
    const launches = [...this.#tally.values()];
    const total = launches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const sums = { operations: new Sums(), modules: new Sums(), kernels: new Map<string, KernelSum>() };
    for (const { launch, milliseconds, bytes, runs } of launches) {
      const all = { milliseconds, bytes: bytes * runs, runs };
      const parts = decisiveParts(launch);
      for (const { operation, scope } of parts) {
        sums.operations.add(operation, all, 1 / parts.length);
        sums.modules.add(scope, all, 1 / parts.length);
      }
      const key = `${launch.kernel.form} ${launch.label} ${launch.dims.join()}`;
      const kernel = sums.kernels.get(key) ?? { launch, sums: new Sums(), modules: new Set() };
      sums.kernels.set(key, kernel);
      kernel.sums.add(launch.label, all, 1);
      for (const { scope } of parts) kernel.modules.add(scope);
    }
    return {
      steps,
      milliseconds: {
        data: this.#data / steps,
        host: Math.max(0, this.#compute - total) / steps,
        kernels: total / steps,
      },
      operations: sums.operations.rows(steps, total),
      kernels: [...sums.kernels.values()]
        .map(({ launch, sums, modules }) => ({
          ...sums.rows(steps, total)[0],
          form: launch.kernel.form,
          sizes: launch.dims,
          modules: [...modules],
        }))
        .sort((a, b) => b.milliseconds - a.milliseconds),
      modules: sums.modules.rows(steps, total),
    };
  }

  /** The module of a node, for gradients that of what was differentiated. */
  scopeOf(tensor: Tensor): string {
    let source = tensor;
    for (let from = creationOf(source)?.gradientOf; from; from = creationOf(source)?.gradientOf)
      source = from;
    const module = creationOf(source)?.module;
    if (module) return source === tensor ? module : `${module} (backward)`;
    const part = this.#partOf.get(source) ?? 'data';
    // What is differentiated was built in this step: of anything else it is not known where.
    if (source !== tensor) return part === 'data' ? '(gradients)' : `(${part}) (backward)`;
    return `(${part})`;
  }
}

interface KernelSum {
  readonly launch: Launch;
  readonly sums: Sums;
  readonly modules: Set<string>;
}

/** Times added up by name. */
class Sums {
  readonly #rows = new Map<string, { milliseconds: number; bytes: number; runs: number }>();

  add(name: string, of: { milliseconds: number; bytes: number; runs: number }, share: number): void {
    const row = this.#rows.get(name) ?? { milliseconds: 0, bytes: 0, runs: 0 };
    this.#rows.set(name, row);
    row.milliseconds += of.milliseconds * share;
    row.bytes += of.bytes * share;
    row.runs += of.runs * share;
  }

  /** Means over the steps, slowest first. */
  rows(steps: number, total: number): ProfileRow[] {
    return [...this.#rows]
      .map(([name, { milliseconds, bytes, runs }]) => ({
        name,
        milliseconds: milliseconds / steps,
        share: total > 0 ? milliseconds / total : 0,
        bytes: bytes / steps,
        runs: runs / steps,
      }))
      .sort((a, b) => b.milliseconds - a.milliseconds);
  }
}

/** The operations that a kernel's time belongs to: the one it is built around, else all. */
function decisiveParts({ kernel, parts, label }: Launch): readonly { operation: string; scope: string }[] {
  const known = parts ?? [{ operation: label, scope: '(model)' }];
  return kernel.form === 'map' ? known : known.slice(0, 1);
}
