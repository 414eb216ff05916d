/**
 * Findings to take along: in a link, and as text.
 *
 * A link is written by somebody else: whatever it says is checked, and shown as text.
 */
import {
  type BenchmarkName,
  benchmarkNames,
  type Failure,
  type GroupResult,
  type Speeds,
} from './examine.ts';

export const backendIds = ['reference', 'wasm', 'webgpu'] as const;
export type BackendId = (typeof backendIds)[number];

/** What was found of one backend. */
export interface Found {
  readonly id: BackendId;
  /** Threads, or the name of the device. */
  readonly detail: string;
  readonly groups: readonly GroupResult[];
  readonly failures: readonly Omit<Failure, 'message'>[];
  readonly speeds: Speeds;
  /** Whether all tests were run. */
  readonly complete: boolean;
}

/** What was found on a device. */
export interface Findings {
  /** What the browser calls itself. */
  readonly browser: string;
  readonly cores: number;
  readonly backends: readonly Found[];
}

/** Failures that a link holds of each backend; there are as many as there are tests. */
const most = 30;

/** Form of what a link holds: arrays, so that it is short. */
type Packed = [version: 1, browser: string, cores: number, backends: unknown[]];

/** The findings as a text for an address. */
export function pack({ browser, cores, backends }: Findings): string {
  const packed: Packed = [
    1,
    browser.slice(0, 200),
    cores,
    backends.map(({ id, detail, groups, failures, speeds, complete }) => [
      id,
      detail.slice(0, 100),
      groups.map(({ name, passed, run }) => [name, passed, run]),
      failures.slice(0, most).map(({ group, operation, test }) => [group, operation, test.slice(0, 100)]),
      benchmarkNames.map((name) => (speeds[name] === undefined ? null : Number(speeds[name].toPrecision(4)))),
      complete ? 1 : 0,
    ]),
  ];
  const bytes = new TextEncoder().encode(JSON.stringify(packed));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** What `pack` made; null for anything else. */
export function unpack(text: string): Findings | null {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    const [version, browser, cores, backends] = JSON.parse(new TextDecoder().decode(bytes)) as Packed;
    if (version !== 1) return null;
    return { browser: word(browser), cores: count(cores), backends: backends.map(unpackBackend) };
  } catch {
    return null;
  }
}

function unpackBackend(packed: unknown): Found {
  const [id, detail, groups, failures, speeds, complete] = packed as unknown[][];
  const known = backendIds.find((each) => each === (id as unknown));
  if (known === undefined) throw new TypeError('no backend');
  return {
    id: known,
    detail: word(detail),
    groups: groups.map((group) => {
      const [name, passed, run] = group as unknown[];
      return { name: word(name), passed: count(passed), run: count(run) };
    }),
    failures: failures.map((failure) => {
      const [group, operation, test] = failure as unknown[];
      return { group: word(group), operation: word(operation), test: word(test) };
    }),
    speeds: Object.fromEntries(
      benchmarkNames.flatMap((name, i): (readonly [BenchmarkName, number])[] =>
        speeds[i] === null ? [] : [[name, number(speeds[i])]],
      ),
    ),
    complete: (complete as unknown) === 1,
  };
}

function word(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text');
  return value.slice(0, 200);
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new TypeError('no number');
  return value;
}

function count(value: unknown): number {
  if (!Number.isInteger(number(value))) throw new TypeError('no count');
  return value as number;
}

const units: Readonly<Record<BenchmarkName, string>> = {
  product: 'GFLOP/s in a product of 256 x 256 matrices',
  elementwise: 'million elements/s of tanh(a*b + 1)',
  training: 'training steps/s of a network 64-128-128-10',
};

/** The findings to paste into a message; in English, for whoever reads it. */
export function asText({ browser, cores, backends }: Findings): string {
  const parts = backends.map(({ id, detail, groups, failures, speeds, complete }) => {
    const passed = groups.reduce((sum, group) => sum + group.passed, 0);
    const run = groups.reduce((sum, group) => sum + group.run, 0);
    return [
      `${id} (${detail}): ${passed} of ${run} tests passed${complete ? '' : ', stopped before the end'}`,
      ...failures.map(({ group, operation, test }) => `  wrong: ${operation} (${group}: ${test})`),
      ...benchmarkNames.flatMap((name) =>
        speeds[name] === undefined ? [] : [`  ${Number(speeds[name].toPrecision(3))} ${units[name]}`],
      ),
    ].join('\n');
  });
  return [`ag on ${browser}, ${cores} cores`, ...parts].join('\n');
}
