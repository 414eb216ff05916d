/** The loss around a network, against plain arithmetic on its weights. */
import { wasm } from '@ag/native-wasm';
import { reference, use } from '@ag/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeData, type NetworkRequest, type Trained, trainNetwork } from './network.ts';
import { type Slice, sliceOf, sliceResolution } from './slice.ts';

const request: NetworkRequest = {
  data: 'moons',
  hidden: 6,
  activation: 'tanh',
  optimizer: 'adam',
  learningRate: 0.03,
  steps: 60,
  seed: 1,
};

let trained: Trained;
let random: Slice;
let path: Slice;
beforeAll(async () => {
  use(await wasm({ threads: 1 }));
  trained = await trainNetwork(request);
  random = await sliceOf(trained, { directions: 'random', seed: 1 });
  path = await sliceOf(trained, { directions: 'path', seed: 1 });
}, 60_000);
afterAll(() => {
  use(reference());
});

/** Binary cross-entropy of the network 2 → h → h → 1 with given weights, written out. */
function lossWith(weights: Float64Array): number {
  const part = (name: string) => {
    const { offset, size } = trained.parameters.find((each) => each.name === name)!;
    return weights.subarray(offset, offset + size);
  };
  const layer = (number: number, input: number[], bend: (z: number) => number) =>
    Array.from(part(`${number}.bias`), (bias, i) => {
      const row = part(`${number}.weight`).subarray(i * input.length, (i + 1) * input.length);
      return bend(row.reduce((sum, w, j) => sum + w * input[j], bias));
    });
  const { x, y } = makeData(request).columns;
  let sum = 0;
  for (let i = 0; i < y.data.length; i++) {
    const hidden = layer(2, layer(0, [x.data[2 * i], x.data[2 * i + 1]], Math.tanh), Math.tanh);
    const [logit] = layer(4, hidden, (z) => z);
    sum += Math.log1p(Math.exp(y.data[i] ? -logit : logit));
  }
  return sum / y.data.length;
}

const at = ({ grid }: Slice, column: number, row: number) => grid.values[row * sliceResolution + column];
const middle = (sliceResolution - 1) / 2;
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

it('has the current loss in the middle, and the loss of moved weights elsewhere', () => {
  const last = trained.path.at(-1)!;
  for (const slice of [random, path]) {
    expect(Math.abs(at(slice, middle, middle) - lossWith(last))).toBeLessThan(1e-6);
    expect(Math.abs(at(slice, middle, middle) - trained.losses.at(-1)!)).toBeLessThan(1e-9);
    // Three quarters of the way to the right, a quarter up: half of the reach right, half of it down.
    const [column, row] = [0.75 * (sliceResolution - 1), 0.25 * (sliceResolution - 1)];
    const moved = last.map(
      (w, i) => w + 0.5 * slice.reach[0] * slice.axes[0][i] - 0.5 * slice.reach[1] * slice.axes[1][i],
    );
    expect(Math.abs(at(slice, column, row) - lossWith(moved))).toBeLessThan(1e-6);
  }
});

it('scales random directions filter by filter to the weights, and leaves biases alone', () => {
  const last = trained.path.at(-1)!;
  for (const axis of random.axes) {
    for (const { shape, offset, size } of trained.parameters) {
      const filters = shape.length === 2 ? shape[0] : 1;
      for (let f = 0; f < filters; f++) {
        const span = [offset + (f * size) / filters, offset + ((f + 1) * size) / filters] as const;
        const [mine, theirs] = [axis.subarray(...span), last.subarray(...span)];
        expect(dot(mine, mine)).toBeCloseTo(shape.length === 2 ? dot(theirs, theirs) : 0, 9);
      }
    }
  }
  expect(random.axes[0]).not.toEqual(random.axes[1]);
});

it('lays the path on its two main directions', () => {
  const [a, b] = path.axes;
  for (const [product, expected] of [
    [dot(a, a), 1],
    [dot(b, b), 1],
    [dot(a, b), 0],
  ])
    expect(product).toBeCloseTo(expected, 9);
  const last = trained.path.at(-1)!;
  for (const step of [0, 17, 60]) {
    const offset = trained.path[step].map((w, i) => w - last[i]);
    expect(path.points[step][0]).toBeCloseTo(dot(offset, a), 8);
    expect(path.points[step][1]).toBeCloseTo(dot(offset, b), 8);
  }
  // No direction is wider: power iteration on the centered places, by hand.
  const size = last.length;
  const mean = last.map((_, i) => trained.path.reduce((sum, w) => sum + w[i], 0) / trained.path.length);
  const rows = trained.path.map((w) => w.map((value, i) => value - mean[i]));
  let main = Float64Array.from({ length: size }, (_, i) => 1 + (i % 3));
  for (let round = 0; round < 60; round++) {
    const next = new Float64Array(size);
    for (const row of rows) {
      const share = dot(row, main);
      for (let i = 0; i < size; i++) next[i] += share * row[i];
    }
    const length = Math.sqrt(dot(next, next));
    main = next.map((value) => value / length);
  }
  expect(Math.abs(dot(main, a))).toBeCloseTo(1, 6);
  expect(path.explained).toBeGreaterThan(random.explained);
  expect(path.explained).toBeLessThanOrEqual(1 + 1e-12);
});
