/**
 * The training loop, as a stream of events: who iterates over it drives it. Breaking out of the iteration ends the
 * training, not asking for the next event pauses it, and everything else (progress bars, logs, checkpoints, early
 * stopping) hears the events.
 */
import { backend, randomState, synchronize, type Tensor } from '@ag/tensor';
import { dropGradients } from '@ag/tensor/engine';
import { Advice } from './advice.ts';
import {
  type Checkpoint,
  otherArithmetic,
  type Progress,
  restoreCheckpoint,
  takeCheckpoint,
} from './checkpoint.ts';
import { now } from './clock.ts';
import { TrainingError } from './errors.ts';
import type { EndReason, EpochEvent, EventBody, TrainingEvent } from './events.ts';
import { forward } from './forward.ts';
import { type GroupedBatch, inGroups } from './groups.ts';
import { addTo, copyTotals, emptyTotals, meansOf } from './metrics.ts';
import type { NumericsWatch } from './numerics.ts';
import { type AnyFitOptions, checkFit, type FitOptions, inBlocks } from './options.ts';
import { pauseWhenDue } from './pause.ts';
import type { Profiler } from './profile/profiler.ts';
import { Reporter } from './reporter.ts';
import { type Stepper, type StepResult, TrainingStep } from './step.ts';
import { validate } from './validate.ts';
import { singleWorld, type World } from './world/world.ts';

/** Batches after which a device that computes while the program goes on is waited for. */
const stepsAhead = 16;

/** Events on their way to the caller; what comes with the last is the result. */
type Events<Result = void> = AsyncGenerator<TrainingEvent, Result, undefined>;

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
export async function* fit<X = Tensor, Output = Tensor, Y = Tensor>(
  options: FitOptions<X, Output, Y>,
): Events {
  checkFit(options);
  const { model, optimizer } = options;
  const profiler = await createProfiler(options);
  const { world } = options;
  let run: Run | null = null;
  // A run starts without gradients of an earlier one that was broken off, and leaves none of its own.
  const drop = (): void => dropGradients([...model.parameters(), ...optimizer.parameters]);
  drop();
  try {
    run = new Run(options, profiler, await createStepper(options, profiler), await loadAgreement(options));
    yield* run.events();
  } catch (error) {
    // The others would wait for ever; of a loss that is not finite they know themselves.
    if (world && world.size > 1 && !agreed.has(error as object)) world.abort(error);
    throw error;
  } finally {
    run?.close();
    drop();
    profiler?.stop();
  }
}

async function createProfiler({ model, profile }: AnyFitOptions): Promise<Profiler | null> {
  if (!profile) return null;
  const { Profiler } = await import('./profile/profiler.ts');
  return new Profiler(model, profile === true ? {} : profile);
}

/** What workers and other ranks need comes with them: who trains alone does not load it. */
async function createStepper(options: AnyFitOptions, profiler: Profiler | null): Promise<Stepper> {
  if (inBlocks(options)) {
    const { BlockStep } = await import('./blocks/blockStep.ts');
    return new BlockStep(options);
  }
  const { world, model } = options;
  if (!together(world)) return new TrainingStep(options, profiler, null);
  const { StepExchange } = await import('./world/exchange.ts');
  return new TrainingStep(options, profiler, new StepExchange(world, model));
}

const loadAgreement = async ({ world }: AnyFitOptions): Promise<Agreement | null> =>
  together(world) ? import('./world/agreement.ts') : null;

const together = (world: World | undefined): world is World => world !== undefined && world.size > 1;

type Agreement = typeof import('./world/agreement.ts');

/** Errors that all ranks of a world meet at the same step. */
const agreed = new WeakSet<object>();

/** An epoch's event before the validation, after which the rate of the next step is known. */
type EpochBody = Omit<EpochEvent, 'v' | 'seconds' | 'learningRate'>;

