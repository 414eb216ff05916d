/** Rates that are assigned, parameters that come later, groups by name, lookahead and averages as they are saved. */
import { backward, compile } from '@ag/graph';
import { linear, sequential } from '@ag/nn';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import {
  type AdamOptions,
  adam,
  adamw,
  constant,
  exponential,
  lookahead,
  parameterGroups,
  sgd,
  swa,
} from './index.ts';

const scalar = (value: number): Variable => new Variable(tensor([value], { dtype: 'float64' }));
/** d/dw ½ w² = w */
const lossOf = (...list: Variable[]): Tensor =>
  list.map((w) => w.value.square().sum().mul(0.5)).reduce((a, b) => a.add(b));
const step = (optimizer: { step(): void }, ...list: Variable[]): void => {
  backward(lossOf(...list));
  optimizer.step();
};

describe('an assigned rate', () => {
  it('is that of all groups, by number or schedule', () => {
    const [a, b] = [scalar(1), scalar(1)];
    const optimizer = sgd([{ parameters: [a] }, { parameters: [b], learningRate: 0.5 }], {
      learningRate: 0.1,
    });
    optimizer.learningRate = 0.25;
    expect(optimizer.learningRates).toEqual([0.25, 0.25]);
    step(optimizer, a, b);
    expect([a.value.itemSync(), b.value.itemSync()]).toEqual([0.75, 0.75]);
    optimizer.learningRate = exponential(1, { factor: 0.5 });
    // After one step the schedule is at its second rate.
    expect(optimizer.learningRate).toBe(0.5);
    optimizer.learningRates = [0, constant(1)];
    step(optimizer, a, b);
    expect([a.value.itemSync(), b.value.itemSync()]).toEqual([0.75, 0]);
    expect(() => {
      optimizer.learningRate = -1;
    }).toThrow(/learning rate/);
    expect(() => {
      optimizer.learningRates = [1];
    }).toThrow('there are 2 groups, got 1 rates');
    expect(optimizer.learningRates).toEqual([0, 1]);
  });

  it('is saved, and read anew by a compiled step', () => {
    const w = scalar(1);
    const optimizer = sgd([w], { learningRate: 0.5 });
    optimizer.learningRate = 0.125;
    const again = sgd([scalar(1)], { learningRate: 0.5 });
    again.loadState(JSON.parse(JSON.stringify({ ...optimizer.state(), tensors: {} })));
    expect(again.learningRate).toBe(0.125);
    const run = compile(() => {
      const loss = lossOf(w);
      backward(loss);
      optimizer.step();
      return loss;
    });
    run();
    expect(w.value.itemSync()).toBe(0.875);
    optimizer.learningRate = 1;
    run();
    expect(w.value.itemSync()).toBe(0);
  });
});

describe('addParameters', () => {
  it('lets them begin with counts of their own, as in an optimizer of their own', () => {
    const [a, b] = [scalar(1), scalar(2)];
    const optimizer = adam([a], { learningRate: 0.1 });
    step(optimizer, a);
    step(optimizer, a);
    optimizer.addParameters({ parameters: [b], learningRate: 0.01 });
    for (let i = 0; i < 3; i++) step(optimizer, a, b);
    const [c, d] = [scalar(1), scalar(2)];
    const [first, second] = [adam([c], { learningRate: 0.1 }), adam([d], { learningRate: 0.01 })];
    for (let i = 0; i < 5; i++) step(first, c);
    for (let i = 0; i < 3; i++) step(second, d);
    expect(a.value.itemSync()).toBe(c.value.itemSync());
    expect(b.value.itemSync()).toBe(d.value.itemSync());
    // The state goes to an optimizer that had both from the beginning, and to one that gets them as this one did.
    const whole = adam([{ parameters: [scalar(0)] }, { parameters: [scalar(0)], learningRate: 0.01 }], {
      learningRate: 0.1,
    });
    whole.loadState(optimizer.state());
    expect(whole.state().numbers).toEqual(optimizer.state().numbers);
  });

  it('takes lists and groups, and refuses what it has', () => {
    const [a, b, c] = [scalar(1), scalar(1), scalar(1)];
    const optimizer = sgd([a], { learningRate: 0.5 });
    optimizer.addParameters([b]);
    optimizer.addParameters([{ parameters: [c], momentum: 0.5 }]);
    expect(optimizer.parameters).toEqual([a, b, c]);
    expect(() => optimizer.addParameters([scalar(0), a])).toThrow('is given twice');
    expect(() => optimizer.addParameters([])).toThrow('there are no parameters');
    expect(optimizer.parameters).toEqual([a, b, c]);
  });
});

