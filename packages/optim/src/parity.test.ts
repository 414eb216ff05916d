/**
 * Every optimizer, schedule and way of clipping against PyTorch or NumPy: see `fixtures/`.
 */
import { readFileSync } from 'node:fs';
import { backward } from '@ag/graph';
import { type DType, type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as optim from './index.ts';

type Numbers = number[];

interface Fixtures {
  readonly paths: { optimizer: string; options: object; values: Record<string, Numbers[]> }[];
  readonly groups: {
    optimizer: string;
    options: object;
    own: { learningRate: number };
    rates: [number, number];
    factor: number;
    clip: number;
    values: Record<string, Numbers[]>;
  }[];
  readonly lbfgs: { options: object; losses: Numbers; values: Record<string, Numbers[]> }[];
  readonly schedules: {
    name: string;
    call?: [string, ...unknown[]];
    /** Calls, each with the number of its steps. */
    sequence?: [[string, ...unknown[]], number][];
    warmup?: { steps: number; start: number };
    reports?: Numbers;
    rates: Numbers;
  }[];
  readonly clipping: {
    order?: 1 | 2 | 'Infinity';
    maximum?: number;
    limit?: number;
    norm?: number;
    gradients: Numbers[];
  }[];
  readonly bowl: { optimizer: string; options: object; path: [number, number][] }[];
}

const fixtures: Fixtures = JSON.parse(
  readFileSync(new URL('../fixtures/optimizers.json', import.meta.url), 'utf8'),
);
const make = optim as unknown as Record<string, (parameters: Variable[], options: object) => optim.Sgd>;
const shapes = [[3, 4], [5]];

/** The numbers that the generator makes by the same formula. */
function pattern(shape: number[], seed: number, scale: number, dtype: DType, offset = 0): Tensor {
  const size = shape.reduce((n, x) => n * x, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => offset + scale * Math.sin(1 + seed + 12.9898 * i),
  );
  return tensor(data, { shape, dtype });
}

const start = (dtype: DType): Variable[] =>
  shapes.map((shape, i) => new Variable(pattern(shape, i, 1, dtype)));

/** The generator's loss. */
function lossOf(parameters: readonly Variable[], dtype: DType): Tensor {
  return parameters
    .map((p, i) => {
      const curvature = pattern(shapes[i], 20 + i, 1, dtype, 1.5);
      const target = pattern(shapes[i], 30 + i, 2, dtype);
      const bowl = curvature.mul(p.value.sub(target).square()).sum();
      return bowl.add(p.value.mul(2).sin().sum().mul(0.3));
    })
    .reduce((a, b) => a.add(b));
}

function close(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]));
    if (!(Math.abs(actual[i] - expected[i]) <= allowed)) {
      expect.fail(`${what}[${i}]: ${actual[i]} instead of ${expected[i]}`);
    }
  }
}

describe.each(['float64', 'float32'] as const)('50 steps in %s', (dtype) => {
  it.each(fixtures.paths)('$optimizer $options', ({ optimizer: name, options, values }) => {
    const parameters = start(dtype);
    const optimizer = make[name](parameters, options);
    for (let step = 1; step <= 50; step++) {
      backward(lossOf(parameters, dtype));
      optimizer.step();
      values[step]?.forEach((expected, i) => {
        const tolerance = dtype === 'float64' ? 1e-9 : 1e-5;
        close(parameters[i].value.dataSync(), expected, tolerance, `step ${step}, parameter ${i}`);
      });
    }
  });
});

it.each(fixtures.groups)(
  '$optimizer with groups, schedules, halves of the loss and clipping',
  ({ optimizer: name, options, own, rates, factor, clip, values }) => {
    const parameters = start('float64');
    const [first, second] = rates.map((rate) => optim.exponential(rate, { factor }));
    const groups = [
      { parameters: [parameters[0]] },
      { parameters: [parameters[1]], ...own, learningRate: second },
    ];
    const optimizer = make[name](groups as unknown as Variable[], { ...options, learningRate: first });
    for (let step = 1; step <= 50; step++) {
      for (let half = 0; half < 2; half++) backward(lossOf(parameters, 'float64').mul(0.5));
      optim.clipGradNorm(parameters, clip);
      optimizer.step();
      values[step]?.forEach((expected, i) => {
        close(parameters[i].value.dataSync(), expected, 1e-9, `step ${step}, parameter ${i}`);
      });
    }
  },
);

it.each(fixtures.lbfgs)('L-BFGS without line search', async ({ options, losses, values }) => {
  const parameters = start('float64');
  const optimizer = optim.lbfgs(parameters, { ...options, lineSearch: 'none' });
  for (let step = 1; step <= losses.length; step++) {
    const before = await optimizer.step(() => {
      const loss = lossOf(parameters, 'float64');
      backward(loss);
      return loss;
    });
    close([before], [losses[step - 1]], 1e-9, `loss of step ${step}`);
    values[step]?.forEach((expected, i) => {
      close(parameters[i].value.dataSync(), expected, 1e-9, `step ${step}, parameter ${i}`);
    });
  }
});

/** What a call of a schedule's factory gives. */
function scheduleOf([factory, ...given]: [string, ...unknown[]]): optim.PlateauSchedule {
  return (optim as unknown as Record<string, (...given: unknown[]) => optim.PlateauSchedule>)[factory](
    ...given,
  );
}

it.each(fixtures.schedules)('$name', ({ call, sequence, warmup, reports, rates }) => {
  const parts = sequence?.map(([part, steps]) => [scheduleOf(part), steps] as const) ?? [];
  const inner = call
    ? scheduleOf(call)
    : (optim.sequence(...parts.slice(0, -1), parts.at(-1)![0]) as optim.PlateauSchedule);
  const schedule = warmup ? optim.linearWarmup(inner, warmup) : inner;
  const found = rates.map((_, step) => {
    const rate = schedule(step);
    if (reports) inner.report(reports[step]);
    return rate;
  });
  close(found, rates, 1e-11, 'rate of step');
});

it.each(fixtures.clipping)(
  'clips to $maximum$limit, order $order',
  ({ order, maximum, limit, norm, gradients }) => {
    const parameters = start('float64');
    const loss = lossOf(parameters, 'float64');
    backward(loss);
    if (limit !== undefined) optim.clipGradValue(parameters, limit);
    else {
      const which = order === 'Infinity' ? Number.POSITIVE_INFINITY : (order as 1 | 2);
      const found = optim.clipGradNorm(parameters, maximum!, { order: which });
      close([found.itemSync()], [norm!], 1e-9, 'norm');
    }
    gradients.forEach((expected, i) =>
      close(parameters[i].grad!.dataSync(), expected, 1e-9, `gradient ${i}`),
    );
  },
);

it.each(fixtures.bowl)('$optimizer $options on x²/20 + y²', ({ optimizer: name, options, path }) => {
  const point = new Variable(tensor([-7, 2], { dtype: 'float64' }));
  const weights = tensor([1 / 20, 1], { dtype: 'float64' });
  const optimizer = make[name]([point], options);
  path.forEach((expected, step) => {
    backward(point.value.square().mul(weights).sum());
    optimizer.step();
    close(point.value.dataSync(), expected, 1e-6, `step ${step + 1}`);
  });
});
