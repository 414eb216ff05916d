/** Prints the machine and the tables: with NumPy and the goals, with other libraries. */
import { cpus, loadavg, totalmem } from 'node:os';
import type { Measurement } from '../measuring/measure.ts';
import type { Engine } from '../participants/engines.ts';
import { goalOf, reports } from './goals.ts';
import { peerRows } from './peerReport.ts';
import { format, table } from './table.ts';

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
  /** The Node that runs them. */
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
  const own = engines.filter(({ kind }) => kind === 'ag');
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: [...new Set(own.map(({ version }) => version))].join(' and '),
    flags: [
      ...new Set(own.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith('--experimental')))),
    ],
    numpy: engines.find(({ kind }) => kind === 'numpy')?.version ?? null,
    peers: [...new Set(engines.filter(({ kind }) => kind === 'peer').map(({ version }) => version))],
    peerNode,
    data,
    load: loadavg()[0],
    statistic,
  };
}

/** What a table must say of where it was made. */
export function machineLine(machine: Machine): string {
  const { date, processor, cores, memory, node, flags, numpy, peers, peerNode, data, load, statistic } =
    machine;
  return [
    date,
    `${processor}, ${cores} cores, ${memory}`,
    ['Node', node, ...flags].join(' '),
    ...(numpy === null ? [] : [`NumPy ${numpy}`]),
    ...peers,
    ...(peerNode === null || peerNode === node ? [] : [`other libraries on Node ${peerNode}`]),
    ...data,
    `load before ${load.toFixed(1)}`,
    statistic === 'cpu' ? 'processor time' : `${statistic} of the turns`,
  ].join(' · ');
}

export function printTables(machine: Machine, measurements: readonly Measurement[]): void {
  const { node, peers } = machine;
  console.log(machineLine(machine));
  const major = Number.parseInt(node.slice(1), 10);
  const timed = measurements.filter(({ workload }) => workload in reports);
  if (timed.length > 0) console.log(`\n${table(timeRows(timed, major))}`);
  if (peers.length > 0 && timed.length > 0) console.log(`\n${table(peerRows(timed))}`);
  if (timed.some(({ first }) => first !== undefined)) console.log(`\n${table(startRows(timed))}`);
  const rest = measurements.filter(({ workload }) => !(workload in reports));
  for (const { workload, case: name, engine, ms, figures } of rest) {
    const shown = Object.entries(figures ?? {}).map(([name, value]) => `${name} ${format(value)}`);
    if (workload === 'W11') shown.unshift(`cold start ${format(ms)} ms`);
    console.log(`\n${workload}, ${name}, ${engine}: ${shown.join(', ')}`);
  }
}

/** The first step of each training with `ag`, and the most memory that its process held. */
function startRows(measurements: readonly Measurement[]): string[][] {
  const rows = [['', 'case', 'participant', 'first step, ms', 'memory, MB']];
  for (const { workload, variant, engine, first, peak } of measurements) {
    if (first === undefined) continue;
    rows.push([workload, variant, engine, format(first), format((peak ?? Number.NaN) / 1e6)]);
  }
  return rows;
}

/** A row for each case and variant of ag, beside NumPy and the goal. */
function timeRows(measurements: readonly Measurement[], major: number): string[][] {
  const all = [...new Set(measurements.filter(({ kind }) => kind === 'ag').map(({ engine }) => engine))];
  const own = all.filter((engine) => !isBase(engine));
  const earlier = all.filter(isBase);
  const others = [
    ...new Set(measurements.filter(({ kind }) => kind === 'numpy').map(({ engine }) => engine)),
  ];
  const hasNumpy = others.length > 0;
  const rows = [
    [
      '',
      'case',
      'unit',
      ...own,
      ...earlier,
      ...earlier.map((engine) => `${engine} ÷ ag`),
      ...others,
      ...(hasNumpy ? ['speed ÷ NumPy', 'goal ÷ NumPy'] : []),
      'goal',
      'of the goal',
    ],
  ];
  const keys = new Set(
    measurements.filter(({ kind }) => kind === 'ag').map((m) => `${m.workload}\n${m.case}\n${m.variant}`),
  );
  for (const key of keys) {
    const [workload, name, variant] = key.split('\n') as [string, string, string];
    const { unit, higherIsBetter } = reports[workload];
    const value = (engine: string): Measurement | undefined =>
      measurements.find(
        (m) =>
          m.workload === workload &&
          m.case === name &&
          m.engine === engine &&
          (m.kind !== 'ag' || m.variant === variant),
      );
    const mine = own.map(value);
    const theirs = others.map(value);
    const before = earlier.map(value);
    const fastest = (list: readonly (Measurement | undefined)[]): number =>
      Math.min(...list.flatMap((m) => (m ? [m.ms] : [])));
    const ratio = fastest(theirs) / fastest(mine);
    const goal = goalOf(workload, variant, name, major);
    const best = mine.filter((m) => m !== undefined).sort((a, b) => a.ms - b.ms)[0];
    const reached =
      goal === null || !best ? null : higherIsBetter ? best.value / goal.value : goal.value / best.value;
    rows.push([
      workload,
      workload === 'W7' || workload === 'W8' ? name : variant,
      unit,
      ...[...mine, ...before].map((m) => format(m?.value ?? Number.NaN)),
      ...before.map((m) =>
        times((m?.ms ?? Number.NaN) / (value(m?.engine.replace('base', 'ag') ?? '')?.ms ?? Number.NaN)),
      ),
      ...theirs.map((m) => format(m?.value ?? Number.NaN)),
      ...(hasNumpy ? [times(ratio), goal ? `${goal.ratio.toFixed(2)} ×` : ''] : []),
      goal === null ? '' : format(goal.value),
      reached === null ? '' : `${Math.round(100 * reached)} %`,
    ]);
  }
  return rows;
}

/** `--base`: the project in another state. */
function isBase(engine: string): boolean {
  return engine.startsWith('base');
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)} ×` : '–';
}
