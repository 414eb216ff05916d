/** The table of `ag` beside other libraries, each by its better number of threads. */

import type { Measurement } from '../measuring/measure.ts';
import { reports } from './goals.ts';
import { format } from './table.ts';

/** A row for each case and variant, but without data as bytes or on the device: the others copy floats at each step. */
export function peerRows(measurements: readonly Measurement[]): string[][] {
  const named = (kind: Measurement['kind']): string[] =>
    [...new Set(measurements.filter((m) => m.kind === kind).map(family))].sort();
  const columns = [...named('ag'), ...named('numpy'), ...named('peer')];
  const rows = [['', 'case', 'unit', ...columns, 'best library', 'speed of ag ÷ best']];
  const own = measurements.filter(
    ({ kind, workload, variant }) => kind === 'ag' && workload in reports && !variant.includes(', data '),
  );
  for (const key of new Set(own.map(rowOf))) {
    const [workload, name, variant] = key.split('\n') as [string, string, string];
    const same = measurements.filter(
      (m) => m.workload === workload && m.case === name && (m.kind === 'ag' ? m.variant === variant : true),
    );
    const best = fastest(same.filter(({ kind }) => kind === 'peer'));
    const mine = fastest(same.filter(({ kind }) => kind === 'ag'))!;
    rows.push([
      workload,
      workload === 'W7' || workload === 'W8' ? name : variant,
      mine.unit,
      ...columns.map((column) =>
        format(fastest(same.filter((m) => family(m) === column))?.value ?? Number.NaN),
      ),
      best ? family(best) : '–',
      best ? `${format(best.ms / mine.ms)} ×` : '–',
    ]);
  }
  return rows;
}

/** The engine without its threads. */
function family({ engine }: Measurement): string {
  return engine.replace(/ \dt\b/, '');
}

function rowOf({ workload, case: name, variant }: Measurement): string {
  return [workload, name, variant].join('\n');
}

function fastest(list: readonly Measurement[]): Measurement | undefined {
  return [...list].sort((a, b) => a.ms - b.ms)[0];
}
