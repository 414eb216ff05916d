/**
 * `agrad sweep`: tries many settings in worker processes, as many at a time as there are cores. What is done is kept:
 * after a kill the same command goes on, finished trials are not repeated, begun ones continue. The same command given
 * again meanwhile, on another machine with the same folder perhaps, shares the work: each trial is taken by one.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { eventVersion, writeAtomically } from '@ag/train';
import type { SweepOptions } from '../commands/sweep.ts';
import { exitCodes, Failure } from '../failure.ts';
import { endSignals, exitCodeOf, watchInterrupts } from '../interrupt.ts';
import { duration, formatMetric, formatMetrics, words } from '../numbers.ts';
import { quote } from '../quote.ts';
import { parseChange, recipeFor } from '../recipes/index.ts';
import type { ParameterValue } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { type Claim, isClaim, tryClaim } from '../runs/claim.ts';
import { expectNothingElse, outputFolder, runPaths } from '../runs/folder.ts';
import { didYouMean } from '../suggest.ts';
import { table } from '../table.ts';
import { expectNoTableFlags, looksLikeTable, tableChanges } from '../tables/parameters.ts';
import type { Terminal } from '../terminal.ts';
import { argumentsOf, describeTrial, makePlan, type Plan, type Trial } from './plan.ts';
import { sweepPage } from './report.ts';
import { keepPlan, keepResult, type Result, readResult, trialName } from './results.ts';
import { createWorker, type Worker } from './workers.ts';

/** How often a trial is begun again, or continued, whose process was killed. */
const attempts = 3;

/** Runs the command; answers the exit code. */
export async function sweep(options: SweepOptions, terminal: Terminal): Promise<number> {
  const name = options.positional.join(' ') || 'digits';
  if (!looksLikeTable(name)) expectNoTableFlags(options, name);
  const recipe = await recipeFor(name, parametersOf(options));
  const plan = makePlan(looksLikeModule(name) ? name : recipe.name, options, Object.keys(recipe.parameters));
  const count = options.workers ?? availableParallelism();
  const folder = outputFolder(options.out, `sweep-${recipe.name}`);
  expectNothingElse(folder, 'sweep.json');
  await keepPlan(folder, plan);
  const results = new Map<number, Result>();
  const trials = takeTrials(folder, plan, results, (line) => terminal.note(line));
  const before = results.size > 0 ? `, ${results.size} of them done` : '';
  const workers = Array.from({ length: Math.min(count, plan.trials.length - results.size) }, createWorker);
  terminal.note(`${recipe.name}: ${plan.trials.length} trials${before}, ${count} at a time, in ${folder}`);

  const began = performance.now();
  const interrupt = watchInterrupts(() => {
    terminal.note('interrupted: stopping the running trials');
    for (const worker of workers) worker.interrupt();
  });
  const { signal } = interrupt;
  const work = async (worker: Worker): Promise<void> => {
    for (let taken = await trials(signal); taken; taken = await trials(signal)) {
      const { trial, claim } = taken;
      try {
        const result = await runTrial(folder, plan, trial, worker, signal);
        if (!result) return;
        await keepResult(folder, trial, result);
        results.set(trial.id, result);
        terminal.event({ v: eventVersion, type: 'trial', trial: trial.id, values: trial.values, ...result });
        terminal.note(
          `trial ${trial.id} (${describeTrial(trial)}): ${result.figures ? formatMetrics(result.figures) : result.message}`,
        );
      } finally {
        claim.release();
      }
    }
  };
  try {
    await Promise.all(workers.map(work));
  } finally {
    for (const worker of workers) worker.close();
    interrupt.stop();
  }
  if (signal.aborted) {
    const message = `Interrupted with ${results.size} of ${plan.trials.length} trials done. Resume with the same command and --out ${quote(folder)}.`;
    const exitCode = interrupt.exitCode ?? exitCodes.interrupted;
    terminal.note(message);
    terminal.event({ v: eventVersion, type: 'error', kind: 'interrupted', exitCode, message, run: folder });
    return exitCode;
  }
  return conclude(folder, plan, results, options.metric, (performance.now() - began) / 1000, terminal);
}