/** Where a checkpoint lets a run go on: what changes with every batch. */
interface Position {
  readonly progress: Progress;
  readonly random: Checkpoint['random'];
}

/** One call of `fit`. */
class Run {
  readonly #options: AnyFitOptions;
  readonly #profiler: Profiler | null;
  readonly #step: Stepper;
  readonly #world: World;
  /** Null where this program trains alone. */
  readonly #agreement: Agreement | null;
  readonly #reporter: Reporter;
  readonly #advice: Advice;
  readonly #progress: { -readonly [Name in keyof Progress]: Progress[Name] };
  /** While gradients of a group wait, which are in no checkpoint: the position before the group. */
  #beforeGroup: Position | null = null;
  #numerics: NumericsWatch | null = null;
  /** Whether the averages stand in place of the weights. */
  #averaged = false;
  /** Why the run ends, once all ranks know. */
  #ending: EndReason | null = null;

  constructor(options: AnyFitOptions, profiler: Profiler | null, step: Stepper, agreement: Agreement | null) {
    this.#options = options;
    this.#profiler = profiler;
    this.#world = options.world ?? singleWorld();
    this.#agreement = agreement;
    this.#step = step;
    this.#reporter = new Reporter(options, () => this.#checkpoint());
    this.#advice = new Advice(options);
    this.#progress = {
      step: 0,
      epoch: 0,
      batch: 0,
      totals: emptyTotals(this.#step.objective.names, this.#step.objective.streams),
      last: { loss: null, metrics: {} },
    };
  }

  close(): void {
    this.#step.close?.();
  }

