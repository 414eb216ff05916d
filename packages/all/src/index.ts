/**
 * `@ag/all`: all packages in one install, with the fastest backend of the engine chosen by itself.
 *
 * Tensors, differentiation and training stand in the root; layers, optimizers, data sets and charts have names of their own, as
 * a layer `relu()` and a function `relu(x)` are two things.
 */
import './defaultBackend.ts';

export * as datasets from '@ag/datasets';
export * from '@ag/graph';
export { type WasmOptions, type WasmSupport, wasm, wasmSupport } from '@ag/native-wasm';
export * as nn from '@ag/nn';
export * as optim from '@ag/optim';
export * from '@ag/tensor';
export * from '@ag/train';
export * as viz from '@ag/viz';
export { type WebGpuOptions, type WebGpuSupport, webgpu, webgpuSupport } from '@ag/webgpu';
export { type BestOptions, best } from './best.ts';
