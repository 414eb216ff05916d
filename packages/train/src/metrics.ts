/**
 * Losses and metrics of many batches, averaged by the number of examples. They are read together with the plan that
 * computed them; a smaller last batch counts less.
 */
import { evaluate, type Tensor } from '@ag/tensor';
import { readyValue, withRoom } from '@ag/tensor/engine';
import type { Metrics } from './events.ts';

/** A metric of predictions against targets: a scalar tensor, the mean over the batch. */
export type Metric<Output = Tensor, Y = Tensor> = (output: Output, y: Y) => Tensor;

/** Running sums: plain numbers, so that a checkpoint in mid-epoch holds them. */
export interface Totals {
  examples: number;
  loss: number;
  metrics: Record<string, number>;
}

export function emptyTotals(names: readonly string[]): Totals {
  return { examples: 0, loss: 0, metrics: Object.fromEntries(names.map((name) => [name, 0])) };
}

/** Totals that go on by themselves. */
export function copyTotals(totals: Totals): Totals {
  return { ...totals, metrics: { ...totals.metrics } };
}

/** Adds loss and metrics of a batch. */
export function addTo(totals: Totals, examples: number, loss: number, metrics: Metrics): void {
  totals.examples += examples;
  totals.loss += loss * examples;
  for (const name in totals.metrics) totals.metrics[name] += metrics[name] * examples;
}

/** Means over all examples; NaN when there was none. */
export function meansOf(totals: Totals): { loss: number; metrics: Metrics } {
  const metrics: Record<string, number> = {};
  for (const name in totals.metrics) metrics[name] = totals.metrics[name] / totals.examples;
  return { loss: totals.loss / totals.examples, metrics };
}

/** The elements of tensors, computed in one plan; at once where the backend can. */
export async function readAll(tensors: readonly Tensor[]): Promise<ArrayLike<number>[]> {
  await withRoom(() => evaluate(tensors));
  const ready = tensors.flatMap((tensor) => readyValue(tensor) ?? []);
  if (ready.length === tensors.length) return ready;
  return Promise.all(tensors.map((tensor) => tensor.data()));
}

/** The elements of scalars. */
export async function readScalars(tensors: readonly Tensor[]): Promise<number[]> {
  return (await readAll(tensors)).map((values) => values[0]);
}
