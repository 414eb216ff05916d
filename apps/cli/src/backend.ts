/**
 * Chooses what computes: the WebAssembly backend where it runs, the reference backend otherwise, said once.
 */
import { setFlagsFromString } from 'node:v8';
import { Failure } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface BackendChoice {
  /** `auto`, `wasm` or `reference`. */
  readonly backend: string;
  readonly threads: number | 'auto';
}

/** What was chosen. */
export interface ChosenBackend {
  readonly name: string;
  /** Stops its threads, so that the process can end. */
  close(): void;
}

/**
 * Makes a backend the one that computes.
 * @throws Failure `backend` when `wasm` was asked for and does not run here
 */
export async function chooseBackend(choice: BackendChoice, terminal: Terminal): Promise<ChosenBackend> {
  const { reference, use } = await import('@ag/tensor');
  if (choice.backend === 'reference') {
    use(reference());
    return { name: 'reference', close() {} };
  }
  try {
    enableRelaxedSimd();
    const { wasm } = await import('@ag/native-wasm');
    const backend = await wasm({ threads: choice.threads });
    use(backend);
    return { name: backend.name, close: () => (backend as { close?: () => void }).close?.() };
  } catch (error) {
    const reason = (error as Error).message;
    if (choice.backend === 'wasm') {
      throw new Failure(
        'backend',
        `the wasm backend does not run here: ${reason}`,
        "'agrad doctor' says what is missing; --backend reference runs everywhere, slower.",
        error,
      );
    }
    terminal.note(`computing with the reference backend, which is slower: ${reason}`);
    use(reference());
    return { name: 'reference', close() {} };
  }
}

/** `local.get 0` three times and `f32x4.relaxed_madd`: valid only where relaxed SIMD is on. */
const relaxedModule = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133, 2, 11],
);

/** Node 20 has relaxed SIMD behind a flag, which may be set until the first module is compiled. */
export function enableRelaxedSimd(): void {
  if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
}

export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedModule);
}
