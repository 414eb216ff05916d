/** W11 for other libraries: milliseconds from starting a process to its first finished training step. */
import { execFileSync } from 'node:child_process';
import { median } from '../numbers.ts';
import type { Engine } from '../participants/engines.ts';
import type { Measurement, Result } from './measure.ts';

const runs = 9;

export function peerColdStart(engines: readonly Engine[]): Result {
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  for (const { name, kind, command, flags, environment, task, version } of engines) {
    // onnxruntime-web does not train.
    if (kind !== 'peer' || name.startsWith('ort')) continue;
    const argument = JSON.stringify({ ...task, workload: 'W11', variant: '', data: '' });
    const time = (): number => {
      const start = performance.now();
      execFileSync(command, [...flags, argument], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...environment },
      });
      return performance.now() - start;
    };
    try {
      const times = Array.from({ length: runs }, time);
      measurements.push({
        workload: 'W11',
        case: 'MLP, Adam',
        variant: 'cold start',
        engine: name,
        kind,
        version,
        ms: median(times),
        least: Math.min(...times),
        most: Math.max(...times),
        cpu: Number.NaN,
        value: median(times),
        unit: 'ms',
        check: {},
      });
    } catch (error) {
      failures.push(`W11, ${name}: ${(error as Error).message}`);
    }
  }
  return { measurements, failures };
}
