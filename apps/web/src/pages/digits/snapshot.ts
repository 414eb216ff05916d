/** How things stand with the digits, as the worker tells the page: plain data. */

/** How the network did in one epoch, and on the test images after it. */
export interface EpochMetrics {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
}

/** A test image that was taken for another class. */
export interface Mistake {
  /** 28×28 bytes. */
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly answer: number;
  /** How sure the network was of its answer. */
  readonly probability: number;
}

/** How things stand; plain data. */
export interface Snapshot {
  readonly session: number;
  readonly running: boolean;
  readonly parameters: number;
  readonly trainImages: number;
  readonly testImages: number;
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  readonly loss: number | null;
  readonly stepLosses: { readonly x: number[]; readonly y: number[] };
  readonly epochs: readonly EpochMetrics[];
  /** True class, then predicted one; null before the first epoch's end. */
  readonly confusion: readonly (readonly number[])[] | null;
  readonly mistakes: readonly Mistake[];
  readonly alert: string | null;
  /** Bytes of device memory, those of WebAssembly. */
  readonly deviceBytes: number;
  /** SHA-256 of the weights; null while they change, and where the browser computes none. */
  readonly hash: string | null;
}

/** What the network makes of a drawing. */
export interface Reading {
  /** As the network sees it: 28×28, ink 1. */
  readonly image: Float32Array;
  readonly probabilities: readonly number[];
  /** Inner values: `[channels, height, width]` or `[units]`. */
  readonly stages: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array;
  }[];
}
