/**
 * A finished run, to be asked: any step of it can be computed again to the bit from the nearest checkpoint, though nobody logged it.
 */
import { checkOptions } from '@ag/tensor/engine';
import { listCheckpoints } from '../callbacks/saveCheckpoints.ts';
import { type Checkpoint, loadCheckpoint } from '../checkpoint.ts';
import { TrainingError } from '../errors.ts';
import { readFile } from '../files.ts';
import { nodeModule } from '../platform.ts';
import { type Found, Moment } from './moment.ts';
import { parseReceipt, type Receipt } from './receipt.ts';
import { type Look, type Replayed, type RunSetup, replay } from './replay.ts';

/** Moments that are kept to go on from, beside the checkpoints of the run. */
const mostKept = 4;

/** What is left of a run: what a folder holds, or a page has kept. */
export interface RunSource {
  /** The receipt, where there is one. */
  readonly receipt?: Receipt | null;
  /** Checkpoints, in any order; without any a run is computed again from its beginning. */
  readonly checkpoints?: readonly SavedCheckpoint[];
}

/** A checkpoint that is read when it is needed. */
export interface SavedCheckpoint {
  readonly step: number;
  read(): Checkpoint | Promise<Checkpoint>;
}

/** Which steps are gone through. */
export interface StepRange {
  /** The first step. Default 1. */
  readonly from?: number;
  /** The last step. Default: the last of the run. */
  readonly to?: number;
}

/** Which steps of a finished run are gone through. */
export interface WalkOptions extends StepRange {
  /** Every so many steps. Default 1. */
  readonly every?: number;
  /** Modules whose outputs will be asked for, which saves computing steps twice. */
  readonly activations?: readonly string[];
}

/** What is looked for first in a finished run. */
export interface FirstOptions extends WalkOptions {
  /**
   * Whether the answer stays true once it is: then steps are halved, and few are computed. Default false: all are gone through, in their
   * order.
   */
  readonly monotone?: boolean;
}

/**
 * Opens a finished run.
 *
 * ```ts
 * const run = await openRun('runs/a', () => {
 *   manualSeed(1);
 *   const model = network();
 *   const train = dataLoader(data, { batchSize: 32, shuffle: true, seed: 1 });
 *   return { model, optimizer: adam(model.parameters(), { learningRate: 1e-3 }), loss: crossEntropy, train, epochs: 5 };
 * });
 * await run.at(500).gradient('0.weight');
 * ```
 *
 * @param source the folder of the run, with `receipt.json` and the files of `saveCheckpoints` in it or in `checkpoints`, or what a page has
 * kept of both
 * @param setup makes the options of `fit` as they were at the run's beginning, each time anew; callbacks that only write are left out
 * @throws TrainingError `receipt` for a file of that name that is none
 */
export async function openRun(source: string | RunSource, setup: RunSetup): Promise<Run> {
  return new Run(typeof source === 'string' ? await folderOf(source) : source, setup);
}

async function folderOf(folder: string): Promise<RunSource> {
  const { join } = nodeModule('node:path');
  const file = join(folder, 'receipt.json');
  const json = await readFile(file).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const paths = [...(await listCheckpoints(folder)), ...(await listCheckpoints(join(folder, 'checkpoints')))];
  return {
    receipt: json && parseReceipt(new TextDecoder().decode(json), file),
    checkpoints: paths.map((path) => ({
      step: Number(/(\d+)\.safetensors$/.exec(path)![1]),
      read: () => loadCheckpoint(path),
    })),
  };
}

/** A finished run: see {@link openRun}. */
export class Run {
  /** The receipt that was written when it was trained; null where none was. */
  readonly receipt: Receipt | null;
  /** @internal */
  readonly setup: RunSetup;
  readonly #saved: readonly SavedCheckpoint[];
  readonly #kept = new Map<number, Checkpoint>();
  #replays = 0;

  /** @internal */
  constructor(source: RunSource, setup: RunSetup) {
    checkOptions('openRun', source, 'receipt checkpoints');
    const { receipt = null, checkpoints = [] } = source;
    this.receipt = receipt;
    this.setup = setup;
    this.#saved = checkpoints;
  }

  /** How often steps were computed again until now, each time from a checkpoint or from the beginning. */
  get replays(): number {
    return this.#replays;
  }

