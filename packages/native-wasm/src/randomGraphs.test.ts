/**
 * Random graphs of operations: this backend, on one thread and two, agrees with the reference. A failure prints the seed
 * and the graph. Tolerance as for fused against unfused graphs: both round in float32, in different orders.
 */
import { reference, use } from '@ag/tensor';
import { evaluateGraph, expectAgreement, randomGraph } from '@ag/tensor/testing';
import { afterAll, describe, it } from 'vitest';
import { wasm } from './index.ts';

const count = process.env.AG_TEST === 'full' ? 3_000 : 300;

describe('random graphs', () => {
  const oracle = reference();
  afterAll(() => use(oracle));

  for (const threads of [1, 2]) {
    it(`agree with the reference on ${threads} thread${threads === 1 ? '' : 's'}`, async () => {
      const backend = await wasm({ threads });
      if (threads > 1) await backend.startThreads();
      for (let seed = 0; seed < count; seed++) {
        const graph = randomGraph(seed);
        use(oracle);
        const expected = evaluateGraph(graph, true);
        use(backend);
        expectAgreement(graph, evaluateGraph(graph, true), expected, 2e-4);
      }
      backend.close();
    });
  }
});
