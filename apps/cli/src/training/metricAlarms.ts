/**
 * Says when a metric is no number on the test data. Training goes on, since the weights may be fine; but a mean with a NaN
 * in it is NaN, and it would stand in the report without a reason.
 */
import type { Callback } from '@ag/train';
import type { Task } from '../recipes/recipe.ts';

/** @param placeOf where a function of a recipe of the user's own is written */
export function metricAlarms(metrics: Task['metrics'], placeOf?: (part: unknown) => string | null): Callback {
  const told = new Set<string>();
  return {
    name: 'metricAlarms',
    on(event, { emit }) {
      if (event.type !== 'validation') return;
      for (const [name, value] of Object.entries(event.metrics)) {
        if (Number.isFinite(value) || told.has(name)) continue;
        told.add(name);
        const place = placeOf?.(metricAt(metrics, name));
        emit({
          type: 'warning',
          code: 'nonFiniteMetric',
          message: `the metric '${name}' is ${value} on the test data of epoch ${event.epoch}${place ? `; it is computed at ${place}` : ''}`,
          step: event.step,
        });
      }
    },
  };
}

/** The function of a metric, or of a head's metric by its path. */
function metricAt(metrics: unknown, name: string): unknown {
  return name
    .split('/')
    .reduce((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], metrics);
}
