/** The worker: what is trained, and how it answers. */
import { dataLoader, tensorDataset } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, softmax, tensor, use } from '@ag/tensor';
import { serveTraining } from '@ag/train';
import { gestures, madeUp, samples } from './gestures.ts';

/** What the page has recorded. */
export interface Settings {
  readonly windows: number[][];
  readonly labels: number[];
}

serveTraining<Settings>(async ({ windows, labels }) => {
  use(await wasm());
  manualSeed(1);
  const some = madeUp(240, 1);
  const data = tensorDataset([...some.windows, ...windows], [...some.labels, ...labels]);
  const model = sequential(linear(3 * samples, 32), relu(), linear(32, gestures.length));
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: 1e-3 }),
    loss: crossEntropy,
    train: dataLoader(data, { batchSize: 16, shuffle: true, seed: 1 }),
    epochs: 400,
    predict: (window: number[]) => softmax(model.forward(tensor([window])), 1).data(),
  };
});
