/**
 * Saying once that the slow backend computes because none was chosen, and what to write instead.
 */
import type { Program } from '../kernel/kernel.ts';
import { warn } from '../warn.ts';

/** Steps of kernels before it is said: some seconds of the reference backend. */
const patience = 2e9;

const costs = new WeakMap<Program, number>();
let waiting = false;
let steps = 0;

/** The reference backend has become the default, since nobody chose one (`true`), or somebody has chosen one. */
export function reportSlowness(wanted: boolean): void {
  waiting = wanted;
}

/** Notes that a program ran. */
export function noteSlowRun(program: Program): void {
  if (!waiting) return;
  let cost = costs.get(program);
  if (cost === undefined) {
    cost = 0;
    for (const { dims } of program.launches) cost += dims.reduce((product, size) => product * size, 1);
    costs.set(program, cost);
  }
  steps += cost;
  if (steps < patience) return;
  waiting = false;
  warn(
    'AG_SLOW_BACKEND',
    'no backend was chosen, so the reference backend computes, which is made for checking and slow. WebAssembly is ten times as fast and more:\n' +
      "  import { wasm } from '@ag/native-wasm';\n" +
      '  use(await wasm());\n' +
      'use(reference()) keeps the reference backend without this message.',
  );
}
