/** The worker's side of a trainer: one session at a time, and calls that are answered in order. */
import { type BackendName, type Computing, isLost, leaveDevice, startComputing } from './computing.ts';
import { queue } from './queue.ts';

/** What is trained with one configuration. */
export interface TrainingSession {
  pause(): Promise<void>;
  /** The rate of the steps to come. */
  setLearningRate(learningRate: number): void | Promise<void>;
  close(): Promise<void>;
  /** Does what reads values; once more where their device is lost meanwhile. */
  safely<T>(work: () => T | Promise<T>): Promise<T>;
}

export abstract class TrainerHost<Snapshot, Session extends TrainingSession> {
  #session: Session | null = null;
  #send: (snapshot: Snapshot) => unknown = () => undefined;
  readonly #inTurn = queue();

  /** Chooses what computes, before anything else is asked; `onChange` hears when something else has to go on. */
  computing(asked?: BackendName, onChange?: (computing: Computing) => unknown): Promise<Computing> {
    return startComputing(asked, onChange);
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

  /** What is open; null where nothing is. */
  protected get session(): Session | null {
    return this.#session;
  }

  protected inTurn<T>(job: () => Promise<T>): Promise<T> {
    return this.#inTurn(job);
  }

  /** Asks the session when its turn comes; there is no answer where none is open. */
  protected ask<T>(question: (session: Session) => T | Promise<T>): Promise<T | undefined> {
    return this.inTurn(async () => {
      const session = this.#session;
      return session ? session.safely(() => question(session)) : undefined;
    });
  }

  /** Ends the session and opens another. To be called in turn. */
  protected async open(make: (send: (snapshot: Snapshot) => unknown) => Promise<Session>): Promise<void> {
    await startComputing();
    await this.#session?.close();
    this.#session = null;
    const send = (snapshot: Snapshot) => this.#send(snapshot);
    try {
      this.#session = await make(send);
    } catch (error) {
      if (!isLost(error)) throw error;
      await leaveDevice(error, []);
      this.#session = await make(send);
    }
  }
}
