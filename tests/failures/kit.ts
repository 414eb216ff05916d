/**
 * What the tests of failures share. Each runs an entry point of the library into a failure, then goes on with clean work, and
 * compares everything that can be seen, bit for bit, with a run that never met the failure.
 *
 * Failures hang on data: the graph of a clean run and that of a failing one are the same, so compiled functions can be
 * taken into them as well.
 */
import { backward, compile, type TensorTree } from '@ag/graph';
import { type WasmBackend, wasm } from '@ag/native-wasm';
import { batchNorm1d, dropout, embedding, linear, Module } from '@ag/nn';
import { adam } from '@ag/optim';
import {
  apply,
  type Backend,
  type Binding,
  type DType,
  defineOp,
  type Executable,
  evaluate,
  inverse,
  type Memory,
  manualSeed,
  OutOfMemoryError,
  type Program,
  randomState,
  reference,
  restoreRandomState,
  stats,
  type Tensor,
  type TypedArray,
  tensor,
  use,
  backend as used,
  type Variable,
} from '@ag/tensor';
import { activeTrace, evaluationWatch } from '@ag/tensor/engine';

/** A backend that refuses memory and work while it is told to. */
export class Failing implements Backend {
  readonly name: string;
  readonly arithmetic: NonNullable<Backend['arithmetic']>;
  readonly inner: Backend;
  readSync?: (memory: Memory, dtype: DType, length: number) => TypedArray | null;
  /** Requests that are still granted; Infinity when nothing fails. */
  granted = Number.POSITIVE_INFINITY;

  constructor(inner: Backend) {
    this.inner = inner;
    this.name = inner.name;
    this.arithmetic = inner.arithmetic ?? 'separate';
    if (inner.readSync) this.readSync = (memory, dtype, length) => inner.readSync!(memory, dtype, length);
  }

  allocate(bytes: number, zeroed?: boolean): Memory {
    this.#ask();
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
    this.#ask();
    return this.inner.prepare(program);
  }
  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    this.#ask();
    this.inner.run(executable, bindings, scalars);
  }
  dispose(executable: Executable): void {
    this.inner.dispose(executable);
  }
  stats() {
    return this.inner.stats();
  }

  #ask(): void {
    if (this.granted-- > 0) return;
    throw new OutOfMemoryError('test: no memory is left');
  }
}

/** What decides whether `spoil` fails, and how. */
export interface Trigger {
  readonly index: Tensor;
  readonly matrix: Tensor;
  readonly flag: Tensor;
  /** Throws where the user's own function runs. */
  readonly throws: boolean;
  /** Requests that the backend grants before it refuses all. */
  readonly granted: number;
}

const calm: Trigger = {
  index: tensor([0], { dtype: 'int32' }),
  matrix: tensor([[2, 0], [0, 2]]), // biome-ignore format: a matrix
  flag: tensor([1]),
  throws: false,
  granted: Number.POSITIVE_INFINITY,
};

/** Nothing fails. */
export const clean = calm;

/** Every way in which a computation can fail. */
export const failures: Readonly<Record<string, Trigger>> = {
  'a position that does not exist': { ...calm, index: tensor([99], { dtype: 'int32' }) },
  'a singular matrix': { ...calm, matrix: tensor([[1, 1], [1, 1]]) }, // biome-ignore format: a matrix
  'a routine of the host that throws': { ...calm, flag: tensor([-1]) },
  'a function that throws': { ...calm, throws: true },
  'no memory at all': { ...calm, granted: 0 },
  'no memory half-way': { ...calm, granted: 2 },
};

/** Passes on what it gets, by a routine of the host that throws for negative numbers. */
const touchy = defineOp({
  name: 'touchy',
  type: ([x]) => x,
  lower: {
    form: 'host',
    run: () => (inputs, outputs) => {
      if (inputs[0][0] < 0) throw new Error('touchy: a negative number');
      outputs[0].set(inputs[0]);
    },
  },
  vjp: (g) => [g],
});

const table = tensor([0, 0, 0]);

/** `x` as it is; or a failure, now or when it is computed. */
export function spoil(x: Tensor, { index, matrix, flag, throws }: Trigger): Tensor {
  if (throws) throw new Error('a function of the user throws');
  const nothing = table
    .take(index)
    .sum()
    .add(inverse(matrix).sum().mul(0))
    .add(apply(touchy, [flag], undefined).sum().mul(0));
  return x.add(nothing.cast(x.dtype));
}

