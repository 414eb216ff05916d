/** A profile as tables: the parts of a step, then modules, operations and kernels, the slowest of each. */
import type { Profile } from '@ag/train';
import { bytes } from '../numbers.ts';
import { table } from '../table.ts';

/** Rows shown of each table; what is left is added up in one more. */
const most = 12;

/** The tables of a profile, no wider than `columns` where names can be cut. */
export function profileTables(profile: Profile, columns: number): string[] {
  const { steps, milliseconds, modules, operations, kernels } = profile;
  const total = milliseconds.data + milliseconds.host + milliseconds.kernels;
  const share = (part: number): string => `${(100 * part).toFixed(1)} %`;
  const parts = [
    ['data loading', milliseconds.data],
    ['graph building, reading results', milliseconds.host],
    ['kernels', milliseconds.kernels],
    ['total', total],
  ] as const;
  // Five columns of numbers beside the name.
  const room = Math.max(20, Math.min(56, columns - 46));
  const short = (name: string): string => (name.length > room ? `${name.slice(0, room - 1)}…` : name);
  const rows = (list: Profile['modules'], nameOf: (i: number) => string): string[][] => {
    const line = (name: string, of: Profile['modules']): string[] => {
      const sum = (value: (row: (typeof of)[number]) => number): number =>
        of.reduce((all, row) => all + value(row), 0);
      return [
        short(name),
        sum((row) => row.milliseconds).toFixed(3),
        share(sum((row) => row.share)),
        bytes(sum((row) => row.bytes)),
        sum((row) => row.runs).toFixed(1),
      ];
    };
    const shown = list.slice(0, list.length > most + 1 ? most : list.length);
    const rest = list.slice(shown.length);
    return [
      ...shown.map((row, i) => line(nameOf(i), [row])),
      ...(rest.length > 0 ? [line(`${rest.length} more`, rest)] : []),
    ];
  };
  const headings = (what: string): string[] => [what, 'ms', 'share', 'bytes', 'kernels'];
  const tables = [
    table(
      [`mean of ${steps} steps`, 'ms', 'share'],
      parts.map(([name, ms]) => [name, ms.toFixed(3), share(total > 0 ? ms / total : 0)]),
    ),
    table(
      headings('module'),
      rows(modules, (i) => modules[i].name),
    ),
    table(
      headings('operation'),
      rows(operations, (i) => operations[i].name),
    ),
    table(
      headings('kernel'),
      rows(kernels, (i) => kernelName(kernels[i])),
    ),
  ];
  return tables.flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}

/** What a kernel is called: its form, the sizes of its axes, its operations. */
export function kernelName({ form, sizes, name }: Profile['kernels'][number]): string {
  return [form, sizes.join('×'), name].filter((part) => part !== '').join(' ');
}
