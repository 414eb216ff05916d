/**
 * The training loop, as a stream of events: who iterates over it drives it. Breaking out of the iteration ends the
 * training, not asking for the next event pauses it, and everything else (progress bars, logs, checkpoints, early
 * stopping) hears the events.
 *
 * Each step builds the loss, its gradients and the new parameters lazily and runs them as one plan; loss and metrics
 * come out of that same plan.
 */
import { backward, compile } from '@ag/graph';
import type { Module } from '@ag/nn';
import type { OptimizerState } from '@ag/optim';
import { backend, type Tensor, type Variable } from '@ag/tensor';
import type { Callback, CallbackContext } from './callbacks/callback.ts';
import { type Checkpoint, restoreCheckpoint, takeCheckpoint } from './checkpoint.ts';
import { TrainingError } from './errors.ts';
import { type EndReason, type EventBody, eventVersion, type Figures, type TrainingEvent } from './events.ts';
import { addTo, emptyTotals, type Metric, meansOf, readScalars } from './figures.ts';
import { pauseWhenDue } from './pause.ts';
import { type LabelledBatch, validate } from './validate.ts';

/** What `fit` needs of an optimiser; those of `@ag/optim` have it. */
export interface FitOptimizer {
  /** Uses the gradients that `backward` left. */
  step(): void;
  /** The rate of the next step. */
  readonly learningRate: number;
  readonly parameters: readonly Variable[];
  state(): OptimizerState;
  loadState(state: OptimizerState): void;
}

/** Where `fit` gets its batches: a `dataLoader`, or anything that can be iterated once per epoch. */
export interface TrainingData extends AsyncIterable<LabelledBatch> {
  /** Batches in an epoch. */
  readonly length?: number;
  /** Chooses the epoch (from 0) that the next iteration goes through. */
  setEpoch?(epoch: number): void;
  /** The position, as a loader gives it; needed to resume in mid-epoch. */
  state?(): { epoch: number; position: number; seed: number };
  loadState?(state: { epoch: number; position: number; seed: number }): void;
}

/** Options of {@link fit}. */
export interface FitOptions {
  readonly model: Module<[Tensor], Tensor>;
  readonly optimizer: FitOptimizer;
  /** The scalar to be made small, from the model's output and the batch's `y`. */
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  readonly train: TrainingData;
  /** Gone through at the end of an epoch, in evaluation mode. */
  readonly validation?: AsyncIterable<LabelledBatch>;
  /** How often the training data are gone through in all, those of a resumed run included. */
  readonly epochs: number;
  /** Figures by name, computed by the steps' own plans. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  readonly callbacks?: readonly Callback[];
  /** Ends the run after the step under way; the last event is then `end` with the reason `aborted`. */
  readonly signal?: AbortSignal;
  /** Where to go on, as `loadCheckpoint` gives it. */
  readonly resume?: Checkpoint;
  /** Validate after every so many epochs, and after the last. Default 1. */
  readonly validateEvery?: number;
  /** Report every so many steps; callbacks hear of each. Default 1; 0 reports none. */
  readonly reportEvery?: number;
  /** Batches whose gradients are summed up (as the mean of their losses) before a step. Default 1. */
  readonly accumulate?: number;
  /** Changes the gradients between `backward` and the step, such as `() => clipGradNorm(parameters, 1)`. */
  readonly gradients?: (parameters: readonly Variable[]) => unknown;
  /** Measure the norm of each parameter's gradient at every so many steps. Default 0, never. */
  readonly gradientNorms?: number;
  /**
   * Trace the step once and repeat its plan: less work for the host, which is most of the time of small networks. The
   * model must then compute the same at each step: no choices by values or counters. Default false.
   */
  readonly compile?: boolean;
  /** Kept in checkpoints, as it is; for what made the run. Must be JSON. */
  readonly config?: unknown;
}

