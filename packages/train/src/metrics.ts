/**
 * Losses and metrics of many batches, averaged by the number of examples. They are read together with the plan that
 * computed them; a smaller last batch counts less.
 */
import type { MetricStream } from '@ag/nn';
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
  /** The sums of metrics that are streams; none in checkpoints of former versions. */
  sums?: Record<string, number[]>;
}

/** What a batch gave beside its loss: metrics by name, and the sums of those that are streams, divided by the number of examples. */
export interface BatchMetrics {
  readonly metrics: Metrics;
  readonly sums: Readonly<Record<string, readonly number[]>>;
}

/** Streams by the names of metrics. */
export type Streams = ReadonlyMap<string, MetricStream<never, never>>;

export function emptyTotals(names: readonly string[], streams: Streams): Totals {
  const sums = [...streams].map(([name, { size }]) => [name, new Array<number>(size).fill(0)] as const);
  return {
    examples: 0,
    loss: 0,
    metrics: Object.fromEntries(names.map((name) => [name, 0])),
    ...(sums.length > 0 && { sums: Object.fromEntries(sums) }),
  };
}

/** Totals that go on by themselves. */
export function copyTotals(totals: Totals): Totals {
  const sums = Object.entries(totals.sums ?? {}).map(([name, list]): [string, number[]] => [name, [...list]]);
  return {
    ...totals,
    metrics: { ...totals.metrics },
    ...(sums.length > 0 && { sums: Object.fromEntries(sums) }),
  };
}

/** Adds loss and metrics of a batch. */
export function addTo(totals: Totals, examples: number, loss: number, { metrics, sums }: BatchMetrics): void {
  totals.examples += examples;
  totals.loss += loss * examples;
  for (const name in totals.metrics) totals.metrics[name] += metrics[name] * examples;
  for (const name of Object.keys(sums)) {
    totals.sums ??= {};
    const before = totals.sums[name];
    totals.sums[name] = sums[name].map((sum, i) => (before?.[i] ?? 0) + sum * examples);
  }
}

/** Means over all examples, NaN when there was none; of streams what their sums say. */
export function meansOf(totals: Totals, streams: Streams): { loss: number; metrics: Metrics } {
  const metrics: Record<string, number> = {};
  for (const name in totals.metrics) {
    const stream = streams.get(name);
    const sums = totals.sums?.[name];
    metrics[name] =
      stream && sums ? stream.value(sums) : stream ? Number.NaN : totals.metrics[name] / totals.examples;
  }
  return { loss: totals.loss / totals.examples, metrics };
}

/** The elements of tensors, computed in one plan; at once where the backend can. */
export async function readAll(tensors: readonly Tensor[]): Promise<ArrayLike<number>[]> {
  await withRoom(() => evaluate(tensors));
  const ready = tensors.flatMap((tensor) => readyValue(tensor) ?? []);
  if (ready.length === tensors.length) return ready;
  return Promise.all(tensors.map((tensor) => tensor.data()));
}
