/**
 * The main thread's side of `communicator.js`: requests are posted and done in their order, and waited for at once or later.
 * Data lies in shared memory, where both threads see it: a WebAssembly backend with threads has it there anyway, other arrays
 * are copied there and back.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { codedError } from '@ag/tensor/engine';
import { families, prototypes } from './library/families.ts';

/** Numbers that can be sent. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

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

/** What can be asked for: `work` of `communicator.js`. */
export type Request =
  | {
      readonly kind: 'allReduce';
      readonly data: Numbers;
      readonly operation: 'sum' | 'max' | 'min';
      readonly ordered: boolean;
    }
  | { readonly kind: 'broadcast'; readonly data: Numbers; readonly root: number }
  | { readonly kind: 'gather'; readonly data: Numbers; readonly parts: Numbers }
  | { readonly kind: 'send'; readonly data: Uint8Array; readonly to: number; readonly tag: number }
  | { readonly kind: 'receive'; readonly data: Uint8Array; readonly from: number; readonly tag: number }
  | { readonly kind: 'finish' };

/** Words of the shared memory through which the threads signal. */
const cells = { asked: 0, finished: 1, failed: 2, abort: 3 };

interface Answer {
  readonly ticket: number;
  readonly error?: string;
  readonly given?: Loaded;
}

/** The thread that calls MPI, and what it was asked. */
export class Communication {
  readonly loaded: Loaded;
  readonly #control: Int32Array;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #timeout: number;
  readonly #errors = new Map<number, string>();
  /** Of what is under way: results that are to be copied from shared memory. */
  readonly #copies = new Map<number, () => void>();
  #last = 1;
  /** Nothing can be asked any more, and why. */
  #ended: string | undefined;

  private constructor(worker: Worker, control: Int32Array, port: MessagePort, timeout: number) {
    this.#worker = worker;
    this.#control = control;
    this.#port = port;
    this.#timeout = timeout;
    worker.unref();
    port.unref();
    // The library is begun once the thread runs: both take a moment, and everything else needs them.
    this.#sleep(1, 120_000, 'MPI_Init');
    this.loaded = this.#read(1) ?? { failures: [] };
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
    if (this.#ended !== undefined) throw codedError(Error, 'AG_WRONG_TIME', this.#ended);
    const ticket = ++this.#last;
    const message: Record<string, unknown> = { ...request, ticket, timeout: this.#timeout };
    if ('data' in request) {
      message.dtype = typeOf(request.data);
      message.data = this.#share(request.data, ticket, request.kind !== 'send');
    }
    if ('parts' in request) message.parts = this.#share(request.parts, ticket, true);
    if (request.kind === 'finish')
      this.#ended = 'mpi: the world is finished, and nothing can be sent any more';
    this.#port.postMessage(message);
    Atomics.add(this.#control, cells.asked, 1);
    Atomics.notify(this.#control, cells.asked);
    return ticket;
  }

  /**
   * Sleeps until a request is done.
   *
   * @throws Error (`AG_WORKER_FAILED`) that says what the library says, or that it took too long
   */
  wait(ticket: number, doing: string): void {
    // The thread has its own deadline; this one is for a thread that is gone.
    this.#sleep(ticket, this.#timeout + 5_000, doing);
    this.#read(ticket);
    const error = this.#errors.get(ticket);
    this.#errors.delete(ticket);
    const copy = this.#copies.get(ticket);
    this.#copies.delete(ticket);
    if (error !== undefined) throw this.#failure(error);
    copy?.();
  }

  /** Whether a request is done. */
  isDone(ticket: number): boolean {
    return Atomics.load(this.#control, cells.finished) >= ticket;
  }

  /** Ends all processes of the job, this one included, as soon as the thread looks up. */
  abort(code: number): void {
    Atomics.store(this.#control, cells.abort, code);
    Atomics.add(this.#control, cells.asked, 1);
    Atomics.notify(this.#control, cells.asked);
    Atomics.notify(this.#control, cells.abort);
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
    if (back) {
      const before = this.#copies.get(ticket);
      this.#copies.set(ticket, () => {
        before?.();
        data.set(copy);
      });
    }
    return copy;
  }

  #sleep(ticket: number, timeout: number, doing: string): void {
    const end = performance.now() + timeout;
    for (;;) {
      const finished = Atomics.load(this.#control, cells.finished);
      if (finished >= ticket) return;
      const left = end - performance.now();
      if (left <= 0) throw this.#failure(`${doing}: the thread that calls MPI does not answer`);
      Atomics.wait(this.#control, cells.finished, finished, left);
    }
  }

  /** Takes what the thread has said so far. */
  #read(ticket: number): Loaded | undefined {
    let given: Loaded | undefined;
    if (ticket > 1 && Atomics.load(this.#control, cells.failed) === 0) return;
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    ) {
      const answer: Answer = next.message;
      if (answer.given !== undefined) given = answer.given;
      if (answer.error === undefined) continue;
      this.#errors.set(answer.ticket, answer.error);
      if (answer.ticket === 1) throw this.#failure(answer.error);
    }
    return given;
  }

  #failure(message: string): Error {
    return codedError(Error, 'AG_WORKER_FAILED', `mpi: ${message}`);
  }
}

function typeOf(data: Numbers): string {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  return data instanceof Int32Array ? 'int32' : 'uint8';
}
