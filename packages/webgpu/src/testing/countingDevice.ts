/** A device that computes nothing: programs run on it at once, all that is read is 0, and the backend's counters say what it was asked for. */

import { defaultLimits } from '../device/facts.ts';
import type { DeviceObject } from '../device/given.ts';

/** Something of WebGPU that needs to be there only. */
const nothing = (): void => {};

/** Buffers that were made and not destroyed. */
export interface HeldBuffers {
  count: number;
  bytes: number;
}

class CountedBuffer {
  readonly size: number;
  readonly #held: HeldBuffers;
  #destroyed = false;

  constructor(size: number, held: HeldBuffers) {
    this.size = size;
    this.#held = held;
    held.count++;
    held.bytes += size;
  }

  mapAsync(): Promise<void> {
    return Promise.resolve();
  }

  getMappedRange(_offset: number, size: number): ArrayBuffer {
    return new ArrayBuffer(size);
  }

  unmap = nothing;

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#held.count--;
    this.#held.bytes -= this.size;
  }
}

/** For `webgpu({ device })`. `limits` are those that WebGPU promises, but for what is given. */
export function countingDevice(
  limits: Readonly<Record<string, number>> = {},
): DeviceObject & { readonly held: Readonly<HeldBuffers> } {
  const held: HeldBuffers = { count: 0, bytes: 0 };
  const encoder = {
    beginComputePass: () => ({
      setPipeline: nothing,
      setBindGroup: nothing,
      dispatchWorkgroups: nothing,
      end: nothing,
    }),
    copyBufferToBuffer: nothing,
    clearBuffer: nothing,
    finish: () => ({}),
  };
  const device = {
    held,
    limits: { ...defaultLimits, maxComputeWorkgroupsPerDimension: 65535, ...limits },
    features: new Set<string>(),
    lost: new Promise<never>(nothing),
    queue: {
      submit: nothing,
      writeBuffer: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    addEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: { readonly size: number }) => new CountedBuffer(size, held),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    createComputePipelineAsync: () => Promise.resolve({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
    destroy: nothing,
  };
  return device;
}
