/**
 * The conformance suite and random graphs with 256-bit vectors, which an experimental switch of V8 makes of pairs: in a file
 * of its own, since the switch holds for the whole process. Skipped where the engine has none.
 */
import * as graph from '@ag/graph';
import { reference, use } from '@ag/tensor';
import {
  atSeed,
  conformance,
  evaluateGraph,
  expectAgreement,
  randomGraph,
  testSeeds,
} from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { wasm, wasmSupport } from '../index.ts';

const { available, reason } = wasmSupport().wideVectors;

describe.skipIf(!available)('with 256-bit vectors', () => {
  conformance(() => wasm({ threads: 1, wideVectors: true }), { describe, it }, { gradients: graph });

  it('random graphs agree with the reference', async () => {
    const oracle = reference();
    const backend = await wasm({ threads: 2, wideVectors: true });
    await backend.startThreads();
    for (const seed of testSeeds(200, 2_000)) {
      atSeed(seed, () => {
        const random = randomGraph(seed);
        use(oracle);
        const expected = evaluateGraph(random, true, graph.gradients);
        use(backend);
        expectAgreement(random, evaluateGraph(random, true, graph.gradients), expected, 2e-4);
      });
    }
    use(oracle);
    backend.close();
  });
});

it.skipIf(available)('an engine without 256-bit vectors says what is needed', async () => {
  expect(reason).toContain('Node 24');
  await expect(wasm({ wideVectors: true })).rejects.toThrow(
    'wasm: 256-bit vectors need Node 24 or later on x86-64, and relaxed SIMD; leave wideVectors out',
  );
});
