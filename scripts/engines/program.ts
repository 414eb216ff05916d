/** The suites of `scripts/engines.mjs` where they stand: a line with what came out of each. */
import { type Outcome, runSuite, type Task } from '../../tests/browser/suite.ts';

/** Suites by name. */
const suites: Readonly<Record<string, Task>> = {
  reference: { backend: 'reference', threads: 1, relaxedSimd: false, fusion: true, graphs: 25 },
  separate: { threads: 1, relaxedSimd: false, fusion: true, graphs: 25 },
  fused: { threads: 2, relaxedSimd: true, fusion: true, graphs: 25 },
};

/** Runs all; the last line says that they are through, which ends a page's report. */
export async function main(): Promise<void> {
  // The suite makes more plans than are kept, which is said; a page's check takes every other warning for a fault.
  const warn = console.warn.bind(console);
  console.warn = (...said: readonly unknown[]) => {
    if (!String(said[0]).includes('plans were made')) warn(...said);
  };
  for (const [suite, task] of Object.entries(suites)) {
    let outcome: Partial<Outcome> & { readonly refused?: string };
    try {
      outcome = await runSuite(task);
      // What the engine cannot do is another suite than the one that was asked for.
      if (outcome.relaxedSimd !== task.relaxedSimd) outcome = { refused: 'not fused here' };
    } catch (error) {
      outcome = { refused: error instanceof Error ? error.message : String(error) };
    }
    console.log(`@suite ${JSON.stringify({ suite, ...outcome })}`);
  }
  console.log('@done');
  // Threads may still wait.
  (globalThis as { process?: { exit(code: number): void } }).process?.exit?.(0);
}
