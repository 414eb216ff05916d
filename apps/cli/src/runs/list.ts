/** `agrad runs list` and `agrad runs show`: the runs of a folder, and one of them in detail. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventVersion } from '@ag/train';
import type { RunsListOptions, RunsShowOptions } from '../commands/runs.ts';
import { describeFailure, exitCodes } from '../failure.ts';
import { count, duration, formatNumber } from '../numbers.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { lossPlot } from '../training/display.ts';
import { runPaths } from './folder.ts';
import { lastMetrics, type Run, readRun, summaryOf } from './history.ts';

/** Lists the runs of a folder, newest first. */
export function listRuns({ positional }: RunsListOptions, terminal: Terminal): number {
  const [wanted = 'runs'] = positional;
  const { runs, unreadable } = findRuns(wanted);
  for (const { folder, why } of unreadable) terminal.note(`skipped ${folder}: ${why}`);
  if (runs.length === 0) terminal.note(`there are no runs in ${wanted}; 'agrad train' creates one`);
  else {
    terminal.print(
      ...table(
        ['run', 'recipe', 'epochs', 'loss', 'test', 'time', 'status'],
        runs.map((run) => [
          run.folder,
          run.config.recipe,
          `${run.epochs.at(-1)?.epoch ?? 0}`,
          formatNumber(run.epochs.at(-1)?.loss ?? Number.NaN),
          lastMetrics(run),
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
    runs: runs.map(summaryOf),
    unreadable: unreadable.map(({ folder, why }) => ({ run: folder, message: why })),
  });
  return exitCodes.done;
}

/** Shows one run. */
export async function showRun({ positional }: RunsShowOptions, terminal: Terminal): Promise<number> {
  const [folder] = positional;
  const run = readRun(folder);
  const { config } = run;
  terminal.print(
    `${terminal.out.bold(run.folder)}: ${config.recipe}, ${run.status}, ${duration(run.seconds)}`,
  );
  if (run.message !== null) terminal.print(`failed: ${run.message}`);
  terminal.print(`started ${config.created}; reproduce with: ${config.command}`);
  for (const { step, command } of config.resumed ?? []) {
    terminal.print(`resumed at step ${count(step)} by: ${command}`);
  }
  terminal.print(`test: ${lastMetrics(run)}`);
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
  terminal.event({ v: eventVersion, type: 'result', command: 'runs show', ...summaryOf(run), config });
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
