/**
 * Going through steps of a run again. A step is a function of what a checkpoint holds, so from the nearest one before it any step can be
 * computed again to the bit, and looked at while it is: at its batch, what modules answered, its gradients, the weights on both
 * sides of it.
 */
import { startCapture } from '@ag/graph';
import type { AnyModule, StateDict } from '@ag/nn';
import { backend, evaluate, randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { listenToCreation, nearestName } from '@ag/tensor/engine';
import type { Callback, CallbackContext } from '../callbacks/callback.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { TrainingError } from '../errors.ts';
import type { StepEvent } from '../events.ts';
import { fit } from '../fit.ts';
import { type AnyFitOptions, inBlocks, type TrainingData } from '../options.ts';
import { partsOf } from '../structure.ts';
import type { LabeledBatch } from '../validate.ts';

/**
 * Makes everything a run is made from, as it was at its beginning: the random seed set, a new model, optimizer and loader, callbacks that
 * decide something. What only writes or shows is left out.
 */
export type RunSetup = () => AnyFitOptions | Promise<AnyFitOptions>;

/** What is to be seen of a step. */
export interface Look {
  /** Modules by path whose outputs are kept. */
  readonly activations?: readonly string[];
  /** Whether all tensors that the step makes are kept, in their order. */
  readonly trace?: boolean;
}

/** What was seen of a step. */
export interface Seen {
  /** The last batch of the step. */
  readonly batch: LabeledBatch<unknown, unknown> | null;
  /** Outputs by module, one for each time it was called. */
  readonly activations: ReadonlyMap<string, readonly unknown[]>;
  /** As the optimizer got them, by parameter; without those that got none. */
  readonly gradients: ReadonlyMap<string, Tensor>;
  /** Parameters before the step. */
  readonly before: StateDict;
  readonly trace: readonly Traced[];
}

/** A tensor that a step made, with the operation that it is of. */
export interface Traced {
  readonly operation: string;
  readonly tensor: Tensor;
}

/** A moment of a replay: after a step, or at its beginning. */
export interface Replayed {
  readonly step: number;
  /** Null at the beginning. */
  readonly event: StepEvent | null;
  readonly model: AnyModule;
  /** Null where nothing was to be seen. */
  readonly seen: Seen | null;
  checkpoint(): Promise<Checkpoint>;
}

interface ReplayOptions {
  /** Where it begins; null for the beginning of the run. */
  readonly from: Checkpoint | null;
  /** What is to be seen of a step; null for nothing. Without it steps are compiled where the run has them so. */
  readonly look?: (step: number) => Look | null;
  readonly callbacks?: readonly Callback[];
}

/**
 * Computes steps again, from a checkpoint on; first comes the moment it begins at. Whoever has seen enough leaves the loop.
 *
 * @throws TrainingError `receipt` where this program does not compute as the run did, `option` for runs of several ranks
 */
export async function* replay(
  setup: RunSetup,
  { from, look, callbacks = [] }: ReplayOptions,
): AsyncGenerator<Replayed, void, undefined> {
  if (from) expectSameArithmetic(from.computedBy);
  const before = randomState();
  try {
    const options = alone(await setup());
    const watcher = look ? new Watcher(options, from?.progress.step ?? 0, look) : null;
    let context: CallbackContext | null = null;
    const listener: Callback = {
      name: 'replay',
      on(_, given) {
        context = given;
      },
    };
    try {
      for await (const event of fit({
        ...options,
        ...watcher?.options,
        reportEvery: 1,
        callbacks: [...(options.callbacks ?? []), ...callbacks, listener],
        ...(from && { resume: from }),
      })) {
        if (event.type !== 'start' && event.type !== 'step') continue;
        yield {
          step: event.step,
          event: event.type === 'step' ? event : null,
          model: options.model,
          seen: event.type === 'step' ? (watcher?.take() ?? null) : null,
          checkpoint: () => context!.checkpoint(),
        };
      }
    } finally {
      watcher?.close();
    }
  } finally {
    restoreRandomState(before);
  }
}

/** @throws TrainingError `receipt` where other bits would come out */
export function expectSameArithmetic(computedBy: Checkpoint['computedBy']): void {
  const { name, arithmetic = 'separate' } = backend();
  if (!computedBy || (computedBy.backend === name && computedBy.arithmetic === arithmetic)) return;
  const cure =
    computedBy.backend !== name
      ? `use(…) the backend '${computedBy.backend}'`
      : computedBy.arithmetic === 'separate'
        ? 'make the backend with wasm({ relaxedSimd: false })'
        : 'run it where wasmSupport().relaxedSimd is available; a run with separate arithmetic can be repeated everywhere';
  throw new TrainingError(
    `the run was computed by the backend '${computedBy.backend}' with ${computedBy.arithmetic} arithmetic, and '${name}' with ` +
      `${arithmetic} arithmetic computes here, which gives other bits: ${cure}`,
    { code: 'receipt' },
  );
}

/** The options of a run that this program repeats alone, without what only watches it. */
function alone(options: AnyFitOptions): AnyFitOptions {
  const { workers: _, startWorker: __, signal: ___, profile: ____, ...rest } = options;
  if ((options.world?.size ?? 1) > 1) {
    throw new TrainingError('runs of several ranks cannot be replayed by one: leave world out of the setup', {
      code: 'option',
    });
  }
  // The default of workers.
  return inBlocks(options) ? { ...rest, blocks: options.blocks ?? 8 } : rest;
}

/** Looks at steps while they are computed. */
class Watcher {
  /** What replaces the options of the run. */
  readonly options: Pick<AnyFitOptions, 'train' | 'gradients' | 'compile'>;
  readonly #model: AnyModule;
  readonly #look: (step: number) => Look | null;
  readonly #hooked = new Map<string, () => void>();
  #step: number;
  #looking: Look | null = null;
  #batch: Seen['batch'] = null;
  #activations = new Map<string, unknown[]>();
  #trace: Traced[] = [];
  #stopTrace: (() => void) | null = null;
  #seen: Seen | null = null;

  constructor(options: AnyFitOptions, step: number, look: (step: number) => Look | null) {
    this.#model = options.model;
    this.#step = step;
    this.#look = look;
    const { train, gradients } = options;
    const watched: TrainingData = Object.create(train, {
      [Symbol.asyncIterator]: { value: () => this.#batches(train) },
    });
    this.options = {
      train: bound(watched, train),
      gradients: (parameters) => {
        gradients?.(parameters);
        if (this.#looking) this.#see();
      },
      // A step that is traced once calls nobody afterwards.
      compile: false,
    };
  }

  /** What was seen of the step that was just taken. */
  take(): Seen | null {
    this.#step++;
    const seen = this.#seen;
    this.#seen = null;
    this.#looking = null;
    return seen;
  }

  close(): void {
    this.#stopTrace?.();
    for (const remove of this.#hooked.values()) remove();
  }

  async *#batches(train: TrainingData): AsyncGenerator<LabeledBatch, void, undefined> {
    for await (const batch of train) {
      const looking = this.#look(this.#step + 1);
      if (looking && !this.#looking) this.#begin(looking);
      this.#batch = batch;
      yield batch;
    }
  }

  #begin(look: Look): void {
    this.#looking = look;
    this.#activations = new Map();
    this.#trace = [];
    for (const name of look.activations ?? []) this.#hook(name);
    if (!look.trace) return;
    const stops = [
      startCapture({ sites: false, model: this.#model }),
      listenToCreation((tensor) => {
        if (tensor.op) this.#trace.push({ operation: tensor.op.name, tensor });
      }),
    ];
    this.#stopTrace = () => {
      this.#stopTrace = null;
      for (const stop of stops) stop();
    };
  }

  #hook(name: string): void {
    if (this.#hooked.has(name)) return;
    const modules = this.#model.namedModules();
    const module = modules.get(name);
    if (!module) {
      const near = nearestName(name, [...modules.keys()]);
      throw new TrainingError(
        `activation: the model has no module '${name}'${near === undefined ? '' : `; did you mean '${near}'?`} Its modules: ${[...modules.keys()].filter(Boolean).join(', ')}`,
        { code: 'option' },
      );
    }
    this.#hooked.set(
      name,
      module.onForward((output) => {
        if (!this.#looking || !this.#model.training) return;
        const outputs = this.#activations.get(name);
        if (outputs) outputs.push(output);
        else this.#activations.set(name, [output]);
      }),
    );
  }

  /** Before the optimizer's step, while everything is still there. */
  #see(): void {
    this.#stopTrace?.();
    const parameters = [...this.#model.namedParameters()];
    const gradients = new Map(
      parameters.flatMap(([name, { grad }]) => (grad ? [[name, grad] as const] : [])),
    );
    const before = Object.fromEntries(
      parameters.map(([name, { value, shape }]) => [name, value.reshape(shape)]),
    );
    const activations = partsOf([...this.#activations.values()]).map(([, tensor]) => tensor);
    const traced = this.#trace.map(({ tensor }) => tensor);
    evaluate([...activations, ...gradients.values(), ...Object.values(before), ...traced]);
    this.#seen = {
      batch: this.#batch,
      activations: this.#activations,
      gradients,
      before,
      trace: this.#trace,
    };
  }
}

/** Methods of a loader work on the loader itself. */
function bound(watched: TrainingData, train: TrainingData): TrainingData {
  for (const name of ['setEpoch', 'state', 'loadState'] as const) {
    const method = train[name] as ((...given: never[]) => unknown) | undefined;
    if (method) Object.defineProperty(watched, name, { value: method.bind(train) });
  }
  return watched;
}
