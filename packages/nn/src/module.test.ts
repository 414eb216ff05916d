/** What modules are made of: names, modes, saved state and hooks. */
import { backward } from '@ag/graph';
import { adam, sgd } from '@ag/optim';
import { evaluate, manualSeed, stats, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';
import { Net, Tied } from './testModels.ts';

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
