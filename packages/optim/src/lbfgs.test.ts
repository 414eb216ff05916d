import { backward } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { lbfgs } from './index.ts';
import { minimumOfCubic, searchLine } from './lineSearch.ts';

/** Rosenbrock's valley: (1 − x)² + 100 (y − x²)², minimum 0 at (1, 1). */
function rosenbrock(p: Variable): Tensor {
  const x = p.value.slice(0, 1);
  const y = p.value.slice(1, 2);
  return x.neg().add(1).square().add(y.sub(x.square()).square().mul(100)).sum();
}

it('finds the end of Rosenbrock’s valley in fewer than 60 evaluations', async () => {
  const p = new Variable(tensor([-1.2, 1], { dtype: 'float64' }));
  let evaluations = 0;
  const optimizer = lbfgs([p], { maxIterations: 100, changeTolerance: 1e-14 });
  const closure = (): Tensor => {
    evaluations++;
    const loss = rosenbrock(p);
    backward(loss);
    return loss;
  };
  expect(await optimizer.step(closure)).toBeCloseTo(24.2, 10);
  const [x, y] = p.value.dataSync();
  expect(x).toBeCloseTo(1, 6);
  expect(y).toBeCloseTo(1, 6);
  expect(evaluations).toBeLessThan(60);
});

it('goes on from a saved state to the bit', async () => {
  const run = async (stop: boolean): Promise<number[]> => {
    let p = new Variable(tensor([-1.2, 1], { dtype: 'float64' }));
    const options = { maxIterations: 5, history: 3 };
    let optimizer = lbfgs([p], options);
    for (let step = 0; step < 4; step++) {
      if (stop && step === 2) {
        const state = optimizer.state();
        p = new Variable(tensor(p.value.dataSync()));
        optimizer = lbfgs([p], options);
        optimizer.loadState(state);
      }
      const at = p;
      await optimizer.step(() => {
        const loss = rosenbrock(at);
        backward(loss);
        return loss;
      });
    }
    return [...p.value.dataSync()];
  };
  expect(await run(true)).toEqual(await run(false));
});

it('says when the function forgot backward', async () => {
  const p = new Variable(tensor([1, 2]));
  await expect(lbfgs([p]).step(() => rosenbrock(p))).rejects.toThrow(
    /no parameter has a gradient.*backward\(loss\)/,
  );
});

it('leaves everything as it was when the function fails on the way', async () => {
  const p = new Variable(tensor([-1.2, 1], { dtype: 'float64' }));
  const optimizer = lbfgs([p]);
  let evaluations = 0;
  const closure = (): Tensor => {
    if (++evaluations === 3) throw new Error('out of data');
    const loss = rosenbrock(p);
    backward(loss);
    return loss;
  };
  await expect(optimizer.step(closure)).rejects.toThrow('out of data');
  expect([...p.value.dataSync()]).toEqual([-1.2, 1]);
  expect(optimizer.steps).toBe(0);
  expect(await optimizer.step(closure)).toBeCloseTo(24.2, 10);
});

it('refuses what it cannot train', () => {
  expect(() => lbfgs([])).toThrow(/no parameters/);
  expect(() => lbfgs([1 as unknown as Variable])).toThrow(/variables/);
  const whole = new Variable(tensor([1], { dtype: 'int32' }));
  expect(() => lbfgs([whole])).toThrow(/int32; only floats/);
  const p = new Variable(tensor([1]));
  expect(() => lbfgs([p, p])).toThrow(/given twice/);
  expect(() => lbfgs([p], { learningRate: 0 })).toThrow(/learning rate.*0/);
  const other = lbfgs([new Variable(tensor([1, 2]))]);
  const bad = { ...other.state(), tensors: { ...other.state().tensors, moves: tensor([[1, 2, 3]]) } };
  expect(() => other.loadState(bad)).toThrow(/'moves' should be \[n, 2\], found \[1, 3\]/);
});

describe('line search', () => {
  const options = { decrease: 1e-4, curvature: 0.1, maximum: 60, shortest: 1e-12 };
  // The three functions along a line of Moré & Thuente 1994, table 5.1 and following, and what Wolfe's conditions ask.
  const functions: [string, (t: number) => number, (t: number) => number][] = [
    ['−t / (t² + 2)', (t) => -t / (t * t + 2), (t) => (t * t - 2) / (t * t + 2) ** 2],
    [
      '(t + 0.004)⁵ − 2 (t + 0.004)⁴',
      (t) => (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
      (t) => 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3,
    ],
    ['(t − 3)²', (t) => (t - 3) ** 2, (t) => 2 * (t - 3)],
  ];
  it.each(functions.flatMap((f) => [1e-3, 0.1, 1, 10, 1000].map((first) => [...f, first] as const)))(
    'satisfies the strong Wolfe conditions on %s (%#)',
    async (_, value, slope, first) => {
      const at = (t: number) => ({ t, value: value(t), slope: slope(t) });
      const found = await searchLine(async (t) => at(t), at(0), first, options);
      expect(found.value).toBeLessThanOrEqual(value(0) + 1e-4 * found.t * slope(0));
      expect(Math.abs(found.slope)).toBeLessThanOrEqual(-0.1 * slope(0));
    },
  );

  it('finds the minimum of a cubic: t³ − 3t has it at 1', () => {
    const at = (t: number) => ({ t, value: t ** 3 - 3 * t, slope: 3 * t * t - 3 });
    expect(minimumOfCubic(at(0), at(2), 0, 2)).toBeCloseTo(1, 12);
    expect(minimumOfCubic(at(2), at(0), 0, 2)).toBeCloseTo(1, 12);
  });

  it('backs away from where the function is not defined', async () => {
    const at = (t: number) => ({
      t,
      value: t < 2 ? -Math.log(2 - t) - 3 * t : Number.NaN,
      slope: t < 2 ? 1 / (2 - t) - 3 : Number.NaN,
    });
    const found = await searchLine(async (t) => at(t), at(0), 8, options);
    expect(found.t).toBeGreaterThan(0);
    expect(found.t).toBeLessThan(2);
    expect(found.value).toBeLessThan(at(0).value);
  });
});
