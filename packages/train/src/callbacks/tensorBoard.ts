/**
 * Metrics as TensorBoard's own event files, which its viewer opens. A file is a sequence of records (TFRecord): eight
 * bytes of length, a masked CRC-32C of them, the content, a masked CRC-32C of it; the content is a protocol buffer of
 * the message Event (tensorflow/core/util/event.proto and framework/summary.proto).
 */
import { checkOptions } from '@ag/tensor/engine';
import { crc32c } from '../checksum.ts';
import type { TrainingEvent } from '../events.ts';
import { appendTo } from '../files.ts';
import { nodeModule, nodeProcess } from '../platform.ts';
import type { Callback } from './callback.ts';

/** Options of {@link tensorBoardLogger}. */
export interface TensorBoardLoggerOptions {
  /** Every so many steps a record of their metrics is written. Default 10; 0 writes epochs alone. */
  readonly everySteps?: number;
  /** After every epoch, how the numbers of each parameter are distributed, in 30 bins of equal width. Default false. */
  readonly histograms?: boolean;
  /** What the time of a record is taken from, in seconds since 1970; for tests. */
  readonly clock?: () => number;
}

/**
 * Writes loss, metrics, learning rate, gradient norms and shares of dead units: of steps under `step/`, of epochs under `train/` and
 * `validation/`; with `histograms`, the parameters' numbers under `parameters/`.
 *
 * ```ts
 * fit({ …, callbacks: [tensorBoardLogger('runs/one')] }); // tensorboard --logdir runs
 * ```
 *
 * @param target a folder (Node), in which a new file is begun, or a function that takes each record's bytes
 */
export function tensorBoardLogger(
  target: string | ((record: Uint8Array) => void | Promise<void>),
  options: TensorBoardLoggerOptions = {},
): Callback {
  checkOptions('tensorBoardLogger', options, 'everySteps histograms clock');
  const { everySteps = 10, histograms = false, clock = () => Date.now() / 1000 } = options;
  const write =
    typeof target === 'function' ? async (record: Uint8Array) => target(record) : fileWriter(target, clock);
  return {
    name: 'tensorBoardLogger',
    ranks: 'first',
    async on(event, { model }) {
      if (event.type === 'start') await write(record(eventMessage(clock(), 0, text(3, 'brain.Event:2'))));
      const metrics = metricsOf(event, everySteps);
      if (metrics === null || !('step' in event)) return;
      const values = Object.entries(metrics).map(([tag, value]) =>
        message(1, [...text(1, tag), ...float(2, value)]),
      );
      if (histograms && event.type === 'epoch') {
        for (const [name, { value }] of model.namedParameters())
          values.push(message(1, [...text(1, `parameters/${name}`), ...histogram(await value.data())]));
      }
      await write(record(eventMessage(clock(), event.step, message(5, values.flat()))));
    },
  };
}

function metricsOf(event: TrainingEvent, everySteps: number): Record<string, number> | null {
  const under = (prefix: string, metrics: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}/${name}`, value]));
  switch (event.type) {
    case 'step':
      if (everySteps === 0 || event.step % everySteps !== 0) return null;
      return {
        ...under('step', { loss: event.loss, ...event.metrics, learningRate: event.learningRate }),
        ...under('gradient', event.gradientNorms ?? {}),
        ...under('deadUnits', event.deadUnits ?? {}),
      };
    case 'epoch':
      return under('train', {
        loss: event.loss,
        ...event.metrics,
        examplesPerSecond: event.examplesPerSecond,
      });
    case 'validation':
      return under('validation', { loss: event.loss, ...event.metrics });
    default:
      return null;
  }
}

/** Appends to a file of its own, whose name TensorBoard recognizes. */
function fileWriter(folder: string, clock: () => number): (record: Uint8Array) => Promise<void> {
  let path: string | null = null;
  return async (record) => {
    const { mkdir } = nodeModule('node:fs/promises');
    if (path === null) {
      const { join } = nodeModule('node:path');
      const { hostname } = nodeModule('node:os');
      await mkdir(folder, { recursive: true });
      path = join(folder, `events.out.tfevents.${Math.floor(clock())}.${hostname()}.${nodeProcess().pid}`);
    }
    await appendTo(path, record);
  };
}

function eventMessage(time: number, step: number, rest: readonly number[]): Uint8Array {
  const seconds = new Uint8Array(8);
  new DataView(seconds.buffer).setFloat64(0, time, true);
  return Uint8Array.from([(1 << 3) | 1, ...seconds, 2 << 3, ...varint(step), ...rest]);
}

function record(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + content.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(content.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(content, 12);
  view.setUint32(12 + content.length, masked(crc32c(content)), true);
  return bytes;
}

/** Sums of data that hold sums are weak, so the format turns and shifts them (TFRecord's description). */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

// Protocol buffers: a field's number and kind, then its content.

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

function message(field: number, content: readonly number[]): number[] {
  return [(field << 3) | 2, ...varint(content.length), ...content];
}

function float(field: number, value: number): number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [(field << 3) | 5, ...bytes];
}

/** The field `histo` of a value: HistogramProto, with the right ends of its bins and the count in each. */
function histogram(numbers: ArrayLike<number>): number[] {
  const finite = Array.from(numbers).filter(Number.isFinite);
  const [least, most] = finite.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  // Without a width there is one bin.
  const bins = most > least ? 30 : Math.min(1, finite.length);
  const counts = new Array<number>(bins).fill(0);
  for (const x of finite)
    counts[Math.min(bins - 1, Math.floor(((x - least) / (most - least || 1)) * bins))]++;
  const ends = counts.map((_, i) => (i === bins - 1 ? most : least + ((i + 1) / bins) * (most - least)));
  const sum = finite.reduce((total, x) => total + x, 0);
  const squares = finite.reduce((total, x) => total + x * x, 0);
  const facts = finite.length === 0 ? [] : [least, most, finite.length, sum, squares];
  return message(5, [
    ...facts.flatMap((fact, i) => [((i + 1) << 3) | 1, ...doubles([fact])]),
    ...message(6, doubles(ends)),
    ...message(7, doubles(counts)),
  ]);
}

function doubles(values: readonly number[]): number[] {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => {
    view.setFloat64(8 * i, value, true);
  });
  return [...new Uint8Array(view.buffer)];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}
