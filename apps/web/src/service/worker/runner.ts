/**
 * Plays a stream of training events: on and on, one step, or not at all.
 *
 * Not asking for the next event is the pause, so there is nothing to interrupt, and a run at rest can be looked at,
 * saved and gone on with.
 */
import type { TrainingEvent } from '@ag/train';

/** The events of a run: those of `fit`, or of one that outlives its device. */
export interface EventStream {
  next(): Promise<IteratorResult<TrainingEvent, void>>;
  return(): Promise<unknown>;
}

/** Hands batches on, and holds them back while the run is paused. */
export type PauseGate = <B>(batches: AsyncIterable<B>) => AsyncIterable<B>;

export class Runner {
  readonly #events: EventStream;
  readonly #onEvent: (event: TrainingEvent) => void | Promise<void>;
  #playing = false;
  #closed = false;
  /** Whether an event puts the run to rest. */
  #last: (event: TrainingEvent) => boolean = () => false;
  /** The loop that asks for events, while there is one. */
  #loop: Promise<void> | null = null;
  /** Lets batches go on that wait at the gate; null while none does. */
  #resume: (() => void) | null = null;
  /** Called when the gate holds a batch back. */
  #held: () => void = () => undefined;

  /**
   * @param begin gives the events; long passes over data go through `gate`, so that a pause holds within them too
   * @param onEvent called with each event; the run waits for it
   */
  constructor(
    begin: (gate: PauseGate) => EventStream,
    onEvent: (event: TrainingEvent) => void | Promise<void>,
  ) {
    this.#events = begin((batches) => ({ [Symbol.asyncIterator]: () => this.#through(batches) }));
    this.#onEvent = onEvent;
  }

  get playing(): boolean {
    return this.#playing;
  }

  /**
   * Goes on until `pause`, the end of the run, or an event for which `last` is true.
   * @throws whatever the run throws
   */
  play(last: (event: TrainingEvent) => boolean = () => false): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#last = last;
    this.#playing = true;
    this.#resume?.();
    this.#loop ??= this.#run();
    return this.#loop;
  }

  /** Comes to rest after what is under way: a step, or a batch of a pass at the gate. */
  async pause(): Promise<void> {
    this.#playing = false;
    if (this.#loop === null || this.#resume !== null) return;
    const held = new Promise<void>((resolve) => {
      this.#held = resolve;
    });
    await Promise.race([this.#loop.catch(() => undefined), held]);
  }

  /** Ends the run. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#playing = false;
    this.#resume?.();
    await this.#loop?.catch(() => undefined);
    await this.#events.return();
  }

  async #run(): Promise<void> {
    try {
      while (this.#playing) {
        const next = await this.#events.next();
        if (next.done) return;
        await this.#onEvent(next.value);
        if (this.#last(next.value)) return;
      }
    } catch (error) {
      // A run that is ended in the middle of a pass may complain that data are missing.
      if (!this.#closed) throw error;
    } finally {
      this.#playing = false;
      this.#loop = null;
    }
  }

  async *#through<B>(batches: AsyncIterable<B>): AsyncGenerator<B, void, undefined> {
    for await (const batch of batches) {
      if (!this.#playing && !this.#closed) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
          this.#held();
        });
        this.#resume = null;
      }
      if (this.#closed) return;
      yield batch;
    }
  }
}
