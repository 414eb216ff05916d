/**
 * The conformance suite of @ag/tensor on this backend, derivatives included: one thread and two, with fused multiply-add
 * where the engine has it and without, fused and one kernel for each operation. `AG_TEST=full` runs every combination.
 */
import * as gradients from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { wasm } from './index.ts';

const choices = [true, false];
const every = [1, 2].flatMap((threads) =>
  choices.flatMap((relaxedSimd) =>
    choices.map((fusion) => ({ threads, relaxedSimd, fusion, derivatives: true })),
  ),
);
// Derivatives are graphs of the same kernels, so one combination is enough for every day.
const some = [
  { threads: 1, relaxedSimd: false, fusion: true, derivatives: false },
  { threads: 1, relaxedSimd: true, fusion: false, derivatives: false },
  { threads: 2, relaxedSimd: true, fusion: true, derivatives: true },
  { threads: 2, relaxedSimd: false, fusion: false, derivatives: false },
];

for (const { threads, relaxedSimd, fusion, derivatives } of process.env.AG_TEST === 'full' ? every : some) {
  const make = async () => {
    const backend = await wasm({ threads, relaxedSimd });
    await backend.startThreads();
    return backend;
  };
  const name =
    `wasm, ${threads} thread${threads === 1 ? '' : 's'}, ${relaxedSimd ? 'fused' : 'separate'} multiply and add, ` +
    (fusion ? 'fused kernels' : 'one kernel for each operation');
  conformance(make, { describe, it }, { name, fusion, ...(derivatives && { gradients }) });
}
