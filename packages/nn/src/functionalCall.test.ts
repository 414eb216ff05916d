/** A model as a function of its weights: with others than its own, differentiated, side by side; and the model stays as it is. */
import { gradients, hvp, vmap } from '@ag/graph';
import { normal, type Tensor, tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

const x = tensor([
  [1, 2],
  [3, -1],
]);

it('computes with other weights, and leaves the model alone', () => {
  const model = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1));
  const other = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 1));
  const before = model.forward(x).dataSync();
  const found = nn.functionalCall(model, other.stateDict(), x).dataSync();
  expect(found).toEqual(other.forward(x).dataSync());
  expect(found).not.toEqual(before);
  expect(model.forward(x).dataSync()).toEqual(before);
  // What is left out is the model's own.
  expect(nn.functionalCall(model, {}, x).dataSync()).toEqual(before);
});

it('has derivatives of any order by the weights', () => {
  const model = nn.linear(2, 1, { bias: false });
  const weight = tensor([[0.5, -0.25]]);
  const loss = (w: Tensor): Tensor => nn.functionalCall(model, { weight: w }, x).square().sum();
  // Σ (x·w)²: gradient 2 Xᵀ X w, Hessian 2 Xᵀ X, with Xᵀ X = [[10, −1], [−1, 5]].
  const w = weight.mul(1);
  expect([...gradients(loss(w), [w])[0].dataSync()]).toEqual([10.5, -3.5]);
  expect([...hvp(loss, weight, tensor([[1, 0]])).dataSync()]).toEqual([20, -2]);
});

it('runs several models of one form side by side', () => {
  const model = nn.linear(2, 3);
  const [weights, biases] = [normal([4, 3, 2]), normal([4, 3])];
  const all = vmap((weight: Tensor, bias: Tensor) => nn.functionalCall(model, { weight, bias }, x))(
    weights,
    biases,
  );
  for (let i = 0; i < 4; i++) {
    const one = nn.functionalCall(model, { weight: weights.index(i), bias: biases.index(i) }, x);
    const found = all.index(i).dataSync();
    one.dataSync().forEach((value, k) => expect(found[k]).toBeCloseTo(value, 5));
  }
});

it('keeps running statistics that it is given to itself, and moves those of the model otherwise', () => {
  const norm = nn.batchNorm1d(2);
  const given = { runningMean: tensor([5, 5]), runningVariance: tensor([4, 4]) };
  nn.functionalCall(norm, given, x).dataSync();
  expect([...norm.runningMean!.value.dataSync()]).toEqual([0, 0]);
  nn.functionalCall(norm, {}, x).dataSync();
  expect([...norm.runningMean!.value.dataSync()].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([0.2, 0.05]);
  const expected = tensor([
    [-2, -1.5],
    [-1, -3],
  ]);
  norm.eval();
  const found = nn.functionalCall(norm, given, x).dataSync();
  expected.dataSync().forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
});

it('says what does not fit, and has the model as it was after an error', () => {
  const model = nn.linear(2, 1);
  expect(() => nn.functionalCall(model, { wieght: tensor([[1, 2]]) }, x)).toThrow(
    "has no 'wieght'; it has 'weight'",
  );
  expect(() => nn.functionalCall(model, { weight: tensor([1, 2]) }, x)).toThrow(
    "'weight' should be [1, 2] float32, got [2]",
  );
  expect(() => nn.functionalCall(model, { weight: 3 as never }, x)).toThrow("'weight' is no tensor");
  const weight = tensor([[1, 2]]);
  expect(() => nn.functionalCall(model, { weight }, tensor([[1, 2, 3]]))).toThrow('expects 2 features');
  expect(model.weight.value).not.toBe(weight);
});
