/**
 * Ends a run that no longer gets better, and puts the best weights back.
 */

import type { StateDict } from '@ag/nn';
import { checkOptions } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import type { Callback } from './callback.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs (or validations) without improvement that are forgiven. Default 5. */
  readonly patience?: number;
  /** Put the weights of the best epoch back at the end, also of a run that was not stopped early. Default true. */
  readonly restoreBest?: boolean;
}

/**
 * Ends the run when a metric has not improved for more than `patience` times.
 *
 * ```ts
 * fit({ …, validation, callbacks: [earlyStopping({ monitor: 'validation.accuracy', patience: 3 })] });
 * ```
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  checkOptions('earlyStopping', options, 'patience restoreBest monitor mode minimumChange');
  const { patience = 5, restoreBest = true } = options;
  if (!(Number.isInteger(patience) && patience >= 0)) {
    throw new TrainingError(`earlyStopping: patience must be a whole number from 0, got ${patience}`, {
      code: 'option',
    });
  }
  const monitor = new Monitor(options, 'earlyStopping');
  let bad = 0;
  let weights: StateDict | null = null;
  return {
    name: 'earlyStopping',
    on(event, { model, stop }) {
      const value = monitor.read(event);
      if (value === null) return;
      if (monitor.improves(value)) {
        bad = 0;
        if (restoreBest) weights = model.stateDict();
      } else if (++bad > patience) stop('earlyStopping');
    },
    finish(end, { model }) {
      if (weights && end.reason !== 'aborted') model.loadStateDict(weights);
    },
    state: () => ({ data: { best: monitor.best, bad }, ...(weights && { tensors: weights }) }),
    loadState({ data, tensors }) {
      const state = data as { best: number | null; bad: number };
      monitor.best = state.best;
      bad = state.bad;
      if (tensors && Object.keys(tensors).length > 0) weights = tensors;
    },
  };
}
