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
import type { Part, SweepOptions } from '../commands/sweep.ts';
import { exitCodes, Failure } from '../failure.ts';
import { endSignals, exitCodeOf, watchInterrupts } from '../interrupt.ts';
import { duration, formatMetric, formatMetrics, words } from '../numbers.ts';
import { quote } from '../quote.ts';
import { parseChange, recipeFor } from '../recipes/index.ts';
import type { ParameterValue } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { expectNothingElse, outputFolder, runPaths } from '../runs/folder.ts';
import { resolveSettings } from '../settings.ts';
import { table } from '../table.ts';
import { expectNoTableFlags, looksLikeTable, tableChanges } from '../tables/parameters.ts';
import type { Terminal } from '../terminal.ts';
import { argumentsOf, describeTrial, makePlan, type Plan } from './plan.ts';
import { sweepPage } from './report.ts';
import { keepPlan, keepResult, type Result, rank, runFolder } from './results.ts';
import { searchOf } from './search/search.ts';
import type { Search, Trial } from './trial.ts';
import { readResults, takeTrials, trialsOf } from './trials.ts';
import { createWorker, type Worker } from './workers.ts';

/** How often a trial is begun again, or continued, whose process was killed. */
const attempts = 3;

/** Runs the command; answers the exit code. Of several ranks that a launcher started, the first is the one that does. */
export async function sweep(options: SweepOptions, terminal: Terminal): Promise<number> {
  const { joinRanks, serveTrials, workersOf } = await import('./ranks.ts');
  const world = await joinRanks();
  const slots = options.workers ?? Math.max(1, Math.floor(availableParallelism() / (world?.local ?? 1)));
  if (world === null) return sweepWith(options, terminal, slots, []);
  try {
    let exitCode: number = exitCodes.done;
    if (world.rank === 0) {
      const { workers, closed } = await workersOf(world);
      exitCode = await sweepWith(options, terminal, slots, workers);
      await closed;
    } else {
      // Whoever asks the job to end asks rank 0, which tells the others what to do.
      const interrupt = watchInterrupts(() => undefined);
      await serveTrials(world, slots).finally(() => interrupt.stop());
    }
    await world.finish();
    return exitCode;
  } catch (error) {
    world.abort(error);
    throw error;
  }
}

/**
 * @param slots trainings at a time in processes of this one
 * @param others workers elsewhere
 */
async function sweepWith(
  options: SweepOptions,
  terminal: Terminal,
  slots: number,
  others: readonly Worker[],
): Promise<number> {
  const name = options.positional.join(' ') || 'digits';
  if (!looksLikeTable(name)) expectNoTableFlags(options, name);
  const recipe = await recipeFor(name, parametersOf(options));
  const plan = makePlan(
    looksLikeModule(name) ? name : recipe.name,
    options,
    Object.keys(recipe.parameters),
    resolveSettings({ recipe: recipe.settings }).values.epochs,
  );
  const part = partOf(options, plan);
  const count = slots + others.length;
  const folder = outputFolder(options.out, `sweep-${recipe.name}`);
  expectNothingElse(folder, 'sweep.json');
  await keepPlan(folder, plan);
  const results = new Map<number, Result>();
  const search = searchOf(plan, results);
  readResults(folder, search, results);
  const ids = trialsOf(search, part);
  const trials = takeTrials(folder, search, ids, results, (line) => terminal.note(line));
  const done = ids.filter((id) => results.has(id)).length;
  const before = done > 0 ? `, ${done} of them done` : '';
  const own = Array.from({ length: Math.min(slots, ids.length - done) }, createWorker);
  // Turn by turn, so that few trials are spread over all machines.
  const workers = [...own, ...others];
  const which = part === null ? '' : ` of ${search.count}, part ${part.number} of ${part.of}`;
  terminal.note(`${recipe.name}: ${ids.length} trials${which}${before}, ${count} at a time, in ${folder}`);

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
    const message = `Interrupted with ${results.size} of ${search.count} trials done. Resume with the same command and --out ${quote(folder)}.`;
    const exitCode = interrupt.exitCode ?? exitCodes.interrupted;
    terminal.note(message);
    terminal.event({ v: eventVersion, type: 'error', kind: 'interrupted', exitCode, message, run: folder });
    return exitCode;
  }
  readResults(folder, search, results);
  const seconds = (performance.now() - began) / 1000;
  const open = part === null ? 0 : trialsOf(search, null).filter((id) => !results.has(id)).length;
  if (part !== null && open > 0) return concludePart(folder, part, ids, results, open, seconds, terminal);
  return conclude(folder, plan, search, results, options.metric, seconds, terminal);
}

