/** The page about a sweep: every trial a line across parallel axes, and a table, the best first. */
import { parallelCoordinates } from '@ag/viz';
import { duration, formatMetric, words } from '../numbers.ts';
import { escapeText, page, widePicture } from '../report/page.ts';
import { describeTrial, type Plan } from './plan.ts';
import { type Result, trialName } from './results.ts';
import type { Trial } from './trial.ts';

/** What the page is made of. */
export interface SweepReport {
  readonly plan: Plan;
  /** All that were decided on. */
  readonly trials: readonly Trial[];
  /** Trials that succeeded, the best first. */
  readonly ranked: readonly Trial[];
  readonly results: ReadonlyMap<number, Result>;
  /** What varied. */
  readonly names: readonly string[];
  /** Metrics on the test data. */
  readonly columns: readonly string[];
  /** The metric that decides. */
  readonly by: string;
}

/** The page, which needs nothing but itself; its links lead to the reports of the trials. */
export function sweepPage({ plan, trials, ranked, results, names, columns, by }: SweepReport): string {
  const runs = ranked.map((trial) => ({ ...trial.values, ...results.get(trial.id)!.figures }));
  const dimensions = [...names, ...columns.filter((name) => name !== by), by].map((key) => ({
    key,
    label: words(key),
    ...(isWide(runs.map((run) => Number((run as Record<string, unknown>)[key]))) && {
      scale: 'log' as const,
    }),
  }));
  const failed = trials.filter((trial) => !results.get(trial.id)?.figures);
  return page(`Sweep of ${plan.recipe}`, `${trials.length} trials; the best by ${words(by)} first`, [
    {
      title: 'Trials',
      body:
        runs.length === 0
          ? '<p>None succeeded.</p>'
          : widePicture(
              parallelCoordinates(runs, {
                dimensions,
                colorBy: by,
                id: 'sweep',
                width: Math.max(720, 150 * dimensions.length),
              }),
            ),
    },
    {
      title: 'Results',
      body: htmlTable(
        ['trial', ...names.map(words), ...columns.map(words), 'time'],
        ranked.map((trial) => {
          const result = results.get(trial.id)!;
          return [
            `<a href="${trialName({ id: trial.continues ?? trial.id })}/report.html">${trial.id}</a>`,
            ...names.map((name) => escapeText(String(trial.values[name]))),
            ...columns.map((column) => escapeText(formatMetric(column, result.figures![column]))),
            escapeText(duration(result.seconds)),
          ];
        }),
      ),
    },
    ...(failed.length === 0
      ? []
      : [
          {
            title: 'Failed',
            body: htmlTable(
              ['trial', 'settings', 'why'],
              failed.map((trial) => [
                String(trial.id),
                escapeText(describeTrial(trial)),
                escapeText(results.get(trial.id)?.message ?? ''),
              ]),
            ),
          },
        ]),
  ]);
}

/** Values over more than one power of ten and a half are better told apart on a logarithmic axis. */
function isWide(values: readonly number[]): boolean {
  return values.every((value) => value > 0) && Math.max(...values) / Math.min(...values) >= 30;
}

/** @param rows cells of HTML */
function htmlTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((text) => `<th scope="col">${escapeText(text)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
