/**
 * The same loop and events from a worker, so that a page or a server stays responsive. The worker's script says what
 * is trained, `runInWorker` is iterated as `fit` is. Web Workers and Node's worker threads alike.
 */

import { saveSafetensors } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { checkOptions, codedError, type ErrorCode } from '@ag/tensor/engine';
import { TrainingError, type TrainingErrorKind } from './errors.ts';
import type { TrainingEvent } from './events.ts';
import { fit } from './fit.ts';
import { listen, type MessageEnd, ownEnd } from './messageEnd.ts';
import type { FitOptions } from './options.ts';
import { type ServedOptions, ServiceHost } from './service/host.ts';
import type { ToService } from './service/protocol.ts';

/** Events that may be on their way before the other side has taken one: a caller that waits pauses the training. */
const window = 32;

/**
 * Every message carries the number of its run: what a run that was broken off still sends belongs to nobody, and what is
 * meant for it reaches no other.
 */
type ToWorker = { readonly run: number } /** `stopped`: by a signal that was aborted before. */ & (
  | { readonly ag: 'start'; readonly settings: unknown; readonly stopped: boolean }
  | { readonly ag: 'taken' }
  /** End after the step under way; what is reported until then is still wanted. */
  | { readonly ag: 'stop' }
  /** Nobody listens any more. */
  | { readonly ag: 'leave' }
);

type FromWorker = { readonly run: number } & Report;

type Report =
  | { readonly ag: 'event'; readonly event: TrainingEvent }
  | { readonly ag: 'done'; readonly weights: Uint8Array }
  | {
      readonly ag: 'failed';
      readonly name: string;
      readonly message: string;
      /** Of a TrainingError. */
      readonly kind?: TrainingErrorKind;
      /** Of any other. */
      readonly code?: string;
    };

/** Workers that were heard to end: in Deno nothing else tells of it. */
const ended = new WeakSet<MessageEnd>();

/** Options of {@link runInWorker}. */
export interface RunInWorkerOptions {
  /** Handed to the worker's `setup`; anything that can be cloned. */
  readonly settings?: unknown;
  /** Ends the run after the step under way. */
  readonly signal?: AbortSignal;
}

/**
 * Trains in a worker whose script called {@link serveTraining}. Its events come as from `fit`; the iteration's return
 * value is the trained weights, as the bytes of a safetensors file. Breaking out of the iteration ends the training. A
 * worker can be given any number of runs; it trains one at a time, and a run that is asked for while another one goes on
 * begins when that one has ended.
 *
 * ```ts
 * const worker = new Worker(new URL('./training.js', import.meta.url), { type: 'module' });
 * for await (const event of runInWorker(worker, { settings: { epochs: 5 } })) show(event);
 * ```
 *
 * @throws TrainingError as `fit`, and Error for whatever else fails in the worker, or when it has ended
 */
