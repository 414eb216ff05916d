/** The worker's side of a trainer: one session at a time, and calls that are answered in order. */
import { type Computing, startComputing } from './computing.ts';
import { queue } from './queue.ts';

/** What is trained with one configuration. */
export interface TrainingSession {
  pause(): Promise<void>;
  /** The rate of the steps to come. */
  setLearningRate(learningRate: number): void;
  close(): Promise<void>;
}

export abstract class TrainerHost<Snapshot, Session extends TrainingSession> {
  #session: Session | null = null;
  #send: (snapshot: Snapshot) => unknown = () => undefined;
  readonly #inTurn = queue();

  computing(): Promise<Computing> {
    return startComputing();
  }

  /** Where snapshots go; a promise holds the next one back. */
  listen(send: (snapshot: Snapshot) => unknown): void {
    this.#send = send;
  }

  pause(): Promise<void> {
    return this.ask((session) => session.pause());
  }

  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): Promise<void> {
    return this.ask((session) => session.setLearningRate(learningRate));
  }

  protected inTurn<T>(job: () => Promise<T>): Promise<T> {
    return this.#inTurn(job);
  }

  /** Asks the session when its turn comes; there is no answer where none is open. */
  protected ask<T>(question: (session: Session) => T | Promise<T>): Promise<T | undefined> {
    return this.inTurn(async () => (this.#session ? question(this.#session) : undefined));
  }

  /** Ends the session and opens another. To be called in turn. */
  protected async open(make: (send: (snapshot: Snapshot) => unknown) => Promise<Session>): Promise<void> {
    await startComputing();
    await this.#session?.close();
    this.#session = null;
    this.#session = await make((snapshot) => this.#send(snapshot));
  }
}
