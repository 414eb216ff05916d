/**
 * Random graphs of operations and their gradients on a device agree with the reference. A failure prints the seed and the graph.
 * Tolerance as for fused against unfused graphs: both round in float32, in different orders.
 */
import { gradients } from '@ag/graph';
import { evaluate, reference, use } from '@ag/tensor';
import { setFusion } from '@ag/tensor/engine';
import { evaluateGraph, expectAgreement, type RandomGraph, randomGraph, testSeeds } from '@ag/tensor/testing';
import { afterAll, describe, it } from 'vitest';
import { webgpu } from './index.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();

/** Few, as each takes some new kernels, which a driver compiles. */
const seeds = testSeeds(8, 300);

/** As `evaluateGraph`, for a device that answers later. */
async function evaluateLater(graph: RandomGraph, fused: boolean): Promise<number[][]> {
  const before = setFusion(fused);
  try {
    const { leaves, results } = graph.build();
    const loss = results.map((result) => result.mean()).reduce((sum, term) => sum.add(term));
    const all = [...results, ...gradients(loss, leaves)];
    evaluate(all);
    const read: number[][] = [];
    for (const result of all) read.push([...(await result.data())]);
    return read;
  } finally {
    setFusion(before);
  }
}

describe.skipIf(gpu === undefined)('random graphs on WebGPU', () => {
  const oracle = reference();
  afterAll(() => use(oracle));

  it('agree with the reference', { timeout: 120_000 + 10_000 * seeds.length }, async () => {
    const backend = await webgpu({ gpu });
    for (const seed of seeds) {
      const graph = randomGraph(seed);
      use(oracle);
      const expected = evaluateGraph(graph, true, gradients);
      use(backend);
      try {
        expectAgreement(graph, await evaluateLater(graph, seed % 4 !== 0), expected, 2e-4);
      } catch (error) {
        throw new Error(
          `seed ${seed} (alone: AG_TEST_SEED=${seed} AG_TEST_CASES=1): ${error instanceof Error ? error.message : error}`,
          { cause: error },
        );
      }
    }
  });
});
