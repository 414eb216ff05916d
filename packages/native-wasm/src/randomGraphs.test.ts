/**
 * Random graphs of operations and their gradients: this backend, on one thread and two, agrees with the reference. A
 * failure prints the seed and the graph. Tolerance as for fused against unfused graphs: both round in float32, in
 * different orders.
 */
import { gradients } from '@ag/graph';
import { reference, use } from '@ag/tensor';
import { atSeed, evaluateGraph, expectAgreement, randomGraph, testSeeds } from '@ag/tensor/testing';
import { afterAll, describe, it } from 'vitest';
import { wasm } from './index.ts';

describe('random graphs', () => {
  const oracle = reference();
  afterAll(() => use(oracle));

  for (const threads of [1, 2]) {
    it(`agree with the reference on ${threads} thread${threads === 1 ? '' : 's'}`, async () => {
      const backend = await wasm({ threads });
      await backend.startThreads();
      for (const seed of testSeeds(300, 3_000)) {
        atSeed(seed, () => {
          const graph = randomGraph(seed);
          use(oracle);
          const expected = evaluateGraph(graph, true, gradients);
          use(backend);
          expectAgreement(graph, evaluateGraph(graph, seed % 4 !== 0, gradients), expected, 2e-4);
        });
      }
      backend.close();
    });
  }
});
