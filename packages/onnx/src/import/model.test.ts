/** Imported networks are modules: they train, freeze, save, compile and differentiate. */
import { backward, checkGradients, compile } from '@ag/graph';
import { adam, sgd } from '@ag/optim';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { type ArrayToWrite, graphOf, nodeOf, valueInfoOf } from '../file/encode.ts';
import { inspectOnnx } from '../inspect.ts';
import { floats, ints, modelOf, perceptron } from '../testing/build.ts';
import { loadOnnx } from './model.ts';

const x = tensor([
  [0.5, -1, 2],
  [1, 0.25, -0.5],
]);

/** The perceptron by hand. */
function expected(state: { readonly [name: string]: Tensor }, input: Tensor): Tensor {
  return input
    .matmul(state['first.weight'].transpose())
    .add(state['first.bias'])
    .tanh()
    .matmul(state['second.weight']);
}

describe('an imported network', () => {
  it('computes, in evaluation mode at first', () => {
    const model = loadOnnx(modelOf(perceptron));
    expect(model.training).toBe(false);
    const [y] = model.forward(x);
    expect([...y.dataSync()]).toEqual([...expected(model.stateDict(), x).dataSync()]);
  });

  it('has its weights as parameters under their names in the file', () => {
    const model = loadOnnx(modelOf(perceptron));
    expect([...model.namedParameters().keys()]).toEqual(['first.weight', 'first.bias', 'second.weight']);
    const other = loadOnnx(
      modelOf({
        ...perceptron,
        tensors: { ...perceptron.tensors, 'first.bias': { type: 'float32', shape: [4], data: [1, 2, 3, 4] } },
      }),
    );
    other.loadStateDict(model.stateDict());
    expect([...other.forward(x)[0].dataSync()]).toEqual([...model.forward(x)[0].dataSync()]);
  });

  it('trains, but for what is frozen', async () => {
    const model = loadOnnx(modelOf(perceptron)).train();
    const frozen = model.namedParameters().get('first.weight')!;
    frozen.trainable = false;
    const before = [...frozen.value.dataSync()];
    const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const loss = model.forward(x)[0].sub(1).square().mean();
      backward(loss);
      optimizer.step();
      losses.push(await loss.item());
    }
    expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
    expect([...frozen.value.dataSync()]).toEqual(before);
  });

  it('goes on from saved state as if it had never stopped', () => {
    const parts = () => {
      const model = loadOnnx(modelOf(perceptron)).train();
      const optimizer = adam(model.parameters(), { learningRate: 0.05 });
      const steps = (n: number): void => {
        for (let i = 0; i < n; i++) {
          backward(model.forward(x)[0].sub(1).square().mean());
          optimizer.step();
        }
      };
      return { model, optimizer, steps };
    };
    const whole = parts();
    whole.steps(6);
    const first = parts();
    first.steps(3);
    const second = parts();
    second.model.loadStateDict(first.model.stateDict());
    second.optimizer.loadState(first.optimizer.state());
    second.steps(3);
    const weights = ({ model }: typeof whole) =>
      Object.values(model.stateDict()).map((t) => [...t.dataSync()]);
    expect(weights(second)).toEqual(weights(whole));
  });

  it('has right gradients', () => {
    const model = loadOnnx(modelOf(perceptron));
    expect(() => checkGradients((t: Tensor) => model.forward(t)[0].sum(), x)).not.toThrow();
  });

  it('compiles, shapes being known without reading', () => {
    const model = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', ['batch', 2, 3]]],
        outputs: [['y', 'float32', null]],
        tensors: { zero: ints(0), rest: ints(-1) },
        nodes: [
          ['Shape', ['x'], ['shape']],
          ['Gather', ['shape', 'zero'], ['batch']],
          ['Concat', ['batch', 'rest'], ['flat'], { axis: 0 }],
          ['Reshape', ['x', 'flat'], ['y']],
        ],
      }),
    );
    const f = compile((t: Tensor) => model.forward(t)[0].mul(2));
    expect(f(tensor(new Float32Array(24), { shape: [4, 2, 3] })).shape).toEqual([4, 6]);
    expect(f(tensor(new Float32Array(30), { shape: [5, 2, 3] })).shape).toEqual([5, 6]);
  });

  it('compiles the padding that PyTorch writes, pairs turned about on the host', () => {
    const model = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', ['batch', 2]]],
        outputs: [['y', 'float32', null]],
        tensors: {
          given: ints(1, 2),
          none: ints(0, 0),
          pairs: ints(-1, 2),
          flat: ints(-1),
          behind: ints(-1),
          far: ints(-9),
          step: ints(-1),
          rows: ints(0),
        },
        nodes: [
          ['Concat', ['given', 'none'], ['all'], { axis: 0 }],
          ['Reshape', ['all', 'pairs'], ['table']],
          ['Slice', ['table', 'behind', 'far', 'rows', 'step'], ['turned']],
          ['Transpose', ['turned'], ['columns'], { perm: [1, 0] }],
          ['Reshape', ['columns', 'flat'], ['pads']],
          ['Pad', ['x', 'pads'], ['y']],
        ],
      }),
    );
    const f = compile((t: Tensor) => model.forward(t)[0]);
    // The last axis first: one before and two behind it.
    expect([...f(tensor([[1, 2]])).dataSync()]).toEqual([0, 1, 2, 0, 0]);
  });

  it('computes positions, repetitions and joins of known numbers on the host', () => {
    const model = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', [6]]],
        outputs: [['y', 'float32', null]],
        tensors: {
          mask: { type: 'int64', shape: [2, 2], data: [1, 0, 1, 1] },
          twice: ints(1, 2),
          column: { type: 'int64', shape: [2, 1], data: [5, 5] },
        },
        nodes: [
          ['NonZero', ['mask'], ['found']],
          ['Concat', ['found', 'column'], ['joined'], { axis: 1 }],
          ['Tile', ['joined', 'twice'], ['places']],
          ['Gather', ['x', 'places'], ['y'], { axis: 0 }],
        ],
      }),
    );
    const f = compile((t: Tensor) => model.forward(t)[0]);
    // Rows 0, 1, 1 and columns 0, 0, 1 are not 0.
    const [first, second] = [
      [0, 1, 1, 5],
      [0, 0, 1, 5],
    ];
    expect([...f(tensor([0, 1, 2, 3, 4, 5])).dataSync()]).toEqual([...first, ...first, ...second, ...second]);
  });

  it('takes a branch on a number that is there, while it is compiled', () => {
    const branch = (operator: string) =>
      graphOf({
        name: operator,
        inputs: [],
        outputs: [valueInfoOf('out', 'float32', null)],
        nodes: [nodeOf(operator, ['x'], ['out'])],
      });
    const model = loadOnnx(
      modelOf({
        inputs: [
          ['x', 'float32', [2]],
          ['rate', 'int64', []],
        ],
        outputs: [['y', 'float32', [2]]],
        tensors: { high: { type: 'int64', shape: [], data: [16000] } },
        nodes: [
          ['Equal', ['rate', 'high'], ['condition']],
          [
            'If',
            ['condition'],
            ['y'],
            { then_branch: { graph: branch('Neg') }, else_branch: { graph: branch('Abs') } },
          ],
        ],
      }),
    );
    const at = (rate: number) => {
      const given = tensor(Int32Array.of(rate), { shape: [] });
      return [...compile((t: Tensor) => model.forward(t, given)[0])(tensor([1, -2])).dataSync()];
    };
    expect(at(16000)).toEqual([-1, 2]);
    expect(at(8000)).toEqual([1, 2]);
  });

  it('moves the statistics of batch normalization in training mode', () => {
    const ones: ArrayToWrite = { type: 'float32', shape: [3], data: [1, 1, 1] };
    const zeros: ArrayToWrite = { type: 'float32', shape: [3], data: [0, 0, 0] };
    const model = loadOnnx(
      modelOf({
        inputs: [['x', 'float32', ['batch', 3]]],
        outputs: [['y', 'float32', ['batch', 3]]],
        tensors: { scale: ones, bias: zeros, mean: zeros, variance: ones },
        nodes: [
          [
            'BatchNormalization',
            ['x', 'scale', 'bias', 'mean', 'variance'],
            ['y'],
            { momentum: { float: 0.5 } },
          ],
        ],
      }),
    );
    expect([...model.namedBuffers().keys()]).toEqual(['mean', 'variance']);
    expect([...model.namedParameters().keys()]).toEqual(['scale', 'bias']);
    const [still] = model.forward(x);
    still.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(x.dataSync()[i], 4);
    });
    const [standardized] = model.train().forward(x);
    standardized.dataSync().forEach((value) => {
      expect(Math.abs(value)).toBeCloseTo(1, 3);
    });
    // Half of 0, half of the batch's mean.
    const moved = [...model.stateDict().mean.dataSync()];
    [0.375, -0.1875, 0.375].forEach((value, i) => {
      expect(moved[i]).toBeCloseTo(value, 6);
    });
  });

  it('runs branches, which see the values around', () => {
    const branch = (operator: string) =>
      graphOf({
        name: operator,
        inputs: [],
        outputs: [valueInfoOf('out', 'float32', null)],
        nodes: [nodeOf(operator, ['x', 'w'], ['out'])],
      });
    const model = loadOnnx(
      modelOf({
        inputs: [
          ['condition', 'bool', []],
          ['x', 'float32', [2]],
        ],
        outputs: [['y', 'float32', [2]]],
        tensors: { w: { type: 'float32', shape: [2], data: [10, 20] } },
        nodes: [
          [
            'If',
            ['condition'],
            ['y'],
            { then_branch: { graph: branch('Add') }, else_branch: { graph: branch('Mul') } },
          ],
        ],
      }),
    );
    const run = (condition: number) => [
      ...model
        .forward(tensor(Uint8Array.of(condition), { shape: [], dtype: 'bool' }), tensor([1, 2]))[0]
        .dataSync(),
    ];
    expect(run(1)).toEqual([11, 22]);
    expect(run(0)).toEqual([10, 40]);
  });
});

