/**
 * Chooses what computes in a worker.
 *
 * WebAssembly with threads where the page may have them, on one thread elsewhere; WebGPU, loaded only then, where the
 * reader asked for it and there is a device; the reference backend where WebAssembly is missing or forbidden. Whatever
 * it is, the page says so.
 */
import { wasm, wasmSupport } from '@ag/native-wasm';
import { type Backend, type Movable, moveTo, reference, use } from '@ag/tensor';
import { messageOf } from '../messageOf.ts';

/** What a reader can ask for. */
export type BackendName = 'wasm' | 'webgpu';

/** What computes, as plain data for the page. */
export interface Computing {
  readonly backend: string;
  readonly threads: number;
  /** Why there is only one thread; empty when there are more. */
  readonly oneThread: string;
  /** Why it is not WebAssembly; empty when it is, and when it was not to be. */
  readonly problem: string;
  /** What the graphics processor calls itself; empty when none computes. */
  readonly device: string;
  /** Whether that is a processor that acts as one, which is slower than WebAssembly. */
  readonly software: boolean;
  /** Why it is not WebGPU although that was asked for; empty when it is, and when it was not. */
  readonly noWebGpu: string;
  /** Whether it was WebGPU, until the device was lost. */
  readonly lost: boolean;
}

interface Chosen {
  readonly backend: Backend;
  readonly computing: Computing;
}

let started: Promise<Computing> | undefined;
let listener: (computing: Computing) => unknown = () => undefined;

/**
 * Chooses the backend, once in a worker: the first call decides. Never fails: the reference backend runs everywhere.
 *
 * @param onChange told when something else has to go on
 */
export function startComputing(
  asked: BackendName = 'wasm',
  onChange?: (computing: Computing) => unknown,
): Promise<Computing> {
  if (onChange) listener = onChange;
  started ??= choose(asked).then(({ backend, computing }) => {
    use(backend);
    return computing;
  });
  return started;
}

/** Whether a device is gone, and what was in its memory. */
export function isLost(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'AG_DEVICE_LOST';
}

/**
 * Goes on by WebAssembly after a device was lost.
 *
 * @param holders what has values on the device: it can be loaded with others afterwards
 */
export async function leaveDevice(error: unknown, holders: readonly Movable[]): Promise<void> {
  const { backend, computing } = await onHost();
  await moveTo(backend, ...holders);
  const [why] = messageOf(error).split('. ');
  const now = { ...computing, noWebGpu: why, lost: true };
  started = Promise.resolve(now);
  listener(now);
}

async function choose(asked: BackendName): Promise<Chosen> {
  if (asked === 'wasm') return onHost();
  const device = await onDevice();
  if (typeof device !== 'string') return device;
  const { backend, computing } = await onHost();
  return { backend, computing: { ...computing, noWebGpu: device } };
}

const none = { oneThread: '', problem: '', device: '', software: false, noWebGpu: '', lost: false };

/** A graphics processor, or why there is none. */
async function onDevice(): Promise<Chosen | string> {
  try {
    const { webgpu, webgpuSupport } = await import('@ag/webgpu');
    const { adapter, info, hardware } = await webgpuSupport();
    // What would help in Node helps no reader.
    if (!adapter.available) return adapter.reason.split('; in Node')[0];
    const backend = await webgpu();
    const named = info?.description || info?.device || [info?.vendor, info?.architecture].join(' ').trim();
    const device = named || 'WebGPU';
    return {
      backend,
      computing: { ...none, backend: backend.name, threads: 1, device, software: !hardware.available },
    };
  } catch (error) {
    return messageOf(error);
  }
}

async function onHost(): Promise<Chosen> {
  try {
    const backend = await wasm();
    const { threads } = wasmSupport();
    const oneThread =
      backend.threads > 1 ? '' : threads.available ? 'this machine has one core' : threads.reason;
    return {
      backend,
      computing: { ...none, backend: backend.name, threads: backend.threads, oneThread },
    };
  } catch (error) {
    const backend = reference();
    return { backend, computing: { ...none, backend: backend.name, threads: 1, problem: messageOf(error) } };
  }
}
