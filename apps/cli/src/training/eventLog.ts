/**
 * The events of a run as lines of JSON in `events.jsonl`. A line may be cut off when the program is killed; readers
 * leave such a line out, and a run that is continued takes back what happened after its checkpoint.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type Callback, type TrainingEvent, writeAtomically } from '@ag/train';

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
      writeSync(file, `${JSON.stringify(event)}\n`);
      if (event.type !== 'end') return;
      closeSync(file);
      file = null;
    },
  };
}

/** The events of a run; lines that are not whole are left out. */
export function readEvents(path: string): TrainingEvent[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const event = JSON.parse(line) as TrainingEvent;
        return typeof event?.type === 'string' ? [event] : [];
      } catch {
        return [];
      }
    });
}

/** The same events with their seconds counted from the run's first beginning, whatever often it was continued. */
export function overAllParts(events: readonly TrainingEvent[]): TrainingEvent[] {
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
    return event.type !== 'end' && event.step <= step;
  });
  await writeAtomically(path, kept.map((event) => `${JSON.stringify(event)}\n`).join(''));
}
