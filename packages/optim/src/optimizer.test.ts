import { backward, compile } from '@ag/graph';
import { reference, stats, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { afterEach, describe, expect, it } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  adamw,
  clipGradNorm,
  constant,
  cosine,
  lion,
  nadam,
  type Optimizer,
  type OptimizerState,
  radam,
  reduceOnPlateau,
  rmsprop,
  sgd,
} from './index.ts';

afterEach(() => use(reference()));

/** (w − 3)² summed: gradient 2 (w − 3). */
const lossOf = (w: Variable): Tensor => w.value.sub(3).square().sum();

function train(w: Variable, optimizer: { step(): void }, steps: number): void {
  for (let i = 0; i < steps; i++) {
    backward(lossOf(w));
    optimizer.step();
  }
}

describe('step', () => {
  it('moves against the gradient, by hand: 1 − 0.1 · 2 (1 − 3) = 1.4', () => {
    const w = new Variable(tensor([1, 2]));
    const optimizer = sgd([w], { learningRate: 0.1 });
    backward(lossOf(w));
    optimizer.step();
    expect([...w.value.dataSync()]).toEqual([Math.fround(1.4), Math.fround(2.2)]);
    expect(optimizer.steps).toBe(1);
    expect([...w.grad!.dataSync()]).toEqual([-4, -2]);
  });

  it('takes gradients from a map instead', () => {
    const w = new Variable(tensor([1]));
    sgd([w], { learningRate: 0.5 }).step(new Map([[w, tensor([4])]]));
    expect(w.value.itemSync()).toBe(-1);
  });

  it('uses a gradient once', () => {
    const w = new Variable(tensor([1]));
    const optimizer = sgd([w], { learningRate: 0.1 });
    backward(lossOf(w));
    optimizer.step();
    expect(() => optimizer.step()).toThrow(/no parameter.*has a gradient.*backward/);
    expect(optimizer.steps).toBe(1);
  });

  it('accumulates gradients of several backward calls', () => {
    const once = new Variable(tensor([1]));
    const twice = new Variable(tensor([1]));
    train(once, sgd([once], { learningRate: 0.2 }), 1);
    backward(lossOf(twice));
    backward(lossOf(twice));
    sgd([twice], { learningRate: 0.1 }).step();
    expect(twice.value.itemSync()).toBeCloseTo(once.value.itemSync(), 6);
  });

  it('leaves frozen parameters and parameters without a gradient alone', () => {
    const w = new Variable(tensor([1]));
    const frozen = new Variable(tensor([5]), { trainable: false });
    const unused = new Variable(tensor([7]));
    const optimizer = adam([w, frozen, unused], { learningRate: 0.1 });
    backward(w.value.mul(frozen.value).sum());
    optimizer.step();
    expect(frozen.value.itemSync()).toBe(5);
    expect(unused.value.itemSync()).toBe(7);
    expect(w.value.itemSync()).not.toBe(1);
  });

  it('computes the loss in the same plan', () => {
    const w = new Variable(tensor([1, 2]));
    const optimizer = adam([w]);
    for (let i = 0; i < 3; i++) {
      const loss = lossOf(w);
      backward(loss);
      optimizer.step();
      if (i === 2) {
        const made = stats().plansMade;
        expect(loss.itemSync()).toBeCloseTo(5, 1);
        expect(stats().plansMade).toBe(made);
      } else loss.itemSync();
    }
  });

  it('changes nothing when the computation fails', () => {
    const w = new Variable(tensor([1]));
    const optimizer = adam([w], { learningRate: 0.1 });
    train(w, optimizer, 2);
    const before = w.value.itemSync();
    const own = reference();
    const run = own.run;
    own.run = () => {
      throw new Error('out of memory');
    };
    use(own);
    backward(lossOf(w));
    expect(() => optimizer.step()).toThrow('out of memory');
    expect(optimizer.steps).toBe(2);
    own.run = run;
    expect(w.value.itemSync()).toBe(before);
    backward(lossOf(w));
    optimizer.step();
    expect(optimizer.steps).toBe(3);
  });

  it('needs no new plan when the rate changes', () => {
    const w = new Variable(tensor([1, 2, 3]));
    const optimizer = adam([w], { learningRate: cosine(0.1, { steps: 50 }) });
    train(w, optimizer, 3);
    const made = stats().plansMade;
    train(w, optimizer, 20);
    expect(stats().plansMade).toBe(made);
  });
});

