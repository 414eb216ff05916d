/**
 * The main thread's side of `communicator.js`. Requests are posted and done in their order, and waited for at once or later.
 * Data lies in shared memory, where both threads see it: a WebAssembly backend with threads has it there anyway, other arrays
 * are copied there and back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { codedError } from '@ag/tensor/engine';
import { families, prototypes } from './library/families.ts';

/** Numbers that can be sent. */
export type Numbers = Float32Array | Float64Array | Uint8Array;

/** What the library said when it was loaded. */
export interface Loaded {
  /** Undefined where none could be loaded. */
  readonly path?: string;
  readonly version?: string;
  readonly family?: string;
  /** Files that could not be loaded, and why. */
  readonly failures: readonly string[];
  readonly rank?: number;
  readonly size?: number;
}

/** What can be asked for: `work` of `communicator.js`. `topic` says what a meeting of all ranks is about. */
export type Request =
  | {
      readonly kind: 'allReduce';
      readonly topic: string;
      readonly data: Numbers;
      readonly ordered: boolean;
      /** Answer when all ranks had come, and when it was done. */
      readonly timed: boolean;
    }
  | { readonly kind: 'broadcast' | 'gather'; readonly topic: string; readonly data: Uint8Array }
  | { readonly kind: 'finish'; readonly topic: string }
  | { readonly kind: 'send'; readonly data: Uint8Array; readonly to: number }
  | { readonly kind: 'receive' };

/** What went wrong, as far as more is known of it than a text. */
export type Facts =
  /** Ranks that did not come in time; none where it is not known which. */
  | { readonly late: readonly number[] }
  /** A rank that came for something else. */
  | { readonly other: number; readonly here: string; readonly there: string };

/** Words of the shared memory through which the threads signal. */
const cells = { asked: 0, finished: 1, said: 2, abort: 3 };

interface Answer {
  readonly ticket: number;
  readonly error?: string;
  readonly facts?: Facts;
  readonly given?: unknown;
}

/** How errors of the thread are told. */
export type Explain = (message: string, facts: Facts | undefined) => Error;

/** The thread that calls MPI, and what it was asked. */
export class Communication {
  readonly loaded: Loaded;
  readonly #control: Int32Array;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #timeout: number;
  readonly #answers = new Map<number, Answer>();
  /** Of what is under way: results that are to be copied from shared memory. */
  readonly #copies = new Map<number, () => void>();
  #last = 1;
  #heard = 0;
  /** Nothing can be asked any more, and why. */
  #ended: Error | undefined;

  private constructor(worker: Worker, control: Int32Array, port: MessagePort, timeout: number) {
    this.#worker = worker;
    this.#control = control;
    this.#port = port;
    this.#timeout = timeout;
    worker.unref();
    port.unref();
    // The library is begun once the thread runs: both take a moment, and everything else needs them.
    this.#sleep(1, 120_000);
    this.loaded = this.#result(1, failed) as Loaded;
  }

