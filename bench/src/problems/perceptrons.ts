/** W1 to W5: fully connected networks, from three neurons to half a million weights. */
import { readHouses, readImages } from '../data.ts';
import { randomAt } from '../numbers.ts';
import { constant, type Problem, random, type Values } from './problem.ts';

/** All samples at each step. */
export interface Whole extends Problem {
  readonly x: Values;
  readonly y: Values;
}

/** W1: XOR, sigmoid after both layers, the sum of squares. */
export function xor(): Whole {
  return {
    x: { data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), shape: [4, 2] },
    y: { data: Float32Array.of(0, 1, 1, 0), shape: [4, 1] },
    parameters: [random([2, 2], 11, 1), random([2], 12, 1), random([2, 1], 13, 1), random([1], 14, 1)],
    optimizer: 'sgd',
    learningRate: 0.1,
    lossAt: [0, 10, 1000, 10_000],
  };
}

/** W2: noise, sigmoid after the first of two layers without biases, the sum of squares. */
export function twoLayers(): Whole {
  return {
    x: random([64, 1000], 21, 1),
    y: random([64, 10], 22, 1),
    parameters: [random([1000, 100], 23, 0.05), random([100, 10], 24, 0.1)],
    optimizer: 'sgd',
    learningRate: 1e-4,
    lossAt: [0, 10, 100, 300],
  };
}

export interface Houses extends Problem {
  readonly batchSize: number;
  readonly features: number;
  /** The data set: features [count, 13] and prices [count, 1]. */
  readonly x: Values;
  readonly y: Values;
  /** The rows of a step's batch: what was drawn at random. */
  readonly rows: (step: number) => Int32Array<ArrayBuffer>;
  /** Their features [16, 13] and prices [16, 1]. */
  readonly batch: (step: number) => [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
}

/** Steps after which the same draws come again. */
const draws = 4096;

/** W3: Boston housing, 13-10-1 with sigmoid, the mean of squares, batches drawn at random. */
export function houses(folder: string): Houses {
  const batchSize = 16;
  const features = 13;
  const { x, y } = readHouses(folder);
  const drawn = Int32Array.from({ length: draws * batchSize }, (_, i) =>
    Math.floor(randomAt(77, i) * y.length),
  );
  return {
    batchSize,
    features,
    x: { data: x, shape: [y.length, features] },
    y: { data: y, shape: [y.length, 1] },
    rows: (step) => {
      const start = (step % draws) * batchSize;
      return drawn.subarray(start, start + batchSize);
    },
    batch: (step) => {
      const inputs = new Float32Array(batchSize * features);
      const targets = new Float32Array(batchSize);
      const start = (step % draws) * batchSize;
      for (let i = 0; i < batchSize; i++) {
        const row = drawn[start + i];
        for (let j = 0; j < features; j++) inputs[i * features + j] = x[row * features + j];
        targets[i] = y[row];
      }
      return [inputs, targets];
    },
    parameters: [
      random([13, 10], 31, 13 ** -0.5),
      random([10], 32, 13 ** -0.5),
      random([10, 1], 33, 10 ** -0.5),
      random([1], 34, 10 ** -0.5),
    ],
    optimizer: 'sgd',
    learningRate: 1e-2,
    lossAt: [0, 10, 100, 1000],
  };
}

export interface Digits extends Problem {
  readonly batchSize: number;
  /** The data set: pixels [60000, 784] and labels [60000]. */
  readonly x: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
  /** Where a step's batch begins: batches are taken in their order. */
  readonly start: (step: number) => number;
  /** Views of the data set: pixels [batch, 784] and labels [batch]. */
  readonly batch: (step: number) => [Float32Array<ArrayBuffer>, Int32Array<ArrayBuffer>];
}

export interface Perceptron extends Digits {
  /** After each layer but the last, whose softmax is part of the cross-entropy. */
  readonly activation: 'sigmoid' | 'relu';
}

/** W4. */
export function smallPerceptron(folder: string): Perceptron {
  return {
    ...digits(folder, 100),
    parameters: layers([784, 50, 100, 10], 41),
    activation: 'sigmoid',
    optimizer: 'sgd',
    learningRate: 0.1,
    lossAt: [0, 10, 100, 300],
  };
}

/** W5. */
export function largePerceptron(folder: string): Perceptron {
  return {
    ...digits(folder, 128),
    parameters: layers([784, 512, 256, 10], 51),
    activation: 'relu',
    optimizer: 'adam',
    learningRate: 1e-3,
    lossAt: [0, 10, 30],
  };
}

/** W11: as in minimal.ts. */
export function firstStep(): Omit<Perceptron, 'x' | 'labels' | 'start'> {
  return {
    batchSize: 32,
    batch: () => [new Float32Array(32 * 784).fill(0.1), new Int32Array(32).fill(3)],
    parameters: layers([784, 128, 10], 1),
    activation: 'relu',
    optimizer: 'adam',
    learningRate: 1e-3,
    lossAt: [0],
  };
}

/** Batches of MNIST, all of one size: what is left over at the end of an epoch is not used. */
export function digits(
  folder: string,
  batchSize: number,
): Pick<Digits, 'batchSize' | 'x' | 'labels' | 'start' | 'batch'> {
  const { x, labels } = readImages(folder);
  const pixels = x.length / labels.length;
  const batches = Math.floor(labels.length / batchSize);
  const start = (step: number): number => (step % batches) * batchSize;
  return {
    batchSize,
    x,
    labels,
    start,
    batch: (step) => {
      const first = start(step);
      const end = first + batchSize;
      return [x.subarray(first * pixels, end * pixels), labels.subarray(first, end)];
    },
  };
}

/** A weight [in, out] from the next seed, and a bias of zeros, for each layer. */
function layers(sizes: readonly number[], seed: number): Values[] {
  return sizes
    .slice(1)
    .flatMap((outputs, i) => [random([sizes[i], outputs], seed + i, sizes[i] ** -0.5), constant([outputs])]);
}
