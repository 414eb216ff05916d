/**
 * Trains the network that the digits page begins with, on generated digits, and writes its weights with 16 bits.
 *
 *   pnpm --dir apps/web train-digits        # a minute or two on one core
 *
 * The same numbers every time: one seed, one thread, and a backend that computes the same bits everywhere.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dataLoader, digits } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { accuracy, crossEntropy, saveSafetensors } from '@ag/nn';
import { adam, cosine } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit } from '@ag/train';
import { makeNetwork } from '../src/pages/digits/network.ts';

const file = fileURLToPath(new URL('../src/pages/digits/trained.safetensors', import.meta.url));
const [count, epochs, batchSize] = [20_000, 8, 50];

use(await wasm({ threads: 1 }));
manualSeed(1);
const model = makeNetwork({ model: 'trained', dropout: 0 });
const run = fit({
  model,
  optimizer: adam(model.parameters(), {
    learningRate: cosine(0.002, { steps: (epochs * count) / batchSize }),
  }),
  loss: crossEntropy,
  metrics: { accuracy },
  train: dataLoader(digits({ count, seed: 1 }), { batchSize, shuffle: true, seed: 1 }),
  validation: dataLoader(digits({ count: 2000, seed: 1, split: 'test' }), { batchSize: 250 }),
  epochs,
  compile: true,
});
for await (const event of run) {
  if (event.type === 'validation')
    console.log(`epoch ${event.epoch}: test accuracy ${event.metrics.accuracy.toFixed(4)}`);
}
const bytes = await saveSafetensors(model.stateDict(), { floats: 'F16' });
await writeFile(file, bytes);
console.log(`wrote ${file}: ${bytes.length} bytes`);
