import { backward, compile } from '@ag/graph';
import { adam, sgd } from '@ag/optim';
import { evaluate, manualSeed, normal, stats, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

class Net extends nn.Module {
  hidden = nn.linear(3, 4);
  blocks = [nn.sequential(nn.linear(4, 4), nn.relu()), [nn.linear(4, 4, { bias: false })]] as const;
  scale = new Variable(tensor([1]), { name: 'scale' });
  counter = nn.buffer(zeros([], { dtype: 'int32' }), 'counter');
  readonly note = 'not a variable';

  forward(x: Tensor): Tensor {
    const y = this.blocks[0].forward(this.hidden.forward(x).tanh());
    return this.blocks[1][0].forward(y).mul(this.scale.value);
  }
}

/** Two layers that share one weight. */
class Tied extends nn.Module {
  first = nn.linear(2, 2);
  second = nn.linear(2, 2);
  constructor() {
    super();
    (this.second as { weight: Variable }).weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}

describe('names', () => {
  it('come from fields, arrays and nested modules, buffers apart', () => {
    const net = new Net();
    expect([...net.namedParameters().keys()]).toEqual([
      'hidden.weight',
      'hidden.bias',
      'blocks.0.0.weight',
      'blocks.0.0.bias',
      'blocks.1.0.weight',
      'scale',
    ]);
    expect([...net.namedBuffers().keys()]).toEqual(['counter']);
    expect(net.parameters()).toHaveLength(6);
    expect([...net.namedModules().keys()]).toEqual([
      '',
      'hidden',
      'blocks.0',
      'blocks.0.0',
      'blocks.0.1',
      'blocks.1.0',
    ]);
  });

  it('count shared variables and modules once', () => {
    const tied = new Tied();
    expect([...tied.namedParameters().keys()]).toEqual(['first.weight', 'first.bias', 'second.bias']);
    const relu = nn.relu();
    const twice = nn.sequential(nn.linear(2, 2), relu, nn.linear(2, 2), relu);
    expect([...twice.namedModules().keys()]).toEqual(['', '0', '1', '2']);
  });

  it('end where modules hold each other', () => {
    class Ring extends nn.Module {
      other: nn.AnyModule | null = null;
      weight = new Variable(tensor([1]));
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const a = new Ring();
    const b = new Ring();
    a.other = b;
    b.other = a;
    expect([...a.namedParameters().keys()].sort()).toEqual(['other.weight', 'weight']);
    expect(Object.keys(a.stateDict())).toHaveLength(2);
  });
});

it('train and eval reach every module inside', () => {
  const net = nn.sequential(nn.dropout(), nn.sequential(nn.batchNorm1d(3)));
  net.eval();
  expect([...net.namedModules().values()].map((module) => module.training)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  net.train();
  expect([...net.namedModules().values()].every((module) => module.training)).toBe(true);
});

describe('stateDict', () => {
  it('is a copy that training does not change', () => {
    const net = nn.linear(2, 1);
    const state = net.stateDict();
    const before = [...state.weight.dataSync()];
    const optimizer = sgd(net.parameters(), { learningRate: 0.1 });
    for (let i = 0; i < 4; i++) {
      backward(net.forward(tensor([[1, 2]])).sum());
      optimizer.step();
    }
    expect([...state.weight.dataSync()]).toEqual(before);
    expect([...net.weight.value.dataSync()]).not.toEqual(before);
    net.loadStateDict(state);
    expect([...net.weight.value.dataSync()]).toEqual(before);
  });

  it('holds parameters and buffers, shared ones under their first name', () => {
    expect(Object.keys(new Net().stateDict())).toContain('counter');
    const tied = new Tied();
    expect(Object.keys(tied.stateDict())).toEqual(['first.weight', 'first.bias', 'second.bias']);
    const w = tensor([
      [1, 2],
      [3, 4],
    ]);
    const b = tensor([0, 0]);
    tied.loadStateDict({ 'second.weight': w, 'first.bias': b, 'second.bias': b });
    expect([...tied.first.weight.value.dataSync()]).toEqual([1, 2, 3, 4]);
  });

  it('changes nothing when anything does not fit, and says what', () => {
    const net = nn.sequential(nn.linear(2, 3), nn.linear(3, 1));
    const before = [...net.parameters()[0].value.dataSync()];
    const state: nn.StateDict = {
      ...net.stateDict(),
      '0.weight': tensor([
        [9, 9],
        [9, 9],
        [9, 9],
      ]),
      '1.weight': tensor([[1, 2]]),
      extra: tensor(1),
    };
    const { '1.bias': _, ...broken } = state;
    expect(() => net.loadStateDict(broken)).toThrow(
      /nothing was changed. '1.weight' has shape \[1, 2\], the module needs \[1, 3\]; unknown: 'extra'; missing: '1.bias' \[1\]/,
    );
    expect([...net.parameters()[0].value.dataSync()]).toEqual(before);
    const { '1.weight': __, ...fitting } = broken;
    net.loadStateDict(fitting, { strict: false });
    expect([...net.parameters()[0].value.dataSync()]).toEqual([9, 9, 9, 9, 9, 9]);
  });

  it('names an entry as the file and as the module call it', () => {
    const net = nn.linear(1, 1);
    const rename = (name: string): string => name.replace('fc.', '').replace('scale', 'weight');
    expect(() =>
      net.loadStateDict(
        { 'fc.scale': tensor([[1, 2]]), 'fc.bias': tensor([1]), 'fc.other': tensor(1) },
        { rename },
      ),
    ).toThrow(
      /'fc\.scale', renamed to 'weight', has shape \[1, 2\], the module needs \[1, 1\]; unknown: 'fc\.other', renamed to 'other'/,
    );
  });

  it('renames and converts', () => {
    const net = nn.linear(1, 1);
    const state = {
      'model.weight': tensor([[2]], { dtype: 'float64' }),
      'model.bias': tensor([3], { dtype: 'int32' }),
      step: tensor(1),
    };
    net.loadStateDict(state, { rename: (name) => (name === 'step' ? null : name.replace('model.', '')) });
    expect(net.forward(tensor([[10]])).itemSync()).toBe(23);
  });
});

it('the same seed makes the same model', () => {
  const weights = (): number[] => {
    manualSeed(7);
    return new Net().parameters().flatMap((variable) => [...variable.value.dataSync()]);
  };
  expect(weights()).toEqual(weights());
});

it('freezing stops training and nothing else', () => {
  const net = nn.sequential(nn.linear(2, 2), nn.linear(2, 1));
  const first = net.at(0) as nn.Linear;
  first.freeze();
  const before = [...first.weight.value.dataSync()];
  const optimizer = adam(net.parameters(), { learningRate: 0.1 });
  backward(net.forward(tensor([[1, 2]])).sum());
  optimizer.step();
  expect([...first.weight.value.dataSync()]).toEqual(before);
  expect(Object.keys(net.stateDict())).toContain('0.weight');
  expect(net.parameters()).toHaveLength(4);
  first.unfreeze();
  backward(net.forward(tensor([[1, 2]])).sum());
  optimizer.step();
  expect([...first.weight.value.dataSync()]).not.toEqual(before);
});

it('shared weights get the sum of their gradients', () => {
  // y = w · w · x with one weight w: dy/dw = 2 w x.
  const layer = nn.linear(1, 1, { bias: false, weightInit: (shape) => zeros(shape).add(3) });
  const net = nn.sequential(layer, layer);
  expect(net.parameters()).toHaveLength(1);
  backward(net.forward(tensor([[5]])).sum());
  expect(layer.weight.grad!.itemSync()).toBe(30);
});

describe('hooks', () => {
  it('see outputs and may replace them, until removed', () => {
    const layer = nn.relu();
    const seen: Tensor[] = [];
    const remove = layer.onForward((output, [input]) => {
      seen.push(input, output);
    });
    const removeSecond = layer.onForward((output) => output.mul(10));
    const net = nn.sequential(layer);
    expect([...net.forward(tensor([-1, 2])).dataSync()]).toEqual([0, 20]);
    expect(seen.map((t) => [...t.dataSync()])).toEqual([
      [-1, 2],
      [0, 2],
    ]);
    remove();
    expect([...net.forward(tensor([-1, 2])).dataSync()]).toEqual([0, 20]);
    expect(seen).toHaveLength(2);
    removeSecond();
    expect([...net.forward(tensor([-1, 2])).dataSync()]).toEqual([0, 2]);
    expect(Object.getOwnPropertyNames(layer)).not.toContain('forward');
  });

  it('see gradients and may replace them, with one plan for all steps', () => {
    const layer = nn.linear(1, 1, { bias: false });
    const x = new Variable(tensor([[1], [2]]));
    const seen: Tensor[] = [];
    const remove = layer.onGradient((gradient) => {
      seen.push(gradient);
      return gradient.mul(2);
    });
    let made = 0;
    for (let i = 0; i < 4; i++) {
      const loss = layer
        .forward(x.value)
        .mul(tensor([[1], [3]]))
        .sum();
      backward(loss);
      evaluate([seen.pop()!, layer.weight.grad!]);
      layer.weight.gradPending = false;
      x.gradPending = false;
      if (i === 1) made = stats().plansMade;
    }
    expect(stats().plansMade).toBe(made);
    // d loss / d w = 1·1 + 2·3 = 7, doubled by the hook.
    expect(layer.weight.grad!.itemSync()).toBe(14);
    remove();
    backward(layer.forward(x.value).sum());
    expect(seen).toHaveLength(0);
  });
});

describe('batch normalization', () => {
  it('moves its statistics once for each batch, with the step', () => {
    const norm = nn.batchNorm1d(1, { momentum: 0.5 });
    const net = nn.sequential(nn.linear(1, 1), norm);
    const optimizer = sgd(net.parameters(), { learningRate: 0 });
    (net.at(0) as nn.Linear).loadStateDict({ weight: tensor([[1]]), bias: tensor([0]) });
    for (let i = 0; i < 2; i++) {
      backward(
        net
          .forward(tensor([[1], [3]]))
          .square()
          .sum(),
      );
      optimizer.step();
    }
    // 0 → 1 → 1.5 and 1 → 1.5 → 1.75: the batch has mean 2 and unbiased variance 2.
    expect(norm.runningMean!.value.itemSync()).toBe(1.5);
    expect(norm.runningVariance!.value.itemSync()).toBe(1.75);
    net.eval();
    net.forward(tensor([[9], [9]])).dataSync();
    expect(norm.runningMean!.value.itemSync()).toBe(1.5);
  });

  it('refuses single values while training', () => {
    expect(() => nn.batchNorm1d(2).forward(tensor([[1, 2]]))).toThrow(/no variance.*eval/);
    expect(() => nn.batchNorm2d(2).forward(tensor([[1, 2]]))).toThrow(
      /\[batch, channels, height, width\], got \[1, 2\]/,
    );
  });

  it('does the same when compiled', () => {
    const run = (compiled: boolean): number[] => {
      const norm = nn.batchNorm1d(2);
      const plain = (x: Tensor): Tensor => norm.forward(x).square().sum();
      const f = compiled ? compile(plain) : plain;
      const outputs = [1, 2, 3].map((i) =>
        f(
          tensor([
            [i, 1],
            [0, i * i],
          ]),
        ).itemSync(),
      );
      return [...outputs, ...norm.runningMean!.value.dataSync(), ...norm.runningVariance!.value.dataSync()];
    };
    expect(run(true)).toEqual(run(false));
  });
});

describe('dropout', () => {
  it('leaves out the share asked for and keeps the mean', () => {
    manualSeed(1);
    const layer = nn.dropout(0.3);
    const y = layer.forward(zeros([100, 100]).add(1)).dataSync();
    const kept = y.filter((v) => v !== 0);
    expect(kept.every((v) => v === Math.fround(1 / 0.7))).toBe(true);
    expect(kept.length / y.length).toBeGreaterThan(0.68);
    expect(kept.length / y.length).toBeLessThan(0.72);
  });

  it('draws anew at each call, passes everything in evaluation, and uses one mask for value and gradient', () => {
    const layer = nn.dropout(0.5);
    const x = new Variable(zeros([64]).add(2));
    const y = layer.forward(x.value);
    backward(y.sum());
    const values = y.dataSync();
    expect([...x.grad!.dataSync()]).toEqual([...values].map((v) => v / 2));
    expect([...layer.forward(x.value).dataSync()]).not.toEqual([...values]);
    layer.eval();
    expect([...layer.forward(x.value).dataSync()]).toEqual(new Array(64).fill(2));
    expect([...nn.dropout(1).forward(x.value).dataSync()]).toEqual(new Array(64).fill(0));
    expect(() => nn.dropout(1.5)).toThrow(/\[0, 1\], got 1.5/);
  });

  it('draws anew at each run when compiled', () => {
    const layer = nn.dropout(0.5);
    const f = compile((x: Tensor) => layer.forward(x));
    const x = zeros([64]).add(1);
    const drawn = Array.from({ length: 3 }, () => f(x).dataSync().join());
    expect(new Set(drawn).size).toBe(3);
  });
});

describe('recurrent layers', () => {
  it.each([nn.rnn, nn.lstm, nn.gru])('go on from their state as if the sequence had not been cut', (make) => {
    const layer = make(2, 3, { layers: 2, dtype: 'float64' });
    const x = normal([2, 5, 2], { dtype: 'float64' });
    const whole = layer.forwardWithState(x);
    const first = layer.forwardWithState(x.slice(0, 3, { axis: 1 }));
    const second = layer.forwardWithState(x.slice(3, 5, { axis: 1 }), first.state);
    expect(whole.state.hidden.shape).toEqual([2, 2, 3]);
    const close = (a: Tensor, b: Tensor): void => {
      const expected = b.dataSync();
      for (const [i, v] of a.dataSync().entries()) expect(v).toBeCloseTo(expected[i], 12);
    };
    close(second.output, whole.output.slice(3, 5, { axis: 1 }));
    close(second.state.hidden, whole.state.hidden);
    if (whole.state.cell) close(second.state.cell!, whole.state.cell);
  });

  it('say what they expect', () => {
    expect(() => nn.lstm(3, 2).forward(zeros([2, 3]))).toThrow(
      /lstm: expects \[batch, time, 3\], got \[2, 3\]/,
    );
    expect(() => nn.gru(3, 2).forward(zeros([2, 0, 3]))).toThrow(/gru: the sequence is empty/);
    const x = zeros([4, 5, 3]);
    expect(() => nn.gru(3, 2, { layers: 2 }).forwardWithState(x, { hidden: zeros([1, 4, 2]) })).toThrow(
      /gru: the state's hidden should be \[layers · directions, batch, hidden\] = \[2, 4, 2\], got \[1, 4, 2\]/,
    );
    const [hidden, cell] = [zeros([1, 4, 2]), zeros([1, 1, 2])];
    expect(() => nn.lstm(3, 2).forwardWithState(x, { hidden, cell })).toThrow(/the state's cell should be/);
  });
});

describe('attention', () => {
  it('does not see keys that are masked', () => {
    const attention = nn.multiHeadAttention(4, 2);
    const x = normal([2, 3, 4]);
    const keyMask = tensor(
      [
        [1, 1, 0],
        [1, 1, 1],
      ],
      { dtype: 'bool' },
    );
    const masked = attention.forward(x, { keyMask }).dataSync();
    const cut = attention.forward(x.slice(0, 1), { key: x.slice(0, 1).slice(0, 2, { axis: 1 }) }).dataSync();
    cut.forEach((v, i) => expect(masked[i]).toBeCloseTo(v, 5));
  });

  it('stays finite for a place that may look nowhere', () => {
    const q = zeros([1, 2, 2]);
    const v = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    const mask = tensor(
      [
        [0, 0],
        [1, 0],
      ],
      { dtype: 'bool' },
    );
    expect([...nn.scaledDotProductAttention(q, q, v, { mask }).dataSync()]).toEqual([2, 3, 1, 2]);
  });

  it('refuses what does not fit', () => {
    expect(() => nn.multiHeadAttention(5, 2)).toThrow(/5 features cannot be shared equally by 2 heads/);
    expect(() => nn.multiHeadAttention(4, 2).forward(zeros([2, 4]))).toThrow(
      /\[batch, time, 4\], got \[2, 4\]/,
    );
    const q = zeros([1, 2, 2]);
    expect(() => nn.scaledDotProductAttention(q, q, q, { mask: zeros([2, 2]) })).toThrow(/mask must be bool/);
  });
});

it('an embedding takes an index of any shape', () => {
  const table = nn.embedding(3, 2, {
    weightInit: () =>
      tensor([
        [0, 1],
        [2, 3],
        [4, 5],
      ]),
  });
  expect([...table.forward(tensor(2)).dataSync()]).toEqual([4, 5]);
  expect(table.forward(tensor([[[1], [0]]])).shape).toEqual([1, 2, 1, 2]);
  expect([...table.forward(tensor([[[1], [0]]])).dataSync()]).toEqual([2, 3, 0, 1]);
  // Not the last row: −1 often stands where a sentence was filled up.
  for (const outside of [3, -1]) {
    expect(() => table.forward(tensor([0, outside])).dataSync()).toThrow(/outside|does not exist/);
  }
});

it('sequential takes layers whose further inputs are optional', () => {
  const model = nn.sequential(nn.transformerEncoderLayer(4, 2), nn.multiHeadAttention(4, 2));
  expect(model.forward(zeros([2, 3, 4])).shape).toEqual([2, 3, 4]);
});

it('layers refuse sizes that make no sense', () => {
  expect(() => nn.linear(0, 3)).toThrow(/linear: the number of inputs must be a whole number ≥ 1, got 0/);
  expect(() => nn.linear(4, 3).forward(zeros([2, 5]))).toThrow(
    /linear: expects 4 features along the last axis, got \[2, 5\]/,
  );
  expect(() => nn.conv2d(3, 4, 3, { groups: 2 })).toThrow(/do not divide into 2 groups/);
  expect(() => nn.groupNorm(2, 3)).toThrow(/3 channels cannot be cut into 2 equal groups/);
  expect(() => nn.embedding(3, 2, { paddingIndex: 3 })).toThrow(/paddingIndex must be in 0 … 2, got 3/);
  expect(() => nn.sequential(3 as never)).toThrow(/argument 0 is neither a module nor a function/);
});

describe('plain data', () => {
  it('holds an architecture that comes back, dtype and options included', () => {
    const model = nn.sequential(
      nn.conv2d(1, 4, [3, 2], { padding: 'same', groups: 1, bias: false }),
      nn.batchNorm2d(4, { momentum: null }),
      nn.leakyRelu(0.2),
      nn.residual(nn.sequential(nn.conv2d(4, 4, 3, { padding: 1 }), nn.gelu('tanh'))),
      nn.avgPool2d(2, { stride: 1 }),
      nn.flatten(),
      nn.linear(100, 6),
      nn.dropout(0.1),
      nn.layerNorm(6),
      nn.softmax(),
    );
    const text = JSON.stringify(model);
    const copy = nn.fromJSON(JSON.parse(text)) as nn.Sequential;
    expect(JSON.stringify(copy)).toBe(text);
    copy.loadStateDict(model.stateDict());
    const x = normal([2, 1, 6, 6]);
    expect([...copy.eval().forward(x).dataSync()]).toEqual([...model.eval().forward(x).dataSync()]);
  });

  it.each([
    nn.lstm(2, 3, { layers: 2, bidirectional: true, dtype: 'float64' }),
    nn.rnn(2, 3, { activation: 'relu', bias: false }),
    nn.gru(2, 3),
    nn.embedding(4, 2, { paddingIndex: 1 }),
    nn.multiHeadAttention(4, 2, { bias: false }),
    nn.transformerEncoderLayer(4, 2, { normFirst: true, causal: true, activation: 'gelu' }),
    nn.groupNorm(2, 4, { affine: false }),
    nn.rmsNorm([2, 3]),
    nn.convTranspose2d(2, 4, 3, { stride: 2, outputPadding: 1 }),
    nn.conv1d(2, 4, 3, { dilation: 2 }),
    nn.prelu(3),
    nn.adaptiveAvgPool2d([2, 3]),
    nn.maxPool2d(3, { padding: 1 }),
  ])('%j comes back', (layer) => {
    const data = JSON.parse(JSON.stringify(layer));
    const copy = nn.fromJSON(data);
    expect(JSON.parse(JSON.stringify(copy))).toEqual(data);
    const shapes = (module: nn.AnyModule): unknown =>
      [...module.namedParameters()].map(([name, { shape, dtype }]) => [name, shape, dtype]);
    expect(shapes(copy)).toEqual(shapes(layer as nn.AnyModule));
  });

  it('describes modules written as classes, but does not make them', () => {
    const data = new Net().toJSON();
    expect(data.layer).toBe('Net');
    expect(Object.keys(data.children!)).toEqual(['hidden', 'blocks.0', 'blocks.1.0']);
    expect(() => nn.fromJSON(data)).toThrow(/'Net' is no layer of this library/);
    class Doubled extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.mul(2);
      }
      override describe() {
        return ['doubled'] as const;
      }
    }
    const made = nn.fromJSON(nn.sequential(new Doubled()).toJSON(), { doubled: () => new Doubled() });
    expect((made as nn.Sequential).forward(tensor([2])).itemSync()).toBe(4);
  });
});

describe('summary', () => {
  it('counts by hand', () => {
    const model = nn.sequential(nn.conv2d(1, 2, 3), nn.relu(), nn.flatten(), nn.linear(32, 10));
    (model.at(0) as nn.Conv2d).freeze();
    const before = stats().plansMade;
    const found = nn.summary(model, [5, 1, 6, 6]);
    expect(stats().plansMade).toBe(before);
    // 5 images of 2 · 4 · 4 places with 9 products each; 5 rows of 32 · 10 products.
    expect(
      found.rows.map(({ path, layer, outputShape, parameters, flops }) => [
        path,
        layer,
        outputShape,
        parameters,
        flops,
      ]),
    ).toEqual([
      ['', 'sequential', [5, 10], 350, 2 * 5 * 32 * 9 + 2 * 5 * 320],
      ['0', 'conv2d', [5, 2, 4, 4], 20, 2 * 5 * 32 * 9],
      ['1', 'relu', [5, 2, 4, 4], 0, 0],
      ['2', 'flatten', [5, 32], 0, 0],
      ['3', 'linear', [5, 10], 330, 3200],
    ]);
    expect([found.parameters, found.trainable, found.flops]).toEqual([350, 330, 6080]);
    expect(model.training).toBe(true);
    const text = String(found);
    expect(text).toContain('350 parameters (20 frozen), 6,080 FLOPs');
    expect(text.split('\n')).toHaveLength(9);
    expect(model.forward(zeros([5, 1, 6, 6])).shape).toEqual([5, 10]);
    expect(Object.getOwnPropertyNames(model.at(0))).not.toContain('forward');
  });

  it('names what is inside modules of one’s own, and shared weights once', () => {
    const found = nn.summary(new Tied(), [1, 2]);
    expect(found.rows.map((row) => [row.path, row.layer, row.parameters])).toEqual([
      ['', 'Tied', 8],
      ['first', 'linear', 6],
      ['second', 'linear', 2],
    ]);
    expect(nn.summary(nn.embedding(5, 3), [2, 4], { dtype: 'int32' }).rows[0].outputShape).toEqual([2, 4, 3]);
  });
});
