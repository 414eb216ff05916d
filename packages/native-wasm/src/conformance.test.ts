/**
 * The conformance suite of @ag/tensor on this backend, derivatives included: one thread and two, with fused multiply-add
 * where the engine has it and without, fused and one kernel for each operation, convolutions by minimal filtering and direct.
 * `AG_TEST=full` runs every combination.
 */
import * as gradients from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { wasm } from './index.ts';

const choices = [true, false];
const every = [1, 2].flatMap((threads) =>
  choices.flatMap((relaxedSimd) =>
    choices.flatMap((fusion) =>
      choices.map((winograd) => ({ threads, relaxedSimd, fusion, winograd, derivatives: true })),
    ),
  ),
);
// Every value of every choice. Derivatives are graphs of the same kernels, so one combination is enough for every day.
const some = [
  { threads: 2, relaxedSimd: true, fusion: true, winograd: true, derivatives: true },
  { threads: 1, relaxedSimd: false, fusion: false, winograd: false, derivatives: false },
];

for (const { threads, relaxedSimd, fusion, winograd, derivatives } of process.env.AG_TEST === 'full'
  ? every
  : some) {
  const make = async () => {
    const backend = await wasm({ threads, relaxedSimd, winograd });
    await backend.startThreads();
    return backend;
  };
  const name =
    `wasm, ${threads} thread${threads === 1 ? '' : 's'}, ${relaxedSimd ? 'fused' : 'separate'} multiply and add, ` +
    (fusion ? 'fused kernels' : 'one kernel for each operation') +
    (winograd ? '' : ', direct convolutions');
  conformance(make, { describe, it }, { name, fusion, ...(derivatives && { gradients }) });
}
