/** What a report says of preprocessing, and the way back to the table's own numbers for its pictures. */
import type { Preprocessing } from '@ag/datasets';
import { formatNumber, words } from '../numbers.ts';
import type { Prepared } from '../training/assemble.ts';
import { facts, type Section } from './page.ts';

/** The way back from two scaled inputs; null unless both are numbers. */
export function numberAxes({ inputs }: Preprocessing): ((value: number) => number)[] | null {
  const axes = inputs.map((column) =>
    column.type === 'number' && !column.indicator
      ? (value: number) =>
          column.scale === undefined ? value : value * column.scale.divisor + column.scale.shift
      : null,
  );
  return axes.every((axis) => axis !== null) ? axes : null;
}

/** How the columns of a table became inputs: what fills gaps, what scales numbers, which categories there are. */
export function preprocessingSection({ task }: Prepared): Section[] {
  const { preprocessing } = task;
  if (!preprocessing) return [];
  const { inputs, ignored, target } = preprocessing;
  const scaled = (scale: { scaler: string; shift: number; divisor: number } | undefined): string =>
    scale === undefined
      ? 'as they are'
      : `${scale.scaler === 'standard' ? 'standardized' : 'scaled to 0 … 1'}: (value − ${formatNumber(scale.shift)}) / ${formatNumber(scale.divisor)}`;
  const text = (column: (typeof inputs)[number]): string => {
    const fill =
      column.fill === undefined
        ? 'a gap is an error'
        : `gaps filled with ${column.strategy === 'constant' ? '' : `${words(column.strategy ?? '')} `}${typeof column.fill === 'number' ? formatNumber(column.fill) : JSON.stringify(column.fill)}`;
    const values =
      column.type === 'category'
        ? `${column.encoder === 'oneHot' ? 'one-hot' : 'ordinal'}, ${column.categories.length} categories: ${column.categories.slice(0, 20).join(', ')}${column.categories.length > 20 ? ', …' : ''}`
        : column.type === 'text'
          ? `counts of ${column.tokens.length} words`
          : column.type === 'boolean'
            ? 'truth values'
            : `${column.type}s, ${scaled(column.scale)}`;
    return `${values}; ${fill}${column.indicator ? ', with an indicator' : ''}`;
  };
  const targets =
    target === null
      ? []
      : target.type === 'category'
        ? [[target.name, `target: ${target.classes.length} classes`] as const]
        : target.columns.map(
            ({ name, scale }) =>
              [
                name,
                `target${target.unit === undefined ? '' : ` (${target.unit})`}, ${scaled(scale)}`,
              ] as const,
          );
  return [
    {
      title: 'Preprocessing',
      body: facts([
        ...inputs.map((column) => [column.name, text(column)] as const),
        ...targets,
        ...ignored.map(({ name, reason }) => [name, `not used: ${reason}`] as const),
      ]),
    },
  ];
}