/** @throws Failure `usage` for a part that makes no sense */
function partOf({ part, out }: SweepOptions, plan: Plan): Part | null {
  if (part === undefined) return null;
  if (out === undefined) {
    throw new Failure(
      'usage',
      `--part ${part.number}/${part.of}: give the folder that all parts share`,
      'For example: --out sweeps/mine',
    );
  }
  if (plan.search) {
    throw new Failure(
      'usage',
      `--part: with --strategy ${plan.search.strategy} trials depend on each other`,
      'Start the same command several times with the same --out instead: the processes share the trials.',
    );
  }
  return part;
}

/** What a part says at its end, while others are still to come. */
function concludePart(
  folder: string,
  part: Part,
  ids: readonly number[],
  results: ReadonlyMap<number, Result>,
  open: number,
  seconds: number,
  terminal: Terminal,
): number {
  const failed = ids.filter((id) => !results.get(id)?.figures);
  terminal.print(
    `part ${part.number} of ${part.of} is done: ${ids.length - failed.length} of its ${ids.length} trials succeeded. ` +
      `${open} of other parts are not done yet; the same command without --part does what is left and writes the report.`,
  );
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'sweep',
    folder,
    part: `${part.number}/${part.of}`,
    trialSeconds: seconds,
    failed,
    trials: ids.map((id) => ({ trial: id, ...results.get(id) })),
  });
  return ids.length > 0 && failed.length === ids.length ? exitCodes.check : exitCodes.done;
}

function isPath(recipe: string): boolean {
  return looksLikeModule(recipe) || looksLikeTable(recipe);
}

/** Parameters that all trials share, on which the recipe of a table depends. */
function parametersOf(options: SweepOptions): Record<string, ParameterValue> {
  const changes = options.set.map(parseChange).filter((change) => change !== null);
  return { ...Object.fromEntries(changes), ...Object.fromEntries(tableChanges(options)) };
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
  const own = runFolder(folder, trial);
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
      ? ['--resume', own, ...byModule, ...(trial.continues === undefined ? [] : argumentsOf(trial))]
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
  search: Search,
  results: ReadonlyMap<number, Result>,
  wanted: string | undefined,
  seconds: number,
  terminal: Terminal,
): Promise<number> {
  const all = trialsOf(search, null).flatMap((id) => {
    const trial = search.decided(id);
    return typeof trial === 'string' ? [] : [trial];
  });
  const { ranked, columns, by } = rankAll(plan, all, results, wanted);
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
  const failed = all.filter((trial) => !results.get(trial.id)?.figures);
  for (const trial of failed) {
    terminal.print(`trial ${trial.id} (${describeTrial(trial)}) failed: ${results.get(trial.id)?.message}`);
  }
  const [best] = ranked;
  if (best) {
    const run = runFolder(folder, best);
    terminal.print(
      '',
      terminal.out.bold(
        `best: trial ${best.id} (${describeTrial(best)}), ${formatMetrics(results.get(best.id)!.figures!)}; run ${run}`,
      ),
    );
  }
  const report = join(folder, 'report.html');
  await writeAtomically(report, sweepPage({ plan, trials: all, ranked, results, names, columns, by }));
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
    trials: all.map((trial) => ({ trial: trial.id, values: trial.values, ...results.get(trial.id) })),
  });
  return best ? exitCodes.done : exitCodes.check;
}

/** With halving, those that went on longer come first: results after different numbers of epochs cannot be compared. */
function rankAll(
  plan: Plan,
  all: readonly Trial[],
  results: ReadonlyMap<number, Result>,
  wanted: string | undefined,
): ReturnType<typeof rank> {
  const { ranked, ...rest } = rank(all, results, wanted);
  if (plan.search?.strategy !== 'halving') return { ranked, ...rest };
  const last = new Map<number, Trial>();
  for (const trial of all) if (results.get(trial.id)?.figures) last.set(trial.continues ?? trial.id, trial);
  const shown = ranked.filter((trial) => last.get(trial.continues ?? trial.id) === trial);
  return { ranked: shown.sort((a, b) => Number(b.values.epochs) - Number(a.values.epochs)), ...rest };
}
