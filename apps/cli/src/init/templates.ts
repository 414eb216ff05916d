/** The recipes that `agrad init` writes: short, explained where one may want to change something, and complete. */

/** What a template is filled with. */
export interface Blanks {
  /** Name of the recipe: that of its file. */
  readonly name: string;
  /** Path of the data as the recipe finds them: from the folder where the command is run. */
  readonly data: string;
  readonly target: string;
}

/** A text inside of single quotes. */
const text = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;

export function pointsTemplate({ name }: Blanks): string {
  return `/** Points on two half circles. Run it by: agrad train FILE */
import { defineRecipe } from '@ag/cli';
import { moons } from '@ag/datasets';
import { accuracy, crossEntropy, linear, sequential, tanh } from '@ag/nn';

export default defineRecipe({
  name: ${text(name)},
  summary: 'two half circles',
  // 'classification' (class indices), 'regression' (numbers) or 'binary' (0 or 1).
  kind: 'classification',
  // Each can be changed for a run: --epochs 40.
  settings: { epochs: 20, batchSize: 25, learningRate: 1e-2, optimizer: 'adam' },
  // Parameters of your own, changed by --set width=32.
  parameters: { width: 16 },
  async prepare({ parameters }) {
    const width = Number(parameters.width);
    return {
      train: moons({ count: 500, seed: 1 }),
      test: moons({ count: 200, seed: 2 }),
      // Of a batch: what the model answers, and what is right. Both answer one number.
      loss: crossEntropy,
      metrics: { accuracy },
      // [batch, 2] → [batch, 2], logits of the two classes: crossEntropy takes them without a softmax.
      model: () => sequential(linear(2, width), tanh(), linear(width, 2)),
    };
  },
});
`;
}

export function tableTemplate({ name, data, target }: Blanks, kind: 'classification' | 'regression'): string {
  const isClass = kind === 'classification';
  const [loss, metric] = isClass ? ['crossEntropy', 'accuracy'] : ['mseLoss', 'meanAbsoluteError'];
  return `/** ${isClass ? 'A class' : 'A number'} from the other columns of a table. Run it by: agrad train FILE */
import { readFile } from 'node:fs/promises';
import { defineRecipe } from '@ag/cli';
import { decodeText, dropMissing, fitPreprocessing, parseCsv, splitTable } from '@ag/datasets';
import { ${[loss, metric, 'dropout', 'linear', 'relu', 'sequential'].sort().join(', ')} } from '@ag/nn';

export default defineRecipe({
  name: ${text(name)},
  summary: 'a ${isClass ? 'class' : 'number'} from a table',
  kind: '${kind}',
  settings: { epochs: 100, batchSize: 16, learningRate: 3e-3, optimizer: 'adamw', weightDecay: 0.1, earlyStop: 15 },
  // Changed by --set data=other.csv.
  parameters: { data: ${text(data)}, target: ${text(target)}, width: 32, dropout: 0.2 },
  async prepare({ parameters, preprocessing: fitted }) {
    const [file, target] = [String(parameters.data), String(parameters.target)];
    const text = await decodeText(await readFile(file), { file });
    // Rows without an answer teach nothing.
    const table = dropMissing(await parseCsv(text, { file }), [target]);
    const [trainRows, validationRows, testRows] = splitTable(table, [0.7, 0.15, 0.15], { seed: 0 });
    // Types of the columns are guessed, gaps filled, numbers scaled, categories made columns of 0 and 1. It is fitted to
    // the training rows alone and kept with the weights: agrad predict takes tables as they are. A run that is evaluated
    // or resumed brings its own.
    const preprocessing =
      fitted ??
      fitPreprocessing(trainRows, {
        target,
        targetType: '${isClass ? 'category' : 'number'}',${isClass ? '\n        classes: [...new Set(table.rows.map((row) => row[table.header.indexOf(target)].trim()))].sort(),' : "\n        // unit: '1000 dollars',"}
        // columns: { zip: 'category', comment: 'ignore' },
      });
    const { features, outputs } = preprocessing;
    const width = Number(parameters.width);
    return {
      train: preprocessing.dataset(trainRows),
      // Decides which weights are best; the test rows only judge them.
      // A category that the training rows lack counts as none here; for new rows it is an error.
      validation: preprocessing.dataset(validationRows, { handleUnknown: 'ignore' }),
      test: preprocessing.dataset(testRows, { handleUnknown: 'ignore' }),
      preprocessing,
      loss: ${loss},
      metrics: { ${metric} },
      // [batch, features] → [batch, ${isClass ? 'classes], logits' : '1], the scaled target'}.
      model: () =>
        sequential(linear(features, width), relu(), dropout(Number(parameters.dropout)), linear(width, outputs)),
    };
  },
});
`;
}

