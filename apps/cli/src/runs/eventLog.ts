/**
 * The events of a run as lines of JSON in `events.jsonl`. A line may be cut off when the program is killed; readers
 * leave such a line out, and a run that is continued takes back what happened after its checkpoint.
 */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { type Callback, type eventVersion, type TrainingEvent, writeAtomically } from '@ag/train';
import { readText } from '../readJson.ts';

/** Steps that are written of a run, at most; more are thinned evenly. */
const mostSteps = 2000;

/**
 * Writes each event as it happens, before a checkpoint can be written that comes after it: so whatever checkpoint a run is
 * continued from, the log reaches as far.
 *
 * @param steps of the whole run, by which steps are thinned
 */
export function eventLog(path: string, steps: number): Callback {
  const every = Math.max(1, Math.ceil(steps / mostSteps));
  let file: number | null = null;
  return {
    name: 'eventLog',
    on(event) {
      if (event.type === 'step' && event.step % every !== 0) return;
      file ??= openSync(path, 'a');
      try {
        writeSync(file, `${JSON.stringify(event)}\n`);
      } catch (error) {
        // A full disk does not say which file.
        throw Object.assign(error as Error, { path });
      }
      if (event.type !== 'end') return;
      closeSync(file);
      file = null;
    },
  };
}

/** What failed, as the last line of a log says it. */
export interface FailedEvent {
  readonly v: typeof eventVersion;
  readonly type: 'error';
  readonly kind: string;
  readonly exitCode: number;
  readonly message: string;
  readonly seconds: number;
}

/** JSON has no NaN, and numbers that are not finite were written as null. */
function notFinite(this: unknown, name: string, value: unknown): unknown {
  if (name === 'loss') return value ?? Number.NaN;
  if (name !== 'metrics' || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([metric, number]) => [metric, number ?? Number.NaN]));
}

/** How good the weights are that a run ended with, on its test data: after the last `end`. */
export interface TestedEvent {
  readonly v: typeof eventVersion;
  readonly type: 'test';
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly examples: number;
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
}

/** What stands in a log. */
export type LoggedEvent = TrainingEvent | FailedEvent | TestedEvent;

/** The events of a run; lines that are not whole are left out. */
export function readEvents(path: string): LoggedEvent[] {
  if (!existsSync(path)) return [];
  return readText(path)
    .split('\n')
    .flatMap((line) => {
      try {
        const event = JSON.parse(line, notFinite) as LoggedEvent;
        return typeof event?.type === 'string' ? [event] : [];
      } catch {
        return [];
      }
    });
}

/** The same events with their seconds counted from the run's first beginning, whatever often it was continued. */
export function overAllParts<Event extends LoggedEvent>(events: readonly Event[]): Event[] {
  let before = 0;
  let last = 0;
  return events.map((event) => {
    if (event.type === 'start') before = last;
    last = before + event.seconds;
    return { ...event, seconds: last };
  });
}

/** Takes back what happened after a checkpoint. */
export async function rewindEvents(path: string, step: number, epoch: number): Promise<void> {
  const kept = readEvents(path).filter((event) => {
    if (event.type === 'epoch' || event.type === 'validation') return event.epoch <= epoch;
    return !['end', 'error', 'test'].includes(event.type) && 'step' in event && event.step <= step;
  });
  await writeAtomically(path, kept.map((event) => `${JSON.stringify(event)}\n`).join(''));
}
