/**
 * The training loop, as a stream of events: who iterates over it drives it. Breaking out of the iteration ends the
 * training, not asking for the next event pauses it, and everything else (progress bars, logs, checkpoints, early
 * stopping) hears the events.
 *
 * Each step builds the loss, its gradients and the new parameters lazily and runs them as one plan; loss and metrics
 * come out of that same plan.
 */
import { backward, compile } from '@ag/graph';
import {
  activeTrace,
  backend,
  dropGradients,
  evaluate,
  noteAssignments,
  randomState,
  restoreRandomState,
  synchronous,
  type Tensor,
} from '@ag/tensor';
import type { Callback, CallbackContext } from './callbacks/callback.ts';
import { type Checkpoint, otherArithmetic, restoreCheckpoint, takeCheckpoint } from './checkpoint.ts';
import { now } from './clock.ts';
import { TrainingError } from './errors.ts';
import { type EndReason, type EventBody, eventVersion, type Figures, type TrainingEvent } from './events.ts';
import { type GroupedBatch, inGroups } from './groups.ts';
import { GradientHealth, type Health } from './health.ts';
import { addTo, emptyTotals, meansOf, readAll } from './metrics.ts';
import { checkOptions, type FitOptions } from './options.ts';
import { pauseWhenDue } from './pause.ts';
import type { Profiler, StepPart } from './profile/profiler.ts';
import { validate } from './validate.ts';

/**
 * Trains a model, reporting what happens.
 *
 * ```ts
 * for await (const event of fit({ model, optimizer, loss: crossEntropy, train: loader, epochs: 5 })) {
 *   if (event.type === 'epoch') console.log(event.epoch, event.loss);
 * }
 * ```
 *
 * Gradients that wait when a run starts, or when it ends early, are dropped. A step that fails changes neither weights nor the
 * optimizer's state, nor the sequence of random numbers.
 *
 * @throws TrainingError `nonFiniteLoss` when the loss is NaN or infinite, `option` for options that make no sense
 */
export async function* fit(options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  checkOptions(options);
  yield* new Run(options).events();
}

/** What a step computes, lazily. */
interface StepTensors {
  /** The loss, then the metrics. */
  readonly figures: Tensor[];
  /** What is measured of the gradients; empty for most steps. */
  readonly health: Tensor[];
  // A compiled function gives trees of tensors by name.
  readonly [name: string]: Tensor[];
}

/** What changes with every batch of an epoch, for checkpoints. */
type Position = Pick<Checkpoint, 'random'> & Pick<Checkpoint['progress'], 'batch' | 'totals'>;

/** One call of `fit`. */
class Run {
  readonly #options: FitOptions;
  readonly #metricNames: readonly string[];
  readonly #began = now();
  readonly #callbacks: readonly Callback[];
  readonly #context: CallbackContext;
  readonly #queue: TrainingEvent[] = [];
  readonly #compiled: ((x: Tensor, y: Tensor) => StepTensors) | null;
  #health: GradientHealth | null = null;
  /** Whether the step under way is measured. */
  #measuring = false;
  /** Whether the averages stand in place of the weights. */
  #averaged = false;
  #profiler: Profiler | null = null;
  #step = 0;
  /** Whole epochs done. */
  #epoch = 0;
  /** Batches of the epoch under way. */
  #batch = 0;
  #totals;
  /** Where a checkpoint lets a run go on while gradients of a group wait, which are in no checkpoint: before the group. */
  #beforeGroup: Position | null = null;
  #last: { loss: number | null; metrics: Figures } = { loss: null, metrics: {} };
  #stopped: EndReason | null = null;

  constructor(options: FitOptions) {
    this.#options = options;
    const callbacks = options.callbacks ?? [];
    this.#callbacks = [...callbacks.filter((one) => !one.last), ...callbacks.filter((one) => one.last)];
    this.#metricNames = Object.keys(options.metrics ?? {});
    this.#totals = emptyTotals(this.#metricNames);
    this.#compiled = options.compile
      ? compile((x: Tensor, y: Tensor) => this.#buildStep(x, y, true, 1), {
          key: () => (this.#measuring ? 'measured' : ''),
        })
      : null;
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
    const { model, profile } = this.#options;
    if (profile) {
      const { Profiler } = await import('./profile/profiler.ts');
      this.#profiler = new Profiler(model, profile === true ? {} : profile);
    }
    this.#dropGradients();
    try {
      yield* this.#run();
    } finally {
      this.#dropGradients();
      this.#profiler?.stop();
    }
  }

