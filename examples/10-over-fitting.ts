/**
 * A network with more weights than it has examples learns them by heart: nothing is left to improve in training, and
 * the loss on unseen images rises again. Three ways to hold it back: weight decay (small weights make simpler functions),
 * dropout (no unit may rely on another) and batch normalization (each batch disturbs the values a little).
 *
 *     npm run ts -- examples/10-over-fitting.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, digits, transforms } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { accuracy, batchNorm1d, crossEntropy, dropout, linear, type Module, relu, sequential } from '@ag/nn';
import { adamw } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit, validate } from '@ag/train';
import { lineChart } from '@ag/viz';

use(await wasm());
const full = process.env.AG_EXAMPLE === 'full';
const [size, epochs] = [14, full ? 400 : 100];
const pixels = size * size;
const transform = transforms.flatten();
const train = dataLoader(digits({ count: 200, size }), { batchSize: 50, shuffle: true, seed: 10, transform });
const seen = dataLoader(digits({ count: 200, size }), { batchSize: 200, transform });
const unseen = dataLoader(digits({ split: 'test', count: 1000, size }), { batchSize: 500, transform });

const plain = () => sequential(linear(pixels, 128), relu(), linear(128, 128), relu(), linear(128, 10));
const dropping = () =>
  sequential(
    linear(pixels, 128),
    relu(),
    dropout(0.5),
    linear(128, 128),
    relu(),
    dropout(0.5),
    linear(128, 10),
  );
const normalizing = () =>
  sequential(
    linear(pixels, 128),
    batchNorm1d(128),
    relu(),
    linear(128, 128),
    batchNorm1d(128),
    relu(),
    linear(128, 10),
  );

const networks: Record<string, [model: () => Module, weightDecay: number]> = {
  'as it is': [plain, 0],
  'weight decay': [plain, 2],
  dropout: [dropping, 0],
  'batch norm': [normalizing, 0],
};

const curves: { name: string; y: number[] }[] = [];
for (const [name, [make, weightDecay]] of Object.entries(networks)) {
  manualSeed(10);
  const model = make();
  const optimizer = adamw(model.parameters(), { learningRate: 2e-3, weightDecay });
  const options = { loss: crossEntropy, epochs, reportEvery: 0, compile: true, validateEvery: full ? 1 : 5 };
  const y: number[] = [];
  for await (const event of fit({ model, optimizer, train, validation: unseen, ...options })) {
    if (event.type === 'validation') y.push(event.loss);
  }
  curves.push({ name, y });
  const figures = { loss: crossEntropy, metrics: { accuracy } };
  const [known, fresh] = [await validate(model, seen, figures), await validate(model, unseen, figures)];
  const show = ({ loss, metrics }: typeof known) =>
    `${loss.toFixed(3)} (${(100 * metrics.accuracy).toFixed(1)} %)`;
  console.log(`${name}: loss on its examples ${show(known)}, on unseen ones ${show(fresh)}`);
}

if (process.argv[2]) {
  writeFileSync(process.argv[2], lineChart(curves, { title: 'Loss on unseen digits', xLabel: 'validation' }));
}
