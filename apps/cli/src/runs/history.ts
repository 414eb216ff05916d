/** What is known about earlier runs: their configuration, their events, and the curves made of these. */
import { existsSync } from 'node:fs';
import type { EpochEvent, TrainingEvent, ValidationEvent } from '@ag/train';
import type { Curve } from '../drawing/curves.ts';
import { formatMetrics } from '../numbers.ts';
import { holderOf } from './claim.ts';
import { type LoggedEvent, overAllParts, readEvents } from './eventLog.ts';
import { type RunConfig, readConfig, runPaths } from './folder.ts';

/**
 * How a run stands. `under way`: a process is at work on it. `interrupted`: it was asked to end. `broken off`: its process
 * is gone without a word, killed perhaps. All but `done` and `under way` can be gone on with.
 */
export type RunStatus = 'done' | 'under way' | 'interrupted' | 'failed' | 'broken off';

/** What is known about a run. */
export interface Run {
  readonly folder: string;
  readonly config: RunConfig;
  /** Seconds count over all parts of a run that was continued. */
  readonly events: readonly LoggedEvent[];
  readonly epochs: readonly EpochEvent[];
  readonly validations: readonly ValidationEvent[];
  readonly status: RunStatus;
  /** Why it failed, if it did. */
  readonly message: string | null;
  readonly seconds: number;
}

/** Reads a run. @throws Failure when it is none */
export function readRun(folder: string): Run {
  const config = readConfig(folder);
  const paths = runPaths(folder);
  const events = overAllParts(readEvents(paths.events));
  const of = <Type extends TrainingEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<TrainingEvent, { type: Type }> => event.type === type);
  const status = statusOf(folder, events);
  const last = events.at(-1);
  return {
    folder,
    config,
    events,
    epochs: of('epoch'),
    validations: of('validation'),
    status,
    message: status === 'failed' && last?.type === 'error' ? String(last.message) : null,
    seconds: events.at(-1)?.seconds ?? 0,
  };
}

function statusOf(folder: string, events: readonly LoggedEvent[]): RunStatus {
  if (holderOf(folder, 'run') !== null) return 'under way';
  // Of a run that was gone on with, the last part counts.
  const last = events.slice(
    Math.max(
      0,
      events.findLastIndex(({ type }) => type === 'start'),
    ),
  );
  if (last.at(-1)?.type === 'error') return 'failed';
  const end = last.findLast((event) => event.type === 'end');
  if (end) return end.reason === 'aborted' ? 'interrupted' : 'done';
  return last.length === 0 && existsSync(runPaths(folder).weights) ? 'done' : 'broken off';
}

/** How good the run's weights are: those that it ended with, else those of the last validation. */
function testedOf(run: Run) {
  return run.events.findLast((event) => event.type === 'test') ?? run.validations.at(-1);
}

/** Loss and metrics on the test data, for people. */
export function lastMetrics(run: Run): string {
  const last = testedOf(run);
  return last ? formatMetrics({ loss: last.loss, ...last.metrics }) : '–';
}

/** What events say about a run. */
export function summaryOf(run: Run) {
  const { folder, config, status, seconds } = run;
  const last = testedOf(run);
  return {
    run: folder,
    recipe: config.recipe,
    created: config.created,
    status,
    ...(run.message !== null && { message: run.message }),
    trainingSeconds: seconds,
    epoch: run.epochs.at(-1)?.epoch ?? 0,
    train: run.epochs.at(-1) ? { loss: run.epochs.at(-1)!.loss, metrics: run.epochs.at(-1)!.metrics } : null,
    test: last ? { loss: last.loss, metrics: last.metrics } : null,
  };
}

/** What the curves are drawn over. */
export type Axis = 'epoch' | 'step' | 'seconds';

/** One run: training beside test. Several: the test data if all have them, else training. */
export function curvesOf(runs: readonly Run[], name: string, by: Axis): Curve[] {
  const judged = name !== 'learningRate' && runs.every(({ validations }) => validations.length > 0);
  return runs.flatMap((run) => {
    const both = judged && runs.length === 1;
    const training = curveOf(run, by === 'epoch' ? 'epoch' : 'step', name, by);
    const test = judged ? curveOf(run, 'validation', name, by) : null;
    const label = (part: string): string =>
      runs.length === 1 && name === 'learningRate' ? run.folder : `${run.folder}, ${part}`;
    return [
      ...(both || !test ? [{ ...training, name: label('training') }] : []),
      ...(test ? [{ ...test, name: label('test') }] : []),
    ];
  });
}

function curveOf(run: Run, type: 'step' | 'epoch' | 'validation', name: string, by: Axis): Curve {
  const events = run.events.filter(
    (event): event is Extract<TrainingEvent, { type: typeof type }> => event.type === type,
  );
  const value = (event: (typeof events)[number]): number => {
    if (name === 'learningRate') return 'learningRate' in event ? event.learningRate : Number.NaN;
    // JSON has no NaN: what is not finite was written as null.
    return (name === 'loss' ? event.loss : metricOf(event.metrics, name)) ?? Number.NaN;
  };
  return { name: run.folder, x: events.map((event) => event[by]), y: events.map(value) };
}

function metricOf(metrics: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(metrics, name) ? metrics[name] : undefined;
}
