/** What was imported is exported again as it was: operators, statistics, names and kinds of weights. */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { manualSeed, normal, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../import/model.ts';
import { inspectOnnx } from '../inspect.ts';
import { difference } from '../testing/difference.ts';
import { layerExamples } from '../testing/layers.ts';
import { exportOnnx } from './exportOnnx.ts';

const operatorsOf = (file: Uint8Array) => inspectOnnx(file).operators;

describe('export, import, export', () => {
  it.each(layerExamples().map((example) => [example.name, example] as const))('%s', async (_, example) => {
    const { model, input, fixed } = example;
    const x = placeholder(
      input.shape.map((size, i) => (i === 0 && !fixed ? null : size)),
      { dtype: input.dtype },
    );
    const once = await exportOnnx(model, { inputs: { x }, opset: 21 });
    const loaded = loadOnnx(once);
    const twice = await exportOnnx(loaded, { inputs: { x }, opset: 21, outputs: ['output'] });
    const again = loadOnnx(twice);
    expect([...again.forward(input)[0].dataSync()]).toEqual([...loaded.forward(input)[0].dataSync()]);
    expect([...again.namedParameters().keys()].sort()).toEqual([...loaded.namedParameters().keys()].sort());
    expect([...again.namedBuffers().keys()].sort()).toEqual([...loaded.namedBuffers().keys()].sort());
    // It does not grow, however often it goes out and in; what is computed of constants alone is gone at the first time.
    const thrice = await exportOnnx(again, { inputs: { x }, opset: 21, outputs: ['output'] });
    expect(operatorsOf(thrice)).toEqual(operatorsOf(twice));
    expect(inspectOnnx(twice).nodes.length).toBeLessThanOrEqual(inspectOnnx(once).nodes.length);
    for (const name of [
      'BatchNormalization',
      'LayerNormalization',
      'GroupNormalization',
      'LSTM',
      'GRU',
      'RNN',
      'Gemm',
      'Conv',
    ]) {
      expect(operatorsOf(twice)[name], name).toBe(operatorsOf(once)[name]);
    }
  });

  it('keeps statistics as statistics, and parameters of one element as parameters', async () => {
    const model = nn.sequential(nn.conv2d(1, 3, 3), nn.batchNorm2d(3), nn.flatten(), nn.linear(12, 1));
    model
      .train()
      .forward(normal([4, 1, 4, 4]))
      .dataSync();
    const file = await exportOnnx(model, { inputs: { x: placeholder([null, 1, 4, 4]) } });
    expect(operatorsOf(file)).toEqual({ Conv: 1, BatchNormalization: 1, Reshape: 1, Gemm: 1, Identity: 1 });
    const loaded = loadOnnx(file);
    expect([...loaded.namedParameters().keys()].sort()).toEqual([...model.namedParameters().keys()].sort());
    expect([...loaded.namedBuffers().keys()].sort()).toEqual([...model.namedBuffers().keys()].sort());
    // They train on alike. The layer's running variance is the unbiased one.
    const x = normal([8, 1, 4, 4]);
    model.train();
    loaded.train();
    const expected = model.forward(x);
    expect(difference(loaded.forward(x)[0], expected)).toBeLessThan(1e-5);
    expect(difference(loaded.stateDict()['1.runningMean'], model.stateDict()['1.runningMean'])).toBeLessThan(
      1e-6,
    );
  });

  it('names nodes by the modules that they come from', async () => {
    const model = nn.sequential(nn.residual(nn.linear(3, 3)), nn.relu());
    const file = await exportOnnx(model, { inputs: { x: placeholder([null, 3]) } });
    const names = inspectOnnx(file).nodes.map(({ name }) => name);
    expect(names).toEqual(['0.body/Gemm', '0/Add', '1/Relu', 'Identity']);
    const again = await exportOnnx(loadOnnx(file), {
      inputs: { x: placeholder([null, 3]) },
      outputs: ['output'],
    });
    expect(inspectOnnx(again).nodes.map(({ name }) => name)).toEqual(names);
  });
});

describe('{ fold: true }', () => {
  it('makes one convolution of it and the batch normalization behind', async () => {
    manualSeed(3);
    const model = nn.sequential(
      nn.conv2d(3, 4, 3, { bias: false, padding: 1 }),
      nn.batchNorm2d(4),
      nn.relu(),
      nn.conv2d(4, 6, 3, { groups: 2 }),
      nn.batchNorm2d(6, { affine: false }),
      nn.convTranspose2d(6, 2, 2, { stride: 2 }),
      nn.batchNorm2d(2, { epsilon: 1e-3 }),
    );
    for (let i = 0; i < 5; i++)
      model
        .train()
        .forward(normal([4, 3, 6, 6]))
        .dataSync();
    const inputs = { x: placeholder([null, 3, 6, 6]) };
    const folded = await exportOnnx(model, { inputs, fold: true });
    expect(operatorsOf(folded)).toEqual({ Conv: 2, ConvTranspose: 1, Relu: 1, Identity: 1 });
    expect(operatorsOf(await exportOnnx(model, { inputs })).BatchNormalization).toBe(3);
    const x = normal([2, 3, 6, 6]);
    expect(difference(loadOnnx(folded).forward(x)[0], model.eval().forward(x))).toBeLessThan(1e-5);
    expect(
      inspectOnnx(folded)
        .tensors.map(({ name }) => name)
        .sort(),
    ).toEqual(['0.bias', '0.weight', '3.bias', '3.weight', '5.bias', '5.weight']);
  });

  it('leaves a convolution that something else reads, and weights that are shared', async () => {
    class Both extends nn.Module {
      conv = nn.conv2d(1, 2, 1);
      norm = nn.batchNorm2d(2);
      forward(x: Parameters<typeof this.conv.forward>[0]) {
        const y = this.conv.forward(x);
        return this.norm.forward(y).add(y);
      }
    }
    const inputs = { x: placeholder([null, 1, 2, 2]) };
    const model = new Both();
    const file = await exportOnnx(model, { inputs, fold: true });
    expect(operatorsOf(file)).toEqual({ Conv: 1, BatchNormalization: 1, Add: 1, Identity: 1 });

    class Twice extends nn.Module {
      conv = nn.conv2d(2, 2, 1);
      norm = nn.batchNorm2d(2);
      forward(x: Parameters<typeof this.conv.forward>[0]) {
        return this.conv.forward(this.norm.forward(this.conv.forward(x)));
      }
    }
    const tied = new Twice();
    tied.norm.runningVariance?.assign(tensor([4, 9]));
    const shared = await exportOnnx(tied, { inputs: { x: placeholder([null, 2, 2, 2]) }, fold: true });
    expect(operatorsOf(shared)).toEqual({ Conv: 2, Identity: 1 });
    const x = normal([1, 2, 2, 2]);
    expect(difference(loadOnnx(shared).forward(x)[0], tied.eval().forward(x))).toBeLessThan(1e-5);
  });
});
