/**
 * `@ag/webgpu`: the WebGPU backend of `@ag/tensor`.
 *
 * Reading order: `device/` (what there is), `emit/` (expressions as WGSL), `forms/` (what launches become), `queue/` (the order of
 * work), `run/` (how programs run), `backend.ts`. None imports from a later one.
 */
export { WebGpuBackend, type WebGpuOptions, webgpu } from './backend.ts';
export type { AdapterDescription } from './device/connect.ts';
export type { Facts } from './device/facts.ts';
export type { DeviceObject, GpuObject, PowerPreference } from './device/given.ts';
export type { Counters } from './queue/counters.ts';
export { type Feature, type SupportOptions, type WebGpuSupport, webgpuSupport } from './support.ts';
