/** Imported networks as parts of others: up to an inner value, with a new head, and with changes of low rank. */
import { backward, placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, normal, type Tensor, tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import { exportOnnx } from '../export/exportOnnx.ts';
import { inspectOnnx } from '../inspect.ts';
import { floats, modelOf, perceptron } from '../testing/build.ts';
import { loadOnnx } from './model.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync()].map(Number);

it('ends at inner values', () => {
  const whole = loadOnnx(modelOf(perceptron));
  const [operator, , [hidden]] = perceptron.nodes[1];
  expect(operator).toBe('Tanh');
  const model = loadOnnx(modelOf(perceptron), { outputs: [hidden] });
  expect([...model.namedParameters().keys()]).toEqual(['first.weight', 'first.bias']);
  expect(model.outputs.map(({ name }) => name)).toEqual([hidden]);
  const x = normal([2, 3]);
  const state = whole.stateDict();
  const [y] = model.forward(x);
  expect(numbers(y)).toEqual(
    numbers(x.matmul(state['first.weight'].transpose()).add(state['first.bias']).tanh()),
  );
  expect(() => loadOnnx(modelOf(perceptron), { outputs: ['hidden?'] })).toThrow(
    /loadOnnx: no node gives "hidden\?", which outputs asks for; the last values of the graph are/,
  );
  expect(() => loadOnnx(modelOf(perceptron), { outputs: [] })).toThrow(/outputs must be a list of names/);
});

it('knows its matrices, and which way round they lie', () => {
  const model = loadOnnx(
    modelOf({
      inputs: [['x', 'float32', ['batch', 3]]],
      outputs: [['y', 'float32', ['batch', 5]]],
      nodes: [
        ['Gemm', ['x', 'a'], ['h1'], { transB: 1 }],
        ['MatMul', ['h1', 'b'], ['h2']],
        ['Transpose', ['c'], ['turned'], { perm: [1, 0] }],
        ['MatMul', ['h2', 'turned'], ['h3']],
        ['Gemm', ['h3', 'd'], ['y']],
      ],
      tensors: { a: floats(4, 3), b: floats(4, 2), c: floats(6, 2), d: floats(6, 5) },
    }),
  );
  expect(model.matrices()).toEqual({
    a: 'outputsFirst',
    b: 'inputsFirst',
    c: 'outputsFirst',
    d: 'inputsFirst',
  });
  const tuned = nn.lora<readonly Tensor[], Tensor[]>(model, { rank: 2, seed: 1 });
  expect([...tuned.namedParameters()].map(([, { shape }]) => shape)).toEqual([
    [2, 3],
    [4, 2],
    [2, 4],
    [2, 2],
    [2, 2],
    [6, 2],
    [2, 6],
    [5, 2],
  ]);
  for (const variable of tuned.parameters()) variable.assign(normal(variable.shape, { std: 0.3 }));
  const x = normal([3, 3]);
  const apart = numbers(tuned.forward(x)[0]);
  numbers(tuned.merge().forward(x)[0]).forEach((value, i) => {
    expect(value).toBeCloseTo(apart[i], 5);
  });
});

/** An imported network up to its last layer, and a new one. */
class Classifier extends nn.Module {
  backbone = loadOnnx(modelOf(perceptron), { outputs: [perceptron.nodes[1][2][0]] });
  head = nn.linear(4, 3);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(x)[0]);
  }
}

it('trains with a new head by changes of low rank, and is exported again', async () => {
  manualSeed(1);
  const model = new Classifier();
  const tuned = nn.lora<[Tensor], Tensor>(model, { rank: 1, targets: ['first'], modulesToSave: ['head'] });
  const optimizer = adam(tuned.parameters(), { learningRate: 0.05 });
  const x = tensor([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const y = tensor([0, 1, 2], { dtype: 'int32' });
  const losses: number[] = [];
  for (let step = 0; step < 60; step++) {
    const loss = nn.crossEntropy(tuned.forward(x), y);
    backward(loss);
    optimizer.step();
    losses.push(await loss.item());
  }
  expect(losses.at(-1)).toBeLessThan(losses[0] / 4);
  const expected = numbers(tuned.forward(x));
  const merged = tuned.merge().unload();
  const file = await exportOnnx(merged, { inputs: { x: placeholder([null, 3]) } });
  expect(inspectOnnx(file).tensors.map(({ name }) => name)).toContain('backbone.first.weight');
  numbers(loadOnnx(file).forward(x)[0]).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 5);
  });
});
