/**
 * Tells a schedule how training goes. Schedules that depend on steps alone are given to the optimizer and need nothing.
 */
import { checkOptions } from '@ag/tensor/engine';
import type { Callback } from './callback.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';

/**
 * Reports a metric to a schedule such as `reduceOnPlateau` whenever it is known anew.
 *
 * ```ts
 * const schedule = reduceOnPlateau(1e-2, { patience: 3 });
 * const optimizer = adam(model.parameters(), { learningRate: schedule });
 * fit({ …, callbacks: [learningRateSchedule(schedule, { monitor: 'validation.loss' })] });
 * ```
 */
export function learningRateSchedule(
  schedule: { report(value: number): void },
  options: MonitorOptions = {},
): Callback {
  checkOptions('learningRateSchedule', options, 'monitor mode minimumChange');
  const monitor = new Monitor(options, 'learningRateSchedule');
  return {
    name: 'learningRateSchedule',
    on(event) {
      const value = monitor.read(event);
      if (value !== null) schedule.report(value);
    },
  };
}
