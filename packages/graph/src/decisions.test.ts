/** What decides what a compiled function computes belongs to its key. */
import { batchNorm1d, dropout, linear, Module, relu, sequential } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { ones, stats, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { backward, compile, vmap } from './index.ts';

const x = ones([3, 2]);

/** A model, a compiled step over it, and how often that was traced. */
function training() {
  const model = sequential(linear(2, 2), linear(2, 1));
  const [first, second] = model.layers as ReturnType<typeof linear>[];
  const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
  const own = { model, first: first, second: second, traces: 0 };
  const step = compile((input: Tensor) => {
    own.traces++;
    const loss = model.forward(input).square().sum();
    backward(loss);
    optimizer.step();
    return loss;
  });
  const moved = (layer: { weight: Variable }): boolean => {
    const before = [...layer.weight.value.dataSync()];
    step(x);
    return [...layer.weight.value.dataSync()].some((value, i) => value !== before[i]);
  };
  return Object.assign(own, { step, moved });
}

describe('a compiled step', () => {
  it('heeds freeze and unfreeze, and finds its former traces', () => {
    const own = training();
    for (let i = 0; i < 3; i++) expect(own.moved(own.first)).toBe(true);
    own.first.freeze();
    for (let i = 0; i < 3; i++) expect(own.moved(own.first)).toBe(false);
    expect(own.moved(own.second)).toBe(true);
    own.first.unfreeze();
    expect(own.moved(own.first)).toBe(true);
    const { traces } = own;
    for (let i = 0; i < 3; i++) {
      own.first.freeze();
      expect(own.moved(own.first)).toBe(false);
      own.first.unfreeze();
      expect(own.moved(own.first)).toBe(true);
    }
    // Two, each traced a second time to see that it computes the same.
    expect([traces, own.traces]).toEqual([4, 4]);
  });

  it('makes no plan and no trace when nothing has changed', () => {
    const own = training();
    own.step(x);
    own.step(x);
    const { plansMade } = stats();
    for (let i = 0; i < 5; i++) own.step(x);
    expect([own.traces, stats().plansMade]).toEqual([2, plansMade]);
  });

  it('heeds the mode, whoever looks at it', async () => {
    const model = sequential(batchNorm1d(2), dropout(0.5));
    const f = compile((input: Tensor) => model.forward(input));
    const input = tensor([
      [1, 5],
      [3, 7],
    ]);
    for (let i = 0; i < 2; i++) {
      model.train();
      // Normalized by the batch: ±1, then dropped or doubled.
      expect(
        [...(await f(input).data())].every((value) => Math.abs(value) < 0.001 || Math.abs(value) > 1.9),
      ).toBe(true);
      model.eval();
      model.loadStateDict({
        ...model.stateDict(),
        '0.runningMean': zeros([2]),
        '0.runningVariance': ones([2]),
      });
      const values = [...(await f(input).data())];
      [1, 5, 3, 7].forEach((value, at) => expect(values[at]).toBeCloseTo(value, 4));
    }
  });

  it('that sets the mode itself is traced once', () => {
    const model = sequential(linear(2, 2), dropout(0.5));
    let traces = 0;
    const f = compile((input: Tensor) => {
      traces++;
      model.eval();
      const y = model.forward(input);
      model.train();
      return y;
    });
    for (let i = 0; i < 5; i++) f(x);
    expect(traces).toBe(2);
  });

  it('heeds hooks that come and go', async () => {
    const model = sequential(linear(2, 2, { bias: false, weightInit: () => tensor([[1, 0], [0, 1]]) }), relu()); // biome-ignore format: a matrix
    const f = compile((input: Tensor) => model.forward(input).sum());
    expect(await f(x).item()).toBe(6);
    const remove = (model.layers[1] as Module).onForward((y) => y.mul(10));
    expect(await f(x).item()).toBe(60);
    const second = (model.layers[0] as Module).onForward((y) => y.mul(2));
    expect(await f(x).item()).toBe(120);
    remove();
    expect(await f(x).item()).toBe(12);
    second();
    expect(await f(x).item()).toBe(6);
  });

  it('heeds a variable, a module and a function that were replaced, wherever they are', async () => {
    class Part extends Module {
      weight: Variable = new Variable(tensor([2]), { name: 'weight' });
      bias: Variable | null = null;
      activation = (y: Tensor): Tensor => y;
      override forward(input: Tensor): Tensor {
        const y = input.mul(this.weight.value);
        return this.activation(this.bias ? y.add(this.bias.value) : y);
      }
    }
    class Whole extends Module {
      parts: (Part | Module)[] = [new Part()];
      override forward(input: Tensor): Tensor {
        return this.parts.reduce((y, part) => part.forward(y), input);
      }
    }
    const whole = new Whole();
    const part = whole.parts[0] as Part;
    const f = compile((input: Tensor) => whole.forward(input));
    const value = async (): Promise<number> => f(tensor([3])).item();
    expect([await value(), await value()]).toEqual([6, 6]);
    part.weight = new Variable(tensor([5]));
    expect(await value()).toBe(15);
    part.bias = new Variable(tensor([1]));
    expect(await value()).toBe(16);
    part.activation = (y) => y.neg();
    expect(await value()).toBe(-16);
    whole.parts.push(relu());
    expect(await value()).toBe(0);
    whole.parts[0] = new Part();
    expect(await value()).toBe(6);
    whole.parts.length = 1;
    expect(await value()).toBe(6);
  });

  it('does not mind other fields, nor other models', () => {
    class Counting extends Module {
      readonly inner = linear(2, 1);
      calls = 0;
      last: Tensor | undefined = ones([1]);
      override forward(input: Tensor): Tensor {
        this.calls++;
        this.last = this.inner.forward(input);
        return this.last;
      }
    }
    const model = new Counting();
    let traces = 0;
    const f = compile((input: Tensor) => {
      traces++;
      return model.forward(input);
    });
    f(x);
    for (let i = 0; i < 5; i++) {
      model.calls = i;
      model.last = ones([2]);
      linear(3, 3).freeze();
      f(x);
    }
    expect(traces).toBe(2);
  });

  it('heeds what trains inside of grad and optimizers of others', async () => {
    const [a, b] = [new Variable(tensor([1])), new Variable(tensor([1]))];
    const optimizer = adam([a, b], { learningRate: 0.5 });
    const step = compile(() => {
      const loss = a.value.mul(b.value).sum();
      backward(loss);
      optimizer.step();
      return loss;
    });
    step();
    b.trainable = false;
    const before = await b.value.item();
    step();
    step();
    expect(await b.value.item()).toBe(before);
    expect(await a.value.item()).toBeLessThan(0);
  });
});

describe('functions that are async', () => {
  const slow = (async (y: Tensor) => y.sum()) as never;

  it('are refused by name, and nothing of them is left', async () => {
    const {
      checkGradients,
      checkpoint,
      customGradient,
      grad,
      hessian,
      hvp,
      jacobian,
      jvp,
      numericalGradient,
      valueAndGrad,
      vjp,
    } = await import('./index.ts');
    const v = ones([2]);
    const calls: [string, () => unknown][] = [
      ['compile', () => compile(slow)(...([v] as never[]))],
      ['vmap', () => vmap(slow)(...([v] as never[]))],
      ['grad', () => grad(slow)(...([v] as never))],
      ['grad', () => valueAndGrad(slow)(...([v] as never))],
      ['vjp', () => vjp(slow, ...([v] as never[]))],
      ['jvp', () => jvp(slow, [v] as never, [v] as never)],
      ['jacobian', () => jacobian(slow)(v as never)],
      ['grad', () => hessian(slow)(v as never)],
      ['grad', () => hvp(slow, v as never, v as never)],
      ['checkpoint', () => checkpoint(slow)(...([v] as never[]))],
      ['customGradient', () => customGradient(slow, () => [])(...([v] as never[]))],
      [
        'customGradient: the rule',
        () => grad((y: Tensor) => customGradient((z: Tensor) => z.sum(), (async () => [v]) as never)(y))(v),
      ],
      ['checkGradients', () => checkGradients(slow, v)],
      ['numericalGradient', () => numericalGradient(slow, v)],
      ['onForward: the hook', () => hooked((layer) => layer.onForward((async () => undefined) as never))],
      ['onGradient: the hook', () => hooked((layer) => layer.onGradient((async () => undefined) as never))],
    ];
    for (const [name, call] of calls) expect(call, name).toThrow(new RegExp(`^${name}.*must not be async`));
    expect(grad((y: Tensor) => y.square().sum())(v).dataSync()).toEqual(Float32Array.of(2, 2));
  });

  it('that fail are refused all the same, and heard of once', async () => {
    const unheard: unknown[] = [];
    const listen = (error: unknown): void => void unheard.push(error);
    process.on('unhandledRejection', listen);
    expect(() =>
      compile((async () => Promise.reject(new Error('later'))) as never)(...([x] as never[])),
    ).toThrow(/async/);
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', listen);
    expect(unheard).toEqual([]);
  });
});

function hooked(add: (layer: ReturnType<typeof linear>) => () => void): void {
  const layer = linear(2, 1);
  const remove = add(layer);
  try {
    backward(layer.forward(x).sum());
  } finally {
    remove();
  }
}
