/** The weights that the page begins with: small, and as good as their script says. */
import { readFile } from 'node:fs/promises';
import { dataLoader, digits } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { loadSafetensors } from '@ag/nn';
import { reference, use } from '@ag/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeNetwork } from './network.ts';
import { testNetwork } from './testNetwork.ts';

beforeAll(async () => {
  use(await wasm({ threads: 1 }));
});
afterAll(() => {
  use(reference());
});

it('fit into 60 kB and read 99 of 100 digits that they were not trained on', async () => {
  const bytes = await readFile(new URL('trained.safetensors', import.meta.url));
  expect(bytes.length).toBeLessThanOrEqual(60_000);
  const network = makeNetwork({ model: 'trained', dropout: 0 });
  network.loadStateDict(loadSafetensors(bytes).tensors);
  network.eval();
  // Another seed than the script's.
  const set = digits({ count: 1000, seed: 7, split: 'test' });
  const { confusion } = await testNetwork(
    (x) => network.forward(x),
    dataLoader(set, { batchSize: 250 }),
    set.columns.x.data,
  );
  const right = confusion!.reduce((sum, row, digit) => sum + row[digit], 0);
  expect(right).toBeGreaterThanOrEqual(990);
});
