/**
 * `@ag/native-wasm`: the WebAssembly backend of `@ag/tensor`.
 *
 * Reading order: `abi.ts` (how kernels are called), `map.ts` and `reduce.ts` (what they look like), `expression.ts` and
 * `mathF32.ts` (arithmetic), `executable.ts`, `driver.ts` and `threads.ts` (how plans run).
 */
export { WasmBackend, type WasmOptions, wasm, wasmSync } from './backend.ts';
export { type Feature, type WasmSupport, wasmSupport } from './engine/support.ts';