describe('what does not fit', () => {
  it('names all operators that are missing', () => {
    const bytes = modelOf({
      ...perceptron,
      nodes: [
        ['Fancy', ['x'], ['a']],
        ['Other', ['a'], ['y']],
      ],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      expect.objectContaining({
        code: 'AG_UNSUPPORTED',
        message: expect.stringContaining('2 operators that are not supported: Fancy, Other'),
      }),
    );
  });

  it('names the node of a value that is not there, as in a circle', () => {
    const bytes = modelOf({
      ...perceptron,
      nodes: [
        ['Add', ['x', 'y'], ['a']],
        ['Neg', ['a'], ['y']],
      ],
    });
    expect(() => loadOnnx(bytes)).toThrow(/node "add0" \(Add\): its input "y" is not there before it/);
  });

  it('says what an input should be', () => {
    const model = loadOnnx(modelOf(perceptron));
    expect(() => model.forward()).toThrow(/takes 1 inputs \(x: float32 \[batch, 3\]\), got 0/);
    expect(() => model.forward(tensor([[1, 2]]))).toThrow(/needs x: float32 \[batch, 3\], got \[1, 2\]/);
    expect(() => model.forward(x.cast('int32'))).toThrow(/got int32; x.cast\('float32'\) converts it/);
  });

  it('takes any size where an old exporter wrote −1', () => {
    const model = loadOnnx(modelOf({ ...perceptron, inputs: [['x', 'float32', [-1, 3]]] }));
    expect(model.inputs[0].shape).toEqual([null, 3]);
    expect(model.forward(x)[0].shape).toEqual([2, 2]);
  });

  it('names the node whose inputs do not fit', () => {
    const model = loadOnnx(
      modelOf({ ...perceptron, tensors: { ...perceptron.tensors, 'second.weight': floats(5, 2) } }),
    );
    expect(() => model.forward(x)).toThrow(/node "matmul2" \(MatMul\): matmul: inner sizes differ/);
  });

  it('refuses int64 beyond int32 where a tensor needs it, not where shapes do', () => {
    const large = modelOf({
      inputs: [['x', 'float32', [3]]],
      outputs: [['y', 'float32', [3]]],
      tensors: { start: ints(0), end: { type: 'int64', shape: [1], data: [2 ** 53 - 2] } },
      nodes: [['Slice', ['x', 'start', 'end'], ['y']]],
    });
    expect([
      ...loadOnnx(large)
        .forward(tensor([1, 2, 3]))[0]
        .dataSync(),
    ]).toEqual([1, 2, 3]);
    const added = modelOf({
      inputs: [['x', 'int64', [2]]],
      outputs: [['y', 'int64', [2]]],
      tensors: { big: ints(2 ** 40) },
      nodes: [['Add', ['x', 'big'], ['y']]],
    });
    expect(() => loadOnnx(added).forward(tensor([1, 2], { dtype: 'int32' }))).toThrow(
      /1099511627776 does not fit into int32/,
    );
  });
});

describe('inspectOnnx', () => {
  it('says what a file holds', () => {
    const summary = inspectOnnx(modelOf(perceptron));
    expect(summary).toMatchObject({
      opsets: { '': 18 },
      parameters: 12 + 4 + 8,
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', 3] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['batch', 2] }],
      operators: { Gemm: 1, MatMul: 1, Tanh: 1 },
    });
    expect(summary.tensors[0]).toEqual({
      name: 'first.weight',
      type: 'float32',
      shape: [4, 3],
      size: 12,
      external: false,
    });
    expect(summary.nodes[0].attributes).toEqual({ transB: 1 });
  });
});