  /**
   * A step of the run, to be asked what it was. Nothing is computed before that.
   *
   * @param step from 1; 0 is the beginning
   * @throws TrainingError `option` for a step that the run does not have
   */
  at(step: number): Moment {
    this.#expectStep(step, 'at', 0);
    return new Moment(step, (activations) => this.#find(step, { activations }));
  }

  /** Goes through steps, in their order, in one computation. */
  walk(options: WalkOptions = {}): AsyncGenerator<Moment, void, undefined> {
    checkOptions('walk', options, 'from to every activations');
    return this.#walk(options);
  }

  async *#walk(options: WalkOptions): AsyncGenerator<Moment, void, undefined> {
    const { from = 1, every = 1, activations = [] } = options;
    const to = options.to ?? this.receipt?.steps ?? Number.POSITIVE_INFINITY;
    this.#expectStep(from, 'walk', 1);
    if (to !== Number.POSITIVE_INFINITY) this.#expectStep(to, 'walk', from);
    if (!(Number.isInteger(every) && every > 0))
      throw new TrainingError(`walk: every must be a whole number from 1, got ${every}`, { code: 'option' });
    const last = from + Math.floor((to - from) / every) * every;
    const isMeant = (step: number): boolean => step >= from && (step - from) % every === 0;
    const look = (step: number): Look | null => (isMeant(step) ? { activations } : null);
    for await (const found of this.replay(await this.before(from), look)) {
      const { step, event, seen } = found;
      if (event && isMeant(step)) {
        const known = { event, seen, after: await found.checkpoint() };
        yield new Moment(step, (more) => this.#find(step, { activations: [...activations, ...more] }), known);
      }
      if (step >= last) return;
    }
  }

  /**
   * The first step of which something is true; null where it is true of none.
   *
   * ```ts
   * const step = await run.first(async (step) => (await step.gradientNorm('fc1')) > 10);
   * ```
   */
  async first(
    predicate: (step: Moment) => boolean | Promise<boolean>,
    options: FirstOptions = {},
  ): Promise<Moment | null> {
    checkOptions('first', options, 'from to every activations monotone');
    const { monotone = false, from = 1, to = this.receipt?.steps, every = 1 } = options;
    if (!monotone) {
      for await (const moment of this.#walk(options)) if (await predicate(moment)) return moment;
      return null;
    }
    if (to === undefined)
      throw new TrainingError('first: monotone needs the last step, to', { code: 'option' });
    let [low, high] = [0, Math.floor((to - from) / every) + 1];
    let found: Moment | null = null;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const moment = this.at(from + middle * every);
      if (await predicate(moment)) {
        high = middle;
        found = moment;
      } else low = middle + 1;
    }
    return found;
  }

  /** The last checkpoint before a step; null for the beginning. @internal */
  async before(step: number): Promise<Checkpoint | null> {
    const known = [
      ...this.#saved,
      ...[...this.#kept].map(([at, checkpoint]) => ({ step: at, read: () => checkpoint })),
    ].filter((one) => one.step < step);
    // The beginning is as near as a checkpoint of step 0.
    const nearest = known.sort((a, b) => b.step - a.step)[0];
    return nearest && nearest.step > 0 ? nearest.read() : null;
  }

  /** Computes steps again. @internal */
  replay(
    from: Checkpoint | null,
    look?: (step: number) => Look | null,
    callbacks: Parameters<typeof replay>[1]['callbacks'] = [],
  ): AsyncGenerator<Replayed, void, undefined> {
    this.#replays++;
    return replay(this.setup, { from, callbacks, ...(look && { look }) });
  }

  /** A step with what is to be seen of it. @internal */
  async look(step: number, look: Look): Promise<Found> {
    return this.#find(step, look);
  }

  async #find(step: number, look: Look): Promise<Found> {
    const start = step === 0 ? null : await this.#stateAt(step - 1);
    for await (const found of this.replay(start, (one) => (one === step ? look : null))) {
      if (found.step < step) continue;
      const after = await found.checkpoint();
      this.#keep(after);
      return { event: found.event, seen: found.seen, after };
    }
    return this.#ended(step);
  }

  /** The state after a step, from which the next one is computed; null for the beginning. */
  async #stateAt(step: number): Promise<Checkpoint | null> {
    const nearest = await this.before(step + 1);
    if (step === 0 || nearest?.progress.step === step) return nearest;
    for await (const found of this.replay(nearest)) {
      if (found.step < step) continue;
      const checkpoint = await found.checkpoint();
      this.#keep(checkpoint);
      return checkpoint;
    }
    return this.#ended(step);
  }

  #keep(checkpoint: Checkpoint): void {
    const { step } = checkpoint.progress;
    this.#kept.delete(step);
    this.#kept.set(step, checkpoint);
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value as number);
  }

  #ended(step: number): never {
    throw new TrainingError(`the run ended before step ${step}`, { code: 'option', step });
  }

  #expectStep(step: number, asker: string, least: number): void {
    const most = this.receipt?.steps ?? Number.POSITIVE_INFINITY;
    if (Number.isInteger(step) && step >= least && step <= most) return;
    const range = most === Number.POSITIVE_INFINITY ? `from ${least}` : `from ${least} to ${most}`;
    throw new TrainingError(`${asker}: a step of this run is a whole number ${range}, got ${step}`, {
      code: 'option',
    });
  }
}
