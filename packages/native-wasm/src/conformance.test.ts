/**
 * The conformance suite of @ag/tensor on this backend: one thread and two, with fused multiply-add where the engine
 * has it and without, fused and one kernel for each operation.
 */
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { wasm } from './index.ts';

const hooks = { describe, it };
conformance(() => wasm({ threads: 1, relaxedSimd: false }), hooks, { name: 'wasm, one thread' });
conformance(
  async () => {
    const backend = await wasm({ threads: 2 });
    await backend.startThreads();
    return backend;
  },
  hooks,
  { name: 'wasm, two threads' },
);
conformance(() => wasm({ threads: 1, relaxedSimd: true }), hooks, { name: 'wasm, relaxed SIMD' });
conformance(() => wasm({ threads: 1 }), hooks, { name: 'wasm without fusion', fusion: false });
