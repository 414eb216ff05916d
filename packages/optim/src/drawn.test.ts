/**
 * Optimizers, schedules, norms and averages drawn at random, against PyTorch or the formula of the paper: see `fixtures/drawn.py`.
 */
import { readFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as optim from './index.ts';

type Projections = [number, number];
type Call = [string, ...unknown[]];

const fixtures: {
  readonly cases: {
    readonly optimizer: string;
    readonly options: object;
    readonly shapes: number[][];
    readonly lookahead?: { every: number; share: number };
    readonly values: Projections[];
  }[];
  readonly schedules: {
    readonly call?: Call;
    readonly multiplicative?: [factor: number, every: number, other: number];
    readonly product?: Call[];
    readonly rates: number[];
  }[];
  readonly clipping: { order: number; maximum: number; norm: number; gradients: Projections[] }[];
  readonly averages: { kind: 'swa' | 'ema'; options: object; weight: Projections; statistics: Projections }[];
} = JSON.parse(readFileSync(new URL('../fixtures/drawn.json', import.meta.url), 'utf8'));
const names: Record<string, unknown> = { ...optim };

/** The numbers that the generator makes by the same formula. */
function pattern(shape: readonly number[], seed: number, scale = 1, offset = 0): Tensor {
  const size = shape.reduce((n, x) => n * x, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => offset + scale * Math.sin(1 + seed + 12.9898 * i),
  );
  return tensor(data, { shape, dtype: 'float64' });
}

/** The generator's loss. */
function lossOf(parameters: readonly Variable[]): Tensor {
  return parameters
    .map(({ value, shape }, i) => {
      const bowl = pattern(shape, 20 + i, 1, 1.5)
        .mul(value.sub(pattern(shape, 30 + i, 2)).square())
        .sum();
      return bowl.add(value.mul(2).sin().sum().mul(0.3));
    })
    .reduce((a, b) => a.add(b));
}

function expectProjections(t: Tensor, expected: Projections, what: string, wrong: string[]): void {
  const sums = [0, 0];
  t.dataSync().forEach((value, i) => {
    sums[0] += value * Math.sin(0.5 + 0.7 * i);
    sums[1] += value * Math.cos(0.3 + 1.1 * i);
  });
  if (!sums.every((x, k) => Math.abs(x - expected[k]) <= 1e-9 * Math.max(1, Math.abs(expected[k]))))
    wrong.push(`${what}: [${sums}] instead of [${expected}]`);
}

it.each([false, true])(`${fixtures.cases.length} optimizers over ten steps; compiled: %s`, (compiled) => {
  const wrong: string[] = [];
  for (const one of compiled ? fixtures.cases.slice(0, 24) : fixtures.cases) {
    const parameters = one.shapes.map((shape, i) => new Variable(pattern(shape, i)));
    const make = names[one.optimizer] as (parameters: Variable[], options: object) => optim.Sgd;
    const inner = make(parameters, one.options);
    const optimizer = one.lookahead ? optim.lookahead(inner, one.lookahead) : inner;
    const plain = (): Tensor => {
      const loss = lossOf(parameters);
      backward(loss);
      optimizer.step();
      return loss;
    };
    const step = compiled ? compile(plain) : plain;
    for (let i = 0; i < 10; i++) step();
    one.values.forEach((expected, i) => {
      expectProjections(
        parameters[i].value,
        expected,
        `${JSON.stringify(one.options)} ${one.optimizer} ${i}`,
        wrong,
      );
    });
  }
  expect(wrong).toEqual([]);
});

it(`${fixtures.schedules.length} schedules`, () => {
  const made = ([name, ...given]: Call): optim.Schedule =>
    (names[name] as (...given: unknown[]) => optim.Schedule)(...given);
  for (const { call, multiplicative, product, rates } of fixtures.schedules) {
    const schedule = call
      ? made(call)
      : product
        ? optim.product(...product.map(made))
        : optim.multiplicative(0.5, (step) =>
            step % multiplicative![1] === 0 ? multiplicative![0] : multiplicative![2],
          );
    const found = rates.map((_, step) => schedule(step));
    rates.forEach((rate, step) => {
      expect(Math.abs(found[step] - rate), `${JSON.stringify(call)} at ${step}`).toBeLessThan(1e-11);
    });
    // Asked for in any order, as after loading a checkpoint.
    expect(schedule(7)).toBe(found[7]);
    expect(schedule(20)).toBe(found[20]);
  }
});

it('clips by norms of any order', () => {
  const wrong: string[] = [];
  for (const { order, maximum, norm, gradients } of fixtures.clipping) {
    const parameters = [[3, 4], [5]].map((shape, i) => new Variable(pattern(shape, i)));
    backward(lossOf(parameters));
    const found = optim.clipGradNorm(parameters, maximum, { order }).itemSync();
    expect(Math.abs(found - norm)).toBeLessThan(1e-9 * norm);
    gradients.forEach((expected, i) =>
      expectProjections(parameters[i].grad!, expected, `order ${order}, gradient ${i}`, wrong),
    );
  }
  expect(wrong).toEqual([]);
  expect(() => optim.clipGradNorm([], 1, { order: 0 })).toThrow('no parameter has a gradient');
});

it('averages parameters and buffers', () => {
  const wrong: string[] = [];
  for (const { kind, options, weight, statistics } of fixtures.averages) {
    const held = {
      weight: new Variable(pattern([3], 0)),
      statistics: new Variable(pattern([2], 1), { trainable: false }),
      count: new Variable(tensor(0, { dtype: 'int32' })),
    };
    const buffers = [held.statistics, held.count];
    const average =
      kind === 'swa'
        ? optim.swa([held.weight], { buffers })
        : optim.ema([held.weight], { ...options, buffers });
    for (let step = 0; step < 4; step++) {
      held.weight.assign(pattern([3], 2 + step));
      held.statistics.assign(pattern([2], 5 + step));
      held.count.assign(tensor(step + 1, { dtype: 'int32' }));
      average.update();
    }
    const [first, second, third] = average.averages();
    expectProjections(first, weight, `${kind}, weight`, wrong);
    expectProjections(second, statistics, `${kind}, statistics`, wrong);
    expect(third.itemSync()).toBe(4);
    average.apply();
    expect(held.weight.value.dataSync()).toEqual(first.dataSync());
    average.restore();
    expect(held.weight.value.dataSync()).toEqual(pattern([3], 5).dataSync());
  }
  expect(wrong).toEqual([]);
});
