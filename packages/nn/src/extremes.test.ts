/**
 * Every activation, loss and normalization where networks meet the edge: saturated, infinite, equal, tiny and huge numbers. A
 * perfect and sure answer must not become NaN. Numbers from PyTorch or, where it has NaN for a term 0 · ∞, from the formula in
 * `fixtures/extremes.py`; NaN stands where PyTorch has it too, as ∞ · 0 in silu(−∞).
 */
import { readFileSync } from 'node:fs';
import { backward, grad, gradients } from '@ag/graph';
import { type DType, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

/** JSON has no infinities: they are texts. */
type Number_ = number | 'inf' | '-inf' | 'nan';
type Nested = Number_ | Nested[];

interface Case {
  readonly name: string;
  readonly dtype: 'float32' | 'float64';
  readonly call: string;
  readonly options: {
    readonly given?: unknown[];
    readonly scale?: number[];
    readonly weight?: number[];
    readonly [name: string]: unknown;
  };
  readonly inputs: Nested[];
  readonly targets: (number | number[])[][];
  readonly value: Number_[];
  readonly gradients: Number_[][];
}

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/extremes.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const library = nn as unknown as Record<string, (...given: unknown[]) => unknown>;

const numberOf = (x: Number_): number =>
  x === 'inf' ? Number.POSITIVE_INFINITY : x === '-inf' ? Number.NEGATIVE_INFINITY : Number(x);
const numbersOf = (x: Nested): never => (Array.isArray(x) ? x.map(numbersOf) : numberOf(x)) as never;

function compute({ call, options, dtype }: Case, inputs: Tensor[], targets: Tensor[]): Tensor {
  const { given = [], scale, weight, ...others } = options;
  const x = inputs[0];
  if (call === 'logSumExp') return x.logSumExp(-1);
  if (call === 'norm') return x.norm(-1);
  if (call === 'cosineSimilarity') return nn.cosineSimilarity(x, inputs[1]);
  if ('reduction' in options) {
    const weights = weight && { weight: tensor(weight, { dtype }) };
    return library[call](...inputs, ...targets, { ...others, ...weights }) as Tensor;
  }
  const own = /Norm/.test(call) ? [...given, { dtype }] : call === 'prelu' ? [1, { dtype }] : given;
  const y = (library[call](...own) as nn.Module).forward(x);
  return scale ? y.mul(tensor(scale, { dtype })) : y;
}

/** Whether the targets of a case are class indices. */
const areIndices = ({ call }: Case, target: unknown[]): boolean =>
  /crossEntropy|nllLoss/.test(call) && !Array.isArray(target[0]);

function expectClose(
  found: Tensor,
  expected: readonly Number_[],
  { dtype, call, name }: Case,
  what: string,
): void {
  const data = found.dataSync();
  expect(data.length, what).toBe(expected.length);
  // Sums of three or four numbers near 1; the logistic loss has nothing that cancels.
  const absolute = call === 'bceWithLogits' ? 0 : dtype === 'float32' ? 1e-7 : 1e-14;
  const smallest = dtype === 'float32' ? 1e-37 : 1e-300;
  let relative = dtype === 'float32' ? 4e-6 : 1e-8;
  // Where neighbors of 10000 differ by 1, digits are lost on either side; logSumExp's gradient goes by its rounded value.
  if (name.endsWith('large')) relative = 1e-6;
  if (call === 'logSumExp' && dtype === 'float32') relative = 3e-5;
  expected.forEach((text, i) => {
    const number = numberOf(text);
    if (Object.is(data[i], number) || data[i] === number) return;
    const allowed = relative * Math.abs(number) + absolute + smallest;
    if (!(Math.abs(data[i] - number) <= allowed))
      expect.fail(`${what}[${i}]: ${data[i]} instead of ${number}`);
  });
}

it.each(cases)('$name in $dtype', (given) => {
  const { dtype } = given;
  const inputs = given.inputs.map((x) => tensor(numbersOf(x), { dtype }));
  const targets = given.targets.map((t) =>
    tensor(t, { dtype: areIndices(given, t) ? 'int32' : (dtype as DType) }),
  );
  const value = compute(given, inputs, targets);
  expect(value.dtype).toBe(dtype);
  const found = gradients(value.sum(), inputs);
  expectClose(value, given.value, given, 'value');
  found.forEach((gradient, i) => {
    expectClose(gradient, given.gradients[i], given, `gradient of input ${i}`);
  });
});

describe('beyond what PyTorch computes', () => {
  it('has 33 as logit in float64 with all digits', () => {
    // log(1 + e⁻³³) = e⁻³³ − e⁻⁶⁶/2
    const exact = Math.exp(-33) - Math.exp(-66) / 2;
    const x = tensor([33, -33], { dtype: 'float64' });
    const losses = nn.bceWithLogits(x, tensor([1, 0], { dtype: 'float64' }), { reduction: 'none' });
    for (const loss of losses.dataSync()) expect(loss / exact).toBeCloseTo(1, 12);
  });

  it('has the slope of elu far to the left', () => {
    const x = tensor([-33, -100], { dtype: 'float64' });
    const [g] = gradients(nn.elu().forward(x).sum(), [x]);
    [-33, -100].forEach((at, i) => {
      expect(g.dataSync()[i] / Math.exp(at)).toBeCloseTo(1, 12);
    });
  });

  it('keeps the digits of losses of large logits', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const loss = nn.crossEntropy(tensor([[10000, 10000, 10000]], { dtype }), tensor([1]));
      expect(loss.itemSync()).toBeCloseTo(Math.log(3), 6);
    }
  });

  it('takes integer targets for binary losses', () => {
    for (const dtype of ['uint8', 'int32', 'bool'] as const) {
      const target = tensor([1, 0], { dtype });
      // −log 0.75 and −log(1 − 0.75)
      const expected = (-Math.log(0.75) - Math.log(0.25)) / 2;
      expect(nn.bceLoss(tensor([0.75, 0.75]), target).itemSync()).toBeCloseTo(expected, 6);
      const logits = tensor([Math.log(3), Math.log(3)]);
      expect(nn.bceWithLogits(logits, target).itemSync()).toBeCloseTo(expected, 6);
    }
  });

  it('has a finite second derivative of the binary losses at saturated numbers', () => {
    const second = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => grad(f)(x).sum());
    const target = tensor([0, 1, 1]);
    const bce = second((p) => nn.bceLoss(p, target))(tensor([0, 1, 0.5]));
    const logits = second((x) => nn.bceWithLogits(x, target))(tensor([-1e20, 1e4, 0]));
    for (const x of [...bce.dataSync(), ...logits.dataSync()]) expect(x).toSatisfy(Number.isFinite);
  });

  it('has finite second derivatives of the gelus at 1e20', () => {
    for (const approximation of ['none', 'tanh'] as const) {
      const first = grad((x: Tensor) => nn.gelu(approximation).forward(x).sum());
      expect(
        [...grad((x: Tensor) => first(x).sum())(tensor([1e20, -1e20])).dataSync()].map(Math.abs),
      ).toEqual([0, 0]);
    }
  });

  it.each([
    ['layerNorm', nn.layerNorm(3)],
    ['rmsNorm', nn.rmsNorm(3)],
    ['groupNorm', nn.groupNorm(1, 3)],
  ])('%s of numbers whose squares overflow is 0, with a finite gradient', (_, layer) => {
    const x = tensor([[1e20, -1e20, 3e19]]);
    const y = layer.forward(x);
    expect([...y.dataSync()].map(Math.abs)).toEqual([0, 0, 0]);
    const [g] = gradients(y.mul(tensor([1, 2, 4])).sum(), [x]);
    for (const number of g.dataSync()) expect(number).toSatisfy(Number.isFinite);
  });

  it('does not see through prelu what is not multiplied', () => {
    const layer = nn.prelu();
    backward(
      layer
        .forward(tensor([Number.POSITIVE_INFINITY, -2]))
        .mul(tensor([0, 1]))
        .sum(),
    );
    expect(layer.weight.grad!.dataSync()[0]).toBe(-2);
  });
});
