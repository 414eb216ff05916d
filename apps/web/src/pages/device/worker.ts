/**
 * Examines backends off the page's thread, one at a time.
 */
import { wasm } from '@ag/native-wasm';
import { type Backend, reference, use } from '@ag/tensor';
import { expose } from 'comlink';
import { messageOf } from '../../service/messageOf.ts';
import { type Choice, examine, type Finding } from './examine.ts';
import type { BackendId } from './findings.ts';

interface Made {
  readonly backend: Backend & { close?(): void };
  readonly detail: string;
}

/** A backend of this device. @throws Error that says why there is none */
async function make(id: BackendId): Promise<Made> {
  if (id === 'reference') return { backend: reference(), detail: 'JavaScript' };
  if (id === 'wasm') {
    const backend = await wasm();
    const threads = `${backend.threads} thread${backend.threads === 1 ? '' : 's'}`;
    return { backend, detail: `${threads}, ${backend.relaxedSimd ? 'relaxed SIMD' : 'SIMD'}` };
  }
  const { webgpu, webgpuSupport } = await import('@ag/webgpu');
  const { adapter, info, hardware } = await webgpuSupport();
  // What would help in Node helps no reader.
  if (!adapter.available) throw new Error(adapter.reason.split('; in Node')[0]);
  const named = info?.description || info?.device || [info?.vendor, info?.architecture].join(' ').trim();
  return {
    backend: await webgpu(),
    detail: `${named || 'WebGPU'}${hardware.available ? '' : ', in software'}`,
  };
}

let stopped = false;

const service = {
  /** What was found, and what of; or why there is no such backend. */
  async examine(
    id: BackendId,
    choice: Choice,
    tell: (finding: Finding) => void,
  ): Promise<{ readonly detail: string; readonly finding: Finding } | { readonly absent: string }> {
    stopped = false;
    let made: Made;
    try {
      made = await make(id);
    } catch (error) {
      return { absent: messageOf(error) };
    }
    try {
      return { detail: made.detail, finding: await examine(made.backend, choice, tell, () => stopped) };
    } finally {
      use(reference());
      made.backend.close?.();
    }
  },
  stop(): void {
    stopped = true;
  },
};

export type DeviceService = typeof service;

expose(service);