it('parameterGroups puts parameters with the same options together', () => {
  const model = sequential(linear(2, 3), linear(3, 3), linear(3, 1));
  const groups = parameterGroups<Partial<AdamOptions>>(model, (name, { shape }) => {
    if (name.startsWith('0.')) return null;
    return shape.length < 2 ? { weightDecay: 0, betas: [0.8, 0.9] as const } : {};
  });
  expect(groups.map(({ parameters }) => [...parameters].length)).toEqual([2, 2]);
  const optimizer = adamw(groups, { learningRate: 0.1 });
  expect(optimizer.parameters.length).toBe(4);
  // Names alone do as well; the same schedule is one option.
  const schedule = constant(1);
  const named = parameterGroups(model.namedParameters(), () => ({ learningRate: schedule }));
  expect(named.length).toBe(1);
});

describe('lookahead', () => {
  it('goes a share of the way after so many steps', () => {
    const w = scalar(1);
    const optimizer = lookahead(sgd([w], { learningRate: 0.5 }), { every: 2, share: 0.5 });
    const path = [1, 2, 3, 4].map(() => {
      step(optimizer, w);
      return w.value.itemSync();
    });
    // By hand: ½; ¼, of which half the way from 1 is 0.625; 0.3125; 0.15625, half the way from 0.625 is 0.390625.
    expect(path).toEqual([0.5, 0.625, 0.3125, 0.390625]);
  });

  it('is saved, and says what does not fit', () => {
    const w = scalar(1);
    const optimizer = lookahead(adam([w], { learningRate: 0.1 }), { every: 3 });
    for (let i = 0; i < 4; i++) step(optimizer, w);
    const copy = new Variable(w.value.detach());
    const again = lookahead(adam([copy], { learningRate: 0.1 }), { every: 3 });
    again.loadState(optimizer.state());
    for (let i = 0; i < 3; i++) {
      step(optimizer, w);
      step(again, copy);
    }
    expect(copy.value.itemSync()).toBe(w.value.itemSync());
    expect(() => again.loadState(sgd([w], { learningRate: 1 }).state())).toThrow(
      'this is lookahead, the state is of sgd',
    );
    expect(() => lookahead(sgd([w], { learningRate: 1 }), { every: 0 })).toThrow(/every/);
    expect(() => lookahead(sgd([w], { learningRate: 1 }), { share: 2 })).toThrow(/share/);
  });
});

it('swa is the newest value until it starts, then the mean from there on', () => {
  const w = scalar(0);
  const average = swa([w], { start: 2 });
  const found: number[] = [];
  const move = (next: number, by: typeof average): void => {
    w.assign(scalar(next).value);
    by.update();
    found.push(by.averages()[0].itemSync());
  };
  for (const next of [8, 4, 6]) move(next, average);
  // Goes on from where it was saved.
  const again = swa([w], { start: 2 });
  again.loadState(average.state());
  move(12, again);
  expect(found).toEqual([8, 4, 6, 9]);
  expect(() => swa([w], { start: -1 })).toThrow(/start/);
});

it('the state of one kind of average is not that of another', () => {
  const w = scalar(1);
  const average = swa([w]);
  average.update();
  expect(average.state()).toMatchObject({ type: 'swa', numbers: { updates: 1 } });
  expect(() => average.loadState({ type: 'ema', numbers: {}, tensors: {} })).toThrow(
    'this is swa, the state is of ema',
  );
  expect(() => average.restore()).toThrow('swa: restore() without apply()');
});