/** A model with all that a step can touch: weights, running statistics, random numbers, positions. */
export class Net extends Module<[Tensor], Tensor> {
  readonly table = embedding(5, 4);
  readonly norm = batchNorm1d(4);
  readonly drop = dropout(0.25);
  readonly head = linear(4, 1);

  /**
   * `trigger` works between the layers: behind the running statistics, before the loss. A function that throws does so before
   * these: in code that runs as it is written, what a forward pass has assigned by then counts, as in a pass that nobody reads.
   */
  override forward(x: Tensor, trigger: Trigger = clean): Tensor {
    if (trigger.throws) throw new Error('a function of the user throws');
    const rows = this.norm.forward(this.table.forward(x));
    return this.head.forward(spoil(this.drop.forward(rows), trigger));
  }
}

export function batch(i: number): { x: Tensor; y: Tensor } {
  const x = tensor([i % 5, (i + 2) % 5, (3 * i + 1) % 5, (i + 4) % 5], { dtype: 'int32' });
  return { x, y: tensor([[1], [0.5 * i], [-1], [2]]) };
}

/** All that a test works on, made anew for each of the runs that are compared. */
export function world() {
  manualSeed(11);
  const net = new Net();
  const optimizer = adam(net.parameters(), { learningRate: 0.05 });
  const lossOf = ({ x, y }: ReturnType<typeof batch>, trigger: Trigger = clean): Tensor =>
    net.forward(x, trigger).sub(y).square().mean();
  let next = 0;
  return {
    net,
    optimizer,
    lossOf,
    /** A step as one takes it, with the next batch; answers the loss. */
    step(): number {
      const loss = lossOf(batch(next++));
      backward(loss);
      optimizer.step();
      return loss.itemSync();
    },
  };
}

export type World = ReturnType<typeof world>;

/** Everything that a later step could depend on. */
export async function snapshot({ net, optimizer }: World): Promise<unknown> {
  const { numbers, tensors } = optimizer.state();
  return {
    weights: await numbersOf(net.stateDict()),
    optimizer: { numbers, tensors: await numbersOf(tensors) },
    gradients: await Promise.all(net.parameters().map(gradientOf)),
    random: randomState(),
  };
}

async function gradientOf({ grad, gradPending }: Variable): Promise<unknown> {
  return { waits: gradPending, values: grad ? [...(await grad.data())] : null };
}

async function numbersOf(tensors: Readonly<Record<string, Tensor>>): Promise<unknown> {
  return Object.fromEntries(
    await Promise.all(
      Object.entries(tensors).map(async ([name, value]) => [name, [...(await value.data())]] as const),
    ),
  );
}

/** A way into the library: what it answers when it succeeds. */
export interface Entry {
  /** Made anew in each world; what it returns is called with the trigger, several times. */
  readonly make: (world: World) => (trigger: Trigger) => unknown;
  /** What the failing run has done before it failed, and the run that never fails does as well. Default nothing. */
  readonly instead?: (world: World) => unknown;
  /**
   * Whether the sequence of random numbers is as it was after a failure. Otherwise keys were taken by the user's own code as it
   * ran, and the test puts them back as a user would.
   */
  readonly keepsKeys?: boolean;
  /** Whether each call makes variables, whose memory is freed when the garbage collector finds them. */
  readonly makesVariables?: boolean;
  /** Failures that cannot reach it, by the beginning of their names. */
  readonly spared?: readonly string[];
}

/**
 * What is to be computed, lazily or with steps in it: as an entry that runs it as it is written, and one that compiles it. The
 * triggers are arguments of the compiled function.
 */
export function bothWays(work: (world: World) => (trigger: Trigger) => TensorTree): Record<string, Entry> {
  return {
    dynamic: {
      make: (own) => {
        const once = work(own);
        return (trigger) => {
          const result = once(trigger);
          evaluate(leavesOf(result));
          return result;
        };
      },
    },
    compiled: {
      keepsKeys: true,
      make: (own) => {
        const once = work(own);
        let throws = false;
        const step = compile((index: Tensor, matrix: Tensor, flag: Tensor) =>
          once({ ...clean, index, matrix, flag, throws }),
        );
        return (trigger) => {
          throws = trigger.throws;
          return step(trigger.index, trigger.matrix, trigger.flag);
        };
      },
    },
  };
}

