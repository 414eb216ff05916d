/** Layers come back from the files that they were exported to. */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from './export/exportOnnx.ts';
import { inspectOnnx } from './inspect.ts';
import { loadOnnxLayers } from './layers.ts';
import { modelOf, perceptron } from './testing/build.ts';
import { layerExamples } from './testing/layers.ts';
import { onnxTensors } from './weights.ts';

describe('loadOnnxLayers', () => {
  const examples = layerExamples().filter(({ model }) => nn.architectureOf(model) !== null);

  it.each(examples.map((example) => [example.name, example] as const))('%s', async (_, { model, input }) => {
    const file = await exportOnnx(model, { inputs: { x: placeholder(input.shape, { dtype: input.dtype }) } });
    const back = loadOnnxLayers(file);
    expect(back.toJSON()).toEqual(model.toJSON());
    const [ours, theirs] = [model.stateDict(), back.stateDict()];
    expect(Object.keys(theirs)).toEqual(Object.keys(ours));
    for (const [name, value] of Object.entries(ours))
      expect([...theirs[name].dataSync()], name).toEqual([...value.dataSync()]);
    const expected = (model.eval().forward(input) as Tensor).dataSync();
    expect([...(back.eval().forward(input) as Tensor).dataSync()]).toEqual([...expected]);
    model.train();
  });

  it('takes back most layers', () => {
    expect(examples.length).toBeGreaterThan(20);
  });

  it('says of other files what to do', async () => {
    expect(() => loadOnnxLayers(modelOf(perceptron))).toThrow(
      'a graph without an architecture of layers; loadOnnx',
    );
    const model = nn.sequential(nn.linear(2, 1));
    const inputs = { x: placeholder([null, 2]) };
    const file = await exportOnnx(model, { inputs, metadata: { author: 'me' } });
    const { metadata } = inspectOnnx(file);
    expect(Object.keys(metadata)).toEqual(['author', 'architecture']);
    expect(JSON.parse(metadata.architecture)).toEqual(JSON.parse(JSON.stringify(model)));
    // @ts-expect-error a number
    await expect(exportOnnx(model, { inputs, metadata: { epoch: 3 } })).rejects.toThrow("metadata 'epoch'");
  });

  it('keeps no architecture where a weight is not read', async () => {
    class Half extends nn.Module {
      used = nn.linear(2, 1);
      unused = nn.linear(2, 1);
      override forward(x: Tensor) {
        return this.used.forward(x);
      }
      override describe() {
        return ['half'] as const;
      }
    }
    const file = await exportOnnx(new Half(), { inputs: { x: placeholder([null, 2]) } });
    expect(inspectOnnx(file).metadata).toEqual({});
    expect(() => loadOnnxLayers(file)).toThrow('without an architecture');
  });
});

describe('onnxTensors', () => {
  it('gives what lies in a file, constants too', () => {
    const file = modelOf({
      ...perceptron,
      nodes: [
        ['Constant', [], ['half'], { value: { tensor: { type: 'float32', shape: [2], data: [0.5, 1] } } }],
        ...perceptron.nodes.slice(0, 2),
        ['MatMul', ['t', 'second.weight'], ['z']],
        ['Mul', ['z', 'half'], ['y']],
      ],
    });
    const found = onnxTensors(file);
    expect(found.map(({ name, type, shape, constant }) => [name, type, shape, constant])).toEqual([
      ['first.weight', 'float32', [4, 3], false],
      ['first.bias', 'float32', [4], false],
      ['second.weight', 'float32', [4, 2], false],
      ['half', 'float32', [2], true],
    ]);
    expect([...Array.from(found[3].read().data)]).toEqual([0.5, 1]);
    expect(tensor(found[0].read().data as Float32Array).shape).toEqual([12]);
  });
});
