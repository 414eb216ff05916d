/**
 * What a callback is: it hears every event before the caller of `fit` does. It may answer by reporting events of its
 * own, by stopping the run, or by changing the model.
 */
import type { Module } from '@ag/nn';
import type { Checkpoint, StatefulCallback } from '../checkpoint.ts';
import type { EndEvent, EndReason, EventBody, TrainingEvent } from '../events.ts';
import type { FitOptimizer } from '../optimizer.ts';

/** The run as callbacks see it. */
export interface CallbackContext {
  // biome-ignore lint/suspicious/noExplicitAny: inputs and outputs of any form
  readonly model: Module<[any], any>;
  readonly optimizer: FitOptimizer;
  /** Ends the run after this step, or before the next epoch. */
  stop(reason?: EndReason): void;
  /** Reports an event, after the one being handled. */
  emit(event: EventBody): void;
  /** Everything needed to go on from here. */
  checkpoint(): Promise<Checkpoint>;
}

/** Hears the events of a run. */
export interface Callback extends StatefulCallback {
  /** Hears each event after the callbacks without this mark: what it saves then holds what they know. */
  readonly last?: boolean;
  /**
   * On which ranks of a distributed run it hears the events. What writes or shows something belongs to the 'first'; what decides or
   * changes something, such as a learning rate, must do so on 'all'. Default all.
   */
  readonly ranks?: 'all' | 'first';
  /** Called with every event, in the order of the list of callbacks. Training waits for a promise. */
  on(event: TrainingEvent, context: CallbackContext): void | Promise<void>;
  /** Called after all have heard the last event. */
  finish?(end: EndEvent, context: CallbackContext): void | Promise<void>;
}