  /** A run starts without gradients of an earlier one that was broken off, and leaves none of its own. */
  #dropGradients(): void {
    const { model, optimizer } = this.#options;
    dropGradients([...model.parameters(), ...optimizer.parameters]);
  }

  async *#run(): AsyncGenerator<TrainingEvent, void, undefined> {
    const { model, train, epochs, validation, validateEvery = 1, resume, signal } = this.#options;
    const warnings = resume ? this.#resume(resume) : [];
    const parameters = model.parameters().filter((variable) => variable.trainable);
    if (this.#options.gradientNorms) this.#health = new GradientHealth(model);
    yield* this.#report({
      type: 'start',
      epochs,
      batches: train.length ?? null,
      parameters: parameters.reduce((total, variable) => total + variable.size, 0),
      step: this.#step,
      epoch: this.#epoch,
      metrics: this.#metricNames,
      backend: backend().name,
    });
    for (const warning of warnings) yield* this.#report(warning);
    model.train();
    while (this.#epoch < epochs && !this.#ended()) {
      const whole = yield* this.#runEpoch();
      if (!whole) break;
      const due = this.#epoch % validateEvery === 0 || this.#epoch === epochs || this.#ended();
      if (validation && due && !signal?.aborted) yield* this.#validate(validation);
      yield* this.#report({ ...this.#epochEvent!, learningRate: this.#options.optimizer.learningRate });
    }
    const profile = this.#profiler?.result();
    this.#profiler?.stop();
    if (profile) yield* this.#report({ type: 'profile', step: this.#step, epoch: this.#epoch, ...profile });
    yield* this.#report({
      type: 'end',
      reason: this.#stopped ?? (signal?.aborted ? 'aborted' : 'completed'),
      epoch: this.#epoch,
      step: this.#step,
      loss: this.#last.loss,
      metrics: this.#last.metrics,
    });
  }

  /** Goes through the validation data, by the averaged weights where there are some. */
  async *#validate(
    validation: NonNullable<FitOptions['validation']>,
  ): AsyncGenerator<TrainingEvent, void, undefined> {
    const { model, loss, metrics, average } = this.#options;
    if (average) {
      average.apply();
      this.#averaged = true;
    }
    try {
      const figures = await validate(model, validation, { loss, ...(metrics && { metrics }) });
      yield* this.#report({
        type: 'validation',
        epoch: this.#epoch,
        step: this.#step,
        loss: figures.loss,
        metrics: figures.metrics,
      });
    } finally {
      average?.restore();
      this.#averaged = false;
    }
  }

  #epochEvent: Extract<EventBody, { type: 'epoch' }> | null = null;

  /** Goes through the data once; false when it was left early. */
  async *#runEpoch(): AsyncGenerator<TrainingEvent, boolean, undefined> {
    const { train, reportEvery = 1, accumulate = 1 } = this.#options;
    const began = now();
    const examplesBefore = this.#totals.examples;
    if (this.#batch === 0) train.setEpoch?.(this.#epoch);
    const batches = train.length ?? null;
    let waiting = now();
    for await (const batch of inGroups(train, accumulate, this.#batch)) {
      const arrived = now();
      await pauseWhenDue();
      const learningRate = this.#options.optimizer.learningRate;
      const steps = batch.endsGroup;
      if (!steps) this.#beforeGroup ??= this.#position();
      this.#batch++;
      const started = now();
      const figures = await this.#compute(batch, steps);
      if (steps) {
        this.#step++;
        this.#beforeGroup = null;
      }
      this.#profiler?.step(arrived - waiting, now() - started);
      if (!Number.isFinite(figures.loss)) yield* this.#failNonFinite(figures.loss, learningRate);
      addTo(this.#totals, batch.x.shape[0] ?? 1, figures.loss, figures.metrics);
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
          ...figures.health,
        };
        yield* this.#report(event, reported);
      }
      // Gradients that wait for a step are in no checkpoint, so a run ends between steps only.
      if (steps && this.#ended() && this.#batch !== batches) return false;
      waiting = now();
    }
    const { examples } = this.#totals;
    if (examples === 0) throw new TrainingError('fit: the training data hold no batch', { code: 'option' });
    const epochSeconds = (now() - began) / 1000;
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

  /** One batch: its step, or its gradients alone while they are accumulated. */
  async #compute(
    { x, y, groupSize }: GroupedBatch,
    steps: boolean,
  ): Promise<{ loss: number; metrics: Figures; health: Health | null }> {
    const every = this.#options.gradientNorms ?? 0;
    this.#measuring = steps && every > 0 && (this.#step + 1) % every === 0;
    const compute = (): StepTensors => {
      const built = this.#compiled ? this.#compiled(x, y) : this.#buildStep(x, y, steps, groupSize);
      evaluate([...built.figures, ...built.health]);
      return built;
    };
    const random = randomState();
    const dropAssignments = noteAssignments();
    let built: StepTensors;
    try {
      built = this.#profiler ? this.#profiler.counting(compute) : compute();
    } catch (error) {
      // Whoever goes on from here has the running statistics, and draws the numbers, of a run that never met this batch.
      dropAssignments();
      restoreRandomState(random);
      throw error;
    }
    const { figures, health } = built;
    const values = await readAll([...figures, ...health]);
    return {
      loss: values[0][0],
      metrics: Object.fromEntries(this.#metricNames.map((name, i) => [name, values[i + 1][0]])),
      health: health.length > 0 ? this.#health!.read(values.slice(figures.length)) : null,
    };
  }

  /** Loss and metrics of a batch and what is measured of its gradients, with a step taken unless `steps` is false. */
  #buildStep(x: Tensor, y: Tensor, steps: boolean, groupSize: number): StepTensors {
    const { model, optimizer, loss, metrics = {}, gradients, average } = this.#options;
    const enter = (part: StepPart): void => this.#profiler?.enter(part);
    enter('model');
    const output = synchronous('fit', model.forward(x), "the model's forward");
    enter('loss');
    const value = synchronous('fit', loss(output, y), 'the loss');
    enter('metrics');
    const figures = [
      value,
      ...this.#metricNames.map((name) => synchronous('fit', metrics[name](output, y), `the metric ${name}`)),
    ];
    enter('gradients');
    backward(groupSize === 1 ? value : value.div(groupSize), { also: figures });
    let health: Tensor[] = [];
    if (steps) {
      gradients?.(optimizer.parameters);
      if (this.#measuring) {
        health = this.#health!.build();
        // Before the step, while the gradients that it uses as well can be kept.
        if (activeTrace() === null) evaluate([...figures, ...health]);
      }
      enter('update');
      optimizer.step();
      average?.update();
    }
    return { figures, health };
  }

  async *#failNonFinite(loss: number, learningRate: number): AsyncGenerator<TrainingEvent, void, undefined> {
    const epoch = this.#epoch + 1;
    const step = this.#step;
    const message =
      `the loss is ${loss} at step ${step} (epoch ${epoch}, learning rate ${learningRate}). ` +
      'Usual remedies: a learning rate ten times smaller, clipped gradients, standardized inputs, and a look for NaN in the data';
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
        // Checkpoints hold weights and averages; the model is left with what was validated.
        if (event.reason !== 'aborted') this.#options.average?.apply();
        for (const callback of this.#callbacks) await callback.finish?.(event, this.#context);
        yield* this.#queue.splice(0);
      }
      if (toCaller || event !== first) yield event;
    }
  }

  #complete(body: EventBody): TrainingEvent {
    return { v: eventVersion, ...body, seconds: (now() - this.#began) / 1000 } as TrainingEvent;
  }

  #ended(): boolean {
    return this.#stopped !== null || this.#options.signal?.aborted === true;
  }

  async #checkpoint(): Promise<Checkpoint> {
    const { model, optimizer, train, average, config } = this.#options;
    // What goes on from here needs the weights themselves.
    if (this.#averaged) average!.restore();
    try {
      const { random, batch, totals } = this.#beforeGroup ?? this.#position();
      const checkpoint = takeCheckpoint({
        model,
        optimizer,
        ...(average && { average }),
        callbacks: this.#callbacks,
        data: train.state?.() ?? null,
        progress: { step: this.#step, epoch: this.#epoch, batch, totals, last: this.#last },
        config: config ?? null,
      });
      return { ...checkpoint, random };
    } finally {
      if (this.#averaged) average!.apply();
    }
  }

  #position(): Position {
    const totals = { ...this.#totals, metrics: { ...this.#totals.metrics } };
    return { random: randomState(), batch: this.#batch, totals };
  }

  /** Goes on from a checkpoint; answers what the user should know about that. */
  #resume(checkpoint: Checkpoint): EventBody[] {
    const { model, optimizer, train, average } = this.#options;
    const { progress, data } = checkpoint;
    restoreCheckpoint(checkpoint, {
      model,
      optimizer,
      ...(average && { average }),
      callbacks: this.#callbacks,
    });
    this.#step = progress.step;
    this.#epoch = progress.epoch;
    this.#batch = progress.batch;
    this.#totals = { ...progress.totals, metrics: { ...progress.totals.metrics } };
    this.#last = progress.last;
    if (progress.batch > 0) {
      if (!train.loadState || data === null) {
        throw new TrainingError(
          'fit: the checkpoint was taken in mid-epoch, and this source of data cannot go on from there; give it loadState(state)',
          { code: 'option' },
        );
      }
      train.loadState({ ...data, epoch: progress.epoch, position: progress.batch });
    }
    const message = otherArithmetic(checkpoint);
    return message === null
      ? []
      : [{ type: 'warning', code: 'otherArithmetic', message, step: progress.step }];
  }
}
