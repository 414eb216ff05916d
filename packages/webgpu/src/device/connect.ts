/** From a `GPU` object to a device with all that its adapter offers. */
import { codedError } from '@ag/tensor/engine';
import { type Facts, factsOf } from './facts.ts';

export interface Connection {
  readonly device: GPUDevice;
  readonly facts: Facts;
  /** What the adapter says of itself; fields that a browser withholds are empty. */
  readonly info: AdapterDescription;
  /** Whether the device was made here and is ours to destroy. */
  readonly owned: boolean;
  /** What must live as long as the device: Dawn in Node breaks when its `GPU` object is collected before. */
  readonly origin: unknown;
}

/** What an adapter says of itself. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** The `GPU` object of this platform, undefined where there is none. */
export function platformGpu(): GPU | undefined {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  return navigator?.gpu;
}

/** How to come to WebGPU where `navigator.gpu` is missing. */
export function adviceFor(): string {
  const { process, Deno } = globalThis as {
    process?: { versions?: { node?: string; bun?: string } };
    Deno?: unknown;
  };
  if (Deno !== undefined) return 'run Deno with --unstable-webgpu';
  if (process?.versions?.bun !== undefined)
    return 'Bun has no WebGPU of its own; install the npm package bun-webgpu and pass its GPU object as { gpu }';
  if (process?.versions?.node !== undefined) {
    return "Node has no WebGPU of its own: install the npm package webgpu and pass its GPU object, webgpu({ gpu: (await import('webgpu')).create([]) })";
  }
  const { isSecureContext } = globalThis as { isSecureContext?: boolean };
  if (isSecureContext === false) return 'pages have WebGPU only when they come over https or from localhost';
  return 'use a browser that has WebGPU: Chrome and Edge 113, Safari 26, Firefox 141 (Windows) or later';
}

const features = ['subgroups', 'shader-f16', 'timestamp-query'] as const;

/** Limits of which the most that the adapter has is asked for. */
const limits = [
  'maxStorageBuffersPerShaderStage',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** An adapter, or why there is none. */
export async function findAdapter(
  gpu: GPU | undefined,
  powerPreference?: GPUPowerPreference,
): Promise<GPUAdapter | string> {
  if (gpu === undefined) return `this platform has no WebGPU: ${adviceFor()}`;
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter(powerPreference ? { powerPreference } : {});
  } catch (error) {
    return `asking for an adapter failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (adapter === null) {
    return 'there is no adapter: no driver, or one that is on the block list of the browser (chrome://gpu says which); in Node, VK_DRIVER_FILES may name the driver file of Vulkan';
  }
  return adapter;
}

/** A device of an adapter, with its features and the most of its limits. */
export async function connect(
  gpu: GPU | undefined,
  powerPreference?: GPUPowerPreference,
  lowered: Readonly<Record<string, number>> = {},
): Promise<Connection> {
  const adapter = await findAdapter(gpu, powerPreference);
  if (typeof adapter === 'string')
    throw codedError(Error, 'AG_BACKEND_UNAVAILABLE', `webgpu: ${adapter}. Without it use @ag/native-wasm`);
  const requiredLimits: Record<string, number> = {};
  for (const name of limits) {
    const most = adapter.limits[name];
    // A browser that does not know a limit says nothing about it.
    if (typeof most === 'number') requiredLimits[name] = Math.min(most, lowered[name] ?? most);
  }
  const device = await adapter.requestDevice({
    requiredFeatures: features.filter((name) => adapter.features.has(name)) as GPUFeatureName[],
    requiredLimits,
  });
  return {
    device,
    facts: factsOf(device, adapter.info),
    info: describe(adapter.info),
    owned: true,
    origin: [gpu, adapter],
  };
}

/** A device that the program made itself. */
export function adopt(device: GPUDevice): Connection {
  const info = (device as { adapterInfo?: GPUAdapterInfo }).adapterInfo;
  return { device, facts: factsOf(device, info), info: describe(info), owned: false, origin: null };
}

export function describe(info: GPUAdapterInfo | undefined): AdapterDescription {
  return {
    vendor: info?.vendor ?? '',
    architecture: info?.architecture ?? '',
    device: info?.device ?? '',
    description: info?.description ?? '',
  };
}
