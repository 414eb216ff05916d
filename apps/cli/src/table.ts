/** Tables in plain characters, as wide as they need to be. */
import Table from 'cli-table3';
import { oneLine } from './text.ts';

/** The lines of a table: rows under their headings; numbers are aligned to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const numeric = headings.map((_, column) =>
    rows.every((row) => /^[-–\d.,e+% ×:]*$/.test(row[column] ?? '')),
  );
  const result = new Table({
    head: headings.map(oneLine),
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
        'left',
        'left-mid',
      ]
        .concat(['mid', 'mid-mid', 'right', 'right-mid', 'middle'])
        .map((name) => [name, '']),
    ),
  });
  for (const row of rows) result.push(row.map(oneLine));
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