  async *events(): Events {
    const { model, optimizer, train, epochs, validation, validateEvery = 1 } = this.#options;
    const { resume } = this.#options;
    const world = this.#world;
    const progress = this.#progress;
    const report = (body: EventBody): Events => this.#reporter.report(body);

    const warnings = resume && world.rank === 0 ? this.#resume(resume) : [];
    const shared = await this.#agreement?.sharedStart(world, () => this.#checkpoint());
    if (shared) warnings.push(...this.#resume(shared));
    this.#ending = await this.#agree(this.#wish());
    const parameters = model.parameters().filter((variable) => variable.trainable);
    yield* report({
      type: 'start',
      epochs,
      batches: train.length ?? null,
      parameters: parameters.reduce((total, variable) => total + variable.size, 0),
      step: progress.step,
      epoch: progress.epoch,
      metrics: this.#step.objective.names,
      backend: backend().name,
    });
    for (const warning of warnings) yield* report(warning);

    model.train();
    while (progress.epoch < epochs && !this.#ended()) {
      const epoch = yield* this.#runEpoch();
      if (!epoch) break;
      const due = progress.epoch % validateEvery === 0 || progress.epoch === epochs || this.#ended();
      if (validation && due && !this.#aborted()) yield* this.#validate(validation);
      yield* report({ ...epoch, learningRate: optimizer.learningRate });
      this.#ending = await this.#agree(this.#ending ?? this.#wish());
    }

    const profile = this.#profiler?.result();
    this.#profiler?.stop();
    if (profile) yield* report({ type: 'profile', step: progress.step, epoch: progress.epoch, ...profile });
    yield* report({
      type: 'end',
      reason: this.#ending ?? this.#wish() ?? 'completed',
      epoch: progress.epoch,
      step: progress.step,
      ...progress.last,
    });
  }

  /** Goes through the data once; null when it was left early. */
  async *#runEpoch(): Events<EpochBody | null> {
    const { train, accumulate = 1, gradientNorms = 0 } = this.#options;
    const progress = this.#progress;
    const began = now();
    const examplesBefore = progress.totals.examples;
    if (progress.batch === 0) train.setEpoch?.(progress.epoch);
    let waiting = now();
    for await (const batch of inGroups(train, accumulate, progress.batch)) {
      const arrived = now();
      await pauseWhenDue();
      // Losses are read, but what callbacks and metrics of the user's submit may not be.
      if (progress.batch % stepsAhead === stepsAhead - 1) await synchronize();
      const learningRate = this.#options.optimizer.learningRate;
      if (!batch.endsGroup) this.#beforeGroup ??= this.#position();
      progress.batch++;
      const started = now();
      const measured = gradientNorms > 0 && (progress.step + 1) % gradientNorms === 0;
      const { checkNumerics = 0 } = this.#options;
      if (checkNumerics > 0 && batch.endsGroup && (progress.step + 1) % checkNumerics === 0)
        yield* this.#watchNumerics(batch);
      this.#world.at?.(`step ${progress.step + 1}`);
      const result = await this.#step.compute(batch, measured, this.#wish());
      if (batch.endsGroup) {
        progress.step++;
        this.#beforeGroup = null;
      }
      this.#profiler?.step(arrived - waiting, now() - started);
      if (this.#world.size > 1) this.#ending = result.wish;
      if (!Number.isFinite(result.loss)) yield* this.#failNonFinite(result, learningRate, batch);
      if (progress.epoch === 0) this.#advice.look(batch, result.loss, learningRate);
      addTo(progress.totals, result.examples, result.loss, result);
      // Gradients that wait for a step are in no checkpoint, so a run is reported, and ends, between steps only.
      if (batch.endsGroup) {
        yield* this.#reportStep(result, learningRate);
        if (this.#ended() && progress.batch !== (train.length ?? null)) return null;
      }
      waiting = now();
    }
    const { examples } = progress.totals;
    if (examples === 0) throw new TrainingError('fit: the training data hold no batch', { code: 'option' });
    const epochSeconds = (now() - began) / 1000;
    const means = meansOf(progress.totals, this.#step.objective.streams);
    progress.last = means;
    progress.epoch++;
    await this.#advice.endEpoch(progress.epoch, means.loss, this.#options.optimizer.learningRate);
    progress.batch = 0;
    progress.totals = emptyTotals(this.#step.objective.names, this.#step.objective.streams);
    return {
      type: 'epoch',
      epoch: progress.epoch,
      step: progress.step,
      ...means,
      epochSeconds,
      examplesPerSecond: (examples - examplesBefore) / epochSeconds,
    };
  }

  /** Warns of what loses digits on the way to the loss of the batch. */
  async *#watchNumerics({ x, y }: GroupedBatch): Events {
    const { model } = this.#options;
    this.#numerics ??= new (await import('./numerics.ts')).NumericsWatch();
    const step = this.#progress.step + 1;
    const loss = () => this.#step.objective.losses(forward(model, x, 'fit'), y);
    for (const { message } of await this.#numerics.losses(model, loss))
      yield* this.#reporter.report({ type: 'warning', code: 'lostDigits', message, step });
  }

  async *#reportStep({ loss, metrics, health }: StepResult, learningRate: number): Events {
    const { train, reportEvery = 1 } = this.#options;
    const { step, epoch, batch } = this.#progress;
    const reported = reportEvery > 0 && step % reportEvery === 0;
    if (!reported && this.#reporter.callbacks.length === 0) return;
    const event: EventBody = {
      type: 'step',
      step,
      epoch: epoch + 1,
      batch,
      batches: train.length ?? null,
      loss,
      metrics,
      learningRate,
      ...health,
    };
    yield* this.#reporter.report(event, reported);
  }

  async *#failNonFinite({ loss, ownLoss }: StepResult, learningRate: number, batch: GroupedBatch): Events {
    const { step } = this.#progress;
    const ranks = this.#agreement?.failingRanks(this.#world, ownLoss) ?? [];
    const where = ranks.length > 0 ? ` on rank ${ranks.join(', ')}` : '';
    const epoch = this.#progress.epoch + 1;
    const message =
      `the loss is ${loss}${where} at step ${step} (epoch ${epoch}, learning rate ${learningRate})${this.#advice.causes(batch)}. ` +
      'Usual remedies: a learning rate ten times smaller, clipped gradients, standardized inputs, and a look for NaN in the data';
    yield* this.#reporter.report({ type: 'anomaly', kind: 'nonFiniteLoss', message, step, epoch });
    const error = new TrainingError(message, { code: 'nonFiniteLoss', step, epoch, learningRate });
    agreed.add(error);
    throw error;
  }

  /** Goes through the validation data, by the averaged weights where there are some. */
  async *#validate(data: NonNullable<AnyFitOptions['validation']>): Events {
    const { model, loss, weights, metrics, average } = this.#options;
    const world = this.#world;
    const { epoch, step } = this.#progress;
    if (average) {
      average.apply();
      this.#averaged = true;
    }
    try {
      const found = await validate(model, data, {
        loss,
        ...(weights && { weights }),
        ...(metrics && { metrics }),
        world,
      });
      yield* this.#reporter.report({
        type: 'validation',
        epoch,
        step,
        loss: found.loss,
        metrics: found.metrics,
      });
    } finally {
      average?.restore();
      this.#averaged = false;
    }
  }

  /** Why this rank wants the run to end. */
  #wish(): EndReason | null {
    return this.#reporter.stopped ?? (this.#options.signal?.aborted ? 'aborted' : null);
  }