function isPath(recipe: string): boolean {
  return looksLikeModule(recipe) || looksLikeTable(recipe);
}

/** Parameters that all trials share, on which the recipe of a table depends. */
function parametersOf(options: SweepOptions): Record<string, ParameterValue> {
  const changes = options.set.map(parseChange).filter((change) => change !== null);
  return { ...Object.fromEntries(changes), ...Object.fromEntries(tableChanges(options)) };
}

/** A trial that this process has taken. */
interface TakenTrial {
  readonly trial: Trial;
  readonly claim: Claim;
}

/**
 * Hands out trials that nobody works on and nobody has done, and waits while others work on the last: if they are killed,
 * somebody has to go on. Results of others are added to `results`.
 *
 * @returns gives the next trial; null when all are done, or a signal came
 */
function takeTrials(
  folder: string,
  plan: Plan,
  results: Map<number, Result>,
  note: (line: string) => void,
): (signal: AbortSignal) => Promise<TakenTrial | null> {
  const ours = new Set<number>();
  const isDone = (trial: Trial): boolean => {
    const result = results.get(trial.id) ?? readResult(folder, trial);
    if (result) results.set(trial.id, result);
    return result !== null;
  };
  let pending = plan.trials.filter((trial) => !isDone(trial));
  let warned = false;
  const next = async (signal: AbortSignal): Promise<TakenTrial | null> => {
    while (!signal.aborted) {
      pending = pending.filter((trial) => !ours.has(trial.id) && !isDone(trial));
      if (pending.length === 0) return null;
      let who = '';
      for (const trial of pending) {
        const claim = await tryClaim(folder, trialName(trial));
        if (!isClaim(claim)) {
          who = claim.who;
          continue;
        }
        // It may have been done between the two looks.
        if (isDone(trial)) claim.release();
        else {
          ours.add(trial.id);
          return { trial, claim };
        }
      }
      if (who !== '' && !warned) {
        warned = true;
        note(`another sweep is running in this folder (${who}); waiting for its trials`);
      }
      await wait(300);
    }
    return null;
  };
  // One worker after the other: what one of them asks for none of ours is to be told that somebody has it.
  let turn: Promise<unknown> = Promise.resolve();
  return (signal) => {
    const mine = turn.then(() => next(signal));
    turn = mine.catch(() => null);
    return mine;
  };
}

/** Trains one trial, going on where an earlier process left it; null when it was interrupted. */
async function runTrial(
  folder: string,
  plan: Plan,
  trial: Trial,
  worker: Worker,
  signal: AbortSignal,
): Promise<Result | null> {
  const began = performance.now();
  const own = join(folder, trialName(trial));
  const failed = (exitCode: number, message: string): Result => ({
    exitCode,
    seconds: (performance.now() - began) / 1000,
    figures: null,
    message,
  });
  const byModule = looksLikeModule(plan.recipe) ? ['--recipe', plan.recipe] : [];
  for (let attempt = 1; attempt <= attempts; ) {
    // A run without a checkpoint begins anew.
    const task = existsSync(runPaths(own).config)
      ? ['--resume', own, ...byModule]
      : [
          ...(isPath(plan.recipe) ? [plan.recipe] : plan.recipe.split(' ')),
          ...plan.shared,
          ...argumentsOf(trial),
          '--out',
          own,
        ];
    const outcome = await worker.run(['train', ...task, '--json', '--threads', '1']);
    if (signal.aborted && outcome?.exitCode !== exitCodes.done) return null;
    if (outcome?.exitCode === exitCodes.inUse) {
      // A process of a sweep that was killed is about to end, or somebody goes on with this run by hand.
      await wait(200);
      continue;
    }
    attempt++;
    if (!outcome || isInterrupted(outcome.exitCode)) continue;
    const { exitCode, said } = outcome;
    const last = outcome.last as TrainAnswer | null;
    if (last?.type !== 'result') {
      return failed(exitCode, last?.message ?? said.trim().split('\n').at(-1) ?? 'ended without a message');
    }
    const { loss, metrics } = last.test!;
    return { ...failed(exitCode, ''), figures: { loss, ...metrics }, message: null };
  }
  return failed(exitCodes.internal, `its process was killed ${attempts} times; out of memory?`);
}