export function imagesTemplate({ name, data }: Blanks): string {
  return `/** Classes of images that lie in folders, one folder for each class. Run it by: agrad train FILE */
import { defineRecipe } from '@ag/cli';
import { imageFolder, memoryDataset, randomSplit } from '@ag/datasets';
import { accuracy, conv2d, crossEntropy, flatten, linear, maxPool2d, relu, sequential } from '@ag/nn';

export default defineRecipe({
  name: ${text(name)},
  summary: 'images in folders, one for each class',
  kind: 'classification',
  settings: { epochs: 15, batchSize: 8, learningRate: 3e-3, optimizer: 'adam' },
  // Changed by --set size=64. Height and width are a multiple of 4 here, as two poolings halve them.
  parameters: { data: ${text(data)}, size: 32, channels: 3, filters: 8 },
  async prepare({ parameters }) {
    const [size, channels, filters] = [parameters.size, parameters.channels, parameters.filters].map(Number);
    const folder = await imageFolder(String(parameters.data), { size, channels: channels === 1 ? 1 : 3 });
    // All images are read once and kept in memory as [channels, height, width], from 0 to 1.
    const { x, y } = await folder.rows(Array.from({ length: folder.length }, (_, i) => i));
    const images = memoryDataset({ x, y }, folder.info);
    const [train, test] = randomSplit(images, [0.8, 0.2], { seed: 0 });
    const side = size / 4;
    return {
      train,
      test,
      loss: crossEntropy,
      metrics: { accuracy },
      // [batch, channels, size, size] → [batch, classes]
      model: () =>
        sequential(
          conv2d(channels, filters, 3, { padding: 1 }),
          relu(),
          maxPool2d(2),
          conv2d(filters, 2 * filters, 3, { padding: 1 }),
          relu(),
          maxPool2d(2),
          flatten(),
          linear(2 * filters * side * side, folder.classes.length),
        ),
    };
  },
});
`;
}

export function digitsTemplate({ name }: Blanks): string {
  return `/** Generated digits: the built-in recipe 'digits' as a file of your own. Run it by: agrad train FILE */
import { defineRecipe } from '@ag/cli';
import { digits, transforms } from '@ag/datasets';
import { accuracy, crossEntropy, init, linear, sequential, sigmoid } from '@ag/nn';

export default defineRecipe({
  name: ${text(name)},
  summary: 'generated digits: multilayer perceptron 784-50-100-10',
  kind: 'classification',
  settings: { epochs: 15, batchSize: 50, learningRate: 3e-3, optimizer: 'adam', schedule: 'cosine' },
  // Changed by --set 'hidden=[30]' or --set train=2000.
  parameters: { train: 10_000, test: 2_000, hidden: [50, 100] },
  async prepare({ parameters }) {
    const sizes = [784, ...(parameters.hidden as readonly number[]), 10];
    // Xavier's initial weights suit sigmoids.
    const layer = (i: number) => linear(sizes[i], sizes[i + 1], { weightInit: init.xavierUniform });
    return {
      train: digits({ split: 'train', count: Number(parameters.train) }),
      test: digits({ split: 'test', count: Number(parameters.test) }),
      // Images [1, 28, 28] as rows of 784 numbers.
      transform: transforms.flatten(),
      loss: crossEntropy,
      metrics: { accuracy },
      model: () => {
        const hidden = Array.from({ length: sizes.length - 2 }, (_, i) => [layer(i), sigmoid()]).flat();
        return sequential(...hidden, layer(sizes.length - 2));
      },
    };
  },
});
`;
}
