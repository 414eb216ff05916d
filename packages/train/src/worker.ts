/**
 * The same loop and the same events from a worker, so that a page or a server stays responsive: the worker's script
 * says what is trained, `runInWorker` is iterated as `fit` is. Web Workers and Node's worker threads alike.
 */
import { saveSafetensors } from '@ag/nn';
import { TrainingError, type TrainingErrorCode } from './errors.ts';
import type { TrainingEvent } from './events.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';

/** What can be sent messages and sends some: a `Worker` of either kind, a port, or a worker's own scope. */
export interface MessageEnd {
  postMessage(message: unknown): void;
  /** Node's. */
  on?(event: 'message' | 'error' | 'exit', listener: Listener): unknown;
  off?(event: 'message' | 'error' | 'exit', listener: Listener): unknown;
  /** The web's. */
  addEventListener?(event: 'message' | 'error', listener: Listener): unknown;
  removeEventListener?(event: 'message' | 'error', listener: Listener): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: with any other type neither the web's Worker nor Node's would fit
type Listener = (given: any) => void;

/** Events that may be on their way before the other side has taken one: a caller that waits pauses the training. */
const window = 32;

type ToWorker =
  | { readonly ag: 'start'; readonly settings: unknown }
  | { readonly ag: 'taken' }
  | { readonly ag: 'stop' };

type FromWorker =
  | { readonly ag: 'event'; readonly event: TrainingEvent }
  | { readonly ag: 'done'; readonly weights: Uint8Array }
  | {
      readonly ag: 'failed';
      readonly name: string;
      readonly message: string;
      readonly code?: TrainingErrorCode;
    };

/** Options of {@link runInWorker}. */
export interface RunInWorkerOptions {
  /** Handed to the worker's `setup`; anything that can be cloned. */
  readonly settings?: unknown;
  /** Ends the run after the step under way. */
  readonly signal?: AbortSignal;
}

/**
 * Trains in a worker whose script called {@link serveTraining}. Its events come as from `fit`; the iteration's return
 * value is the trained weights, as the bytes of a safetensors file. Breaking out of the iteration ends the training.
 *
 * ```ts
 * const worker = new Worker(new URL('./training.js', import.meta.url), { type: 'module' });
 * for await (const event of runInWorker(worker, { settings: { epochs: 5 } })) show(event);
 * ```
 *
 * @throws TrainingError as `fit`, and Error for whatever else fails in the worker
 */
export async function* runInWorker(
  worker: MessageEnd,
  options: RunInWorkerOptions = {},
): AsyncGenerator<TrainingEvent, Uint8Array | null, undefined> {
  const waiting: FromWorker[] = [];
  let wake = (): void => {};
  const receive = (message: FromWorker): void => {
    if (typeof message?.ag !== 'string') return;
    waiting.push(message);
    wake();
  };
  const fail = (error: unknown): void =>
    receive({
      ag: 'failed',
      name: 'Error',
      message: `the worker failed: ${(error as Error)?.message ?? error}`,
    });
  const stops = [
    listen(worker, 'message', receive),
    listen(worker, 'error', fail),
    ...(worker.on ? [listen(worker, 'exit', (code: number) => fail(`it ended with code ${code}`))] : []),
  ];
  const stop = (): void => worker.postMessage({ ag: 'stop' } satisfies ToWorker);
  options.signal?.addEventListener('abort', stop);
  let ended = false;
  try {
    worker.postMessage({ ag: 'start', settings: options.settings ?? null } satisfies ToWorker);
    if (options.signal?.aborted) stop();
    for (;;) {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const message = waiting.shift()!;
      if (message.ag === 'event') {
        yield message.event;
        worker.postMessage({ ag: 'taken' } satisfies ToWorker);
        continue;
      }
      ended = true;
      if (message.ag === 'done') return message.weights;
      const { name, code } = message;
      throw name === 'TrainingError' && code
        ? new TrainingError(message.message, { code })
        : new Error(message.message);
    }
  } finally {
    if (!ended) stop();
    options.signal?.removeEventListener('abort', stop);
    for (const end of stops) end();
  }
}

/**
 * To be called once in a worker's script: trains what `setup` makes of the settings whenever `runInWorker` asks.
 *
 * ```ts
 * serveTraining(async ({ epochs }) => {
 *   const model = sequential(linear(2, 16), tanh(), linear(16, 2));
 *   return { model, optimizer: adam(model.parameters()), loss: crossEntropy, train: dataLoader(spirals()), epochs };
 * });
 * ```
 *
 * @param end where messages come from; default the worker's own scope, in Node its parent's port
 */
export async function serveTraining<Settings = never>(
  setup: (settings: Settings) => FitOptions | Promise<FitOptions>,
  end?: MessageEnd,
): Promise<void> {
  const port = end ?? (await ownEnd());
  let controller = new AbortController();
  let free = window;
  let wake = (): void => {};
  const send = (message: FromWorker): void => port.postMessage(message);
  const train = async (settings: Settings): Promise<void> => {
    controller = new AbortController();
    free = window;
    try {
      const options = await setup(settings);
      for await (const event of fit({ ...options, signal: controller.signal })) {
        while (free === 0 && !controller.signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        free--;
        send({ ag: 'event', event });
      }
      send({ ag: 'done', weights: await saveSafetensors(options.model.stateDict()) });
    } catch (error) {
      const { name, message, code } = error as Error & { code?: TrainingErrorCode };
      send({ ag: 'failed', name: String(name), message: String(message ?? error), ...(code && { code }) });
    }
  };
  listen(port, 'message', (message: ToWorker) => {
    if (message?.ag === 'start') void train(message.settings as Settings);
    else if (message?.ag === 'taken') free++;
    else if (message?.ag === 'stop') controller.abort();
    wake();
  });
}

async function ownEnd(): Promise<MessageEnd> {
  const scope = globalThis as unknown as Partial<MessageEnd>;
  if (typeof scope.postMessage === 'function' && typeof scope.addEventListener === 'function')
    return scope as MessageEnd;
  const { parentPort } = await import('node:worker_threads');
  if (parentPort === null) throw new TrainingError('serveTraining: this is no worker', { code: 'option' });
  return parentPort as unknown as MessageEnd;
}

/** Listens in either world; the function returned ends it. */
function listen<Value>(
  end: MessageEnd,
  event: 'message' | 'error' | 'exit',
  listener: (value: Value) => void,
): () => void {
  if (end.on) {
    end.on(event, listener);
    return () => end.off?.(event, listener);
  }
  const unpack = (given: { data?: Value }): void =>
    listener((event === 'message' ? given.data : given) as Value);
  end.addEventListener?.(event as 'message', unpack);
  return () => end.removeEventListener?.(event as 'message', unpack);
}