/**
 * Trains a model, reporting what happens.
 *
 * ```ts
 * for await (const event of fit({ model, optimizer, loss: crossEntropy, train: loader, epochs: 5 })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss);
 * }
 * ```
 *
 * @throws TrainingError `nonFiniteLoss` when the loss is NaN or infinite, `option` for options that make no sense
 */
export async function* fit(options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  checkOptions(options);
  yield* new Run(options).events();
}

/** One call of `fit`. */
class Run {
  readonly #options: FitOptions;
  readonly #metricNames: readonly string[];
  readonly #began = performance.now();
  readonly #callbacks: readonly Callback[];
  readonly #context: CallbackContext;
  readonly #queue: TrainingEvent[] = [];
  readonly #compiled: ((x: Tensor, y: Tensor) => Tensor[]) | null;
  #names: readonly string[] = [];
  #step = 0;
  /** Whole epochs done. */
  #epoch = 0;
  /** Batches of the epoch under way. */
  #batch = 0;
  #totals;
  #last: { loss: number | null; metrics: Figures } = { loss: null, metrics: {} };
  #stopped: EndReason | null = null;

  constructor(options: FitOptions) {
    this.#options = options;
    const callbacks = options.callbacks ?? [];
    this.#callbacks = [...callbacks.filter((one) => !one.last), ...callbacks.filter((one) => one.last)];
    this.#metricNames = Object.keys(options.metrics ?? {});
    this.#totals = emptyTotals(this.#metricNames);
    this.#compiled = options.compile ? compile((x: Tensor, y: Tensor) => this.#buildStep(x, y, true)) : null;
    this.#context = {
      model: options.model,
      optimizer: options.optimizer,
      stop: (reason = 'stopped') => {
        this.#stopped ??= reason;
      },
      emit: (event) => this.#queue.push(this.#complete(event)),
      checkpoint: () => this.#checkpoint(),
    };
  }

  async *events(): AsyncGenerator<TrainingEvent, void, undefined> {
    const {
      model,
      train,
      epochs,
      validation,
      validateEvery = 1,
      loss,
      metrics,
      resume,
      signal,
    } = this.#options;
    if (resume) this.#resume(resume);
    const parameters = [...model.namedParameters()].filter(([, variable]) => variable.trainable);
    this.#names = parameters.map(([name]) => name);
    yield* this.#report({
      type: 'start',
      epochs,
      batches: train.length ?? null,
      parameters: parameters.reduce((total, [, variable]) => total + variable.size, 0),
      step: this.#step,
      epoch: this.#epoch,
      metrics: this.#metricNames,
      backend: backend().name,
    });
    model.train();
    while (this.#epoch < epochs && !this.#ended()) {
      const whole = yield* this.#runEpoch();
      if (!whole) break;
      const due = this.#epoch % validateEvery === 0 || this.#epoch === epochs || this.#ended();
      if (validation && due && !signal?.aborted) {
        const figures = await validate(model, validation, { loss, ...(metrics && { metrics }) });
        yield* this.#report({
          type: 'validation',
          epoch: this.#epoch,
          step: this.#step,
          loss: figures.loss,
          metrics: figures.metrics,
        });
      }
      yield* this.#report({ ...this.#epochEvent!, learningRate: this.#options.optimizer.learningRate });
    }
    yield* this.#report({
      type: 'end',
      reason: this.#stopped ?? (signal?.aborted ? 'aborted' : 'completed'),
      epoch: this.#epoch,
      step: this.#step,
      loss: this.#last.loss,
      metrics: this.#last.metrics,
    });
  }

  #epochEvent: Extract<EventBody, { type: 'epoch' }> | null = null;

  /** Goes through the data once; false when it was left early. */
  async *#runEpoch(): AsyncGenerator<TrainingEvent, boolean, undefined> {
    const { train, reportEvery = 1, accumulate = 1 } = this.#options;
    const began = performance.now();
    const examplesBefore = this.#totals.examples;
    if (this.#batch === 0) train.setEpoch?.(this.#epoch);
    const batches = train.length ?? null;
    for await (const { x, y } of train) {
      await pauseWhenDue();
      const learningRate = this.#options.optimizer.learningRate;
      this.#batch++;
      const steps = this.#batch % accumulate === 0 || this.#batch === batches;
      const wanted = this.#wantsNorms();
      const figures = await this.#compute(x, y, steps, wanted);
      if (steps) this.#step++;
      if (!Number.isFinite(figures.loss)) yield* this.#failNonFinite(figures.loss, learningRate);
      addTo(this.#totals, x.shape[0] ?? 1, figures.loss, figures.metrics);
      const reported = reportEvery > 0 && this.#step % reportEvery === 0;
      if (steps && (reported || this.#callbacks.length > 0)) {
        const event: EventBody = {
          type: 'step',
          step: this.#step,
          epoch: this.#epoch + 1,
          batch: this.#batch,
          batches,
          loss: figures.loss,
          metrics: figures.metrics,
          learningRate,
          ...(wanted && figures.norms && { gradientNorms: figures.norms }),
        };
        yield* this.#report(event, reported);
      }
      // Gradients that wait for a step are in no checkpoint, so a run ends between steps only.
      if (steps && this.#ended() && this.#batch !== batches) return false;
    }
    const { examples } = this.#totals;
    if (examples === 0) throw new TrainingError('fit: the training data hold no batch', { code: 'option' });
    const epochSeconds = (performance.now() - began) / 1000;
    this.#last = meansOf(this.#totals);
    this.#epoch++;
    this.#batch = 0;
    this.#totals = emptyTotals(this.#metricNames);
    this.#epochEvent = {
      type: 'epoch',
      epoch: this.#epoch,
      step: this.#step,
      loss: this.#last.loss!,
      metrics: this.#last.metrics,
      learningRate: 0,
      epochSeconds,
      examplesPerSecond: (examples - examplesBefore) / epochSeconds,
    };
    return true;
  }

  #wantsNorms(): boolean {
    const every = this.#options.gradientNorms ?? 0;
    return every > 0 && (this.#step + 1) % every === 0;
  }

  /** One batch: its step, or its gradients alone while they are accumulated. */
  async #compute(
    x: Tensor,
    y: Tensor,
    steps: boolean,
    norms: boolean,
  ): Promise<{ loss: number; metrics: Figures; norms: Figures | null }> {
    const results = this.#compiled ? this.#compiled(x, y) : this.#buildStep(x, y, steps);
    if (!this.#compiled && norms) results.push(...this.#gradientNorms());
    const [loss, ...rest] = await readScalars(results);
    const name = (names: readonly string[], from: number): Figures =>
      Object.fromEntries(names.map((one, i) => [one, rest[from + i]!]));
    return {
      loss: loss!,
      metrics: name(this.#metricNames, 0),
      norms: rest.length > this.#metricNames.length ? name(this.#names, this.#metricNames.length) : null,
    };
  }

  /** Loss and metrics of a batch, and (when traced) gradient norms, with a step taken unless `steps` is false. */
  #buildStep(x: Tensor, y: Tensor, steps: boolean): Tensor[] {
    const {
      model,
      optimizer,
      loss,
      metrics = {},
      accumulate = 1,
      gradients,
      gradientNorms = 0,
    } = this.#options;
    const output = model.forward(x);
    const value = loss(output, y);
    const figures = this.#metricNames.map((name) => metrics[name]!(output, y));
    backward(accumulate === 1 ? value : value.div(accumulate), { also: [value, ...figures] });
    const results = [value, ...figures];
    if (steps) {
      gradients?.(optimizer.parameters);
      if (this.#compiled && gradientNorms > 0) results.push(...this.#gradientNorms());
      optimizer.step();
    }
    return results;
  }

  /** The Euclidean norm of each parameter's gradient, 0 where there is none. */
  #gradientNorms(): Tensor[] {
    const named = this.#options.model.namedParameters();
    return this.#names.map((name) => {
      const variable = named.get(name)!;
      return (variable.grad ?? variable.value.mul(0)).square().sum().sqrt();
    });
  }

  async *#failNonFinite(loss: number, learningRate: number): AsyncGenerator<TrainingEvent, void, undefined> {
    const epoch = this.#epoch + 1;
    const step = this.#step;
    const message =
      `the loss is ${loss} at step ${step} (epoch ${epoch}, learning rate ${learningRate}). ` +
      'Usual remedies: a learning rate ten times smaller, clipped gradients, standardised inputs, and a look for NaN in the data';
    yield* this.#report({ type: 'anomaly', kind: 'nonFiniteLoss', message, step, epoch });
    throw new TrainingError(message, { code: 'nonFiniteLoss', step, epoch, learningRate });
  }

  /** Lets the callbacks hear an event, then hands it (unless told otherwise) and what they reported to the caller. */
  async *#report(body: EventBody, toCaller = true): AsyncGenerator<TrainingEvent, void, undefined> {
    const first = this.#complete(body);
    this.#queue.push(first);
    while (this.#queue.length > 0) {
      const event = this.#queue.shift()!;
      for (const callback of this.#callbacks) await callback.on(event, this.#context);
      // Nothing comes after the end, so what callbacks report then comes before it.
      if (event.type === 'end') {
        for (const callback of this.#callbacks) await callback.finish?.(event, this.#context);
        yield* this.#queue.splice(0);
      }
      if (toCaller || event !== first) yield event;
    }
  }

  #complete(body: EventBody): TrainingEvent {
    return { v: eventVersion, ...body, seconds: (performance.now() - this.#began) / 1000 } as TrainingEvent;
  }

  #ended(): boolean {
    return this.#stopped !== null || this.#options.signal?.aborted === true;
  }

  async #checkpoint(): Promise<Checkpoint> {
    const { model, optimizer, train, config } = this.#options;
    return takeCheckpoint({
      model,
      optimizer,
      callbacks: this.#callbacks,
      data: train.state?.() ?? null,
      progress: {
        step: this.#step,
        epoch: this.#epoch,
        batch: this.#batch,
        totals: { ...this.#totals, metrics: { ...this.#totals.metrics } },
        last: this.#last,
      },
      config: config ?? null,
    });
  }

  #resume(checkpoint: Checkpoint): void {
    const { model, optimizer, train } = this.#options;
    const { progress, data } = checkpoint;
    restoreCheckpoint(checkpoint, { model, optimizer, callbacks: this.#callbacks });
    this.#step = progress.step;
    this.#epoch = progress.epoch;
    this.#batch = progress.batch;
    this.#totals = { ...progress.totals, metrics: { ...progress.totals.metrics } };
    this.#last = progress.last;
    if (progress.batch === 0) return;
    if (!train.loadState || data === null) {
      throw new TrainingError(
        'fit: the checkpoint was taken in mid-epoch, and this source of data cannot go on from there; give it loadState(state)',
        { code: 'option' },
      );
    }
    train.loadState({ ...data, epoch: progress.epoch, position: progress.batch });
  }
}

function checkOptions(options: FitOptions): void {
  const whole = (value: number | undefined, least: number, name: string): void => {
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw new TrainingError(`fit: ${name} must be a whole number from ${least}, got ${value}`, {
        code: 'option',
      });
    }
  };
  whole(options.epochs, 0, 'epochs');
  whole(options.validateEvery, 1, 'validateEvery');
  whole(options.reportEvery, 0, 'reportEvery');
  whole(options.accumulate, 1, 'accumulate');
  whole(options.gradientNorms, 0, 'gradientNorms');
  if (options.compile && (options.accumulate ?? 1) > 1) {
    throw new TrainingError('fit: accumulate and compile exclude each other; leave compile out', {
      code: 'option',
    });
  }
  const names = (options.callbacks ?? []).map((callback) => callback.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TrainingError(`fit: two callbacks are named '${twice}'; their states could not be told apart`, {
      code: 'option',
    });
  }
}
