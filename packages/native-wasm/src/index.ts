/**
 * `@ag/native-wasm`: the WebAssembly backend of `@ag/tensor`.
 *
 * Reading order: `abi.ts` (how kernels are called), `assembler/` (bytes), `arithmetic/` (expressions on vectors), `kernels/` and
 * `contraction/` (what launches become), `run/` (how plans run). None imports from a later one.
 */
export { WasmBackend, type WasmOptions, wasm, wasmSync } from './backend.ts';
export { type Feature, type WasmSupport, wasmSupport } from './engine/support.ts';
export type { KernelStore } from './run/keptCode.ts';
export { widening } from './widening.ts';
