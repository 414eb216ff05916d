/**
 * The worker's side of a training service: trains, and between two steps answers what the page has asked meanwhile, from the
 * weights as they are then. Nothing is computed at the same time as a step, so every answer belongs to one step, and asking
 * changes nothing of the run, its random numbers included.
 */
import { saveSafetensors } from '@ag/nn';
import { randomState, restoreRandomState, Tensor } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Callback, CallbackContext } from '../callbacks/callback.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../checkpoint.ts';
import { crc32 } from '../checksum.ts';
import { now } from '../clock.ts';
import { TrainingError } from '../errors.ts';
import { fit } from '../fit.ts';
import type { MessageEnd } from '../messageEnd.ts';
import type { AnyFitOptions } from '../options.ts';
import { evaluationMode } from '../validate.ts';
import { browserStore, type CheckpointStore } from './checkpointStore.ts';
import type { FromService, ReportedEvent, ToService } from './protocol.ts';

/** What a worker's script says beside the options of `fit`, for pages that use it by {@link trainingService}. */
export interface ServedOptions {
  /**
   * Answers a request of the page, by the model in evaluation mode: `async (pixels) => (await model.forward(tensor([pixels])).data())`.
   * Input and answer are anything that can be cloned.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the page says what it sends and expects
  readonly predict?: (input: any) => unknown;
  /** Where checkpoints are kept. Default the browser's own files or data base. */
  readonly store?: CheckpointStore;
  /** Seconds between two checkpoints while it trains. Default 5. */
  readonly checkpointEvery?: number;
}

/** Milliseconds between two reports of steps. */
const reportInterval = 50;

type Setup = (settings: never) => (AnyFitOptions & ServedOptions) | Promise<AnyFitOptions & ServedOptions>;
type Message<To extends ToService['to']> = Extract<ToService, { readonly to: To }>;
type Request = Message<'pause' | 'save' | 'weights'> | Message<'predict'>;
type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** Runs what pages ask for, one run at a time: a new one ends the one before. */
export class ServiceHost {
  readonly #port: MessageEnd;
  readonly #setup: Setup;
  #session: Session | null = null;
  /** Ends when the sessions before have ended. */
  #last: Promise<void> = Promise.resolve();

  constructor(port: MessageEnd, setup: Setup) {
    this.#port = port;
    this.#setup = setup;
    this.#post(0, 'ready');
  }