describe('options', () => {
  const w = new Variable(tensor([1]));
  it.each([
    ['a rate that is no number', () => sgd([w], { learningRate: Number.NaN }), /learning rate.*NaN/],
    ['a negative rate', () => adam([w], { learningRate: -1 }), /learning rate.*-1/],
    [
      'a momentum of 1',
      () => sgd([w], { learningRate: 1, momentum: 1 }),
      /momentum must be in \[0, 1\), got 1/,
    ],
    ['nesterov without momentum', () => sgd([w], { learningRate: 1, nesterov: true }), /nesterov/],
    ['betas out of range', () => adam([w], { betas: [0.9, 1] }), /betas\[1\]/],
    ['no parameters', () => adam([]), /no parameters/],
    ['a parameter given twice', () => adam([w, w]), /given twice/],
    ['an integer parameter', () => adam([new Variable(tensor([1], { dtype: 'int32' }))]), /int32/],
    ['something else', () => adam([1 as unknown as Variable]), /variables/],
  ])('refuses %s', (_, make, message) => expect(make).toThrow(message));

  it('refuses a schedule that gives no number, naming the step', () => {
    const optimizer = sgd([w], { learningRate: (step) => (step < 1 ? 0.1 : Number.NaN) });
    train(w, optimizer, 1);
    backward(lossOf(w));
    expect(() => optimizer.step()).toThrow(/step 2 is NaN/);
    expect(optimizer.steps).toBe(1);
    w.gradPending = false;
  });

  it('lets groups have their own', () => {
    const slow = new Variable(tensor([1]));
    const fast = new Variable(tensor([1]));
    const optimizer = sgd([{ parameters: [slow] }, { parameters: [fast], learningRate: 0.2 }], {
      learningRate: 0.1,
    });
    backward(lossOf(slow).add(lossOf(fast)));
    optimizer.step();
    expect(slow.value.itemSync()).toBeCloseTo(1.4, 6);
    expect(fast.value.itemSync()).toBeCloseTo(1.8, 6);
    expect(optimizer.learningRates).toEqual([0.1, 0.2]);
  });
});

describe('state', () => {
  const kinds: [string, (w: Variable) => Pick<Optimizer, 'step' | 'steps' | 'state' | 'loadState'>][] = [
    ['sgd', (w) => sgd([w], { learningRate: cosine(0.1, { steps: 9 }), momentum: 0.9, dampening: 0.2 })],
    ['adagrad', (w) => adagrad([w], { learningRate: 0.1, rateDecay: 0.1 })],
    ['rmsprop', (w) => rmsprop([w], { momentum: 0.5, centered: true })],
    ['adadelta', (w) => adadelta([w])],
    ['adam', (w) => adam([w], { learningRate: 0.1, amsgrad: true })],
    ['adamw', (w) => adamw([w], { learningRate: 0.1 })],
    ['nadam', (w) => nadam([w])],
    ['radam', (w) => radam([w], { betas: [0.8, 0.9] })],
    ['lion', (w) => lion([w], { learningRate: 0.01 })],
  ];

  it.each(kinds)('%s goes on as if it had never stopped, to the bit', (_, make) => {
    const whole = new Variable(tensor([1, -2, 0.3]));
    train(whole, make(whole), 9);

    const first = new Variable(tensor([1, -2, 0.3]));
    const begun = make(first);
    train(first, begun, 4);
    const { type, numbers, tensors } = begun.state();
    const saved: OptimizerState = { type, numbers: JSON.parse(JSON.stringify(numbers)), tensors };
    const value = first.value.dataSync();
    train(first, begun, 2);

    const second = new Variable(tensor(value));
    const resumed = make(second);
    resumed.loadState(saved);
    train(second, resumed, 5);
    expect([...second.value.dataSync()]).toEqual([...whole.value.dataSync()]);
    expect(resumed.steps).toBe(9);
  });

  it('keeps a plateau schedule', () => {
    const w = new Variable(tensor([1]));
    const make = () => reduceOnPlateau(0.1, { patience: 1 });
    const schedule = make();
    const optimizer = sgd([w], { learningRate: schedule });
    for (const figure of [3, 3, 3, 3]) schedule.report(figure);
    expect(optimizer.learningRate).toBeCloseTo(0.01);
    const { type, numbers, tensors } = optimizer.state();
    const other = make();
    const resumed = sgd([w], { learningRate: other });
    resumed.loadState({ type, numbers: JSON.parse(JSON.stringify(numbers)), tensors });
    expect(resumed.learningRate).toBeCloseTo(0.01);
    expect(other.state()).toEqual(schedule.state());
  });

  it('refuses the state of another kind or of other shapes', () => {
    const w = new Variable(tensor([1]));
    const wide = new Variable(tensor([1, 2]));
    expect(() => sgd([w], { learningRate: 1 }).loadState(adam([w]).state())).toThrow(/this is sgd.*adam/);
    expect(() => adam([w]).loadState(adam([wide]).state())).toThrow(/'0.mean' has shape \[2\], not \[1\]/);
    expect(() => adam([w], { amsgrad: true }).loadState(adam([w]).state())).toThrow(/'0.largest' is missing/);
    expect(() => adam([w]).loadState(adam([w], { amsgrad: true }).state())).toThrow(/unknown '0.largest'/);
  });
});