function leavesOf(tree: TensorTree): Tensor[] {
  if ('dtype' in tree) return [tree as Tensor];
  return Object.values(tree as Record<string, TensorTree>).flatMap(leavesOf);
}

interface Run {
  readonly results: unknown[];
  readonly failed: boolean[];
}

/**
 * Goes through clean work and, before each part of it, `times` attempts that fail. An attempt that does not fail (memory
 * that was not needed, a function that is not run again once it is traced) counts as clean work: so `failed` says which did.
 */
async function go(
  entry: Entry,
  trigger: Trigger,
  times: number,
  follow: readonly boolean[] | null,
): Promise<Run> {
  const own = world();
  const call = entry.make(own);
  const backend = used();
  const results: unknown[] = [];
  const failed: boolean[] = [];
  for (let part = 0; part < 3; part++) {
    for (let i = 0; i < times; i++) {
      const fails = follow === null ? null : follow[failed.length];
      const before = randomState();
      if (fails === true) {
        failed.push(true);
        entry.instead?.(own);
        restoreRandomState(before);
        continue;
      }
      const outcome = await attempt(call, fails === false ? clean : trigger);
      failed.push(outcome.failed);
      if (outcome.failed && entry.keepsKeys !== true) restoreRandomState(before);
      if (!outcome.failed) results.push(await plain(outcome.result));
      if (used() !== backend || activeTrace() !== null || evaluationWatch() !== null)
        throw new Error('a failure left a backend, a trace or a watch behind');
    }
    results.push(own.step(), await plain(await call(clean)), own.step());
  }
  results.push(await snapshot(own));
  return { results, failed };
}

async function attempt(
  call: (trigger: Trigger) => unknown,
  trigger: Trigger,
): Promise<{ failed: boolean; result?: unknown }> {
  const backend = used();
  if (backend instanceof Failing) backend.granted = trigger.granted;
  try {
    return { failed: false, result: await call(trigger) };
  } catch {
    return { failed: true };
  } finally {
    if (backend instanceof Failing) backend.granted = Number.POSITIVE_INFINITY;
  }
}

/** Tensors as numbers. */
async function plain(x: unknown): Promise<unknown> {
  if (typeof x !== 'object' || x === null) return x;
  if ('dtype' in x && 'data' in x) return [...(await (x as Tensor).data())];
  if (ArrayBuffer.isView(x)) return [...(x as TypedArray)];
  if (Array.isArray(x)) return Promise.all(x.map(plain));
  if (Object.getPrototypeOf(x) !== Object.prototype) return String(x);
  const entries = Object.entries(x).map(async ([name, part]) => [name, await plain(part)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** The results of a run with failures, and of one without. */
export async function compare(entry: Entry, trigger: Trigger, times = 2) {
  const met = await go(entry, trigger, times, null);
  const never = await go(entry, clean, times, met.failed);
  return { met: met.results, never: never.results, failed: met.failed };
}

/** Bytes that the backend holds after a few failures and after many. */
export async function bytesAround(entry: Entry, trigger: Trigger): Promise<[few: number, many: number]> {
  const call = entry.make(world());
  await call(clean);
  for (let i = 0; i < 3; i++) await attempt(call, trigger);
  const few = stats().bytes;
  for (let i = 0; i < 30; i++) await attempt(call, trigger);
  return [few, stats().bytes];
}

/** Whether a failure can reach an entry. */
export function reaches(entry: Entry, failure: string): boolean {
  return !(entry.spared ?? []).some((beginning) => failure.startsWith(beginning));
}

/** The backends that all this holds on. */
export const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  reference: async () => reference(),
  'wasm, one thread': () => wasm({ threads: 1 }),
  'wasm, two threads': async () => {
    const backend = await wasm({ threads: 2 });
    await backend.startThreads();
    return backend;
  },
};

/** Uses a backend that can be made to fail; the function returned ends it. */
export async function useFailing(name: string): Promise<() => void> {
  const before = used();
  const inner = await backends[name]();
  use(new Failing(inner));
  return () => {
    use(before);
    if ('close' in inner) (inner as WasmBackend).close();
  };
}
