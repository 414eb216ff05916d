/**
 * What a program may hand in: a `GPU` object or a device, from the browser, from Deno, or from a package. They are described by the
 * little that tells them apart, so that these types need no library of WebGPU types where ours are used.
 */
import { typeError } from '@ag/tensor/engine';

/** Where adapters come from: `navigator.gpu`, or what `create([])` of the npm package `webgpu` gives. */
export interface GpuObject {
  requestAdapter(options?: { readonly powerPreference?: PowerPreference }): Promise<object | null>;
}

/** Which of several adapters. */
export type PowerPreference = 'low-power' | 'high-performance';

/** A `GPUDevice`. */
export interface DeviceObject {
  readonly limits: object;
  readonly features: object;
  readonly queue: object;
  destroy(): void;
}

/** @throws TypeError for anything but a `GPU` object, such as the module that makes one */
export function checkGpu(gpu: GpuObject | undefined): GPU | undefined {
  if (gpu === undefined || isGpu(gpu)) return gpu;
  throw typeError('webgpu: gpu must be a GPU object: navigator.gpu, or create([]) of the npm package webgpu');
}

/** @throws TypeError for anything but a device, such as an adapter or the promise of one */
export function checkDevice(device: DeviceObject): GPUDevice {
  if (isDevice(device)) return device;
  throw typeError('webgpu: device must be a GPUDevice: await adapter.requestDevice()');
}

function isGpu(gpu: object): gpu is GPU {
  return 'requestAdapter' in gpu && typeof gpu.requestAdapter === 'function';
}

function isDevice(device: object): device is GPUDevice {
  return 'createComputePipelineAsync' in device;
}
