/** Shapes and costs of nodes, by hand. */
import { describe, expect, it } from 'vitest';
import { loadOnnx } from './import/model.ts';
import { floats, graphOfSmall, ints, modelOf, perceptron } from './testing/build.ts';
import { traceOnnx } from './trace.ts';

const costs = (bytes: Uint8Array, shapes: Record<string, number[]>) =>
  traceOnnx(loadOnnx(bytes), shapes).map(({ operator, outputShapes, flops }) => [
    operator,
    outputShapes[0],
    flops,
  ]);

describe('traceOnnx', () => {
  it('counts a multiplication with an addition as two', () => {
    expect(costs(modelOf(perceptron), { x: [5, 3] })).toEqual([
      // 5·4 sums of 3 products, and a bias each.
      ['Gemm', [5, 4], 5 * 4 * (2 * 3 + 1)],
      ['Tanh', [5, 4], 20],
      ['MatMul', [5, 2], 5 * 2 * 2 * 4],
    ]);
  });

  it('counts convolutions by groups and strides, pools by windows, recurrent layers by steps, and not what moves', () => {
    const model = modelOf({
      inputs: [['x', 'float32', ['n', 4, 8, 8]]],
      outputs: [['y', 'float32', null]],
      nodes: [
        // 6×(4/2)×3×3, stride 2: 6×4×4 outputs of 18 products.
        ['Conv', ['x', 'w', 'b'], ['c'], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }],
        ['MaxPool', ['c'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }],
        ['Shape', ['p'], ['s']],
        ['Gather', ['s', 'zero'], ['n']],
        ['Mul', ['n', 'one'], ['m']],
        ['Reshape', ['p', 'target'], ['r']],
        ['Transpose', ['r'], ['t'], { perm: [1, 0, 2] }],
        // Four steps, six features, three units, two directions, four gates.
        ['LSTM', ['t', 'lw', 'lr'], ['', 'h', ''], { hidden_size: 3, direction: 'bidirectional' }],
        ['Softmax', ['h'], ['y']],
      ],
      tensors: {
        w: floats(6, 2, 3, 3),
        b: floats(6),
        zero: { type: 'int64', shape: [], data: [0] },
        one: { type: 'int64', shape: [], data: [1] },
        target: ints(0, 4, 6),
        lw: floats(2, 12, 6),
        lr: floats(2, 12, 3),
      },
    });
    const found = costs(model, { x: [1, 4, 8, 8] });
    expect(found.filter(([, , flops]) => flops !== 0)).toEqual([
      ['Conv', [1, 6, 4, 4], 6 * 16 * (2 * 18 + 1)],
      ['MaxPool', [1, 6, 2, 2], 24 * 4],
      ['LSTM', null, 2 * 4 * 1 * 2 * 12 * (6 + 3)],
      ['Softmax', [2, 1, 3], 6 * 5],
    ]);
    expect(found.find(([operator]) => operator === 'Transpose')).toEqual(['Transpose', [4, 1, 6], 0]);
  });

  it('counts each step of a loop', () => {
    const body = graphOfSmall({
      inputs: [
        ['i', 'int64', []],
        ['going', 'bool', []],
        ['a', 'float32', [3]],
      ],
      outputs: [
        ['going2', 'bool', []],
        ['b', 'float32', [3]],
      ],
      nodes: [
        ['Identity', ['going'], ['going2']],
        ['Sin', ['a'], ['b']],
      ],
    });
    const model = modelOf({
      inputs: [['x', 'float32', [3]]],
      outputs: [['y', 'float32', [3]]],
      nodes: [['Loop', ['count', '', 'x'], ['y'], { body: { graph: body } }]],
      tensors: { count: { type: 'int64', shape: [], data: [4] } },
    });
    const nodes = traceOnnx(loadOnnx(model));
    expect(nodes.filter(({ operator }) => operator === 'Sin').map(({ flops }) => flops)).toEqual([
      3, 3, 3, 3,
    ]);
    expect(nodes.find(({ operator }) => operator === 'Loop')?.flops).toBe(0);
  });

  it('says what is missing', () => {
    const model = loadOnnx(modelOf(perceptron));
    expect(() => traceOnnx(model)).toThrow('the shape of x is [batch, 3]; give it');
    expect(() => traceOnnx(model, { z: [1, 3] })).toThrow("there is no input 'z'; inputs are x");
    expect(() => traceOnnx(model, { x: [1, 4] })).toThrow('needs x: float32 [batch, 3], got [1, 4]');
  });
});
