/**
 * What a page and its training service say to each other. Every message carries the number of its run: what a run that was
 * given up still sends belongs to nobody.
 */
import type { TrainingErrorKind } from '../errors.ts';
import type { TrainingEvent } from '../events.ts';

/** To the worker. Requests with an `id` are answered. */
export type ToService = { readonly ag: 'service'; readonly run: number } & (
  | {
      readonly to: 'open';
      readonly settings: unknown;
      /** Of the checkpoint; null keeps none. */
      readonly name: string | null;
      /** Whether a checkpoint that is there is forgotten. */
      readonly fresh: boolean;
      readonly playing: boolean;
      readonly learningRate: number | null;
    }
  | { readonly to: 'play' }
  | { readonly to: 'close' }
  | { readonly to: 'ping' }
  | { readonly to: 'rate'; readonly learningRate: number }
  | { readonly to: 'pause' | 'save' | 'weights'; readonly id: number }
  | { readonly to: 'predict'; readonly id: number; readonly input: unknown }
);

/** From the worker. */
export type FromService = { readonly ag: 'service'; readonly run: number } & (
  | { readonly from: 'pong' }
  /** It listens now, as run 0: what was sent to a script that still awaited something is lost. */
  | { readonly from: 'ready' }
  | { readonly from: 'events'; readonly events: readonly ReportedEvent[] }
  | { readonly from: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly from: 'refusal'; readonly id: number; readonly message: string; readonly code: string | null }
);

/** What the worker reports. */
export type ReportedEvent =
  | TrainingEvent
  /** A checkpoint is kept: a page that is opened again goes on from this step. */
  | { readonly type: 'saved'; readonly step: number }
  /** No checkpoint is kept, or the one that is there is not gone on with. Said once for each reason; training goes on. */
  | { readonly type: 'unsaved'; readonly message: string }
  /** The run has ended with an error. */
  | { readonly type: 'failed'; readonly message: string; readonly kind?: TrainingErrorKind };

/** What {@link trainingService} reports: what the run reports, and what the service does. */
export type ServiceEvent = { readonly run: number } & (
  | ReportedEvent
  /** The tab is hidden, or shown again. Browsers give hidden ones less time, and may end them. */
  | { readonly type: 'visibility'; readonly hidden: boolean }
  /** The worker hung or ended; another goes on from the last checkpoint. */
  | { readonly type: 'restarted'; readonly message: string }
);
