/** `agrad runs compare`: runs side by side, settings that differ, final metrics, curves. */
import { eventVersion, writeAtomically } from '@ag/train';
import type { RunsCompareOptions } from '../commands/runs.ts';
import { drawCurves } from '../drawing/curves.ts';
import { exitCodes, Failure } from '../failure.ts';
import { duration, formatNumber, words } from '../numbers.ts';
import { comparisonPage } from '../report/comparison.ts';
import { settingNames } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { curvesOf, lastMetrics, readRun, summaryOf } from './history.ts';

/** Compares runs: settings that differ, final metrics, and with `out` their curves in one page. */
export async function compareRuns(options: RunsCompareOptions, terminal: Terminal): Promise<number> {
  const { positional: folders, out } = options;
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
    ['training loss', ...runs.map((run) => formatNumber(run.epochs.at(-1)?.loss ?? Number.NaN))],
    ['test', ...runs.map(lastMetrics)],
    ['time', ...runs.map((run) => duration(run.seconds))],
  ];
  terminal.print(...table(['', ...runs.map((run) => run.folder)], rows));
  if (terminal.out.isColorSupported && runs.some((run) => run.epochs.length > 1)) {
    const width = Math.min(100, terminal.outColumns - 1);
    const plot = { title: 'loss', xLabel: 'epoch', width, height: 12, colors: terminal.out };
    terminal.print('', ...drawCurves(curvesOf(runs, 'loss', 'epoch'), plot));
  }
  if (out !== undefined) {
    await writeAtomically(out, comparisonPage(runs));
    terminal.note(`curves: ${out}`);
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'runs compare',
    differing,
    runs: runs.map(summaryOf),
    ...(out !== undefined && { path: out }),
  });
  return exitCodes.done;
}
