/**
 * Training as a service of a page: a worker trains and answers, this is the page's end of it. What pages build by hand around
 * a training loop: predictions by the weights as they are, stale requests dropped, checkpoints that outlive the page, a worker
 * that hangs is replaced.
 */
import { checkOptions, codedError, type ErrorCode, valueError } from '@ag/tensor/engine';
import { listen, type MessageEnd } from '../messageEnd.ts';
import { Latest } from './latest.ts';
import type { FromService, ReportedEvent, ServiceEvent, ToService } from './protocol.ts';

/** What can be started anew: a `Worker` of either kind, or a port. */
export type ServiceWorkerEnd = MessageEnd & { terminate?(): unknown; close?(): unknown };

/** Options of {@link trainingService}. */
export interface TrainingServiceOptions<Settings = unknown> {
  /** Handed to the worker's `setup`; plain data, typed arrays too. A checkpoint is gone on with only where they are the same. */
  readonly settings?: Settings;
  /** Under which name the checkpoint is kept; null keeps none. Default `'training'`. */
  readonly name?: string | null;
  /** Whether it trains at once. Default true; else `play()` begins. */
  readonly playing?: boolean;
  /** Hears everything, with the number of its run. */
  readonly onEvent?: (event: ServiceEvent) => void;
  /** Milliseconds that a worker may be silent before it is replaced: longer than the longest step. Default 20,000. */
  readonly patience?: number;
}

/** A prediction, and the step after which the weights were what gave it. */
export interface Answered<Answer> {
  readonly value: Answer;
  readonly step: number;
}

/** A training in a worker, as {@link trainingService} gives it. */
export interface TrainingService<Settings = unknown, Input = unknown, Answer = unknown> {
  /** The number of the run; each `restart`, and each worker that had to be replaced, begins another. */
  readonly run: number;
  play(): void;
  /** Resolves when it rests; to true when its checkpoint is kept. */
  pause(): Promise<boolean>;
  /**
   * What the worker's `predict` makes of the input, between two steps. Resolves to null when a newer request of the same lane
   * has taken its place, or another run has begun.
   *
   * @param lane requests of different lanes do not take each other's place; default one for all
   * @throws Error with the message of whatever went wrong in the worker
   */
  predict(input: Input, lane?: string): Promise<Answered<Answer> | null>;
  /** Keeps a checkpoint now; false where none could be kept. */
  save(): Promise<boolean>;
  /** The weights as they are, as the bytes of a safetensors file; null when another run has begun meanwhile. */
  weights(): Promise<Uint8Array | null>;
  /** The rate of the steps to come. */
  setLearningRate(learningRate: number): void;
  /** Begins anew, without the checkpoint. Settings are those of before unless others are given. */
  restart(settings?: Settings): void;
  /** Ends the worker; what waits for an answer gets null. */
  close(): void;
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** A message without what `send` adds. */
type Sent = DistributiveOmit<ToService, 'ag' | 'run'>;

/** Workers in a row that may be lost without a step in between. */
const attempts = 3;

interface Pending {
  readonly message: Sent;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a worker whose script calls {@link serveTraining}, and goes on from the checkpoint that is kept under the name, if the
 * settings are the same: after a reload of the page to the same weights as if it had never been left.
 *
 * ```ts
 * const service = trainingService(() => new Worker(new URL('./training.js', import.meta.url), { type: 'module' }), {
 *   settings: { epochs: 50 },
 *   onEvent: (event) => event.type === 'step' && show(event.loss),
 * });
 * const answer = await service.predict(pixels); // while it trains; null when a newer one was asked
 * ```
 *
 * @param startWorker called again when a worker was lost
 * @throws RangeError `AG_ARGUMENT_VALUE` for a patience that is none
 */
export function trainingService<Settings = unknown, Input = unknown, Answer = unknown>(
  startWorker: () => ServiceWorkerEnd,
  options: TrainingServiceOptions<Settings> = {},
): TrainingService<Settings, Input, Answer> {
  checkOptions('trainingService', options, 'settings name playing onEvent patience');
  const { patience = 20_000 } = options;
  if (!(patience > 0))
    throw valueError(`trainingService: patience must be a number above 0, got ${patience}`);
  return new Service(startWorker, { ...options, patience });
}

class Service<Settings, Input, Answer> implements TrainingService<Settings, Input, Answer> {
  run = 0;
  readonly #startWorker: () => ServiceWorkerEnd;
  readonly #options: TrainingServiceOptions<Settings> & { readonly patience: number };
  readonly #lanes = new Map<string, Latest<Input, Answered<Answer>>>();
  readonly #pending = new Map<number, Pending>();
  #worker: ServiceWorkerEnd | null = null;
  #stops: (() => void)[] = [];
  #settings: Settings | undefined;
  #playing: boolean;
  /** Whether the run began without the checkpoint. */
  #fresh = false;
  #learningRate: number | null = null;
  #lastId = 0;
  #heard = 0;
  /** Workers that were lost since the last step. */
  #lost = 0;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #forget: () => void;

  constructor(
    startWorker: () => ServiceWorkerEnd,
    options: TrainingServiceOptions<Settings> & { readonly patience: number },
  ) {
    this.#startWorker = startWorker;
    this.#options = options;
    this.#settings = options.settings;
    this.#playing = options.playing ?? true;
    this.#watch = setInterval(() => this.#look(), options.patience / 4);
    this.#forget = this.#followVisibility();
    this.#begin(false);
  }

  play(): void {
    this.#playing = true;
    this.#send({ to: 'play' });
  }

