/** The tables beside PyTorch: milliseconds and ratios, first steps, memory; of random networks the distribution of ratios. */
import type { Measurement } from '../measuring/measure.ts';
import { format } from './table.ts';

/** The engine that others are compared with. */
const standard = 'PyTorch';

/** A row for each case: milliseconds a step, PyTorch ÷ ag, then the first step and the memory of each. */
export function torchRows(measurements: readonly Measurement[]): string[][] {
  const engines = enginesOf(measurements);
  const own = engines.filter(isOwn);
  const earlier = own.filter((engine) => engine.startsWith('base'));
  const hasTorch = engines.includes(standard);
  const rows = [
    [
      '',
      'work',
      ...engines,
      ...(hasTorch ? own.map((name) => `PyTorch ÷ ${name}`) : []),
      ...earlier.map((name) => `${name} ÷ ag`),
      'first step, ms',
      'memory, MB',
    ],
  ];
  for (const [key, found] of byCase(measurements)) {
    const of = (engine: string): Measurement | undefined => found.find((m) => m.engine === engine);
    const each = (value: (m: Measurement) => number | undefined): string =>
      engines.map((engine) => format(value(of(engine) ?? ({} as Measurement)) ?? Number.NaN)).join(' / ');
    const [workload, name] = key.split('\n') as [string, string];
    rows.push([
      workload,
      name,
      ...engines.map((engine) => format(of(engine)?.ms ?? Number.NaN)),
      ...(hasTorch ? own.map((engine) => ratio(of(standard), of(engine))) : []),
      ...earlier.map((engine) => ratio(of(engine), of(engine.replace('base', 'ag')))),
      each(({ first }) => (first === undefined ? undefined : Math.round(first * 10) / 10)),
      each(({ peak }) => (peak === undefined ? undefined : Math.round(peak / 1e6))),
    ]);
  }
  return rows;
}

/** PyTorch ÷ ag by family and engine: least, quartiles, most. */
export function distributionRows(measurements: readonly Measurement[]): string[][] {
  const rows = [['', 'PyTorch ÷', 'networks', 'least', 'first quartile', 'median', 'third quartile', 'most']];
  const ratios = ratiosOf(measurements);
  for (const engine of enginesOf(measurements).filter(isOwn)) {
    const own = ratios.filter((entry) => entry.engine === engine);
    const families = [...new Set(own.map(({ name }) => familyOf(name)))].sort();
    for (const family of ['all', ...families]) {
      const some = own
        .filter(({ name }) => family === 'all' || familyOf(name) === family)
        .map((entry) => entry.ratio)
        .sort((a, b) => a - b);
      if (some.length === 0) continue;
      rows.push([
        family,
        engine,
        String(some.length),
        ...[0, 0.25, 0.5, 0.75, 1].map((q) => quantile(some, q).toFixed(2)),
      ]);
    }
  }
  return rows;
}

/** The slowest of each engine's cases beside PyTorch. */
export function worstRows(measurements: readonly Measurement[], count = 4): string[][] {
  const rows = [['seed', 'slowest networks', 'PyTorch ÷', 'ratio', 'PyTorch, ms', 'ag, ms']];
  for (const engine of enginesOf(measurements).filter(isOwn)) {
    const worst = ratiosOf(measurements)
      .filter((entry) => entry.engine === engine)
      .sort((a, b) => a.ratio - b.ratio)
      .slice(0, count);
    for (const { name, ratio, torch, own } of worst) {
      const [seed, ...text] = name.split(' ') as [string, ...string[]];
      rows.push([seed, text.join(' '), engine, ratio.toFixed(2), format(torch), format(own)]);
    }
  }
  return rows;
}

/** Cases in which `ag` has other bits on one engine than on another; `base` may. */
export function differingBits(measurements: readonly Measurement[]): string[] {
  return [...byCase(measurements)].flatMap(([key, found]) => {
    const own = found.filter(({ kind, engine }) => kind === 'ag' && !engine.startsWith('base'));
    const other = own.find(({ check }) => JSON.stringify(check) !== JSON.stringify(own[0].check));
    return other ? [`${key.replace('\n', ', ')}: ${other.engine} and ${own[0].engine} differ in bits`] : [];
  });
}

/** Between the two nearest of the sorted values, as NumPy does it. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

interface Ratio {
  readonly name: string;
  readonly engine: string;
  readonly ratio: number;
  readonly torch: number;
  readonly own: number;
}

function ratiosOf(measurements: readonly Measurement[]): Ratio[] {
  return [...byCase(measurements).values()].flatMap((found) => {
    const torch = found.find(({ engine }) => engine === standard);
    if (!torch) return [];
    return found
      .filter(({ engine }) => isOwn(engine))
      .map(({ engine, case: name, ms }) => ({
        name,
        engine,
        ratio: torch.ms / ms,
        torch: torch.ms,
        own: ms,
      }));
  });
}

function ratio(other: Measurement | undefined, own: Measurement | undefined): string {
  return other && own ? (other.ms / own.ms).toFixed(2) : '–';
}

/** Second word of the name of a random network. */
function familyOf(name: string): string {
  return name.split(' ')[1].replace(':', '');
}

function isOwn(engine: string): boolean {
  return !engine.startsWith(standard);
}

function enginesOf(measurements: readonly Measurement[]): string[] {
  return [...new Set(measurements.map(({ engine }) => engine))];
}

function byCase(measurements: readonly Measurement[]): Map<string, Measurement[]> {
  const cases = new Map<string, Measurement[]>();
  for (const m of measurements) {
    const key = `${m.workload}\n${m.case}`;
    cases.set(key, [...(cases.get(key) ?? []), m]);
  }
  return cases;
}
