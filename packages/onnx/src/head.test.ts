/** New last layers for imported networks. */
import { backward, placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { exportOnnx } from './export/exportOnnx.ts';
import { replaceHead } from './head.ts';
import { loadOnnx } from './import/model.ts';
import { floats, modelOf, perceptron } from './testing/build.ts';

const shapes = (model: nn.AnyModule) =>
  Object.fromEntries([...model.namedParameters()].map(([name, { shape }]) => [name, shape]));

describe('replaceHead', () => {
  it('gives the last product new weights, and leaves the others', () => {
    const model = loadOnnx(modelOf(perceptron));
    const before = model.stateDict();
    expect(replaceHead(model, 5)).toEqual({
      operator: 'MatMul',
      names: ['second.weight'],
      before: 2,
      passedOver: [],
    });
    expect(shapes(model)).toEqual({ 'first.weight': [4, 3], 'first.bias': [4], 'second.weight': [4, 5] });
    const after = model.stateDict();
    expect([...after['first.weight'].dataSync()]).toEqual([...before['first.weight'].dataSync()]);
    const [y] = model.forward(zeros([7, 3]));
    expect(y.shape).toEqual([7, 5]);
    // tanh(bias) times the new weight.
    const hidden = before['first.bias'].tanh().reshape([1, 4]);
    expect([...y.index(0).dataSync()]).toEqual([...hidden.matmul(after['second.weight']).dataSync()]);
  });

  it('passes over a softmax, and finds Gemm and Conv with their biases', () => {
    const gemm = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', ['n', 3]]],
        outputs: [['y', 'float32', null]],
        nodes: [
          ['Gemm', ['x', 'w', 'b'], ['h'], { transB: 1 }],
          ['Softmax', ['h'], ['y']],
        ],
        tensors: { w: floats(4, 3), b: floats(4) },
      }),
    );
    expect(replaceHead(gemm, 2)).toMatchObject({ operator: 'Gemm', before: 4, passedOver: ['Softmax'] });
    expect(shapes(gemm)).toEqual({ w: [2, 3], b: [2] });
    const [logits] = gemm.forward(zeros([1, 3]));
    expect([...logits.dataSync()]).toEqual([...gemm.stateDict().b.dataSync()]);

    // As SqueezeNet ends.
    const conv = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', [1, 3, 4, 4]]],
        outputs: [['y', 'float32', null]],
        nodes: [
          ['Conv', ['x', 'w', 'b'], ['c']],
          ['Relu', ['c'], ['r']],
          ['GlobalAveragePool', ['r'], ['p']],
          ['Flatten', ['p'], ['f']],
          ['Softmax', ['f'], ['y']],
        ],
        tensors: { w: floats(10, 3, 1, 1), b: floats(10) },
      }),
    );
    expect(replaceHead(conv, 2).before).toBe(10);
    expect(shapes(conv)).toEqual({ w: [2, 3, 1, 1], b: [2] });
    expect(conv.forward(zeros([1, 3, 4, 4]))[0].shape).toEqual([1, 2]);
  });

  it('takes exports of this library, which then learn, save and export again', async () => {
    manualSeed(3);
    const source = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 4));
    const file = await exportOnnx(source, { inputs: { x: placeholder([null, 2]) } });
    const load = () => {
      const model = loadOnnx(file).train();
      replaceHead(model, 2);
      return model;
    };
    const model = load();
    expect(shapes(model)).toEqual({ '0.weight': [8, 2], '0.bias': [8], '2.weight': [2, 8], '2.bias': [2] });
    for (const [name, weight] of model.namedParameters()) weight.trainable = name.startsWith('2.');
    const x = tensor([0, 0, 0, 1, 1, 0, 1, 1], { shape: [4, 2] });
    const y = tensor([0, 0, 0, 1], { dtype: 'int32' });
    const optimizer = adam(model.parameters(), { learningRate: 0.1 });
    let loss = Number.NaN;
    for (let i = 0; i < 60; i++) {
      const value = nn.crossEntropy(model.forward(x)[0], y);
      backward(value);
      optimizer.step();
      loss = await value.item();
    }
    expect(loss).toBeLessThan(0.1);
    const other = load();
    other.loadStateDict(model.stateDict());
    const answers = (one: typeof model) => [...one.eval().forward(x)[0].dataSync()];
    expect(answers(other)).toEqual(answers(model));
    const again = loadOnnx(await exportOnnx(model, { inputs: { x: placeholder([null, 2]) } }));
    answers(model).forEach((value, i) => expect(answers(again)[i]).toBeCloseTo(value, 6));
  });

  it('refuses what ends otherwise, and weights that are used twice', () => {
    const ending = (operator: string, inputs: string[]) =>
      loadOnnx(
        modelOf({
          inputs: [['x', 'float32', ['n', 3]]],
          outputs: [['y', 'float32', null]],
          nodes: [
            ['MatMul', ['x', 'w'], ['h']],
            ['MatMul', ['h', 'w'], ['k']],
            [operator, inputs, ['y']],
          ],
          tensors: { w: floats(3, 3) },
        }),
      );
    expect(() => replaceHead(ending('Identity', ['k']), 2)).toThrow(
      'the weight w of the last layer is used 2 times',
    );
    expect(() => replaceHead(ending('Add', ['k', 'h']), 2)).toThrow(
      'does not end in a layer whose weights are its own',
    );
    expect(() => replaceHead(ending('Mul', ['k', 'h']), 2)).toThrow('(Mul) gives or changes y');
    expect(() => replaceHead(ending('Identity', ['k']), 0)).toThrow('outputs');
  });
});