  /**
   * Starts the thread, which loads the first of the libraries that it can and begins it.
   *
   * @param timeout milliseconds after which a request that is not done is an error
   * @param probe load the library, but do not begin it
   * @throws Error (`AG_WORKER_FAILED`) what the library says, or that it did not begin in two minutes
   */
  static start(paths: readonly string[], timeout: number, probe = false): Communication {
    const control = new Int32Array(new SharedArrayBuffer(4 * Object.keys(cells).length));
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL('./communicator.js', import.meta.url), {
      // Without the options of this process, which may load or forbid things that concern the thread nothing.
      execArgv: [],
      workerData: { candidates: paths, families, prototypes, cells, control, port: port2, probe },
      transferList: [port2],
    });
    return new Communication(worker, control, port1, timeout);
  }

  /**
   * Asks for something and returns at once. What is asked is done in the order of asking, as MPI wants it.
   *
   * @returns a ticket for {@link wait}
   */
  post(request: Request): number {
    if (this.#ended !== undefined) throw this.#ended;
    const ticket = ++this.#last;
    const message: Record<string, unknown> = {
      dtype: 'uint8',
      length: 0,
      ...request,
      ticket,
      timeout: this.#timeout,
    };
    if ('data' in request) {
      message.dtype = typeOf(request.data);
      message.length = request.data.length;
      message.data = this.#share(
        request.data,
        ticket,
        request.kind === 'allReduce' || request.kind === 'broadcast',
      );
    }
    if (request.kind === 'finish') {
      this.#ended = codedError(
        Error,
        'AG_WRONG_TIME',
        'mpi: the world is finished, and nothing can be sent any more',
      );
    }
    this.#port.postMessage(message);
    Atomics.add(this.#control, cells.asked, 1);
    Atomics.notify(this.#control, cells.asked);
    return ticket;
  }

  /**
   * Sleeps until a request is done.
   *
   * @returns what it gives
   * @throws what `explain` makes of the thread's error; nothing can be asked any more then
   */
  wait(ticket: number, explain: Explain = failed): unknown {
    // The thread has its own deadline; this one is for a thread that is gone.
    this.#sleep(ticket, this.#timeout + 5_000);
    return this.#result(ticket, explain);
  }

  /** The same without sleeping: timers and messages go on meanwhile, however long it takes. */
  async settled(ticket: number, explain: Explain = failed): Promise<unknown> {
    await this.#until(() => Atomics.load(this.#control, cells.finished) >= ticket);
    return this.#result(ticket, explain);
  }

  /** The next message of any rank; what else is asked for meanwhile goes on. */
  async receive(explain: Explain = failed): Promise<{ readonly from: number; readonly data: Uint8Array }> {
    const ticket = this.post({ kind: 'receive' });
    // Answered out of turn, so counting does not tell.
    await this.#until(() => {
      this.#read();
      if (this.#ended) throw this.#ended;
      return this.#answers.has(ticket);
    });
    return this.#result(ticket, explain) as { from: number; data: Uint8Array };
  }

  async #until(condition: () => boolean): Promise<void> {
    for (let pause = 0; !condition(); pause = Math.min(pause + 1, 10)) await sleep(pause);
  }

  /** Ends all processes of the job, this one included. */
  abort(code: number): void {
    Atomics.store(this.#control, cells.abort, code);
    Atomics.add(this.#control, cells.asked, 1);
    Atomics.notify(this.#control, cells.asked);
    Atomics.notify(this.#control, cells.abort);
    // Until it has come to that; the process does not live to see the end of it.
    Atomics.wait(this.#control, cells.abort, code, 10_000);
  }

  /** The thread's end, for a world that is finished. */
  async ended(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  /** Where the thread sees the numbers: where they lie, or a copy that is brought back. */
  #share<Data extends Numbers>(data: Data, ticket: number, back: boolean): Data {
    if (data.buffer instanceof SharedArrayBuffer) return data;
    const copy = new (data.constructor as new (buffer: SharedArrayBuffer) => Data)(
      new SharedArrayBuffer(data.byteLength),
    );
    copy.set(data);
    if (back) this.#copies.set(ticket, () => data.set(copy));
    return copy;
  }

  #sleep(ticket: number, timeout: number): void {
    const end = performance.now() + timeout;
    for (;;) {
      const finished = Atomics.load(this.#control, cells.finished);
      if (finished >= ticket) return;
      const left = end - performance.now();
      if (left <= 0) throw failed('the thread that calls MPI does not answer');
      Atomics.wait(this.#control, cells.finished, finished, left);
    }
  }

  /** Takes what the thread has said: a message for each answer but those that only say that it is done. */
  #read(): void {
    for (; this.#heard !== Atomics.load(this.#control, cells.said); this.#heard++) {
      const answer: Answer = receiveMessageOnPort(this.#port)?.message;
      this.#answers.set(answer.ticket, answer);
    }
  }

  #result(ticket: number, explain: Explain): unknown {
    this.#read();
    const answer = this.#answers.get(ticket);
    const copy = this.#copies.get(ticket);
    this.#answers.delete(ticket);
    this.#copies.delete(ticket);
    if (answer?.error !== undefined) {
      this.#ended = explain(answer.error, answer.facts);
      throw this.#ended;
    }
    copy?.();
    return answer?.given;
  }
}

function failed(message: string): Error {
  return codedError(Error, 'AG_WORKER_FAILED', `mpi: ${message}`);
}

function typeOf(data: Numbers): string {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  return 'uint8';
}
