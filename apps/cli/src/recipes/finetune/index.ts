/**
 * Fine-tuning: a network of an ONNX file, trained by somebody else, learns new classes from few examples.
 */
import { readFile } from 'node:fs/promises';
import { digits, type MemoryDataset, memoryDataset } from '@ag/datasets';
import { accuracy, crossEntropy, type Module } from '@ag/nn';
import { loadOnnx } from '@ag/onnx';
import type { Tensor } from '@ag/tensor';
import { predict } from '@ag/train';
import { Failure } from '../../failure.ts';
import { countOf, defineRecipe, type RecipeContext } from '../recipe.ts';
import { type Backbone, backboneOf, exported, FineTuned, type TrainedPart, trainable } from './network.ts';

const parts: readonly TrainedPart[] = ['head', 'lora', 'all'];

export default defineRecipe({
  name: 'finetune',
  summary: 'a network of an ONNX file learns four new kinds of digits from 20 examples of each',
  kind: 'classification',
  settings: {
    epochs: 60,
    batchSize: 20,
    learningRate: 1e-2,
    optimizer: 'adam',
    schedule: 'cosine',
    validateEvery: 10,
  },
  parameters: {
    'model.file': '',
    'model.cut': '',
    'model.size': 0,
    'train.part': 'lora',
    'lora.rank': 4,
    'data.kinds': [6, 7, 8, 9],
    'data.each': 20,
    'data.test': 100,
    'data.seed': 0,
  },
  async prepare({ parameters }) {
    const kinds = kindsOf(parameters);
    const part = partOf(parameters);
    const rank = countOf(parameters, 'lora.rank');
    const backbone = await readBackbone(parameters);
    const seed = Number(parameters['data.seed']);
    const train = digitsOf(kinds, 'train', countOf(parameters, 'data.each'), seed);
    const test = digitsOf(kinds, 'test', countOf(parameters, 'data.test'), seed);
    return {
      train,
      test,
      loss: crossEntropy,
      metrics: { accuracy },
      model: () => trainable(new FineTuned(backbone, kinds.length), part, rank),
      conclude: (model) => conclusion(model, test),
    };
  },
});

/** How much was trained, and that the file that is made of it computes the same. */
async function conclusion(model: Module<[Tensor], Tensor>, test: MemoryDataset): Promise<readonly string[]> {
  const trained = model.parameters().filter(({ trainable }) => trainable);
  const count = (list: readonly { readonly size: number }[]): string =>
    list.reduce((sum, { size }) => sum + size, 0).toLocaleString('en-US');
  const { bytes, batch } = await exported(model);
  const again = loadOnnx(bytes);
  let difference = 0;
  // A network that takes one image at a time is tried on fewer.
  for (let i = 0; i < Math.min(batch === null ? 1 : 5, test.length); i++) {
    const rows = batch === null ? Array.from({ length: Math.min(50, test.length) }, (_, k) => k) : [i];
    const { x } = test.batch(rows);
    const [before, after] = await Promise.all([
      predict(model, x).then((y) => y.data()),
      again.forward(x)[0].data(),
    ]);
    before.forEach((value, k) => {
      difference = Math.max(difference, Math.abs(value - after[k]));
    });
  }
  const size = `${bytes.length.toLocaleString('en-US')} bytes${batch === null ? '' : ', for one image at a time'}`;
  return [
    `trained ${count(trained)} numbers`,
    `as an ONNX file again: ${size}; read back it differs by at most ${difference.toExponential(0)}`,
  ];
}

async function readBackbone(parameters: RecipeContext['parameters']): Promise<Backbone> {
  const [file, cut, size] = [parameters['model.file'], parameters['model.cut'], parameters['model.size']];
  if (typeof file !== 'string' || typeof cut !== 'string')
    throw new Failure('configuration', '--set model.file and model.cut: expected texts');
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
    throw new Failure(
      'configuration',
      `--set model.size: expected a whole number from 0, got ${JSON.stringify(size)}`,
    );
  if (file === '') {
    const { baseNetwork } = await import('./base.ts');
    return backboneOf(
      new Uint8Array(Buffer.from(baseNetwork, 'base64')),
      'the network of the recipe',
      cut,
      size,
    );
  }
  try {
    return backboneOf(new Uint8Array(await readFile(file)), file, cut, size);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'data',
      `--set model.file: ${file} cannot be read: ${(error as Error).message}`,
      'Leave it out for the network that comes with the recipe.',
      error,
    );
  }
}

function kindsOf(parameters: RecipeContext['parameters']): readonly number[] {
  const kinds = parameters['data.kinds'];
  const isDigit = (one: unknown): boolean => Number.isInteger(one) && Number(one) >= 0 && Number(one) <= 9;
  if (
    Array.isArray(kinds) &&
    kinds.length >= 2 &&
    kinds.every(isDigit) &&
    new Set(kinds).size === kinds.length
  )
    return kinds;
  throw new Failure(
    'configuration',
    `--set data.kinds: expected two digits or more such as [6,7,8,9], got ${JSON.stringify(kinds)}`,
  );
}

function partOf(parameters: RecipeContext['parameters']): TrainedPart {
  const given = parameters['train.part'];
  const part = parts.find((one) => one === given);
  if (part) return part;
  throw new Failure(
    'configuration',
    `--set train.part: expected ${parts.join(', ')}, got ${JSON.stringify(given)}`,
  );
}

/** Digits of some kinds, as many of each, labelled by their place in the list. */
function digitsOf(
  kinds: readonly number[],
  split: 'train' | 'test',
  each: number,
  seed: number,
): MemoryDataset {
  const { columns } = digits({ split, count: 10 * each, seed });
  const labels = columns.y.data;
  const chosen = Array.from(labels, (label, i) => (kinds.includes(Number(label)) ? i : -1)).filter(
    (i) => i >= 0,
  );
  const pixels = imageLength;
  const images = new Uint8Array(chosen.length * pixels);
  chosen.forEach((from, to) => {
    for (let i = 0; i < pixels; i++) images[to * pixels + i] = Number(columns.x.data[from * pixels + i]);
  });
  return memoryDataset(
    {
      x: { ...columns.x, data: images },
      y: { ...columns.y, data: Int32Array.from(chosen, (i) => kinds.indexOf(Number(labels[i]))) },
    },
    { name: 'digits', split, classes: kinds.map(String), source: 'drawn by a generator' },
  );
}

const imageLength = 28 * 28;
