/**
 * A training workload without a library: first weights, update rule, compared steps. The participants written in
 * JavaScript build their networks from these; `peers/numpy_peer.py` repeats them.
 */
import { randomArray } from '../numbers.ts';

/** Numbers in row-major order. */
export interface Values {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

export interface Problem {
  /** First values of the parameters, in the order in which the network uses them. */
  readonly parameters: readonly Values[];
  readonly optimizer: 'sgd' | 'adam';
  readonly learningRate: number;
  /** Steps whose loss is compared with that of the other participants. */
  readonly lossAt: readonly number[];
}

/** The names of the cases, which must be known before a problem is made. */
export const caseNames = {
  W1: '2-2-1',
  W2: '64×1000-100-10',
  W3: '13-10-1',
  W4: '784-50-100-10',
  W5: '784-512-256-10',
  W6: 'conv 5×5×16, conv 5×5×32, dense',
  W9: 'd 128, 4 layers, 4 heads, 8×64 tokens',
  W10: 'W4, 2000 steps',
} as const;

/** Values of the counter generator between −scale and scale. */
export function random(shape: readonly number[], seed: number, scale: number): Values {
  return { data: randomArray(seed, sizeOf(shape), scale), shape };
}

export function constant(shape: readonly number[], value = 0): Values {
  return { data: new Float32Array(sizeOf(shape)).fill(value), shape };
}

/** [count] labels → [count, classes], for libraries whose cross-entropy wants it. */
export function oneHot(labels: Int32Array, classes: number): Values {
  const data = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    data[i * classes + label] = 1;
  });
  return { data, shape: [labels.length, classes] };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
