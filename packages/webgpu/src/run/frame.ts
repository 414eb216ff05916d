/** What a run of a program is given, and what a loop in it does with that. */
import type { Recorder } from './recorder.ts';

/** Where the buffers of a run lie, and its numbers. */
export interface Frame {
  bufferOf(buffer: number): GPUBuffer;
  /** Where a bound buffer starts in that, in elements. */
  offsetOf(buffer: number): number;
  readonly scalars: Float64Array;
}

/** A loop that is a part of a program. */
export interface LoopPart {
  /** Bytes of scratch areas that its bodies use. */
  readonly scratchBytes: readonly number[];
  /** Whether a run may end later than it was called. */
  readonly needsHost: boolean;
  /** What has to be there before it can run; null when all pipelines are. */
  readonly waiting: Promise<unknown> | null;
  /** Records all steps. A promise where it has to wait for the host. */
  record(frame: Frame, recorder: Recorder): Promise<void> | undefined;
  dispose(): void;
}