  /** Why the run ends, on all ranks. */
  async #agree(wish: EndReason | null): Promise<EndReason | null> {
    return this.#agreement ? this.#agreement.agree(this.#world, wish, this.#options.model) : wish;
  }

  /** Whether the run ends: at once where this program trains alone, else when all ranks know. */
  #ended(): boolean {
    return this.#world.size > 1 ? this.#ending !== null : this.#wish() !== null;
  }

  #aborted(): boolean {
    return this.#world.size > 1 ? this.#ending === 'aborted' : this.#options.signal?.aborted === true;
  }

  #position(): Position {
    const { totals, ...rest } = this.#progress;
    return { progress: { ...rest, totals: copyTotals(totals) }, random: randomState() };
  }

  async #checkpoint(): Promise<Checkpoint> {
    const { model, optimizer, train, average, config } = this.#options;
    // What goes on from here needs the weights themselves.
    if (this.#averaged) average!.restore();
    try {
      const { progress, random } = this.#beforeGroup ?? this.#position();
      const checkpoint = takeCheckpoint({
        model,
        optimizer,
        ...(average && { average }),
        callbacks: this.#reporter.callbacks,
        data: train.state?.() ?? null,
        progress,
        config: config ?? null,
      });
      return { ...checkpoint, random };
    } finally {
      if (this.#averaged) average!.apply();
    }
  }

  /** Goes on from a checkpoint; answers what the user should know about that. */
  #resume(checkpoint: Checkpoint): EventBody[] {
    const { model, optimizer, train, average } = this.#options;
    const { progress, data } = checkpoint;
    if (progress.batch > 0 && (!train.loadState || data === null)) {
      throw new TrainingError(
        'fit: the checkpoint was taken in mid-epoch, and this source of data cannot resume there; give it loadState(state)',
        { code: 'option' },
      );
    }
    const position = train.state?.();
    if (progress.batch > 0 && data !== null)
      train.loadState?.({ ...data, epoch: progress.epoch, position: progress.batch });
    try {
      restoreCheckpoint(checkpoint, {
        model,
        optimizer,
        ...(average && { average }),
        callbacks: this.#reporter.callbacks,
      });
    } catch (error) {
      if (position) train.loadState?.(position);
      throw error;
    }
    Object.assign(this.#progress, progress, { totals: copyTotals(progress.totals) });
    const message = otherArithmetic(checkpoint);
    return message === null
      ? []
      : [{ type: 'warning', code: 'otherArithmetic', message, step: progress.step }];
  }
}