/** Whether somebody asked the process to end who was not the sweep. */
function isInterrupted(exitCode: number): boolean {
  return endSignals.some((name) => exitCodeOf(name) === exitCode);
}

/** What `agrad train --json` says last, as far as it is used here. */
interface TrainAnswer {
  readonly type: string;
  readonly message?: string;
  readonly test?: { readonly loss: number; readonly metrics: Readonly<Record<string, number>> };
}

async function conclude(
  folder: string,
  plan: Plan,
  results: ReadonlyMap<number, Result>,
  wanted: string | undefined,
  seconds: number,
  terminal: Terminal,
): Promise<number> {
  const done = plan.trials.filter((trial) => results.get(trial.id)?.figures);
  const columns = Object.keys(done[0] ? results.get(done[0].id)!.figures! : {});
  const by = wanted ?? columns.find((name) => name !== 'loss') ?? 'loss';
  if (done.length > 0 && !columns.includes(by)) {
    throw new Failure('usage', `--metric ${by}: there is no such metric`, didYouMean(by, columns, 'Metrics'));
  }
  const ranked = rank(done, results, by);
  const names = Object.keys(plan.trials[0].values);
  if (ranked.length > 0) {
    terminal.print(
      ...table(
        ['trial', ...names.map(words), ...columns.map(words), 'time'],
        ranked.map((trial) => {
          const { figures, seconds } = results.get(trial.id)!;
          return [
            String(trial.id),
            ...names.map((name) => String(trial.values[name])),
            ...columns.map((column) => formatMetric(column, figures![column])),
            duration(seconds),
          ];
        }),
      ),
    );
  }
  const failed = plan.trials.filter((trial) => !results.get(trial.id)?.figures);
  for (const trial of failed) {
    terminal.print(`trial ${trial.id} (${describeTrial(trial)}) failed: ${results.get(trial.id)?.message}`);
  }
  const [best] = ranked;
  if (best) {
    const run = join(folder, trialName(best));
    terminal.print(
      '',
      terminal.out.bold(
        `best: trial ${best.id} (${describeTrial(best)}), ${formatMetrics(results.get(best.id)!.figures!)}; run ${run}`,
      ),
    );
  }
  const report = join(folder, 'report.html');
  await writeAtomically(report, sweepPage({ plan, ranked, results, names, columns, by }));
  terminal.print(`report: ${report}`);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'sweep',
    folder,
    report,
    metric: by,
    trialSeconds: seconds,
    failed: failed.map((trial) => trial.id),
    best: best ? { trial: best.id, values: best.values, ...results.get(best.id)!.figures } : null,
    trials: plan.trials.map((trial) => ({ trial: trial.id, values: trial.values, ...results.get(trial.id) })),
  });
  return best ? exitCodes.done : exitCodes.check;
}

/** The best first; ties are broken by the loss. */
function rank(trials: readonly Trial[], results: ReadonlyMap<number, Result>, by: string): Trial[] {
  const sign = /accuracy|precision|recall|f1|r2/i.test(by) ? -1 : 1;
  const metricOf = (trial: Trial, name: string): number => results.get(trial.id)!.figures![name];
  return [...trials].sort(
    (a, b) =>
      sign * (metricOf(a, by) - metricOf(b, by)) || metricOf(a, 'loss') - metricOf(b, 'loss') || a.id - b.id,
  );
}
