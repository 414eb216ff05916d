/** The tables, in Markdown, so that they can be read on a terminal and pasted into a document. */
import { cpus, loadavg, totalmem } from 'node:os';
import type { Engine } from './engines.ts';
import { goalOf, reports } from './goals.ts';
import type { Measurement } from './measure.ts';

export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly node: string;
  readonly flags: readonly string[];
  readonly numpy: string | null;
  /** Other libraries with their versions. */
  readonly peers: readonly string[];
  /** The Node that runs them, if it is another. */
  readonly peerNode: string | null;
  readonly data: readonly string[];
  /** Processes that wanted a processor, on average over the minute before the start. */
  readonly load: number;
  /** What was made of the turns. */
  readonly statistic: string;
}

export function describeMachine(
  engines: readonly Engine[],
  data: readonly string[],
  statistic: string,
  peerNode: string | null,
): Machine {
  const ag = engines.find(({ kind }) => kind === 'ag')!;
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: ag.version,
    flags: ag.flags.filter((flag) => flag.startsWith('--experimental')),
    numpy: engines.find(({ kind }) => kind === 'numpy')?.version ?? null,
    peers: [...new Set(engines.filter(({ kind }) => kind === 'peer').map(({ version }) => version))],
    peerNode,
    data,
    load: loadavg()[0]!,
    statistic,
  };
}

export function printTables(machine: Machine, measurements: readonly Measurement[]): void {
  const { date, processor, cores, memory, node, flags, numpy, peers, peerNode, data, load, statistic } =
    machine;
  console.log(
    [
      date,
      `${processor}, ${cores} cores, ${memory}`,
      ['Node', node, ...flags].join(' '),
      numpy === null ? 'without NumPy' : `NumPy ${numpy}`,
      ...peers,
      ...(peerNode === null ? [] : [`other libraries on Node ${peerNode}`]),
      ...data,
      `load before ${load.toFixed(1)}`,
      statistic === 'cpu' ? 'processor time' : `${statistic} of the turns`,
    ].join(' · '),
  );
  const major = Number.parseInt(node.slice(1), 10);
  const timed = measurements.filter(({ workload }) => workload in reports);
  if (timed.length > 0) console.log(`\n${table(timeRows(timed, major))}`);
  const rest = measurements.filter(({ workload }) => !(workload in reports));
  for (const { workload, case: name, engine, ms, figures } of rest) {
    const shown = Object.entries(figures ?? {}).map(([name, value]) => `${name} ${format(value)}`);
    if (workload === 'W11') shown.unshift(`cold start ${format(ms)} ms`);
    console.log(`\n${workload}, ${name}, ${engine}: ${shown.join(', ')}`);
  }
}

/**
 * A row for each case and variant of ag, beside NumPy and the fastest of the other libraries, which are too many for a
 * column each.
 */
function timeRows(measurements: readonly Measurement[], major: number): string[][] {
  const named = (kind: Measurement['kind']): string[] => [
    ...new Set(measurements.filter((m) => m.kind === kind).map(({ engine }) => engine)),
  ];
  const own = named('ag');
  const numpy = named('numpy');
  const hasPeers = named('peer').length > 0;
  const rows = [
    [
      '',
      'case',
      'unit',
      ...own,
      ...numpy,
      ...(numpy.length > 0 ? ['speed ÷ NumPy', 'goal ÷ NumPy'] : []),
      ...(hasPeers ? ['best library', 'speed ÷ library'] : []),
      'goal',
      'of the goal',
    ],
  ];
  const keys = new Set(
    measurements.filter(({ kind }) => kind === 'ag').map((m) => `${m.workload}\n${m.case}\n${m.variant}`),
  );
  for (const key of keys) {
    const [workload, name, variant] = key.split('\n') as [string, string, string];
    const { unit, higherIsBetter } = reports[workload]!;
    const sameCase = measurements.filter((m) => m.workload === workload && m.case === name);
    const mine = sameCase.filter((m) => m.kind === 'ag' && m.variant === variant);
    const cells = (engines: readonly string[], list: readonly Measurement[]): string[] =>
      engines.map((engine) => {
        const found = list.find((m) => m.engine === engine);
        return found ? format(found.value) : '–';
      });
    const best = fastest(mine);
    const peer = fastest(sameCase.filter(({ kind }) => kind === 'peer'));
    const goal = goalOf(workload, variant, name, major);
    const reached =
      goal === null || !best ? null : higherIsBetter ? best.value / goal.value : goal.value / best.value;
    rows.push([
      workload,
      workload === 'W7' || workload === 'W8' ? name : variant,
      unit,
      ...cells(own, mine),
      ...cells(numpy, sameCase),
      ...(numpy.length > 0
        ? [
            ratio(best, fastest(sameCase.filter(({ kind }) => kind === 'numpy'))),
            goal ? `${goal.ratio.toFixed(2)} ×` : '',
          ]
        : []),
      ...(hasPeers ? [peer ? `${format(peer.value)} ${peer.engine}` : '–', ratio(best, peer)] : []),
      goal === null ? '' : format(goal.value),
      reached === null ? '' : `${Math.round(100 * reached)} %`,
    ]);
  }
  return rows;
}

function fastest(list: readonly Measurement[]): Measurement | undefined {
  return [...list].sort((a, b) => a.ms - b.ms)[0];
}

/** How many times as fast as another. */
function ratio(mine: Measurement | undefined, other: Measurement | undefined): string {
  if (!mine || !other) return '–';
  const times = other.ms / mine.ms;
  return `${times < 20 ? times.toFixed(2) : Math.round(times)} ×`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i < 3 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

/** Three digits, with thousands set apart. */
function format(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}