  async pause(): Promise<boolean> {
    this.#playing = false;
    return (await this.#ask<boolean>({ to: 'pause' })) ?? false;
  }

  predict(input: Input, lane = ''): Promise<Answered<Answer> | null> {
    let latest = this.#lanes.get(lane);
    if (!latest) {
      latest = new Latest((next) => this.#ask<Answered<Answer>>({ to: 'predict', input: next }));
      this.#lanes.set(lane, latest);
    }
    return latest.ask(input);
  }

  async save(): Promise<boolean> {
    return (await this.#ask<boolean>({ to: 'save' })) ?? false;
  }

  weights(): Promise<Uint8Array | null> {
    return this.#ask<Uint8Array>({ to: 'weights' });
  }

  setLearningRate(learningRate: number): void {
    this.#learningRate = learningRate;
    this.#send({ to: 'rate', learningRate });
  }

  restart(settings: Settings | undefined = this.#settings): void {
    this.#settings = settings;
    this.#learningRate = null;
    this.#lost = 0;
    this.#begin(true);
  }

  close(): void {
    clearInterval(this.#watch);
    this.#forget();
    this.#end();
    this.#drop();
  }

  /** Begins a run, in the worker that there is or in a new one. */
  #begin(fresh: boolean): void {
    this.#drop();
    this.run++;
    this.#fresh = fresh;
    this.#heard = Date.now();
    if (!this.#worker) this.#connect();
    this.#open();
  }

  #open(): void {
    this.#send({
      to: 'open',
      settings: this.#settings ?? null,
      name: this.#options.name === undefined ? 'training' : this.#options.name,
      fresh: this.#fresh,
      playing: this.#playing,
      learningRate: this.#learningRate,
    });
  }

  #connect(): void {
    const worker = this.#startWorker();
    const lose = (why: string): void => {
      if (worker === this.#worker) this.#replace(why);
    };
    this.#worker = worker;
    this.#stops = [
      listen(worker, 'message', (message: FromService) => {
        if (message?.ag !== 'service') return;
        if (message.from === 'ready') this.#repeat();
        else if (message.run === this.run) this.#receive(message);
      }),
      listen(worker, 'messageerror', () => lose('a message could not be read')),
      listen(worker, 'error', (error: { message?: string }) =>
        lose(error?.message || 'it could not be started'),
      ),
      listen(worker, 'exit', (code: number) => lose(`it ended with code ${code}`)),
    ];
  }

  #receive(message: FromService): void {
    this.#heard = Date.now();
    if (message.from === 'events') {
      for (const event of message.events) {
        if (event.type === 'step') this.#lost = 0;
        this.#tell(event);
      }
      return;
    }
    if (message.from === 'pong' || message.from === 'ready') return;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.from === 'answer') pending?.resolve(message.value as never);
    else
      pending?.reject(
        codedError(Error, (message.code as ErrorCode | null) ?? 'AG_WORKER_FAILED', message.message),
      );
  }

  /** Says again what a script may not have heard that awaited something before it served. */
  #repeat(): void {
    this.#open();
    for (const { message } of this.#pending.values()) this.#send(message);
  }

  /** Whether the worker still answers. Time in which this page did not run itself does not count, nor does that of hidden tabs. */
  #look(): void {
    if (!this.#worker) return;
    const silent = Date.now() - this.#heard;
    const { patience } = this.#options;
    // Asked four times in that time, unless this page was held up.
    if (isHidden() || silent > 2 * patience) this.#heard = Date.now();
    if (Date.now() - this.#heard > patience)
      this.#replace(`it did not answer for ${Math.round(silent / 1000)} s`);
    else this.#send({ to: 'ping' });
  }

  /** Another worker goes on from the last checkpoint. */
  #replace(why: string): void {
    this.#end();
    const message = `the worker was lost: ${why}`;
    if (++this.#lost > attempts) {
      this.#drop(codedError(Error, 'AG_WORKER_FAILED', message));
      this.#tell({ type: 'failed', message: `${message}. It was replaced ${attempts} times` });
      return;
    }
    this.#begin(false);
    this.#tell({ type: 'restarted', message });
  }

  #end(): void {
    for (const stop of this.#stops.splice(0)) stop();
    const worker = this.#worker;
    this.#worker = null;
    if (worker?.terminate) worker.terminate();
    else worker?.close?.();
  }

  /** What was asked of a run before is answered with null, or refused. */
  #drop(error?: Error): void {
    for (const latest of this.#lanes.values()) latest.drop();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { resolve, reject } of pending) {
      if (error) reject(error);
      else resolve(null as never);
    }
  }

  #followVisibility(): () => void {
    const { document } = globalThis as { document?: Document };
    if (!document) return () => {};
    const change = (): void => {
      this.#tell({ type: 'visibility', hidden: isHidden() });
      if (isHidden()) void this.save().catch(() => {});
    };
    document.addEventListener('visibilitychange', change);
    return () => document.removeEventListener('visibilitychange', change);
  }

  #tell(event: ReportedEvent | DistributiveOmit<ServiceEvent, 'run'>): void {
    this.#options.onEvent?.({ ...event, run: this.run } as ServiceEvent);
  }

  #send(message: Sent): void {
    this.#worker?.postMessage({ ag: 'service', run: this.run, ...message } satisfies ToService);
  }

  /** Null when another run has begun, or the service was closed. */
  #ask<Answer>(
    message: DistributiveOmit<Extract<ToService, { readonly id: number }>, 'ag' | 'run' | 'id'>,
  ): Promise<Answer | null> {
    if (!this.#worker) return Promise.resolve(null);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const numbered = { ...message, id };
      this.#pending.set(id, { message: numbered, resolve, reject });
      this.#send(numbered);
    });
  }
}

function isHidden(): boolean {
  return (globalThis as { document?: Document }).document?.hidden ?? false;
}
