/** How things stand in the playground, as its worker tells its page: plain data. */
import type { CurvePoints } from '../../service/worker/history.ts';
import { type Kind, type PaintedPoint, type PlaygroundConfig, paper, resolution } from './config.ts';
import type { Domain } from './data.ts';
import { features } from './features.ts';

/** One layer of neurons: what it computes over the plane, and what it computes with. */
export interface LayerSnapshot {
  readonly units: number;
  /** Outputs over the plane, `[cells, units]`, first row at the lowest y. */
  readonly outputs: Float32Array;
  /** Weights `[units][inputs]` and biases, with the gradients of the loss over all training points. */
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
  readonly weightGradients: readonly (readonly number[])[];
  readonly biasGradients: readonly number[];
  /** For the point that is looked at: weighted sums, and outputs. */
  readonly sums: readonly number[];
  readonly values: readonly number[];
}

/** An alarm of the run. */
export interface Alert {
  readonly kind: string;
  readonly step: number;
  readonly message: string;
}

/** What of a configuration the network is made by: that of the page may be ahead of it. */
export type Made = Pick<PlaygroundConfig, 'features' | 'standardize' | 'layers' | 'normalization'>;

/** How things stand; plain data. */
export interface Snapshot {
  /** Which configuration this belongs to. */
  readonly session: number;
  readonly kind: Kind;
  readonly classes: number;
  /** Whether x alone is given, and y is what is to be predicted. */
  readonly line: boolean;
  readonly made: Made;
  /** The learning rate of the next step: after going back, that of then. */
  readonly rate: number;
  readonly running: boolean;
  readonly parameters: number;
  readonly step: number;
  readonly epoch: number;
  /** The furthest step reached; those before can be gone back to. */
  readonly furthest: number;
  /** Loss of the last batch with what is added for its weights, before its step. */
  readonly loss: number | null;
  /** Loss over all training points by the weights as they are, without dropout. */
  readonly lossNow: number | null;
  /** Means of the last whole epoch, and over the test points after it. */
  readonly train: Metrics | null;
  readonly test: Metrics | null;
  /** The first hundred losses. */
  readonly losses: readonly number[];
  readonly trainCurve: CurvePoints;
  readonly testCurve: CurvePoints;
  readonly alerts: readonly Alert[];
  /** Whether the run cannot go on from here. */
  readonly failed: boolean;
  /** Bytes of device memory, those of WebAssembly. */
  readonly deviceBytes: number;
  readonly domain: Domain;
  readonly trainPoints: readonly PaintedPoint[];
  readonly testPoints: readonly PaintedPoint[];
  /** Inputs over the plane, as the network gets them: `[cells, inputs]`. */
  readonly inputs: Float32Array;
  /** The inputs of the point that is looked at. */
  readonly probe: readonly number[];
  readonly layers: readonly LayerSnapshot[];
  /** What the network answers over the plane: `[cells, outputs]`. */
  readonly answers: Float32Array;
  /** And of few training points, in their order; empty for many. */
  readonly pointAnswers: readonly (readonly number[])[];
}

export interface Metrics {
  readonly loss: number;
  readonly accuracy: number | null;
}

/** A weight, by the number of its input, or a bias (null). */
export interface Parameter extends Neuron {
  readonly input: number | null;
}

/** A neuron: its layer (0 is the first hidden one) and its place. */
export interface Neuron {
  readonly layer: number;
  readonly unit: number;
}

/** The neuron, if the network has it; else the last one, which gives the answer. */
export function neuronIn(snapshot: Snapshot | null, neuron: Neuron | null): Neuron {
  const last = { layer: (snapshot?.layers.length ?? 1) - 1, unit: 0 };
  if (!neuron || !snapshot) return last;
  return neuron.unit < (snapshot.layers[neuron.layer]?.units ?? 0) ? neuron : last;
}

/** How an input of the network is called; with a prime where it is standardized. */
export function inputName({ made: { features: ids, standardize } }: Snapshot, i: number): string {
  return `${features[ids[i]].name}${standardize ? '′' : ''}`;
}

/** How a neuron is called in formulas: h₁,₂ for the second of the first hidden layer, y for the answer. */
export function nameOf(snapshot: Snapshot, { layer, unit }: Neuron): string {
  if (layer < snapshot.layers.length - 1) return `h${subscript(layer + 1)},${subscript(unit + 1)}`;
  return snapshot.layers[layer].units > 1 ? `y${subscript(unit + 1)}` : 'y';
}

export function subscript(number: number): string {
  return [...String(number)].map((digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');
}

/** The plane before anything has been painted. */
export const emptySnapshot: Snapshot = {
  session: -1,
  kind: 'binary',
  classes: 2,
  line: false,
  made: { features: [], standardize: false, layers: [], normalization: 'none' },
  rate: 0,
  running: false,
  parameters: 0,
  step: 0,
  epoch: 0,
  furthest: 0,
  loss: null,
  lossNow: null,
  train: null,
  test: null,
  losses: [],
  trainCurve: { x: [], y: [] },
  testCurve: { x: [], y: [] },
  alerts: [],
  failed: false,
  deviceBytes: 0,
  domain: paper,
  trainPoints: [],
  testPoints: [],
  inputs: new Float32Array(0),
  probe: [],
  layers: [],
  answers: new Float32Array(resolution ** 2).fill(Number.NaN),
  pointAnswers: [],
};
