/**
 * `@ag/native-wasm`: the WebAssembly backend of `@ag/tensor`.
 *
 * Reading order: `abi.ts` (how kernels are called), `assembler/` (bytes), `arithmetic/` (expressions on vectors), `kernels/` and
 * `contraction/` (what launches become), `run/` (how plans run). None imports from a later one.
 */
export { WasmBackend, type WasmOptions, wasm, wasmSync } from './backend.ts';
export { type Feature, type WasmSupport, wasmSupport } from './engine/support.ts';
export type { KernelStore } from './run/keptCode.ts';
export type { CompanionOptions } from './standalone/companion.ts';
export type { PlanDescription, PlanTensor } from './standalone/description.ts';
export { type ExportedPlan, type ExportPlanOptions, exportPlan } from './standalone/exportPlan.ts';
export type { PlanInput, PlanInputs } from './standalone/recording.ts';
export { widening } from './widening.ts';