it('gives the same numbers compiled', () => {
  const run = (compiled: boolean): number[] => {
    const w = new Variable(tensor([1, -2]));
    const optimizer = nadam([w], { learningRate: cosine(0.3, { steps: 12 }) });
    const plain = (target: Tensor): Tensor => {
      const loss = w.value.sub(target).square().sum();
      backward(loss);
      optimizer.step();
      return loss;
    };
    const step = compiled ? compile(plain) : plain;
    const losses = Array.from({ length: 10 }, (_, i) => step(tensor([3, i])).itemSync());
    expect(optimizer.steps).toBe(10);
    return [...losses, ...w.value.dataSync()];
  };
  expect(run(true)).toEqual(run(false));
});

it('reads the norm of clipped gradients from the plan of the step', () => {
  const w = new Variable(tensor([1, 2]));
  const optimizer = sgd([w], { learningRate: 0.1 });
  const once = (): Tensor[] => {
    const loss = lossOf(w);
    backward(loss);
    const norm = clipGradNorm([w], 1);
    optimizer.step();
    return [loss, norm];
  };
  once();
  const made = stats().plansMade;
  const [loss, norm] = once();
  expect(loss.itemSync()).toBeGreaterThan(0);
  // After one step of length 0.1 along (2, 1) / √5 the distance to (3, 3) is √5 − 0.1.
  expect(norm.itemSync()).toBeCloseTo(2 * (Math.sqrt(5) - 0.1), 4);
  expect(stats().plansMade).toBe(made);
  expect(() => clipGradNorm([w], 1)).toThrow(/no parameter has a gradient waiting/);
  expect(() => clipGradNorm([w], 0)).toThrow(/above 0/);
});

it('clips gradients whose squares overflow to 0, and leaves tiny ones', () => {
  const clipped = (size: number): number[] => {
    const w = new Variable(tensor([1, 1]));
    backward(w.value.mul(tensor([size, -size])).sum());
    clipGradNorm([w], 1);
    return [...w.grad!.dataSync()];
  };
  // As in PyTorch: the norm is infinite in float32, the factor 0.
  expect(clipped(1e20).map(Math.abs)).toEqual([0, 0]);
  expect(clipped(1e-30)).toEqual([1e-30, -1e-30].map(Math.fround));
});

it('says what is wrong with gradients that a step does not find', () => {
  const w = new Variable(tensor([1]));
  const optimizer = sgd([w], { learningRate: 0.5 });
  // PyTorch's way of giving gradients of one's own.
  w.grad = tensor([1]);
  expect(() => optimizer.step()).toThrow(
    /step\(new Map\(\[\[variable, gradient\]\]\)\), not assigned to variable\.grad/,
  );
  expect(() => optimizer.step(new Map([[new Variable(tensor([1])), tensor([1])]]))).toThrow(
    /their keys must be its variables/,
  );
  optimizer.step(new Map([[w, tensor([1])]]));
  expect(w.value.itemSync()).toBe(0.5);
  w.trainable = false;
  expect(() => optimizer.step()).toThrow(/all parameters of this optimizer are frozen/);
});

it('constant is the number', () => expect(constant(0.3)(17)).toBe(0.3));
