/**
 * The workers of a run: started when they are needed, handed tasks, and replaced when they die. A task belongs to no worker, so
 * one that was lost is simply given to another.
 */
import { codedError, type ErrorCode } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import { listen, type MessageEnd } from '../messageEnd.ts';
import type { FromWorker, Task } from './messages.ts';
import { computedBy, locks } from './serveWorker.ts';

/** What a worker made of a task. */
export type Sums = Extract<FromWorker, { readonly ag: 'sums' }>;

/** Workers in a row that may die over one task. */
const patience = 3;
/** Milliseconds within which a new worker must have loaded its script. */
const startTime = 120_000;

interface Member {
  readonly end: MessageEnd;
  /** Settles when it can be handed tasks. */
  readonly ready: Promise<void>;
  isReady: boolean;
  /** Given what came of the task at hand; null when it died. */
  settle: ((outcome: Exclude<FromWorker, { readonly ag: 'ready' }> | null) => void) | null;
  dead: string | null;
  close(): void;
}

/** What is known of the model here, to be compared with each worker's. */
export interface CrewOptions {
  readonly size: number;
  readonly start: () => MessageEnd;
  readonly layout: string;
  readonly compile: boolean;
}

/** The workers of one run. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members: (Member | null)[];
  #closed = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#members = Array.from({ length: options.size }, () => null);
  }

  get size(): number {
    return this.#options.size;
  }

  /** Hands a task to the worker with a number, or to those that come after it when it dies. */
  async run(number: number, task: Task): Promise<Sums> {
    let cause = '';
    for (let attempt = 0; attempt < patience; attempt++) {
      const member = this.#member(number);
      // At once where it can be: its work starts before that of the next is prepared.
      if (!member.isReady) await member.ready;
      const outcome = await this.#hand(member, task);
      if (outcome?.ag === 'sums') return outcome;
      if (outcome !== null) {
        const { kind, code, message } = outcome;
        if (kind) throw new TrainingError(message, { code: kind });
        throw codedError(Error, (code as ErrorCode | undefined) ?? 'AG_WORKER_FAILED', message);
      }
      cause = member.dead ?? '';
    }
    throw codedError(
      Error,
      'AG_WORKER_FAILED',
      `fit: ${patience} workers in a row ended over the same blocks of a batch; the last: ${cause}`,
    );
  }

  /** Ends all workers. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members) member?.close();
    this.#members.fill(null);
  }

  #hand(member: Member, task: Task): Promise<Exclude<FromWorker, { readonly ag: 'ready' }> | null> {
    if (member.dead !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      member.settle = resolve;
      member.end.postMessage(task);
    });
  }

  /** The worker with a number, started when there is none that lives. */
  #member(number: number): Member {
    const known = this.#members[number];
    if (known !== null && known.dead === null) return known;
    const member = this.#started();
    this.#members[number] = member;
    return member;
  }

  #started(): Member {
    const { start, layout, compile } = this.#options;
    const end = start();
    let greet = { resolve: (): void => {}, reject: (_: unknown): void => {} };
    const ready = new Promise<void>((resolve, reject) => {
      greet = { resolve, reject };
    });
    // Who waits for it hears of it; nobody may.
    ready.catch(() => {});
    let known = false;
    const die = (reason: unknown): void => {
      if (member.dead !== null) return;
      member.dead = String((reason as Error | undefined)?.message ?? reason);
      const text = `fit: a worker could not be started: ${member.dead}. Does its script call serveWorker?`;
      if (!known) greet.reject(codedError(Error, 'AG_WORKER_FAILED', text));
      member.settle?.(null);
      member.close();
    };
    const hear = (message: FromWorker): void => {
      if (message?.ag === 'ready') {
        known = true;
        const differs = differenceOf(message, layout);
        if (differs === null) {
          member.isReady = true;
          greet.resolve();
        } else greet.reject(new TrainingError(differs, { code: 'option' }));
      } else if (message?.ag === 'failed' && message.task < 0) die(message.message);
      else if (message?.ag === 'sums' || message?.ag === 'failed') {
        const settle = member.settle;
        member.settle = null;
        settle?.(message);
      }
    };
    const stops = [
      listen(end, 'message', hear),
      listen(end, 'messageerror', () => die('a message could not be read')),
      listen(end, 'error', (event: { message?: string; preventDefault?(): void }) => {
        event.preventDefault?.();
        die(event);
      }),
      listen(end, 'exit', (code: number) => die(`it ended with code ${code}`)),
      listen(end, 'close', () => die('it was closed')),
    ];
    const late = setTimeout(() => die(`it did not answer within ${startTime / 1000} s`), startTime);
    const settled = (): void => clearTimeout(late);
    ready.then(settled, settled);
    const member: Member = {
      end,
      ready,
      isReady: false,
      settle: null,
      dead: null,
      close: () => {
        clearTimeout(late);
        for (const stop of stops) stop();
        void (end as { terminate?(): unknown }).terminate?.();
      },
    };
    const lock = locks() === undefined ? null : `ag worker ${crypto.randomUUID()}`;
    if (lock !== null)
      void ready.then(
        () => locks()?.request(lock, async () => (this.#closed ? undefined : die('it was ended'))),
        () => {},
      );
    end.postMessage({ ag: 'crew', lock, compile });
    return member;
  }
}

/** How a worker's model differs from the one here; null when it does not. */
function differenceOf(
  { layout, backend }: Extract<FromWorker, { readonly ag: 'ready' }>,
  expected: string,
): string | null {
  if (layout !== expected)
    return `fit: the model, loss or metrics of the workers are others than here: there ${layout}, here ${expected}. Let both load the same module`;
  const here = computedBy();
  if (backend === here) return null;
  return `fit: the workers compute by ${backend}, this program by ${here}, so results would depend on their number; let both use the same`;
}
