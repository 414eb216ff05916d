/**
 * WebAssembly computes unless `use` is given something else; where the engine has none, the reference backend does.
 */
import { wasmSupport, wasmSync } from '@ag/native-wasm';
import { reference } from '@ag/tensor';
import { setDefaultBackend, warn } from '@ag/tensor/engine';

setDefaultBackend(() => {
  const { simd } = wasmSupport();
  if (simd.available) return wasmSync();
  warn('AG_SLOW_BACKEND', `the reference backend computes, which is slow, because ${simd.reason}`);
  return reference();
});
