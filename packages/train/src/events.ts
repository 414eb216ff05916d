/**
 * The events of a training run: plain data, versioned. They are the one contract between the loop and whatever
 * watches it, be it a progress bar, a log file, a report or a page. `JSON.stringify` of an event is a line of a log.
 */
import type { Profile } from './profile/profiler.ts';

/** Raised when a field changes its meaning or goes away; new fields and new types do not raise it. */
export const eventVersion = 1;

/** Numbers by the names of metrics: `{ accuracy: 0.97 }`. */
export type Metrics = Readonly<Record<string, number>>;

/** Numbers by name. @deprecated The former name of {@link Metrics}. */
export type Figures = Metrics;

interface Common<Type extends string> {
  /** Version of the schema. */
  readonly v: typeof eventVersion;
  readonly type: Type;
  /** Seconds since this run (or its continuation) began. */
  readonly seconds: number;
}

/** The first event. */
export interface StartEvent extends Common<'start'> {
  /** Epochs to reach in all. */
  readonly epochs: number;
  /** Batches in an epoch; null where the source of data does not say. */
  readonly batches: number | null;
  /** Trainable numbers of the model. */
  readonly parameters: number;
  /** Steps already taken by the run that is continued, else 0. */
  readonly step: number;
  /** Whole epochs already done by the run that is continued, else 0. */
  readonly epoch: number;
  /** Names of the metrics. */
  readonly metrics: readonly string[];
  /** What computes, such as `reference`. */
  readonly backend: string;
}

/** An optimizer step was taken. */
export interface StepEvent extends Common<'step'> {
  /** Optimizer steps so far, this one included. */
  readonly step: number;
  /** The epoch under way, from 1. */
  readonly epoch: number;
  /** Batches of this epoch so far, this one included. */
  readonly batch: number;
  /** Batches in an epoch; null where unknown. */
  readonly batches: number | null;
  /** The loss before this step, on its batch. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** The rate this step was taken with. */
  readonly learningRate: number;
  /** Size of each parameter's gradient by name, where it was measured. */
  readonly gradientNorms?: Metrics;
  /** Share of the units that get no gradient any more, by the name of their layer's weight, where it was measured. */
  readonly deadUnits?: Metrics;
}

/** All batches of an epoch were seen. */
export interface EpochEvent extends Common<'epoch'> {
  /** From 1. */
  readonly epoch: number;
  readonly step: number;
  /** Mean over the examples of the epoch, each as it was when its batch came by. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** The rate of the next step. */
  readonly learningRate: number;
  /** Of this epoch alone, validation not counted. */
  readonly epochSeconds: number;
  readonly examplesPerSecond: number;
}

/** The validation set was gone through. */
export interface ValidationEvent extends Common<'validation'> {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Metrics;
}

/** A checkpoint was written. */
export interface CheckpointEvent extends Common<'checkpoint'> {
  readonly epoch: number;
  readonly step: number;
  /** Where it was written to. */
  readonly path: string;
  /** Whether it holds the best weights so far. */
  readonly best: boolean;
}

/** Something the user should know, training goes on. */
export interface WarningEvent extends Common<'warning'> {
  readonly code: string;
  readonly message: string;
  readonly step: number;
}

/** Numbers are not as they should be. Training goes on unless an error follows. */
export interface AnomalyEvent extends Common<'anomaly'> {
  readonly kind:
    | 'nonFiniteLoss'
    | 'vanishingGradient'
    | 'explodingGradient'
    | 'nonFiniteGradient'
    | 'deadUnits';
  readonly message: string;
  readonly step: number;
  readonly epoch: number;
  /** The parameter concerned. */
  readonly parameter?: string;
}

/** Where the time of the steps went; before the end of a run that was profiled. */
export interface ProfileEvent extends Common<'profile'>, Profile {
  /** Whole epochs done. */
  readonly epoch: number;
  readonly step: number;
}

/** Why training ended. */
export type EndReason = 'completed' | 'earlyStopping' | 'aborted' | 'stopped';

/** The last event of a run that did not fail. */
export interface EndEvent extends Common<'end'> {
  readonly reason: EndReason;
  /** Whole epochs done. */
  readonly epoch: number;
  readonly step: number;
  /** Of the last whole epoch; null before the first. */
  readonly loss: number | null;
  readonly metrics: Metrics;
}

/** Anything that `fit` reports. */
export type TrainingEvent =
  | StartEvent
  | StepEvent
  | EpochEvent
  | ValidationEvent
  | CheckpointEvent
  | WarningEvent
  | AnomalyEvent
  | ProfileEvent
  | EndEvent;

/** An event without what the loop adds. */
export type EventBody = TrainingEvent extends infer E
  ? E extends TrainingEvent
    ? Omit<E, 'v' | 'seconds'>
    : never
  : never;
