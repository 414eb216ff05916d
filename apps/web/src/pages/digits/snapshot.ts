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

/** A training image, and how far it is from a drawing: the length of the difference of their pixels. */
export interface Neighbor {
  /** 28×28 bytes. */
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly distance: number;
}

/** The first convolution at every place of a drawing, for one of its channels. */
export interface ConvolutionWindow {
  readonly channel: number;
  readonly channels: number;
  /** 5×5 weights, and what is added to the sum. */
  readonly kernel: Float32Array;
  readonly bias: number;
  /** For each of 28×28 places the 25 products of pixels and weights. */
  readonly products: Float32Array;
  /** For each place the 25 pixels that the window covers; 0 beside the image. */
  readonly patches: Float32Array;
  /** For each place the sum of its products and the bias. */
  readonly sums: Float32Array;
}

/** What learning one drawing did. */
export interface Learned {
  readonly digit: number;
  readonly steps: number;
  /** How sure the network was of the digit, and is. */
  readonly before: number;
  readonly after: number;
}

/** What the network makes of a drawing. */
export interface Reading {
  /** As the network sees it: 28×28, ink 1. */
  readonly image: Float32Array;
  readonly probabilities: readonly number[];
  /** The gradient of the answer's score with respect to each pixel. */
  readonly saliency: Float32Array;
  /** Training images that are most like it, the nearest first. */
  readonly neighbors: readonly Neighbor[];
  /** Null for a network without convolutions. */
  readonly window: ConvolutionWindow | null;
  /** Inner values: `[channels, height, width]` or `[units]`. */
  readonly stages: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array;
  }[];
}
