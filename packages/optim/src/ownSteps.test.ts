/**
 * Every parameter counts its own steps: what an optimizer corrects because its means start at 0 goes by how often that
 * parameter had a gradient, not by how often the optimizer stepped. Layers that are unfrozen later and branches that are used
 * at times depend on it. Paths from PyTorch: see `fixtures/ownSteps.py`.
 */
import { readFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { stats, type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as optim from './index.ts';

type Paths = { optimizer: string; options: object; values: Record<string, number[][]> }[];

const load = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
const { paths } = load<{ paths: Paths }>('ownSteps');
const make = optim as unknown as Record<string, (parameters: Variable[], options: object) => optim.Sgd>;
const shapes = [[3, 4], [5]];

/** The numbers that the generators make by the same formula. */
function pattern(shape: number[], seed: number, scale: number, offset = 0): Tensor {
  const size = shape.reduce((n, x) => n * x, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => offset + scale * Math.sin(1 + seed + 12.9898 * i),
  );
  return tensor(data, { shape });
}

const start = (): Variable[] => shapes.map((shape, i) => new Variable(pattern(shape, i, 1)));

/** The generators' loss of one parameter. */
function lossOf(p: Variable, i: number): Tensor {
  const bowl = pattern(shapes[i], 20 + i, 1, 1.5).mul(p.value.sub(pattern(shapes[i], 30 + i, 2)).square());
  return bowl.sum().add(p.value.mul(2).sin().sum().mul(0.3));
}

/** Whether the second parameter has a gradient, as in the generator. */
const moves = (step: number): boolean => step > 20 && step % 3 !== 0;

function expectClose(parameters: readonly Variable[], expected: readonly number[][], what: string): void {
  expected.forEach((numbers, i) => {
    const found = parameters[i].value.dataSync();
    numbers.forEach((number, k) => {
      expect(Math.abs(found[k] - number), `${what}, parameter ${i}[${k}]`).toBeLessThan(1e-9);
    });
  });
}

/** Makes one step; `second` says whether the second parameter takes part. */
type Step = (second: boolean) => void;

const ways: [
  string,
  (parameters: Variable[], optimizer: Pick<optim.Sgd, 'step' | 'steps' | 'state' | 'loadState'>) => Step,
][] = [
  [
    'in branches',
    (parameters, optimizer) => (second) => {
      backward(
        parameters
          .filter((_, i) => i === 0 || second)
          .map(lossOf)
          .reduce((a, b) => a.add(b)),
      );
      optimizer.step();
    },
  ],
  [
    'frozen at times',
    (parameters, optimizer) => (second) => {
      parameters[1].trainable = second;
      backward(parameters.map(lossOf).reduce((a, b) => a.add(b)));
      optimizer.step();
    },
  ],
  [
    'in compiled branches',
    (parameters, optimizer) => {
      const one = compile(() => {
        const loss = lossOf(parameters[0], 0);
        backward(loss);
        optimizer.step();
        return loss;
      });
      const both = compile(() => {
        const loss = parameters.map(lossOf).reduce((a, b) => a.add(b));
        backward(loss);
        optimizer.step();
        return loss;
      });
      return (second) => (second ? both() : one());
    },
  ],
  [
    'in branches traced in advance, when all counts were equal',
    (parameters, optimizer) => {
      // Traced once before the path begins, then put back to where it begins.
      const [state, values] = [optimizer.state(), parameters.map(({ value }) => tensor(value.dataSync()))];
      const step = ways[2][1](parameters, optimizer);
      step(true);
      step(false);
      optimizer.loadState(state);
      parameters.forEach((p, i) => {
        p.assign(values[i].reshape(p.shape));
      });
      return step;
    },
  ],
];

describe.each(ways)('%s', (_, way) => {
  it.each(paths)('$optimizer $options', ({ optimizer: name, options, values }) => {
    const parameters = start();
    const optimizer = make[name](parameters, options);
    const step = way(parameters, optimizer);
    for (let at = 1; at <= 40; at++) {
      step(moves(at));
      if (values[at]) expectClose(parameters, values[at], `step ${at}`);
    }
    expect(optimizer.steps).toBe(40);
  });
});

it.each(paths)('$optimizer $options goes on from a state with counts that differ', (path) => {
  const { optimizer: name, options, values } = path;
  let parameters = start();
  let optimizer = make[name](parameters, options);
  for (let at = 1; at <= 40; at++) {
    ways[0][1](parameters, optimizer)(moves(at));
    if (values[at]) expectClose(parameters, values[at], `step ${at}`);
    if (at === 10 || at === 21) {
      const { type, numbers, tensors } = optimizer.state();
      parameters = parameters.map(({ value, shape }) => new Variable(tensor(value.dataSync(), { shape })));
      optimizer = make[name](parameters, options);
      optimizer.loadState({ type, numbers: JSON.parse(JSON.stringify(numbers)), tensors });
    }
  }
});

it('takes the first steps of a layer unfrozen late with the rate, not with three times as much', () => {
  const late = new Variable(tensor([0]));
  const early = new Variable(tensor([0]));
  const optimizer = optim.adam([early, late], { learningRate: 0.001 });
  for (let step = 0; step < 300; step++) optimizer.step(new Map([[early, tensor([1])]]));
  for (let step = 1; step <= 3; step++) {
    optimizer.step(new Map([early, late].map((p) => [p, tensor([1])])));
    // A constant gradient: mean / √square is 1.
    expect(late.value.itemSync() / -0.001).toBeCloseTo(step, 3);
  }
});

it('counts each step of a compiled function that makes two', () => {
  const run = (compiled: boolean): number[] => {
    const w = new Variable(tensor([1, -2]));
    const optimizer = optim.nadam([w], { learningRate: optim.cosine(0.3, { steps: 12 }) });
    const twice = (gradient: Tensor): Tensor => {
      optimizer.step(new Map([[w, gradient]]));
      optimizer.step(new Map([[w, gradient.mul(-0.5)]]));
      return gradient;
    };
    const step = compiled ? compile(twice) : twice;
    for (let i = 0; i < 4; i++) step(tensor([1, 2 + i]));
    expect(optimizer.steps).toBe(8);
    return [...w.value.dataSync()];
  };
  const plain = run(false);
  run(true).forEach((number, i) => {
    expect(number).toBeCloseTo(plain[i], 6);
  });
});

it('makes no further plan where counts stay apart', () => {
  const parameters = start();
  const optimizer = optim.adam(parameters);
  const step = ways[0][1](parameters, optimizer);
  for (let at = 0; at < 3; at++) step(false);
  for (let at = 0; at < 3; at++) step(true);
  const made = stats().plansMade;
  for (let at = 0; at < 5; at++) step(true);
  expect(stats().plansMade).toBe(made);
});

describe('states saved before parameters had counts of their own', () => {
  const { states } = load<{
    states: {
      path: number;
      optimizer: string;
      values: number[][];
      state: { type: string; numbers: Record<string, number>; tensors: Record<string, number[]> };
    }[];
  }>('states');
  const { paths: whole } = load<{ paths: Paths }>('optimizers');

  it.each(states)("$optimizer goes on along PyTorch's path", ({ path, values, state }) => {
    const { optimizer: name, options, values: expected } = whole[path];
    const parameters = values.map((numbers, i) => {
      return new Variable(tensor(Float64Array.from(numbers), { shape: shapes[i] }));
    });
    const optimizer = make[name](parameters, options);
    const tensors = Object.fromEntries(
      Object.entries(state.tensors).map(([slot, numbers]) => {
        const shape = shapes[Number(slot.split('.')[0])];
        return [slot, tensor(Float64Array.from(numbers), { shape })];
      }),
    );
    optimizer.loadState({ ...state, tensors });
    for (let at = 8; at <= 50; at++) ways[0][1](parameters, optimizer)(true);
    expectClose(parameters, expected[50], 'step 50');
  });

  it('refuses counts that are none', () => {
    const w = new Variable(tensor([1]));
    const optimizer = optim.adam([w]);
    const { type, tensors } = optimizer.state();
    const wrong: Record<string, number>[] = [
      { steps: -1 },
      { steps: 2, '0.steps': 0.5 },
      { steps: Number.NaN },
    ];
    for (const numbers of wrong) {
      expect(() => optimizer.loadState({ type, numbers, tensors })).toThrow(/count of steps.*whole number/);
    }
    expect(optimizer.steps).toBe(0);
  });
});
