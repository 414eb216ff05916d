/**
 * Worker threads: started lazily, given new modules through shared memory, watched for failure.
 *
 * Each worker has its own function table, filled in the same order as the main one. A worker lives inside `work` of the
 * driver, so messages do not reach it; modules that are compiled after its start are published as a linked list in linear
 * memory, and a counter that `work` watches sends it back to `worker.js` to load them. The main thread
 * never waits for a worker that is loading: a job's pieces go to whoever claims them.
 */

import { codedError } from '@ag/tensor/engine';
import { hostFunctionModule } from '../arithmetic/hostFunctions.ts';
import * as control from '../control.ts';
import { nodeProcess } from '../engine/support.ts';
import type { Block, LinearMemory } from './memory.ts';

/** What a worker is told at its start. */
interface Start {
  readonly memory: WebAssembly.Memory;
  readonly driver: Uint8Array;
  readonly hosts: Uint8Array;
  readonly modules: readonly Module[];
  readonly thread: number;
  /** Address of the cell that will hold the address of the first module not in `modules`. */
  readonly cell: number;
}

interface Module {
  readonly bytes: Uint8Array;
  readonly tableSize: number;
}

/** The part of Worker that Node and browsers share. */
interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** A Worker of `node:worker_threads`. */
interface NodeWorker extends AnyWorker {
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'exit', listener: (code: number) => void): void;
  unref(): void;
}

/** By names, not in place: bundlers for pages would add the file a second time, or warn of a path that they do not know. */
const workerFile = './worker.js';
const here: string = import.meta.url;

/** Milliseconds the main thread waits for a piece somebody else claimed. */
const patience = 60_000;

export class Threads {
  readonly #memory: LinearMemory;
  readonly #count: number;
  readonly #driver: Uint8Array;
  readonly #failed: (error: Error) => void;
  readonly #workers: AnyWorker[] = [];
  /** All modules so far, for workers that start later. Emptied when the last one has started. */
  #modules: Module[] | null = [];
  /** Modules in linear memory, oldest first; entry i is number `#first + i`. */
  readonly #published: Block[] = [];
  #first = 1;
  #closed = false;
  #waitingFor = 0;
  #waitingSince = 0;
  #error: Error | null = null;

  constructor(memory: LinearMemory, count: number, driver: Uint8Array, failed: (error: Error) => void) {
    this.#memory = memory;
    this.#count = count;
    this.#driver = driver;
    this.#failed = failed;
  }

  /** Starts the workers, unless they run already or there shall be none. */
  start(): void {
    if (this.#count < 2 || this.#workers.length > 0 || this.#closed) return;
    for (let thread = 1; thread < this.#count; thread++) {
      const start: Start = {
        memory: this.#memory.memory,
        driver: this.#driver,
        hosts: hostFunctionModule(),
        modules: this.#modules!,
        thread,
        cell: control.firstModule,
      };
      const worker = this.#spawn();
      worker.postMessage(start);
      this.#workers.push(worker);
    }
    this.#modules = null;
  }

  /** Threads that take part, the calling one included. */
  running(): number {
    return 1 + Atomics.load(this.#memory.i32, control.ready >> 2);
  }

  /** Makes a module known to all workers, running or to come. */
  publish(bytes: Uint8Array, tableSize: number): void {
    if (this.#count < 2) return;
    if (this.#modules !== null) {
      this.#modules.push({ bytes, tableSize });
      return;
    }
    // Head: next module, length, size of the table.
    const block = this.#memory.allocate(12 + bytes.length);
    const { i32 } = this.#memory;
    const word = block.address >>> 2;
    i32[word + 1] = bytes.length;
    i32[word + 2] = tableSize;
    this.#memory.u8.set(bytes, block.address + 12);
    const last = this.#published[this.#published.length - 1];
    i32[(last?.address ?? control.firstModule) >>> 2] = block.address;
    this.#published.push(block);
    Atomics.add(i32, control.published >> 2, 1);
    Atomics.add(i32, control.wake >> 2, 1);
    Atomics.notify(i32, control.wake >> 2);
    this.#reclaim();
  }

  /** Called now and then while the main thread waits for the end of a job; true when it should give up. */
  stalled(): boolean {
    // The time of day may jump, and a worker is none the slower for it.
    const now = globalThis.performance?.now() ?? Date.now();
    // The upper half of the ticket: the wait counts from when this job was first asked about.
    const job = Atomics.load(this.#memory.i32, (control.ticket + 4) >> 2);
    if (job !== this.#waitingFor) {
      this.#waitingFor = job;
      this.#waitingSince = now;
    }
    if (now - this.#waitingSince < patience) return false;
    this.#fail(
      codedError(
        Error,
        'AG_BACKEND_FAILED',
        `wasm: a worker has not finished its work within ${patience / 1000} s`,
      ),
    );
    return true;
  }

  failure(): Error | null {
    return this.#error;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#workers.length === 0) return;
    const { i32 } = this.#memory;
    Atomics.store(i32, control.quit >> 2, 1);
    Atomics.store(i32, control.ready >> 2, 0);
    Atomics.add(i32, control.wake >> 2, 1);
    Atomics.notify(i32, control.wake >> 2);
    for (const worker of this.#workers) worker.terminate();
  }

  /** Frees modules that every worker has passed. The last one stays: its head is where the next is announced. */
  #reclaim(): void {
    let passed = Number.POSITIVE_INFINITY;
    for (let thread = 1; thread < this.#count; thread++) {
      passed = Math.min(passed, Atomics.load(this.#memory.i32, (control.loaded + 64 * thread) >> 2));
    }
    while (this.#published.length > 1 && this.#first < passed) {
      this.#memory.release(this.#published.shift()!);
      this.#first++;
    }
  }

  #spawn(): AnyWorker {
    const node = nodeProcess()?.getBuiltinModule?.('node:worker_threads') as
      | { Worker: new (url: URL, options: object) => NodeWorker }
      | undefined;
    if (node) {
      // Without the options of this process, which may load or forbid things that concern the worker nothing.
      const worker = new node.Worker(new URL(workerFile, here), { execArgv: [] });
      worker.on('error', (error) => this.#fail(error));
      worker.on('exit', (code) =>
        this.#fail(codedError(Error, 'AG_BACKEND_FAILED', `the worker ended with code ${code}`)),
      );
      // A script ends when its own work is done.
      worker.unref();
      return worker;
    }
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onerror = (event) =>
      this.#fail(
        codedError(
          Error,
          'AG_BACKEND_FAILED',
          event.message || `${new URL('./worker.js', import.meta.url)} could not be loaded`,
        ),
      );
    worker.onmessage = (event) => this.#fail(codedError(Error, 'AG_BACKEND_FAILED', String(event.data)));
    return worker;
  }

  #fail(cause: Error): void {
    if (this.#closed || this.#error !== null) return;
    this.#error = codedError(
      Error,
      'AG_BACKEND_FAILED',
      `wasm: a worker thread failed: ${cause.message}. Variables can still be read; use(await wasm()) goes on, with ` +
        'threads: 1 where workers cannot run.',
      { cause },
    );
    Atomics.store(this.#memory.i32, control.failed >> 2, 1);
    this.#stop();
    this.#failed(this.#error);
  }
}
