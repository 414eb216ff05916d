/**
 * How things stand in the playground, as its worker tells its page: plain data.
 */
import type { CurvePoints } from '../../service/worker/history.ts';
import type { PaintedPoint } from './config.ts';
import type { Domain, Kind } from './data.ts';

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

/** How things stand; plain data. */
export interface Snapshot {
  /** Which configuration this belongs to. */
  readonly session: number;
  readonly kind: Kind;
  readonly classes: number;
  readonly running: boolean;
  readonly parameters: number;
  readonly step: number;
  readonly epoch: number;
  /** The furthest step reached; those before can be gone back to. */
  readonly furthest: number;
  /** Loss of the last batch, before its step. */
  readonly loss: number | null;
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
  /** Inputs over the plane, as the network gets them: `[cells, 2]`. */
  readonly inputs: Float32Array;
  /** The inputs of the point that is looked at. */
  readonly probe: readonly number[];
  readonly layers: readonly LayerSnapshot[];
  /** What the network says over the plane: `[cells, outputs]`. */
  readonly answers: Float32Array;
  /** And of few training points, in their order; empty for many. */
  readonly pointAnswers: readonly (readonly number[])[];
}

export interface Metrics {
  readonly loss: number;
  readonly accuracy: number | null;
}
