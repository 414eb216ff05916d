/** Runs side by side: the page with their curves over each other. */
import { lineChart } from '@ag/viz';
import { words } from '../numbers.ts';
import type { Run } from '../runs/history.ts';
import { page, pictures } from './page.ts';

/** The curves of runs over each other, as a page. */
export function comparisonPage(runs: readonly Run[]): string {
  const series = (read: (run: Run) => readonly { epoch: number; y: number }[]) =>
    runs.map((run) => ({
      name: run.folder,
      x: read(run).map(({ epoch }) => epoch),
      y: read(run).map(({ y }) => y),
    }));
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.validations[0]?.metrics ?? {})))];
  return page('Comparison of runs', runs.map((run) => run.folder).join(', '), [
    {
      title: 'Loss',
      body: pictures(
        lineChart(
          series((run) => run.epochs.map(({ epoch, loss }) => ({ epoch, y: loss }))),
          { title: 'Training loss', id: 'training-loss', xLabel: 'epoch', yScale: 'log' },
        ),
        lineChart(
          series((run) => run.validations.map(({ epoch, loss }) => ({ epoch, y: loss }))),
          { title: 'Test loss', id: 'test-loss', xLabel: 'epoch', yScale: 'log' },
        ),
      ),
    },
    ...(names.length === 0
      ? []
      : [
          {
            title: 'Metrics',
            body: pictures(
              ...names.map((name) =>
                lineChart(
                  series((run) =>
                    run.validations.map(({ epoch, metrics }) => ({ epoch, y: metrics[name] ?? Number.NaN })),
                  ),
                  { title: words(name), id: `metric-${name}`, xLabel: 'epoch' },
                ),
              ),
            ),
          },
        ]),
  ]);
}
