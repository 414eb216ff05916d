/**
 * WebAssembly computes unless `use` is given something else; where the engine has none, the reference backend does.
 */
import { wasmSupport, wasmSync } from '@ag/native-wasm';
import { reference } from '@ag/tensor';
import { setDefaultBackend } from '@ag/tensor/engine';

setDefaultBackend(() => {
  const { simd } = wasmSupport();
  if (simd.available) return wasmSync();
  globalThis.console?.warn(`ag: the reference backend computes, which is slow, because ${simd.reason}`);
  return reference();
});
