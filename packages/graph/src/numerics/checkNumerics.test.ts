/**
 * Known traps of float32 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 1 and 2): each is found, on its line,
 * with the form that avoids it, and the stable form is not reported.
 */
import {
  concat,
  full,
  hypot,
  manualSeed,
  normal,
  ones,
  randomState,
  type Tensor,
  tensor,
  uniform,
  Variable,
  where,
} from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { backward } from '../backward.ts';
import { grad } from '../transforms.ts';
import { checkNumerics } from './checkNumerics.ts';

interface Trap {
  readonly f: (x: Tensor) => unknown;
  readonly x: Tensor;
  /** The operation that loses the digits, and a part of the advice. */
  readonly op: string;
  readonly advice: string;
  readonly stable: (x: Tensor) => unknown;
}

const small = tensor([1e-5, 3e-5, 2e-4, 5e-5]);
const close = tensor([10_000.1, 10_000.2, 10_000.4, 10_000.3]);
const wide = tensor([
  [120, 30, -4],
  [5, 99, 100],
]);
const logits = tensor([
  [200, 3, 1],
  [-4, 150, 0],
]);

const traps: Readonly<Record<string, Trap>> = {
  'E[x²] − E[x]²': {
    f: (x) => x.square().mean().sub(x.mean().square()),
    x: close,
    op: 'sub',
    advice: 'x.variance()',
    stable: (x) => x.variance(),
  },
  'log(1 + x)': {
    f: (x) => x.add(1).log(),
    x: small,
    op: 'log',
    advice: 'x.log1p()',
    stable: (x) => x.log1p(),
  },
  'softmax by hand': {
    f: (x) => x.exp().div(x.exp().sum(1, { keepDims: true })),
    x: wide,
    op: 'exp',
    advice: 'x.softmax()',
    stable: (x) => {
      const e = x.sub(x.max(1, { keepDims: true })).exp();
      return e.div(e.sum(1, { keepDims: true })).add(x.softmax());
    },
  },
  'log(softmax)': {
    f: (x) => x.softmax().log(),
    x: logits,
    op: 'log',
    advice: 'x.logSoftmax()',
    stable: (x) => x.logSoftmax(),
  },
  'log Σ exp': {
    f: (x) => x.exp().sum(1).log(),
    x: wide,
    op: 'exp',
    advice: 'x.logSumExp()',
    stable: (x) => x.logSumExp(1),
  },
  'exp(x) − 1': {
    f: (x) => x.exp().sub(1),
    x: small,
    op: 'sub',
    advice: 'x.expm1()',
    stable: (x) => x.expm1(),
  },
  'a long sum, term by term': {
    f: (x) => {
      let total = x.sum();
      for (let i = 0; i < 1500; i++) total = total.add(1);
      return total;
    },
    x: tensor([2 ** 24]),
    op: 'add',
    advice: 'take sum()',
    stable: (x) => concat([x, ones([1500])]).sum(),
  },
  'cancellation in a loss': {
    f: (x) =>
      x
        .square()
        .sub(x.mul(x.add(0.05)).mul(2))
        .add(x.add(0.05).square())
        .mean(),
    x: close,
    op: 'add',
    advice: '(a − b)²',
    stable: (x) => x.sub(x.mul(0.99)).square().mean(),
  },
  '1 − cos x': {
    f: (x) => x.cos().neg().add(1),
    x: small.mul(10),
    op: 'add',
    advice: '2 sin²(x/2)',
    stable: (x) => x.div(2).sin().square().mul(2),
  },
  '√(x² + y²)': {
    f: (x) => x.square().add(x.mul(2).square()).sqrt(),
    x: tensor([1e25, 2e20]),
    op: 'square',
    advice: 'hypot(x, y)',
    stable: (x) => hypot(x, x.mul(2)),
  },
  '√(x² + y²) of tiny numbers': {
    f: (x) => x.square().add(x.mul(2).square()).sqrt(),
    x: tensor([1e-25, 2e-24]),
    op: 'sqrt',
    advice: 'hypot(x, y)',
    stable: (x) => hypot(x, x.mul(2)),
  },
  'log(sigmoid)': {
    f: (x) => x.sigmoid().log(),
    x: tensor([-150, 20, 19, 21]),
    op: 'log',
    advice: 'x.logSigmoid()',
    stable: (x) => x.logSigmoid(),
  },
  'log(1 + exp)': {
    f: (x) => x.exp().add(1).log(),
    x: tensor([-14, -12, -13, -15]),
    op: 'log',
    advice: 'x.softplus()',
    stable: (x) => x.softplus(),
  },
  'log(1 − sigmoid)': {
    f: (x) => x.sigmoid().neg().add(1).log(),
    x: tensor([16, 14, 15, 15.5]),
    op: 'add',
    advice: 'x.neg().sigmoid()',
    stable: (x) => x.neg().logSigmoid(),
  },
};

