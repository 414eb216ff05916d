/** `agrad runs`: what was trained before, one run closely, several side by side. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventVersion, writeAtomically } from '@ag/train';
import { drawCurves } from '../drawing/curves.ts';
import { describeFailure, exitCodes, Failure } from '../failure.ts';
import { duration, figure, metric, words } from '../numbers.ts';
import { runPaths } from './folder.ts';
import { curvesOf, type Run, readRun } from './history.ts';
import { settingNames } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { lossPlot } from '../training/display.ts';

/** Lists the runs of a folder, newest first. */
export function listRuns(options: { readonly folder?: string }, terminal: Terminal): number {
  const { runs, unreadable } = findRuns(options.folder ?? 'runs');
  for (const { folder, why } of unreadable) terminal.note(`left out ${folder}: ${why}`);
  if (runs.length === 0)
    terminal.note(`there are no runs in ${options.folder ?? 'runs'}; 'agrad train' makes one`);
  else {
    terminal.print(
      ...table(
        ['run', 'recipe', 'epochs', 'loss', 'test', 'time', 'status'],
        runs.map((run) => [
          run.folder,
          run.config.recipe,
          `${run.epochs.at(-1)?.epoch ?? 0}`,
          figure(run.epochs.at(-1)?.loss ?? Number.NaN),
          lastFigures(run),
          duration(run.seconds),
          run.status,
        ]),
      ),
    );
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'runs list',
    runs: runs.map(summary),
    unreadable: unreadable.map(({ folder, why }) => ({ run: folder, message: why })),
  });
  return exitCodes.done;
}

/** Shows one run. */
export async function showRun(folder: string, terminal: Terminal): Promise<number> {
  const run = readRun(folder);
  const { config } = run;
  terminal.print(
    `${terminal.out.bold(run.folder)}: ${config.recipe}, ${run.status}, ${duration(run.seconds)}`,
  );
  if (run.message !== null) terminal.print(`failed: ${run.message}`);
  terminal.print(`begun ${config.created}; repeat it by: ${config.command}`);
  terminal.print(`test: ${lastFigures(run)}`);
  if (run.epochs.length > 1)
    terminal.print(
      ...(await lossPlot(
        run.epochs.map((epoch) => epoch.loss),
        terminal.outColumns,
        terminal.out,
      )),
    );
  const paths = runPaths(folder);
  for (const path of [paths.report, paths.weights]) if (existsSync(path)) terminal.print(path);
  terminal.event({ v: eventVersion, type: 'result', command: 'runs show', ...summary(run), config });
  return exitCodes.done;
}

/** Compares runs: settings that differ, final figures, and with `out` their curves in one page. */
export async function compareRuns(
  folders: readonly string[],
  options: { readonly out?: string },
  terminal: Terminal,
): Promise<number> {
  if (folders.length < 2) throw new Failure('usage', 'runs compare: name at least two runs');
  const runs = folders.map(readRun);
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : JSON.stringify(value ?? null);
  const valuesOf = (name: string): string[] =>
    runs.map(({ config }) => text({ ...config.settings, ...config.parameters }[name]));
  const names = [
    ...new Set([...settingNames, ...runs.flatMap(({ config }) => Object.keys(config.parameters))]),
  ];
  const differing = names.filter((name) => new Set(valuesOf(name)).size > 1);
  const rows = [
    ['recipe', ...runs.map(({ config }) => config.recipe)],
    ...differing.map((name) => [words(name), ...valuesOf(name)]),
    ['epochs done', ...runs.map((run) => String(run.epochs.at(-1)?.epoch ?? 0))],
    ['training loss', ...runs.map((run) => figure(run.epochs.at(-1)?.loss ?? Number.NaN))],
    ['test', ...runs.map(lastFigures)],
    ['time', ...runs.map((run) => duration(run.seconds))],
  ];
  terminal.print(...table(['', ...runs.map((run) => run.folder)], rows));
  if (terminal.out.isColorSupported && runs.some((run) => run.epochs.length > 1)) {
    const width = Math.min(100, terminal.outColumns - 1);
    const plot = { title: 'loss', xLabel: 'epoch', width, height: 12, colors: terminal.out };
    terminal.print('', ...drawCurves(curvesOf(runs, 'loss', 'epoch'), plot));
  }
  if (options.out !== undefined) {
    const { comparisonPage } = await import('../report/comparison.ts');
    await writeAtomically(options.out, comparisonPage(runs));
    terminal.note(`curves: ${options.out}`);
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'runs compare',
    differing,
    runs: runs.map(summary),
    ...(options.out !== undefined && { path: options.out }),
  });
  return exitCodes.done;
}

/** The runs of a folder, and what looks like one and cannot be read. Whatever else lies there is passed over. */
function findRuns(folder: string): {
  readonly runs: readonly Run[];
  readonly unreadable: readonly { readonly folder: string; readonly why: string }[];
} {
  if (!existsSync(folder)) return { runs: [], unreadable: [] };
  const runs: Run[] = [];
  const unreadable: { folder: string; why: string }[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    try {
      // A link may lead nowhere, or a folder be closed to this user.
      const config =
        statSync(path).isDirectory() && statSync(runPaths(path).config, { throwIfNoEntry: false });
      if (config) runs.push(readRun(path));
    } catch (error) {
      if (!isNoRun(path)) unreadable.push({ folder: path, why: describeFailure(error).message });
    }
  }
  runs.sort((a, b) => (a.config.created < b.config.created ? 1 : -1));
  return { runs, unreadable };
}

/** Whether a path leads nowhere, or to no folder: nothing that would be missed in a list. */
function isNoRun(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return true;
  }
}

function lastFigures(run: Run): string {
  const last = run.validations.at(-1);
  if (!last) return '–';
  const metrics = Object.entries(last.metrics).map(
    ([name, value]) => `${words(name)} ${metric(name, value)}`,
  );
  return [`loss ${figure(last.loss)}`, ...metrics].join(', ');
}

function summary(run: Run) {
  const { folder, config, status, seconds } = run;
  const last = run.validations.at(-1);
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
