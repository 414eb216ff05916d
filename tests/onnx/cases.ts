/**
 * Networks whose exports are run elsewhere: every layer of `@ag/nn`, networks drawn at random, and those of the recipes.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataLoader } from '@ag/datasets';
import { placeholder } from '@ag/graph';
import type { AnyModule } from '@ag/nn';
import { exportOnnx, inspectOnnx } from '@ag/onnx';
import { type DType, manualSeed, normal, randint, type Tensor } from '@ag/tensor';
import { recipes } from '../../apps/cli/src/recipes/index.ts';
import type { Task } from '../../apps/cli/src/recipes/recipe.ts';
import { resolveSettings } from '../../apps/cli/src/settings.ts';
import { bostonTable, writeMnist } from '../../apps/cli/src/testData.ts';
import type { Layer } from '../../bench/src/problems/network.ts';
import { randomNetwork } from '../../bench/src/problems/randomNetwork.ts';
import { modelOf } from '../../bench/src/process/network.ts';
import { layerExamples } from '../../packages/onnx/src/testing/layers.ts';
import { openExamples } from '../../packages/onnx/src/testing/open.ts';

/** A network, what it is exported for, and what it is fed. */
export interface ExportCase {
  readonly name: string;
  readonly model: AnyModule;
  readonly opset: number;
  readonly sizes: readonly (number | string | null)[];
  readonly dtype: DType;
  readonly inputs: readonly Tensor[];
}

/** Cases are made when their turn comes: weights of all of them would take gigabytes. */
export type LazyCase = () => ExportCase | Promise<ExportCase>;

/**
 * A digest of all that is in a file but the elements of its weights: it changes when networks are exported in another way, and was checked
 * by `onnx.checker` and by shape inference as it is in packages/onnx/fixtures/onnxruntime.json.
 */
export function digestOf(file: Uint8Array): string {
  const { nodes, inputs, outputs, opsets, tensors } = inspectOnnx(file);
  const shapes = tensors.map(({ name, type, shape }) => [name, type, shape]);
  const text = JSON.stringify([opsets, inputs, outputs, nodes, shapes]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export function fileOf({ model, opset, sizes, dtype }: ExportCase): Promise<Uint8Array> {
  return exportOnnx(model, { inputs: { x: placeholder(sizes, { dtype }) }, opset });
}

/** Every layer in three versions of the operators, and what has more than one open size. */
export function layerCases(): LazyCase[] {
  return [
    ...layerExamples().flatMap(({ name, model, input, fixed }) =>
      [17, 18, 21].map((opset) => () => ({
        name: `${name}, opset ${opset}`,
        model,
        opset,
        sizes: input.shape.map((size, i) => (i === 0 && !fixed ? null : size)),
        dtype: input.dtype,
        inputs: [input],
      })),
    ),
    ...openExamples().map(({ name, ...example }) => () => ({
      ...example,
      name: `${name}, open`,
      opset: 18,
    })),
  ];
}

/** Whether layers take sequences of any length: not those with a position for each, or that look for the last. */
function anyLength(layers: readonly Layer[]): boolean {
  return layers.every(
    (layer) =>
      !['positions', 'lastTime', 'flatten'].includes(layer.layer) &&
      (layer.layer !== 'residual' || anyLength(layer.body)),
  );
}

/** Networks drawn at random, as those that are timed beside PyTorch, with batches of two. */
export function randomCases(count: number): LazyCase[] {
  return Array.from({ length: count }, (_, seed) => (): ExportCase => {
    const { name, family, network } = randomNetwork(seed);
    const [, ...rest] = network.input;
    const open = family === 'recurrent' && anyLength(network.layers);
    manualSeed(seed);
    return {
      name,
      model: modelOf(network.layers),
      opset: [18, 17, 21][Math.floor(seed / 4) % 3],
      sizes: ['batch', ...rest.map((size, i) => (open && i === 0 ? 'length' : size))],
      dtype: network.tokens === undefined ? 'float32' : 'int32',
      inputs: [
        network.tokens === undefined ? normal([2, ...rest]) : randint([2, ...rest], 0, network.tokens),
      ],
    };
  });
}

/** The models of all recipes, untrained. */
export function recipeCases(): LazyCase[] {
  return recipes.map(({ name, load }) => async (): Promise<ExportCase> => {
    const recipe = await load();
    const folder = mkdtempSync(join(tmpdir(), 'ag-onnx-'));
    try {
      writeMnist(folder);
      writeFileSync(join(folder, 'BostonHousing.csv'), bostonTable());
      const { values: settings } = resolveSettings({ recipe: recipe.settings });
      const source = { dataDir: folder, download: false };
      const task = await recipe.prepare({ settings, parameters: recipe.parameters, source });
      manualSeed(5);
      const { x } = await firstBatch(task);
      return {
        name: `recipe ${name}`,
        model: task.model(),
        opset: 18,
        sizes: [null, ...x.shape.slice(1)],
        dtype: x.dtype,
        inputs: [x],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

async function firstBatch({ train, transform }: Task): Promise<{ readonly x: Tensor }> {
  for await (const batch of dataLoader(train, { batchSize: 4, ...(transform && { transform }) }))
    return batch;
  throw new Error('there are no examples');
}
