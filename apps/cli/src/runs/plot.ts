/** `agrad runs plot`: curves of one run or of several over each other, in the terminal or as a picture. */
import { eventVersion, writeAtomically } from '@ag/train';
import type { RunsPlotOptions } from '../commands/runs.ts';
import { type Curve, drawCurves } from '../drawing/curves.ts';
import { exitCodes, Failure } from '../failure.ts';
import { formatNumber, isShare, words } from '../numbers.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { pageText } from '../text.ts';
import { curvesOf, type Run, readRun } from './history.ts';

/** Runs the command; answers the exit code. */
export async function plotRuns(options: RunsPlotOptions, terminal: Terminal): Promise<number> {
  const { positional: folders, out } = options;
  if (out !== undefined && !/\.(svg|html?)$/i.test(out)) {
    throw new Failure('usage', `--out ${out}: expected a file that ends in .svg or .html`);
  }
  const runs = folders.map(readRun);
  const by = options.by ?? (runs.some((run) => run.epochs.length > 1) ? 'epoch' : 'step');
  const name = metricName(runs, options.metric);
  const curves = curvesOf(runs, name, by);
  if (out === undefined) {
    const width = Math.min(100, terminal.outColumns - 1);
    const plot = drawCurves(curves, {
      title: words(name),
      xLabel: by,
      width,
      height: 16,
      colors: terminal.out,
      key: true,
      ...(isShare(name) && { format: (value: number) => `${formatNumber(100 * value)} %` }),
    });
    terminal.print(...plot);
  } else {
    await writeAtomically(
      out,
      /\.svg$/i.test(out)
        ? pageText(await picture(curves, name, by))
        : (await import('../report/comparison.ts')).comparisonPage(runs),
    );
    terminal.note(`written to ${out}`);
  }
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'runs plot',
    metric: name,
    by,
    curves,
    ...(out !== undefined && { path: out }),
  });
  return exitCodes.done;
}

/** @throws Failure `usage` when no run has such a metric */
function metricName(runs: readonly Run[], wanted: string): string {
  const names = [
    'loss',
    'learningRate',
    ...new Set(runs.flatMap(({ epochs }) => Object.keys(epochs[0]?.metrics ?? {}))),
  ];
  const found = names.find((name) => name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  throw new Failure(
    'usage',
    `--metric ${wanted}: the runs have no such metric`,
    didYouMean(wanted, names, 'Metrics'),
  );
}

async function picture(curves: readonly Curve[], name: string, by: string): Promise<string> {
  const { lineChart } = await import('@ag/viz');
  const positive = curves.every(({ y }) => y.every((value) => value > 0));
  return lineChart(curves, {
    title: words(name),
    xLabel: by,
    ...(name === 'loss' && positive && { yScale: 'log' as const }),
    ...(isShare(name) && { yFormat: 'percent' as const }),
  });
}