describe('checkNumerics', () => {
  it.each(Object.entries(traps))(
    'finds %s, on its line, and says what to write',
    async (_, { f, x, op, advice }) => {
      const { losses } = await checkNumerics(f, x);
      expect(losses.map((loss) => loss.op)).toContain(op);
      const loss = losses.find((one) => one.op === op)!;
      expect(loss.advice).toContain(advice);
      expect(loss.site).toContain('checkNumerics.test.ts');
      expect(loss.lost).toBeGreaterThanOrEqual(3);
    },
  );

  it.each(Object.entries(traps))('is silent about the stable form of %s', async (_, { stable, x }) => {
    expect((await checkNumerics(stable, x)).losses.map(({ message }) => message)).toEqual([]);
  });

  it('says how many digits are left: of exp(x) − 1 at 1e-4, those above half a unit of 1', async () => {
    // exp(1e-4) is rounded to a multiple of 2⁻²³: the difference is off by up to 2⁻²⁴ of 1.00005e-4.
    const { losses, digits, operations } = await checkNumerics((x) => x.exp().sub(1), full([1000], 1e-4));
    const off = Math.abs((Math.fround(Math.exp(Math.fround(1e-4))) - 1) / Math.expm1(Math.fround(1e-4)) - 1);
    expect(losses[0].left).toBeCloseTo(-Math.log10(off), 5);
    expect(losses[0].message).toMatch(
      /^sub loses \d\.\d of 7\.2 digits \(\[1000\]\) at .*checkNumerics\.test\.ts:\d+:\d+.*: exp\(x\) − 1/,
    );
    expect(digits).toEqual([losses[0].left]);
    expect(operations).toBe(2);
  });

  it('counts what is lost in an operation, not what arrives there', async () => {
    const { losses } = await checkNumerics((x) => x.exp().sub(1).mul(3).tanh().add(4).div(2), small);
    expect(losses.map(({ op }) => op)).toEqual(['sub']);
  });

  it('takes numbers as float32 has them: what was never rounded is not lost', async () => {
    expect((await checkNumerics(([a, b]) => a.sub(b), [tensor([1.0000001]), tensor([1])])).losses).toEqual(
      [],
    );
  });

  it('is silent about a network with its loss and gradients', async () => {
    manualSeed(1);
    const w = new Variable(normal([20, 8]));
    const x = uniform([64, 20]);
    const f = (x: Tensor) => {
      const h = x.matmul(w.value).sub(x.mean()).relu();
      const loss = h
        .logSoftmax()
        .mean()
        .neg()
        .add(where(h.greater(0), h, h.square()).mean());
      backward(loss);
      return [loss, w.grad];
    };
    expect((await checkNumerics(f, x)).losses).toEqual([]);
  });

  it('names the line of what was differentiated, in a gradient', async () => {
    // The gradient of √x at 0 is infinite in both; that of x⁶⁰ leaves float32.
    const { losses } = await checkNumerics(
      grad((x) => x.pow(60).log().sum()),
      tensor([5, 4]),
    );
    expect(losses[0]).toMatchObject({ op: 'pow', overflows: true });
    const inside = await checkNumerics(
      grad((x) => x.sub(1e-4).exp().sub(x.exp()).square().sum()),
      tensor([1, 2, 3]),
    );
    expect(inside.losses.every(({ site }) => site?.includes('checkNumerics.test.ts'))).toBe(true);
  });

  it('leaves running statistics and random numbers as they were', async () => {
    const seen = new Variable(tensor([1, 2]), { trainable: false });
    const random = randomState();
    const f = (x: Tensor) => {
      seen.assign(seen.value.mul(0.9).add(x));
      return x.add(normal(x.shape)).mul(seen.value);
    };
    await checkNumerics(f, tensor([3, 4]));
    expect(randomState()).toEqual(random);
    expect([...seen.value.dataSync()]).toEqual([1, 2]);
  });

  it('says what is wrong with its arguments', async () => {
    await expect(checkNumerics((x) => x, tensor([1]), { digits: 9 })).rejects.toThrow(
      'digits must be between 0.5 and 7',
    );
    await expect(checkNumerics(() => 3, tensor([1]))).rejects.toThrow('the function must give tensors');
  });
});
