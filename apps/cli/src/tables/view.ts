/** What a person sees of a table before and after it is learned from. */
import { eventVersion } from '@ag/train';
import { count, formatMetrics, formatNumber } from '../numbers.ts';
import type { Task } from '../recipes/recipe.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { oneLine } from '../text.ts';

/** Longer reasons are cut. */
const longest = 70;

/** Shows what the columns are taken for, and what is to be predicted, before anything is learned. */
export function showTable({ table: shown, train, validation, test }: Task, terminal: Terminal): void {
  if (!shown) return;
  const { plan, notes, preprocessing } = shown;
  const { columns, target, task, reason } = plan;
  const fitted = new Map(preprocessing.inputs.map((input) => [input.name, input]));
  terminal.progress(
    ...table(
      ['column', 'is', 'gaps', 'values', 'why'],
      columns.map(({ name, type, role, missing, distinct, reason: why }) => [
        short(name, 30),
        role === 'target'
          ? `${task === 'classification' ? 'class' : 'number'} (target)`
          : role === 'input' && fitted.has(name)
            ? type
            : `${type}: not used`,
        missing === 0 ? '' : count(missing),
        count(distinct),
        short(role === 'target' ? reason : why, longest),
      ]),
    ),
    '',
  );
  terminal.note(
    ...notes,
    `${count(train.length)} rows to train, ${count(validation?.length ?? 0)} to validate, ${count(test.length)} to test; ${preprocessing.features} inputs`,
    `predicts ${JSON.stringify(target.name)}: ${task}. A wrong guess is corrected by --columns NAME=TYPE, --task NAME.`,
  );
  terminal.event({
    v: eventVersion,
    type: 'table',
    target: target.name,
    task,
    columns: columns.map(({ name, type, role, missing, distinct, reason: why }) => ({
      name,
      type,
      role: role === 'input' && !fitted.has(name) ? 'ignored' : role,
      missing,
      distinct,
      reason: why,
    })),
    rows: { train: train.length, validation: validation?.length ?? 0, test: test.length },
    notes,
  });
}

function short(text: string, most: number): string {
  const line = oneLine(text);
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}

/** The lines beside the result: what no model at all would reach. */
export function baselineLines({ baseline }: Task, metrics: Readonly<Record<string, number>>): string[] {
  if (!baseline) return [];
  const [name, reached] = Object.entries(baseline.metrics)[0];
  const better = name === 'accuracy' ? metrics[name] > reached : metrics[name] < reached;
  return [
    `baseline (${baseline.answer}): ${formatMetrics(baseline.metrics)}`,
    ...(better
      ? []
      : [
          `the model is not better than that (${formatNumber(metrics[name])} against ${formatNumber(reached)}): the columns may say nothing about the target, or too few rows do`,
        ]),
  ];
}
