/** A run of `fit` under a page's control: it plays, rests, resumes, and publishes how it stands. */
import type { Movable } from '@ag/tensor';
import type { Callback, Checkpoint, TrainingEvent } from '@ag/train';
import { messageOf } from '../messageOf.ts';
import { type Events, LastingRun } from './lastingRun.ts';
import type { Publisher } from './publisher.ts';
import { type PauseGate, Runner } from './runner.ts';

interface TrainingRunOptions {
  /** Gives the events, from the start or from a checkpoint on; `keeper` is the last of the callbacks. */
  readonly begin: (gate: PauseGate, keeper: Callback, resume?: Checkpoint) => Events;
  /** Model and optimizer. */
  readonly holders: readonly Movable[];
  readonly onEvent: (event: TrainingEvent) => void | Promise<void>;
  /** Called with the message of whatever ends the run before its time. */
  readonly onError: (message: string) => void;
  readonly publisher: Publisher;
}

export class TrainingRun {
  readonly #options: TrainingRunOptions;
  #runner: Runner;
  #lasting!: LastingRun;
  #playing = false;

  constructor(options: TrainingRunOptions, resume?: Checkpoint) {
    this.#options = options;
    this.#runner = this.#begin(resume);
  }

  #begin(resume?: Checkpoint): Runner {
    const { begin, holders, onEvent } = this.#options;
    return new Runner((gate) => {
      this.#lasting = new LastingRun((keeper, from) => begin(gate, keeper, from), holders, resume);
      return this.#lasting;
    }, onEvent);
  }

  /** Whether it was asked to go on until it is paused; a single step does not count. */
  get playing(): boolean {
    return this.#playing;
  }

  /** Takes it to its first event, where a resumed run has its weights again. @throws whatever the run throws */
  start(): Promise<void> {
    return this.#runner.play((event) => event.type === 'start');
  }

  /** Does what reads values of the run; once more where their device is lost meanwhile. */
  safely<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#lasting.safely(work);
  }

  play(): void {
    this.#playing = true;
    void this.playUntil(() => false);
    void this.#options.publisher.flush();
  }

  /** Goes on until an event for which `last` is true. */
  async playUntil(last: (event: TrainingEvent) => boolean): Promise<void> {
    try {
      await this.#runner.play(last);
    } catch (error) {
      this.#options.onError(messageOf(error));
    }
    if (!this.#runner.playing) this.#playing = false;
    await this.#options.publisher.flush();
  }

  async pause(): Promise<void> {
    this.#playing = false;
    await this.#runner.pause();
    await this.#options.publisher.flush();
  }

  /** Rests after the present event: `pause` would wait for whoever handles it. */
  rest(): void {
    this.#playing = false;
    void this.#runner.pause();
  }

  /** Makes a closed run ready to go on from a checkpoint. */
  resume(checkpoint: Checkpoint): void {
    this.#runner = this.#begin(checkpoint);
  }

  close(): Promise<void> {
    this.#playing = false;
    return this.#runner.close();
  }
}
