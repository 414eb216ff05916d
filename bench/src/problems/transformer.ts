/**
 * W9: a small transformer (pre-norm, causal attention, GELU by tanh) that learns to count. The next token is three
 * times the present one plus one.
 */
import { randomAt } from '../numbers.ts';
import { constant, type Problem, random, type Values } from './problem.ts';

export const width = 128;
export const layers = 4;
export const heads = 4;
export const length = 64;
export const batchSize = 8;
export const vocabulary = 256;
/** Batches after which the first comes again. */
const batches = 64;

export interface Transformer extends Problem {
  /** 0 where a position may look, −10⁹ where it may not: [64, 64]. */
  readonly mask: Values;
  /** Tokens [8 · 64], and the ones that follow. */
  readonly batch: (step: number) => [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>];
}

export function transformer(): Transformer {
  const parameters: Values[] = [];
  // The place in the list decides the seed.
  const add = (shape: readonly number[], scale: number): void =>
    void parameters.push(random(shape, 900 + parameters.length, scale));
  const addNorm = (): void => void parameters.push(constant([width], 1), constant([width], 0));
  add([vocabulary, width], 0.05);
  add([length, width], 0.05);
  for (let i = 0; i < layers; i++) {
    addNorm();
    add([width, 3 * width], 0.08);
    add([width, width], 0.08);
    addNorm();
    add([width, 4 * width], 0.08);
    parameters.push(constant([4 * width]));
    add([4 * width, width], 0.04);
    parameters.push(constant([width]));
  }
  addNorm();
  add([width, vocabulary], 0.08);
  const mask = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? -1e9 : 0,
  );
  return {
    parameters,
    mask: { data: mask, shape: [length, length] },
    batch,
    optimizer: 'adam',
    learningRate: 1e-3,
    lossAt: [0, 3, 10],
  };
}

export interface Block<T> {
  readonly gain1: T;
  readonly shift1: T;
  /** Queries, keys and values beside one another. */
  readonly attention: T;
  readonly projection: T;
  readonly gain2: T;
  readonly shift2: T;
  readonly up: T;
  readonly upBias: T;
  readonly down: T;
  readonly downBias: T;
}

/** The parameters by their role, from a list in the order of `transformer().parameters`. */
export function roles<T>(list: readonly T[]): {
  readonly tokens: T;
  readonly positions: T;
  readonly blocks: readonly Block<T>[];
  readonly gain: T;
  readonly shift: T;
  readonly head: T;
} {
  let i = 0;
  const next = (): T => list[i++]!;
  // Properties are evaluated in the order in which they stand.
  return {
    tokens: next(),
    positions: next(),
    blocks: Array.from({ length: layers }, () => ({
      gain1: next(),
      shift1: next(),
      attention: next(),
      projection: next(),
      gain2: next(),
      shift2: next(),
      up: next(),
      upBias: next(),
      down: next(),
      downBias: next(),
    })),
    gain: next(),
    shift: next(),
    head: next(),
  };
}

function batch(step: number): [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>] {
  const current = new Int32Array(batchSize * length);
  const next = new Int32Array(batchSize * length);
  for (let i = 0; i < batchSize; i++) {
    let token = Math.floor(randomAt(5, (step % batches) * batchSize + i) * vocabulary);
    for (let t = 0; t < length; t++) {
      current[i * length + t] = token;
      token = (3 * token + 1) % vocabulary;
      next[i * length + t] = token;
    }
  }
  return [current, next];
}
