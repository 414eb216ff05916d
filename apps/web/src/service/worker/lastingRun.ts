/**
 * A run of `fit` that outlives its device.
 *
 * On a device that can be lost, a copy of the run is kept on the host every few steps. When the device is gone
 * WebAssembly goes on from the last copy; what was told of the steps since then is not told again. Where the device
 * cannot be lost nothing is kept.
 */
import { backend, type Movable } from '@ag/tensor';
import {
  type Callback,
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type TrainingEvent,
} from '@ag/train';
import { isLost, leaveDevice } from './computing.ts';

/** The events of a run of `fit`. */
export type Events = AsyncGenerator<TrainingEvent, void, undefined>;

/** Begins a run, or goes on with one, with `keeper` as the last of its callbacks. */
export type BeginRun = (keeper: Callback, resume?: Checkpoint) => Events;

/** Steps between two copies: as many may have to be computed once more. */
const stride = 16;

/** Whether what is computed may be gone before it is read. */
const canBeLost = (): boolean => backend().idle !== undefined;

/** A checkpoint that holds nothing of a device which may be lost. */
export async function withoutDevice(checkpoint: Checkpoint): Promise<Checkpoint> {
  return canBeLost() ? decodeCheckpoint(await encodeCheckpoint(checkpoint)) : checkpoint;
}

function nameOf(event: TrainingEvent): string {
  const what = event.type === 'anomaly' ? event.kind : event.type === 'warning' ? event.code : '';
  return `${event.type} ${event.step} ${what}`;
}

export class LastingRun {
  readonly #begin: BeginRun;
  readonly #holders: readonly Movable[];
  #events: Events;
  #kept: Checkpoint | undefined;
  /** What was told since the copy, and the step that was told last. */
  readonly #told = new Set<string>();
  #step: number;
  /** An event that came while the run caught up. */
  #waiting: IteratorResult<TrainingEvent, void> | null = null;
  #recovering: Promise<void> | null = null;
  #recovered = false;

  readonly #keeper: Callback = {
    name: 'keeper',
    last: true,
    on: async (event, context) => {
      if (event.type !== 'start' && event.type !== 'step') return;
      if (!canBeLost() || (event.type === 'step' && event.step % stride !== 0)) return;
      this.#kept = await withoutDevice(await context.checkpoint());
      this.#told.clear();
    },
  };

  /** @param holders model and optimizer, whose values are on the device */
  constructor(begin: BeginRun, holders: readonly Movable[], resume?: Checkpoint) {
    this.#begin = begin;
    this.#holders = holders;
    this.#kept = resume;
    this.#step = resume?.progress.step ?? 0;
    this.#events = begin(this.#keeper, resume);
  }

  /** Takes it to its first event, from which on it can be recovered. @throws whatever the run throws */
  async start(): Promise<void> {
    await this.#events.next();
  }

  async next(): Promise<IteratorResult<TrainingEvent, void>> {
    for (;;) {
      await this.#recovering;
      const events = this.#events;
      try {
        const next = this.#waiting ?? (await events.next());
        this.#waiting = null;
        // Of a run that was given up meanwhile.
        if (events !== this.#events) continue;
        if (next.done || this.#isNew(next.value)) return next;
      } catch (error) {
        if (events === this.#events) await this.recover(error);
      }
    }
  }

  async return(): Promise<void> {
    await this.#events.return();
  }

  /** Does what reads values of the run; once more, by WebAssembly, when their device is lost meanwhile. */
  async safely<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.recover(error);
      return work();
    }
  }

  /** Goes on by WebAssembly. @throws the error, where it is another than a lost device */
  async recover(error: unknown): Promise<void> {
    if (!isLost(error)) throw error;
    this.#recovering ??= this.#restart(error).finally(() => {
      this.#recovering = null;
    });
    await this.#recovering;
  }

  async #restart(error: unknown): Promise<void> {
    // Somebody else has noticed before.
    if (!canBeLost()) return;
    // It may wait for the reader; then it ends when it is gone on with.
    this.#events.return().catch(() => undefined);
    await leaveDevice(error, this.#holders);
    this.#recovered = true;
    this.#events = this.#begin(this.#keeper, this.#kept);
    // The weights are back with the first event; those of the steps since the copy are made once more.
    for (;;) {
      const next = await this.#events.next();
      if (next.done) return;
      const event = next.value;
      if (event.type === 'start' && event.step >= this.#step) return;
      if (event.type === 'step' && event.step === this.#step) return;
      if (event.step > this.#step) {
        this.#waiting = next;
        return;
      }
    }
  }

  #isNew(event: TrainingEvent): boolean {
    // The page says what computes now.
    if (this.#recovered && event.type === 'warning' && event.code === 'otherArithmetic') return false;
    const name = nameOf(event);
    if (this.#told.has(name)) return false;
    if (canBeLost()) this.#told.add(name);
    this.#step = event.step;
    return true;
  }
}
