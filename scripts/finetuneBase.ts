/**
 * Trains the network that the recipe `finetune` begins with where no other file is given, and writes it as an ONNX file in base64:
 * six kinds of generated digits, 0 to 5. Run it after a change of what it says:
 *
 *     node --conditions=@ag/source --import tsx scripts/finetuneBase.ts
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, digits, type MemoryDataset, subset } from '../packages/datasets/src/index.ts';
import { placeholder } from '../packages/graph/src/index.ts';
import { wasm } from '../packages/native-wasm/src/index.ts';
import * as nn from '../packages/nn/src/index.ts';
import { exportOnnx } from '../packages/onnx/src/index.ts';
import { adamw, cosine } from '../packages/optim/src/index.ts';
import { manualSeed, use } from '../packages/tensor/src/index.ts';
import * as training from '../packages/train/src/index.ts';

use(await wasm());
manualSeed(5);
const kinds = 6;
const of = (data: MemoryDataset): MemoryDataset => {
  const labels = (data.columns.y as { readonly data: ArrayLike<number> }).data;
  return subset(
    data,
    Array.from(labels, (label, i) => (label < kinds ? i : -1)).filter((i) => i >= 0),
  );
};
const [train, test] = [of(digits({ count: 10_000 })), of(digits({ split: 'test', count: 2_000 }))];
const model = nn.sequential(
  nn.conv2d(1, 8, 3, { padding: 1 }),
  nn.relu(),
  nn.maxPool2d(2),
  nn.conv2d(8, 16, 3, { padding: 1 }),
  nn.relu(),
  nn.maxPool2d(2),
  nn.conv2d(16, 32, 3, { padding: 1 }),
  nn.relu(),
  nn.adaptiveAvgPool2d(1),
  nn.flatten(),
  nn.linear(32, kinds),
);
const [batchSize, epochs] = [50, 12];
const steps = (epochs * train.length) / batchSize;
const metrics = { accuracy: nn.accuracy };
for await (const event of training.fit({
  model,
  optimizer: adamw(model.parameters(), { learningRate: cosine(5e-3, { steps }), weightDecay: 0.01 }),
  loss: nn.crossEntropy,
  metrics,
  train: dataLoader(train, { batchSize, shuffle: true, seed: 1 }),
  epochs,
}))
  if (event.type === 'epoch') console.log(event.epoch, event.loss, event.metrics);
const held = dataLoader(test, { batchSize: 500 });
const result = await training.validate(model, held, { loss: nn.crossEntropy, metrics });
console.log(result);
const file = await exportOnnx(model, {
  inputs: { image: placeholder([null, 1, 28, 28]) },
  outputs: ['kind'],
});
console.log(`${file.length} bytes`);
const lines = Buffer.from(file)
  .toString('base64')
  .replace(/.{1,100}/g, "  '$&',\n");
writeFileSync(
  new URL('../apps/cli/src/recipes/finetune/base.ts', import.meta.url),
  `/** A network that tells generated digits 0 to 5 apart, as an ONNX file in base64: made by scripts/finetuneBase.ts. */
export const baseNetwork = [
${lines}].join('');
`,
);