export async function* runInWorker(
  worker: MessageEnd,
  options: RunInWorkerOptions = {},
): AsyncGenerator<TrainingEvent, Uint8Array | null, undefined> {
  checkOptions('runInWorker', options, 'settings signal');
  // Random, not counted: pages may load two copies of this module and share a worker.
  const run = crypto.getRandomValues(new Uint32Array(1))[0];
  const waiting: Report[] = [];
  let wake = (): void => {};
  const receive = (report: Report): void => {
    waiting.push(report);
    wake();
  };
  let lost = false;
  const fail = (error: unknown): void => {
    lost = true;
    const message = `the worker failed: ${(error as Error)?.message ?? error}`;
    receive({ ag: 'failed', name: 'Error', message });
  };
  const stops = [
    listen(worker, 'message', (message: FromWorker) => {
      if (typeof message?.ag === 'string' && message.run === run) receive(message);
    }),
    listen(worker, 'messageerror', () => fail('a message could not be read')),
    listen(worker, 'error', fail),
    listen(worker, 'exit', (code: number) => {
      ended.add(worker);
      fail(`it ended with code ${code}`);
    }),
    listen(worker, 'close', () => fail('it was closed')),
  ];
  const send = (message: DistributiveOmit<ToWorker, 'run'>): void => worker.postMessage({ ...message, run });
  const stop = (): void => send({ ag: 'stop' });
  options.signal?.addEventListener('abort', stop);
  let concluded = false;
  try {
    // Node's workers say so when they have ended before anyone could hear it.
    if (ended.has(worker) || (worker as { threadId?: number }).threadId === -1) fail('it has ended');
    else {
      const { settings = null, signal } = options;
      send({ ag: 'start', settings, stopped: signal?.aborted ?? false });
    }
    for (;;) {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const report = waiting.shift()!;
      if (report.ag === 'event') {
        yield report.event;
        send({ ag: 'taken' });
        continue;
      }
      concluded = !lost;
      if (report.ag === 'done') return report.weights;
      const { kind, code, message } = report;
      if (kind) throw new TrainingError(message, { code: kind });
      throw codedError(Error, (code as ErrorCode | undefined) ?? 'AG_WORKER_FAILED', message);
    }
  } finally {
    if (!concluded) send({ ag: 'leave' });
    options.signal?.removeEventListener('abort', stop);
    for (const end of stops) end();
  }
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** A run that was asked for, as the worker knows it. */
interface Asked {
  readonly controller: AbortController;
  /** Events that may be sent before one is taken. */
  free: number;
  /** Whether nobody listens any more. */
  left: boolean;
  wake: () => void;
}

/** What a worker's script says is trained. */
export type ServedTraining<X = Tensor, Output = Tensor, Y = Tensor> = FitOptions<X, Output, Y> &
  ServedOptions;

/**
 * To be called once in a worker's script: trains what `setup` makes of the settings whenever {@link runInWorker} or
 * {@link trainingService} asks, one run after the other. Runs share what the script shares, such as the backend; whatever `setup` makes is a run's own.
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
// biome-ignore lint/suspicious/noExplicitAny: where only the settings' type is given, a run may be of any form
export async function serveTraining<Settings = never, X = any, Output = any, Y = any>(
  setup: (settings: Settings) => ServedTraining<X, Output, Y> | Promise<ServedTraining<X, Output, Y>>,
  end?: MessageEnd,
): Promise<void> {
  const port = end ?? ownEnd();
  if (port === null) throw new TrainingError('serveTraining: this is no worker', { code: 'option' });
  const asked = new Map<number, Asked>();
  const service = new ServiceHost(port, setup);
  /** Ends when the last run that was asked for has ended. */
  let last = Promise.resolve();

  const train = async (run: number, settings: Settings, own: Asked): Promise<void> => {
    const { signal } = own.controller;
    const send = (report: Report): void => {
      if (!own.left) port.postMessage({ ...report, run });
    };
    try {
      if (own.left) return;
      const { predict: _, store: __, checkpointEvery: ___, ...options } = await setup(settings);
      if (own.left) return;
      for await (const event of fit({ ...(options as FitOptions<X, Output, Y>), signal })) {
        while (own.free === 0 && !signal.aborted) {
          await new Promise<void>((resolve) => {
            own.wake = resolve;
          });
        }
        own.free--;
        send({ ag: 'event', event });
      }
      send({ ag: 'done', weights: await saveSafetensors(options.model.stateDict()) });
    } catch (error) {
      // Anything can be thrown, null too.
      const { name, message, code } = (error ?? {}) as Error & { code?: unknown };
      send({
        ag: 'failed',
        name: String(name),
        message: String(message ?? error),
        ...(error instanceof TrainingError ? { kind: error.kind } : typeof code === 'string' && { code }),
      });
    } finally {
      asked.delete(run);
    }
  };
  const leave = (own: Asked | undefined): void => {
    if (!own) return;
    own.left = true;
    own.controller.abort();
    own.wake();
  };
  listen(port, 'message', (message: ToWorker | ToService) => {
    if (typeof message?.ag !== 'string') return;
    if (message.ag === 'service') return service.receive(message);
    const { run } = message;
    if (message.ag === 'start') {
      const own: Asked = { controller: new AbortController(), free: window, left: false, wake: () => {} };
      if (message.stopped) own.controller.abort();
      asked.set(run, own);
      last = last.then(() => train(run, message.settings as Settings, own));
      return;
    }
    const own = asked.get(run);
    if (!own) return;
    if (message.ag === 'leave') leave(own);
    else if (message.ag === 'taken') own.free++;
    else if (message.ag === 'stop') own.controller.abort();
    own.wake();
  });
  // Whoever asked is gone.
  listen(port, 'close', () => {
    for (const own of asked.values()) leave(own);
    service.close();
  });
}
