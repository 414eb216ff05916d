/** The errors of training that a program may want to tell apart. Each says what happened, where, and what to try. */

/** What went wrong. */
export type TrainingErrorCode =
  | 'nonFiniteLoss' // a loss became NaN or infinite
  | 'option' // an argument makes no sense
  | 'checkpoint'; // a file is no checkpoint, is damaged, or belongs to another model

/** Where it went wrong, as far as known. */
export interface TrainingErrorDetails {
  readonly code: TrainingErrorCode;
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
 *   if (error instanceof TrainingError && error.code === 'nonFiniteLoss') lowerTheRate();
 * }
 * ```
 */
export class TrainingError extends Error {
  readonly code: TrainingErrorCode;
  readonly step: number | undefined;
  readonly epoch: number | undefined;
  readonly learningRate: number | undefined;
  readonly file: string | undefined;

  constructor(message: string, details: TrainingErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TrainingError';
    this.code = details.code;
    this.step = details.step;
    this.epoch = details.epoch;
    this.learningRate = details.learningRate;
    this.file = details.file;
  }
}
