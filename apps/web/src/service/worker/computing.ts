/**
 * Chooses what computes in a worker.
 *
 * WebAssembly with threads where the page may have them, on one thread elsewhere, and the reference backend
 * where WebAssembly is missing or forbidden. Whatever it is, the page says so.
 */
import { wasm, wasmSupport } from '@ag/native-wasm';
import { reference, use } from '@ag/tensor';

/** What computes, as plain data for the page. */
export interface Computing {
  readonly backend: string;
  readonly threads: number;
  /** Why there is only one thread; empty when there are more. */
  readonly oneThread: string;
  /** Why it is not WebAssembly; empty when it is. */
  readonly problem: string;
}

let started: Promise<Computing> | undefined;

/** Chooses the backend, once in a worker. Never fails: the reference backend runs everywhere. */
export function startComputing(): Promise<Computing> {
  started ??= choose();
  return started;
}

async function choose(): Promise<Computing> {
  try {
    const backend = await wasm();
    use(backend);
    const { threads } = wasmSupport();
    const oneThread =
      backend.threads > 1 ? '' : threads.available ? 'this machine has one core' : threads.reason;
    return { backend: backend.name, threads: backend.threads, oneThread, problem: '' };
  } catch (error) {
    const backend = reference();
    use(backend);
    const problem = error instanceof Error ? error.message : String(error);
    return { backend: backend.name, threads: 1, oneThread: '', problem };
  }
}
