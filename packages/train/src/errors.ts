/** The errors of training that a program may want to tell apart. Each says what happened, where, and what to try. */

/** What went wrong, as those who throw say it. */
export type TrainingErrorKind =
  | 'nonFiniteLoss' // a loss became NaN or infinite
  | 'option' // an argument makes no sense
  | 'checkpoint' // a file is no checkpoint, is damaged, or belongs to another model
  | 'receipt'; // a file is no receipt, or what it says cannot be repeated here

/** The kinds of a `TrainingError`. @deprecated It is {@link TrainingErrorKind}; the code of an error is `'AG_…'`. */
export type TrainingErrorCode = TrainingErrorKind;

const codes = {
  nonFiniteLoss: 'AG_NON_FINITE_LOSS',
  option: 'AG_TRAINING_OPTION',
  checkpoint: 'AG_CHECKPOINT',
  receipt: 'AG_RECEIPT',
} as const;

/** Where it went wrong, as far as known. */
export interface TrainingErrorDetails {
  /** The kind, of which the error's own `code` is made. */
  readonly code: TrainingErrorKind;
  /** Optimizer steps taken, counted from 1. */
  readonly step?: number;
  /** Epoch, counted from 1. */
  readonly epoch?: number;
  /** The learning rate of that step. */
  readonly learningRate?: number;
  /** The file the error is about. */
  readonly file?: string;
  readonly cause?: unknown;
}

/**
 * Something is wrong with a training run: its options, its numbers, or a checkpoint.
 *
 * ```ts
 * try {
 *   for await (const event of fit(options)) show(event);
 * } catch (error) {
 *   if (error instanceof TrainingError && error.code === 'AG_NON_FINITE_LOSS') lowerTheRate();
 * }
 * ```
 */
export class TrainingError extends Error {
  /** Stays the same, whatever the message comes to say: see docs/errors.md. */
  readonly code: (typeof codes)[TrainingErrorKind];
  readonly kind: TrainingErrorKind;
  readonly step: number | undefined;
  readonly epoch: number | undefined;
  readonly learningRate: number | undefined;
  readonly file: string | undefined;

  constructor(message: string, details: TrainingErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TrainingError';
    this.code = codes[details.code];
    this.kind = details.code;
    this.step = details.step;
    this.epoch = details.epoch;
    this.learningRate = details.learningRate;
    this.file = details.file;
  }
}
