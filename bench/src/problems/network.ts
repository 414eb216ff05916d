/**
 * Networks as plain JSON, which the participants in `ag` and in PyTorch both build: layers, first weights, batches.
 *
 * First weights: the n-th parameter, in the order of the layers (within one: weight before bias, of a recurrent layer both
 * weights before both biases), takes stream 1000 + n of the counter generator. Those with two axes or more are even in
 * ±√(3 / inputs), where the inputs are all axes but the first; biases (those of normalization, too) in ±0.1; factors of
 * normalization are 1. `peers/torch_network.py` repeats this.
 */
import { randomAt } from '../numbers.ts';

/** What a layer is called is its name in `@ag/nn`, or close to it. */
export type Layer =
  | { readonly layer: 'linear'; readonly in: number; readonly out: number; readonly bias?: boolean }
  | {
      readonly layer: 'conv2d';
      readonly in: number;
      readonly out: number;
      readonly size: number;
      readonly stride?: number;
      readonly padding?: number;
      readonly groups?: number;
      readonly bias?: boolean;
    }
  | { readonly layer: Activation }
  | { readonly layer: 'batchNorm1d' | 'batchNorm2d'; readonly channels: number }
  | { readonly layer: 'groupNorm'; readonly groups: number; readonly channels: number }
  | { readonly layer: 'layerNorm'; readonly features: number }
  | { readonly layer: 'maxPool2d' | 'avgPool2d'; readonly size: number }
  /** [batch, channels, height, width] → [batch, channels] */
  | { readonly layer: 'spaceMean' }
  /** [batch, time, features] → [batch, features] */
  | { readonly layer: 'timeMean' | 'lastTime' }
  | { readonly layer: 'flatten' }
  | { readonly layer: 'rnn' | 'lstm' | 'gru'; readonly in: number; readonly hidden: number }
  | { readonly layer: 'embedding'; readonly count: number; readonly features: number }
  /** Adds a trained vector for each place of a sequence. */
  | { readonly layer: 'positions'; readonly length: number; readonly features: number }
  | {
      readonly layer: 'attention';
      readonly features: number;
      readonly heads: number;
      readonly causal: boolean;
      readonly bias?: boolean;
    }
  /** Adds what the body makes of its input to the input, or to what the shortcut makes of it. */
  | { readonly layer: 'residual'; readonly body: readonly Layer[]; readonly shortcut?: readonly Layer[] };

export type Activation = 'relu' | 'gelu' | 'geluTanh' | 'tanh' | 'sigmoid' | 'silu';

export interface Network {
  /** Of a batch. */
  readonly input: readonly number[];
  /** The input is tokens, whole numbers below this. */
  readonly tokens?: number;
  /** Of a batch: labels for `crossEntropy`, numbers for the others. */
  readonly target: readonly number[];
  /** Number of classes: the last axis of the outputs. */
  readonly classes?: number;
  readonly layers: readonly Layer[];
  /** 'none': inference, of which the largest output is read. */
  readonly loss: 'crossEntropy' | 'squares' | 'meanSquare' | 'none';
  readonly optimizer: 'sgd' | 'adam';
  readonly learningRate: number;
  /** Steps whose loss is compared. */
  readonly lossAt: readonly number[];
}

/** Batches after which the first comes again. */
export const differentBatches = 4;

export interface Batch {
  readonly x: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Inputs and numbers to reach are even in ±√3, variance 1. */
export function batchesOf({ input, target, tokens, classes }: Network): Batch[] {
  return Array.from({ length: differentBatches }, (_, i) => ({
    x: draw(100 + i, sizeOf(input), tokens),
    y: draw(200 + i, sizeOf(target), classes),
  }));
}

/** Whole numbers below a limit, or numbers of variance 1. */
function draw(seed: number, count: number, below: number | undefined): Batch['x'] {
  if (below === undefined)
    return Float32Array.from({ length: count }, (_, i) => even(seed, i) * Math.sqrt(3));
  return Int32Array.from({ length: count }, (_, i) => Math.floor(randomAt(seed, i) * below));
}

/** The first values of parameter `n`. */
export function firstValues(n: number, shape: readonly number[], isBias: boolean): Float32Array<ArrayBuffer> {
  const count = sizeOf(shape);
  if (!isBias && shape.length === 1) return new Float32Array(count).fill(1);
  const scale = isBias ? 0.1 : Math.sqrt(3 / (count / shape[0]));
  return Float32Array.from({ length: count }, (_, i) => even(1000 + n, i) * scale);
}

/** In [−1, 1). */
function even(seed: number, position: number): number {
  return 2 * randomAt(seed, position) - 1;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
