/** Loggers: lines of JSON for programs, a table for spreadsheets, a line for people. */
import { checkOptions } from '@ag/tensor/engine';
import type { EpochEvent, TrainingEvent, ValidationEvent } from '../events.ts';
import { appendTo } from '../files.ts';
import type { Callback } from './callback.ts';

/** Where lines go: a file's path (Node), or a function that takes each line without its end. */
export type LineTarget = string | ((line: string) => void | Promise<void>);

/** Options of {@link jsonlLogger}. */
export interface JsonlLoggerOptions {
  /** Which events; default all. */
  readonly events?: readonly TrainingEvent['type'][];
}

/**
 * Every event as a line of JSON. Files are appended to, in batches, and whole at ends of epochs.
 *
 * ```ts
 * fit({ …, callbacks: [jsonlLogger('run/events.jsonl')] });
 * ```
 */
export function jsonlLogger(target: LineTarget, options: JsonlLoggerOptions = {}): Callback {
  checkOptions('jsonlLogger', options, 'events');
  const write = writerTo(target);
  return {
    name: 'jsonlLogger',
    ranks: 'first',
    async on(event) {
      if (options.events && !options.events.includes(event.type)) return;
      await write(JSON.stringify(event), event.type !== 'step');
    },
  };
}

/**
 * A row for each epoch: its number, steps, rate, time, loss and metrics, those of the validation with `validation.`
 * before their names. The first row holds the names.
 */
export function csvLogger(target: LineTarget): Callback {
  const write = writerTo(target);
  let metrics: readonly string[] = [];
  let validation: ValidationEvent | null = null;
  let withHeader = true;
  const row = (event: EpochEvent): (string | number)[] => {
    const own = validation?.epoch === event.epoch ? validation : null;
    return [
      event.epoch,
      event.step,
      event.learningRate,
      event.epochSeconds,
      event.loss,
      ...metrics.map((name) => event.metrics[name] ?? ''),
      own?.loss ?? '',
      ...metrics.map((name) => own?.metrics[name] ?? ''),
    ];
  };
  return {
    name: 'csvLogger',
    ranks: 'first',
    async on(event) {
      if (event.type === 'start') {
        metrics = event.metrics;
        // A run that is continued adds rows to those there are.
        withHeader = event.epoch === 0 && event.step === 0;
      } else if (event.type === 'validation') validation = event;
      else if (event.type === 'epoch') {
        if (withHeader) {
          const names = ['loss', ...metrics];
          const fixed = ['epoch', 'step', 'learningRate', 'epochSeconds'];
          await write(
            [...fixed, ...names, ...names.map((name) => `validation.${name}`)].map(quoted).join(','),
            true,
          );
          withHeader = false;
        }
        await write(row(event).join(','), true);
      }
    },
  };
}

/**
 * A line for each epoch, by default to the console.
 *
 * ```ts
 * fit({ …, callbacks: [progress()] }); // epoch 3/10 loss 0.1234 accuracy 0.96 | validation loss 0.15 accuracy 0.95
 * ```
 */
export function progress(target: (line: string) => void = (line) => console.log(line)): Callback {
  let epochs = 0;
  let validation: ValidationEvent | null = null;
  const text = (loss: number, metrics: Readonly<Record<string, number>>): string =>
    Object.entries({ loss, ...metrics })
      .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
      .join(' ');
  return {
    name: 'progress',
    ranks: 'first',
    on(event) {
      if (event.type === 'start') epochs = event.epochs;
      else if (event.type === 'validation') validation = event;
      else if (event.type === 'epoch') {
        const own =
          validation?.epoch === event.epoch
            ? ` | validation ${text(validation.loss, validation.metrics)}`
            : '';
        target(`epoch ${event.epoch}/${epochs} ${text(event.loss, event.metrics)}${own}`);
      } else if (event.type === 'warning' || event.type === 'anomaly')
        target(`${event.type}: ${event.message}`);
    },
  };
}

/** Lines to a function, or to the end of a file; held back until `now`. */
function writerTo(target: LineTarget): (line: string, now: boolean) => Promise<void> {
  if (typeof target === 'function') return async (line) => target(line);
  let waiting = '';
  return async (line, now) => {
    waiting += `${line}\n`;
    if (!now && waiting.length < 65_536) return;
    const text = waiting;
    waiting = '';
    await appendTo(target, text);
  };
}

function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
