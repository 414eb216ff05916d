/**
 * The order of work. What can be submitted is submitted at once; behind something that waits for the host (pipelines being made, a
 * routine between kernels, values to be computed on the host) everything queues, so that memory is seen as the calls were made.
 */
import type { DeviceMemory } from '../device/memory.ts';

export interface Job {
  /** Memory it has to do with. */
  readonly memories: readonly DeviceMemory[];
  /** What has to be there before it starts; null where it can start now. */
  wait(): Promise<unknown> | null;
  /** Does the work; a promise where it ends later. Nothing starts before it has ended. */
  start(sequence: number): Promise<void> | void;
}

/** An error that nobody was told of yet, and the last job that was there when it happened. */
interface Failure {
  readonly error: unknown;
  readonly until: number;
  told: boolean;
}

export class JobQueue {
  readonly #waiting: { readonly job: Job; readonly sequence: number }[] = [];
  #busy = false;
  #last = 0;
  #done = 0;
  #failure: Failure | null = null;
  #idle: (() => void)[] = [];

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return !this.#busy;
  }

  /** Whether jobs that have to do with the memory have ended. */
  isSettled(memory: DeviceMemory): boolean {
    return memory.job <= this.#done;
  }

  /** Starts a job, at once where nothing waits. Throws what it throws then; later errors are those of the next read. */
  add(job: Job): void {
    const sequence = ++this.#last;
    if (this.#busy) {
      this.#enqueue(job, sequence);
      return;
    }
    const wait = job.wait();
    if (wait !== null) {
      // It is asked again, and heard, when its turn comes.
      wait.catch(() => {});
      this.#enqueue(job, sequence);
      void this.#work();
      return;
    }
    const ended = job.start(sequence);
    if (ended === undefined) {
      this.#done = sequence;
      return;
    }
    for (const memory of job.memories) memory.job = sequence;
    void this.#work({ ended, sequence });
  }

  /** Notes an error that the next read reports. */
  fail(error: unknown): void {
    if (this.#failure === null || this.#failure.told)
      this.#failure = { error, until: this.#last, told: false };
  }

  /** What a read has to report: the error of work before it. */
  failureOf(sequence: number): Failure | null {
    const failure = this.#failure;
    if (failure === null) return null;
    if (sequence > failure.until) {
      this.#failure = null;
      if (failure.told) return null;
    }
    failure.told = true;
    return failure;
  }

  /** The same for a read that is asked for now and needs not queue. */
  failureNow(): Failure | null {
    return this.failureOf(++this.#last);
  }

  /** Resolves when nothing waits. */
  settled(): Promise<void> {
    return this.#busy ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  #enqueue(job: Job, sequence: number): void {
    for (const memory of job.memories) memory.job = sequence;
    this.#waiting.push({ job, sequence });
  }

  async #work(first?: { readonly ended: Promise<void>; readonly sequence: number }): Promise<void> {
    this.#busy = true;
    if (first) {
      await first.ended.catch((error: unknown) => this.fail(error));
      this.#done = first.sequence;
    }
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { job, sequence } = next;
      try {
        const wait = job.wait();
        if (wait !== null) await wait;
        const ended = job.start(sequence);
        if (ended !== undefined) await ended;
      } catch (error) {
        this.fail(error);
      }
      this.#done = sequence;
    }
    this.#busy = false;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
