/** What there is of WebGPU here, and why something is missing. */
import { checkOptions } from '@ag/tensor/engine';
import { type AdapterDescription, describe, findAdapter, platformGpu } from './device/connect.ts';
import { type Facts, factsOf } from './device/facts.ts';
import { checkGpu, type GpuObject, type PowerPreference } from './device/given.ts';

/** A feature of the device; `reason` says why it is missing, and is empty when it is there. */
export interface Feature {
  readonly available: boolean;
  readonly reason: string;
}

/** What the platform offers to the WebGPU backend, and why something is missing. */
export interface WebGpuSupport {
  /** An adapter: needed. */
  readonly adapter: Feature;
  /** What the adapter says of itself; null without one. */
  readonly info: AdapterDescription | null;
  /** Limits of a device; null without an adapter. */
  readonly facts: Facts | null;
  /** Invocations that exchange values without memory: quicker sums. */
  readonly subgroups: Feature;
  /** Half precision in storage. */
  readonly shaderF16: Feature;
  /** Times of single kernels. */
  readonly timestamps: Feature;
  /** A real device, not a processor acting as one. */
  readonly hardware: Feature;
}

/** Options of {@link webgpuSupport}. */
export interface SupportOptions {
  /** Default `navigator.gpu`. */
  readonly gpu?: GpuObject;
  /** Which adapter, where there are several. Default the platform's choice. */
  readonly powerPreference?: PowerPreference;
}

/**
 * Asks the platform for an adapter and says what it offers. Never throws for what is missing.
 *
 * @example
 * ```ts
 * const { adapter, info } = await webgpuSupport();
 * console.log(adapter.available ? info : adapter.reason);
 * ```
 */
export async function webgpuSupport(options: SupportOptions = {}): Promise<WebGpuSupport> {
  checkOptions('webgpuSupport', options, 'gpu powerPreference');
  const adapter = await findAdapter(checkGpu(options.gpu) ?? platformGpu(), options.powerPreference);
  if (typeof adapter === 'string') {
    const missing = { available: false, reason: adapter };
    return {
      adapter: missing,
      info: null,
      facts: null,
      subgroups: missing,
      shaderF16: missing,
      timestamps: missing,
      hardware: missing,
    };
  }
  const facts = factsOf(adapter, adapter.info);
  const feature = (available: boolean, reason: string): Feature => ({
    available,
    reason: available ? '' : reason,
  });
  return {
    adapter: feature(true, ''),
    info: describe(adapter.info),
    facts,
    subgroups: feature(facts.subgroups, 'the adapter or the browser does not offer the feature subgroups'),
    shaderF16: feature(facts.shaderF16, 'the adapter or the browser does not offer the feature shader-f16'),
    timestamps: feature(
      facts.timestamps,
      'the adapter or the browser does not offer the feature timestamp-query',
    ),
    hardware: feature(
      !facts.software,
      'this adapter is software: results are right, and slower than WebAssembly',
    ),
  };
}
