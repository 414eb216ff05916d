/**
 * Layers and losses drawn at random, against PyTorch or the formula of the paper: outputs, gradients, running statistics. The
 * program that drew them, and says which, is `fixtures/drawn.py`; two projections stand for each tensor. Every second case, all of
 * them with `AG_TEST=full`.
 */
import { readFileSync } from 'node:fs';
import { gradients } from '@ag/graph';
import { evaluate, type Tensor, tensor, type Variable } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

type Projections = [number, number];
type Call = [string, ...unknown[]];

interface Expected {
  readonly shapes: number[][];
  readonly out: Projections[];
  readonly gradients: Projections[];
}

interface LayerCase extends Expected {
  readonly kind: 'layer';
  readonly call: Call;
  readonly train: boolean;
  readonly inputs: number[][];
  readonly filled: [
    path: string,
    shape: number[],
    seed: number,
    scale: number,
    offset: number,
    unit: boolean,
  ][];
  readonly trained: string[];
  readonly lengths?: number[];
  readonly buffers: Record<string, Projections>;
}

interface LossCase extends Expected {
  readonly kind: 'loss';
  readonly call: string;
  readonly options: Record<string, unknown>;
  readonly inputs: [shape: number[], seed: number, transform: keyof typeof transforms][];
  readonly constants: unknown[];
  /** Class indices. */
  readonly target?: number[] | number[][];
}

const { cases }: { cases: (LayerCase | LossCase)[] } = JSON.parse(
  readFileSync(new URL('../fixtures/drawn.json', import.meta.url), 'utf8'),
);

const transforms = {
  none: (x: Tensor) => x,
  sigmoid: (x: Tensor) => x.sigmoid(),
  logSoftmax: (x: Tensor) => x.logSoftmax(),
  positive: (x: Tensor) => x.abs().add(0.1),
  tiny: (x: Tensor) => x.abs().mul(1e-7),
};

/** The numbers that fixtures/common.py makes by the same formula. */
function pattern(shape: readonly number[], seed: number, scale = 1, offset = 0): Tensor {
  const size = shape.reduce((n, x) => n * x, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => offset + scale * Math.sin(1 + seed + 12.9898 * i),
  );
  return tensor(data, { shape, dtype: 'float64' });
}

const factories: Record<string, unknown> = { ...nn };

function make([name, ...given]: Call): nn.Module<unknown[], unknown> {
  const factory = factories[name] as (...given: unknown[]) => nn.Module<unknown[], unknown>;
  const inner = given.map((one) =>
    Array.isArray(one) && typeof one[0] === 'string' ? make(one as Call) : one,
  );
  if (/upsample|pixelShuffle|weightNorm|spectralNorm/.test(name)) return factory(...inner);
  const last = inner.at(-1);
  const options = typeof last === 'object' && !Array.isArray(last) ? (inner.pop() as object) : {};
  return factory(...inner, { ...options, dtype: 'float64' });
}

function callLayer(one: LayerCase): { outputs: Tensor[]; wrt: Tensor[]; buffers: [string, Tensor][] } {
  const module = make(one.call).train(one.train);
  const named = new Map<string, Variable>([...module.namedParameters(), ...module.namedBuffers()]);
  for (const [path, shape, seed, scale, offset, unit] of one.filled) {
    const value = pattern(shape, seed, scale, offset);
    named.get(path)!.assign(unit ? value.div(value.norm()) : value);
  }
  const inputs = one.inputs.map((shape, i) => pattern(shape, i, 1.5));
  const wrt = [...inputs, ...one.trained.map((path) => named.get(path)!.value)];
  const [x, first, second] = inputs;
  let outputs: Tensor[];
  if (module instanceof nn.Recurrent) {
    const state = first && { hidden: first, ...(second && { cell: second }) };
    const given = one.lengths ? { lengths: one.lengths } : {};
    const { output, state: after } = module.forwardWithState(x, state, given);
    outputs = [output, after.hidden, ...(after.cell ? [after.cell] : [])];
  } else if (module instanceof nn.LstmCell) {
    const { hidden, cell } = module.forward(x, first && { hidden: first, cell: second });
    outputs = [hidden, cell];
  } else outputs = [module.forward(...inputs) as Tensor];
  const buffers = Object.keys(one.buffers).map((path) => [path, named.get(path)!.value] as [string, Tensor]);
  return { outputs, wrt, buffers };
}

function callLoss(one: LossCase): { outputs: Tensor[]; wrt: Tensor[] } {
  const inputs = one.inputs.map(([shape, seed]) => pattern(shape, seed, 1.5));
  const given = inputs.map((x, i) => transforms[one.inputs[i][2]](x));
  const constants = one.constants.map((data) => tensor(data as number[], { dtype: 'float64' }));
  if (one.target) constants.push(tensor(one.target as number[], { dtype: 'int32' }));
  const { options } = one;
  const f = factories[one.call] as (...given: unknown[]) => Tensor;
  // Negatives are an argument in Python, an option here.
  const value =
    one.call === 'infoNceLoss' && given.length === 3
      ? f(given[0], given[1], { ...options, negatives: given[2] })
      : f(...given, ...constants, options);
  return { outputs: [value], wrt: inputs };
}

function project(t: Tensor): Projections {
  const sums: Projections = [0, 0];
  t.dataSync().forEach((value, i) => {
    sums[0] += value * Math.sin(0.5 + 0.7 * i);
    sums[1] += value * Math.cos(0.3 + 1.1 * i);
  });
  return sums;
}

const full = process.env.AG_TEST === 'full';

it(`agrees in ${cases.length} cases`, () => {
  const wrong: string[] = [];
  const met = new Set<string>();
  cases.forEach((one, i) => {
    if (!full && i % 2 === 1) return;
    const name = typeof one.call === 'string' ? one.call : one.call[0];
    met.add(name);
    const {
      outputs,
      wrt,
      buffers = [],
    } = one.kind === 'layer' ? callLayer(one) : { ...callLoss(one), buffers: [] as [string, Tensor][] };
    const seeds = outputs.map((y, k) => (y.ndim > 0 ? y.mul(pattern(y.shape, 99 + k)).sum() : y));
    const found = gradients(
      seeds.reduce((a, b) => a.add(b)),
      wrt,
    );
    // Together, as a step of training does: running statistics move once.
    evaluate([...outputs, ...found]);
    expect(outputs.map(({ shape }) => shape)).toEqual(one.shapes);
    const compare = (t: Tensor, expected: Projections, what: string): void => {
      const numbers = project(t);
      const fits = numbers.every(
        (x, k) => Math.abs(x - expected[k]) <= 1e-9 * Math.max(1, Math.abs(expected[k])),
      );
      if (!fits || t.dtype !== 'float64')
        wrong.push(`case ${i}, ${JSON.stringify(one.call)}: ${what} [${numbers}] instead of [${expected}]`);
    };
    outputs.forEach((y, k) => compare(y, one.out[k], `output ${k}`));
    found.forEach((g, k) => compare(g, one.gradients[k], `gradient ${k}`));
    for (const [path, value] of buffers) compare(value, (one as LayerCase).buffers[path], path);
  });
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(met.size).toBeGreaterThanOrEqual(22);
});