  receive(message: ToService): void {
    if (message.to === 'open') {
      // Sent again when this script said that it is ready.
      if (message.run === this.#session?.run) return;
      this.#session?.close();
      const session = new Session(message, this.#port);
      this.#session = session;
      this.#last = this.#last.then(() => session.train(this.#setup));
    } else if (message.to === 'ping') {
      this.#post(message.run, 'pong');
    } else if (message.run === this.#session?.run) this.#session.receive(message);
  }

  /** Nobody listens any more. */
  close(): void {
    this.#session?.close();
  }

  #post(run: number, from: 'pong' | 'ready'): void {
    this.#port.postMessage({ ag: 'service', run, from } satisfies FromService);
  }
}

class Session {
  readonly run: number;
  readonly #open: Message<'open'>;
  readonly #port: MessageEnd;
  readonly #ending = new AbortController();
  readonly #requests: Request[] = [];
  #playing: boolean;
  #wake: () => void = () => {};
  #learningRate: number | null;
  #options: (AnyFitOptions & ServedOptions) | null = null;
  #context: CallbackContext | null = null;
  /** Why there is nothing more to ask, or null. */
  #failure: string | null = null;
  #step = 0;
  /** The step of the checkpoint that is kept, when it was taken, and the writing of it. */
  #saved = { step: -1, at: now(), writing: Promise.resolve() };
  readonly #unsaved = new Set<string>();
  #events: ReportedEvent[] = [];
  #reporting: ReturnType<typeof setTimeout> | null = null;

  constructor(open: Message<'open'>, port: MessageEnd) {
    this.run = open.run;
    this.#open = open;
    this.#port = port;
    this.#playing = open.playing;
    this.#learningRate = open.learningRate;
  }

  receive(message: Exclude<ToService, { readonly to: 'open' | 'ping' }>): void {
    if (message.to === 'close') this.close();
    else if (message.to === 'rate') this.#learningRate = message.learningRate;
    else if (message.to === 'play') this.#playing = true;
    else {
      if (message.to === 'pause') this.#playing = false;
      this.#requests.push(message);
    }
    this.#wake();
  }

  close(): void {
    this.#ending.abort();
    this.#wake();
  }

  async train(setup: Setup): Promise<void> {
    const { signal } = this.#ending;
    try {
      if (signal.aborted) return;
      const options = await setup(this.#open.settings as never);
      this.#options = options;
      const resume = await this.#kept();
      try {
        await this.#fit(resume);
      } catch (error) {
        // A checkpoint of another network: nothing was changed.
        const isOld = resume && this.#context === null && error instanceof TrainingError;
        if (!isOld || error.kind !== 'checkpoint') throw error;
        this.#warn(`the checkpoint that is kept does not fit, so the run begins anew: ${error.message}`);
        await this.#fit(null);
      }
    } catch (error) {
      const { message = String(error) } = (error ?? {}) as Error;
      this.#failure = message;
      this.#report({
        type: 'failed',
        message,
        ...(error instanceof TrainingError && { kind: error.kind }),
      });
    }
    // What has ended is still asked.
    while (!signal.aborted) await this.#turn(false);
    this.#send();
  }

  async #fit(resume: Checkpoint | null): Promise<void> {
    const { predict: _, store: __, checkpointEvery: ___, ...options } = this.#options!;
    const last: Callback = {
      name: 'service',
      last: true,
      on: async (event, context) => {
        this.#context = context;
        this.#step = event.step;
        if (event.type === 'start' && resume) this.#saved.step = event.step;
        this.#report(event);
        if (event.type === 'end' && event.reason !== 'aborted') await this.#save().catch(() => undefined);
        if (event.type === 'start' || event.type === 'step') await this.#turn(true);
      },
    };
    const { validation } = options;
    const run = fit({
      ...options,
      ...(validation && { validation: this.#between(validation) }),
      ...(resume && { resume }),
      callbacks: [...(options.callbacks ?? []), last],
      config: { settings: fingerprint(this.#open.settings), own: options.config ?? null },
      signal: this.#ending.signal,
    });
    for await (const _ of run);
  }

  /** Batches, with requests answered between them. */
  async *#between<Batch>(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    for await (const batch of batches) {
      await this.#turn(true);
      yield batch;
    }
  }

  /** Answers what was asked; while the run is paused, until it goes on. `training`: whether there is a run to go on with. */
  async #turn(training: boolean): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      if (this.#learningRate !== null && this.#options) {
        (this.#options.optimizer as { learningRate: number }).learningRate = this.#learningRate;
        this.#learningRate = null;
      }
      const request = this.#requests.shift();
      if (request) await this.#answer(request);
      else if (training && this.#playing) break;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    const { checkpointEvery = 5 } = this.#options ?? {};
    if (training && !signal.aborted && now() - this.#saved.at >= 1000 * checkpointEvery) await this.#begin();
  }

  async #answer(request: Request): Promise<void> {
    const { id } = request;
    try {
      const ended = this.#failure !== null;
      if (ended && request.to !== 'pause') throw codedError(Error, 'AG_WORKER_FAILED', this.#failure!);
      this.#post({ from: 'answer', id, value: ended ? false : await this.#valueOf(request) });
    } catch (error) {
      const { message = String(error), code } = (error ?? {}) as Error & { code?: unknown };
      this.#post({ from: 'refusal', id, message, code: typeof code === 'string' ? code : null });
    }
  }

  async #valueOf(request: Request): Promise<unknown> {
    const { model, predict } = this.#options!;
    if (request.to === 'weights') return saveSafetensors(model.stateDict());
    if (request.to !== 'predict') {
      const saved = await this.#save().catch(() => false);
      this.#send();
      return saved;
    }
    if (!predict) {
      throw new TrainingError(
        'predict: the worker does not say how; give serveTraining a setup whose result has predict: (input) => …',
        { code: 'option' },
      );
    }
    const random = randomState();
    const restoreModes = evaluationMode(model);
    try {
      const value = await predict(request.input);
      if (value instanceof Tensor) {
        throw new TrainingError(
          'predict gave a tensor, which cannot be sent; give its numbers: await y.data()',
          {
            code: 'option',
          },
        );
      }
      return { value, step: this.#step };
    } finally {
      restoreModes();
      restoreRandomState(random);
    }
  }

  /** The checkpoint to go on from, where there is one of these settings. */
  async #kept(): Promise<Checkpoint | null> {
    const { name, fresh, settings } = this.#open;
    const store = this.#store();
    if (name === null || !store) return null;
    try {
      if (fresh) await store.remove(name);
      const bytes = fresh ? null : await store.read(name);
      const checkpoint = bytes && decodeCheckpoint(bytes, name);
      const { settings: before, own = null } = (checkpoint?.config ?? {}) as {
        settings?: string;
        own?: unknown;
      };
      if (!checkpoint || before !== fingerprint(settings)) return null;
      return { ...checkpoint, config: own };
    } catch (error) {
      this.#warn(
        `the checkpoint that is kept cannot be read, so the run begins anew: ${(error as Error).message}`,
      );
      return null;
    }
  }

  #store(): CheckpointStore | null {
    if (this.#options?.store) return this.#options.store;
    try {
      return browserStore();
    } catch (error) {
      if (this.#open.name !== null) this.#warn((error as Error).message);
      return null;
    }
  }

  /** Takes a checkpoint and begins to write it, unless one is being written. */
  async #begin(): Promise<void> {
    const { name } = this.#open;
    const store = this.#store();
    this.#saved.at = now();
    if (name === null || !store || !this.#context || this.#saved.step === this.#step) return;
    const step = this.#step;
    const bytes = await encodeCheckpoint(await this.#context.checkpoint());
    this.#saved.step = step;
    this.#saved.writing = this.#saved.writing
      .then(() => store.write(name, bytes))
      .then(
        () => this.#report({ type: 'saved', step }),
        (error: Error) => {
          this.#saved.step = -1;
          this.#warn(`the checkpoint could not be kept: ${error.message}`);
        },
      );
  }

  /** Keeps the present state; whether it is kept. */
  async #save(): Promise<boolean> {
    await this.#begin();
    await this.#saved.writing;
    return this.#saved.step === this.#step;
  }

  #warn(message: string): void {
    if (this.#unsaved.has(message)) return;
    this.#unsaved.add(message);
    this.#report({ type: 'unsaved', message });
  }

  /** Steps are told together, everything else at once. */
  #report(event: ReportedEvent): void {
    this.#events.push(event);
    if (event.type !== 'step') this.#send();
    else this.#reporting ??= setTimeout(() => this.#send(), reportInterval);
  }

  #send(): void {
    if (this.#reporting !== null) clearTimeout(this.#reporting);
    this.#reporting = null;
    const events = this.#events.splice(0);
    if (events.length > 0) this.#post({ from: 'events', events });
  }

  #post(message: DistributiveOmit<FromService, 'ag' | 'run'>): void {
    if (!this.#ending.signal.aborted) this.#port.postMessage({ ag: 'service', run: this.run, ...message });
  }
}

/** Tells settings apart: plain data with arrays of numbers of any kind. */
export function fingerprint(settings: unknown): string {
  const text = JSON.stringify(settings, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
  );
  const bytes = new TextEncoder().encode(text ?? '');
  return `${bytes.length}-${crc32(bytes).toString(16)}`;
}
