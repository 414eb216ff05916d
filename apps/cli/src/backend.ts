/** Chooses the backend: WebAssembly where it runs, else the reference backend, said once; WebGPU where it is asked for. */
import { setFlagsFromString } from 'node:v8';
import type { AdapterDescription } from '@ag/webgpu';
import { Failure } from './failure.ts';
import { kernelFolder } from './kernelFolder.ts';
import type { Terminal } from './terminal.ts';

export interface BackendChoice {
  /** `auto`, `wasm`, `webgpu` or `reference`. */
  readonly backend: string;
  readonly threads: number | 'auto';
  /** `auto` (default), `fused` or `separate`. */
  readonly arithmetic?: string;
  /** `auto` (default) or `128` bits. */
  readonly vectors?: string;
}

/** What was chosen. */
export interface ChosenBackend {
  readonly name: string;
  /** How products and sums are rounded. */
  readonly arithmetic: 'separate' | 'fused';
  /** Stops its threads, so that the process can end. */
  close(): void;
}

/**
 * Makes a backend the one that computes.
 * @throws Failure `backend` when `wasm`, `webgpu` or fused arithmetic was asked for and does not run here
 */
export async function chooseBackend(choice: BackendChoice, terminal: Terminal): Promise<ChosenBackend> {
  const { reference, use } = await import('@ag/tensor');
  const { arithmetic = 'auto' } = choice;
  const byReference = (): ChosenBackend => {
    use(reference());
    return { name: 'reference', arithmetic: 'separate', close() {} };
  };
  if (choice.backend === 'reference' || choice.backend === 'webgpu') {
    if (arithmetic === 'fused') {
      throw new Failure(
        'backend',
        `--arithmetic fused: the ${choice.backend} backend does not promise it`,
        `Leave out --backend ${choice.backend}, or --arithmetic.`,
      );
    }
    return choice.backend === 'webgpu' ? byWebGpu(terminal) : byReference();
  }
  try {
    if (arithmetic !== 'separate') enableRelaxedSimd();
    const { wasm, widening } = await import('@ag/native-wasm');
    const relaxedSimd = arithmetic === 'auto' ? 'auto' : arithmetic === 'fused';
    const backend = await wasm({ threads: choice.threads, relaxedSimd, ...kept() });
    use(choice.vectors === '128' ? backend : widening(backend));
    const close = (): void => {
      backend.close();
      // A closed backend computes nothing any more.
      use(reference());
    };
    return { name: backend.name, arithmetic: backend.arithmetic, close };
  } catch (error) {
    const reason = (error as Error).message;
    if (choice.backend === 'wasm' || arithmetic === 'fused') {
      throw new Failure(
        'backend',
        `the wasm backend does not run here${arithmetic === 'fused' ? ' with --arithmetic fused' : ''}: ${reason}`,
        "'agrad doctor' shows what is missing; --backend reference runs everywhere, but slower.",
        error,
      );
    }
    terminal.note(`falling back to the reference backend, which is slower: ${reason}`);
    return byReference();
  }
}

async function byWebGpu(terminal: Terminal): Promise<ChosenBackend> {
  const { reference, use } = await import('@ag/tensor');
  const { startWebGpu, webgpuAdvice } = await import('./webgpu.ts');
  try {
    const backend = await startWebGpu();
    if (backend.facts.software)
      terminal.note(
        `${nameOf(backend.adapter)} is software: results are right, and slower than --backend wasm`,
      );
    use(backend);
    const close = (): void => {
      backend.close();
      use(reference());
    };
    return { name: backend.name, arithmetic: backend.arithmetic, close };
  } catch (error) {
    const reason = (error as Error).message;
    throw new Failure('backend', `the webgpu backend does not run here: ${reason}`, webgpuAdvice, error);
  }
}

/** What an adapter is called; browsers and drivers leave out much. */
export function nameOf({ vendor, architecture, device, description }: AdapterDescription): string {
  return description || device || [vendor, architecture].filter(Boolean).join(' ') || 'a nameless adapter';
}

/** Where `AG_CACHE` names a folder, kernels' code is kept there. */
function kept() {
  const folder = process.env.AG_CACHE;
  const kernelStore = folder ? kernelFolder(folder) : null;
  return kernelStore === null ? {} : { kernelStore };
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
