/** W11: the time from the start of a process to its first step, and the size of a bundle. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { median } from '../numbers.ts';
import type { Engine } from '../participants/engines.ts';
import type { Measurement, Result } from './measure.ts';

const runs = 9;

export async function coldStart(folder: string, engines: readonly Engine[]): Promise<Result> {
  const engine = engines.find(({ kind }) => kind === 'ag')!;
  const minimal = join(folder, 'minimal');
  const program = join(minimal, 'minimal.js');
  const time = (args: readonly string[]): number => {
    const start = performance.now();
    execFileSync(engine.command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    return performance.now() - start;
  };
  const whole: number[] = [];
  const empty: number[] = [];
  for (let i = 0; i < runs; i++) {
    whole.push(time([program]));
    empty.push(time(['-e', '0']));
  }
  const bytes = (bundle: string, measure: (content: Buffer) => number): number =>
    readdirSync(bundle)
      .map((name) => join(bundle, name))
      .filter((file) => statSync(file).isFile())
      .reduce((sum, file) => sum + measure(readFileSync(file)), 0);
  const gzipped = (content: Buffer): number => gzipSync(content, { level: 9 }).length;
  const measurement: Measurement = {
    workload: 'W11',
    case: 'MLP, Adam, wasm',
    variant: 'cold start',
    engine: engine.name,
    kind: 'ag',
    version: engine.version,
    ms: median(whole),
    least: Math.min(...whole),
    most: Math.max(...whole),
    cpu: Number.NaN,
    value: median(whole),
    unit: 'ms',
    check: {},
    figures: {
      'node -e 0, ms': median(empty),
      'bundle bytes': bytes(minimal, ({ length }) => length),
      'bundle bytes, gzipped': bytes(minimal, gzipped),
      'the same without the reference backend': bytes(join(folder, 'selecting'), gzipped),
    },
  };
  return { measurements: [measurement], failures: [] };
}
