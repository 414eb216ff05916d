/** What a device can do, as plain numbers that forms choose by. */

export interface Facts {
  /** Storage buffers that a kernel may bind, its block of arguments (a uniform) not counted: 8 or more. */
  readonly maxBuffers: number;
  /** Invocations of a workgroup: 256 or more. */
  readonly maxInvocations: number;
  /** Bytes of memory that a workgroup shares: 16,384 or more. */
  readonly maxWorkgroupMemory: number;
  /** Bytes of one binding. */
  readonly maxBinding: number;
  /** Bytes of one buffer. */
  readonly maxBuffer: number;
  /** Workgroups along one dimension: 65,535. */
  readonly maxWorkgroups: number;
  readonly subgroups: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly shaderF16: boolean;
  readonly timestamps: boolean;
  /** SwiftShader, lavapipe, WARP: a processor that acts as a device. Large kernels compile slowly there. */
  readonly software: boolean;
  /** For measurements: the tile that products take, whatever their size. */
  readonly tile?: 'small' | 'medium' | 'large';
}

/** The least that WebGPU promises; what a device is lowered to in tests. */
export const defaultLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 134217728,
  maxBufferSize: 268435456,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 16384,
} as const;

/** Of a device, and of the adapter that it came from where that is known. */
export function factsOf(
  device: Pick<GPUDevice, 'limits' | 'features'>,
  info: GPUAdapterInfo | undefined,
): Facts {
  const { limits, features } = device;
  // Some browsers leave fields out.
  const about = [info?.vendor, info?.architecture, info?.device, info?.description].join(' ').toLowerCase();
  const sizes = (info ?? {}) as Partial<GPUAdapterInfo>;
  return {
    maxBuffers: limits.maxStorageBuffersPerShaderStage,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupMemory: limits.maxComputeWorkgroupStorageSize,
    maxBinding: limits.maxStorageBufferBindingSize,
    maxBuffer: limits.maxBufferSize,
    maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
    subgroups: features.has('subgroups'),
    subgroupMinSize: sizes.subgroupMinSize ?? 4,
    subgroupMaxSize: sizes.subgroupMaxSize ?? 128,
    shaderF16: features.has('shader-f16'),
    timestamps: features.has('timestamp-query'),
    software:
      sizes.isFallbackAdapter === true ||
      /swiftshader|llvmpipe|lavapipe|basic render|warp|software/.test(about),
  };
}
