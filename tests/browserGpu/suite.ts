/** The conformance suite on WebGPU, as a page, Node and Deno run it: every so many tests of it, and what failed as text. */
import * as graph from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { type WebGpuOptions, webgpu } from '@ag/webgpu';

export interface GpuOutcome {
  readonly passed: number;
  /** One text for each test that failed. */
  readonly failures: readonly string[];
  /** What the adapter says of itself. */
  readonly adapter: string;
}

/** Runs each `step`-th test, those that have begun before `seconds` are over. */
export async function runSuite(
  step: number,
  options: WebGpuOptions = {},
  seconds = Number.POSITIVE_INFINITY,
): Promise<GpuOutcome> {
  const backend = await webgpu(options);
  const tests: { name: string; body: () => Promise<void> | void }[] = [];
  const path: string[] = [];
  const hooks = {
    describe(name: string, body: () => void) {
      path.push(name);
      body();
      path.pop();
    },
    it(name: string, body: () => Promise<void> | void) {
      tests.push({ name: [...path, name].join(' > '), body });
    },
  };
  conformance(() => backend, hooks, { gradients: graph });
  const failures: string[] = [];
  const end = performance.now() + 1000 * seconds;
  let run = 0;
  for (const { name, body } of tests.filter((_, i) => i % step === 0)) {
    if (performance.now() > end) break;
    run++;
    try {
      await body();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const { vendor, architecture, description } = backend.adapter;
  backend.close();
  return {
    passed: run - failures.length,
    failures,
    adapter: [vendor, architecture, description].filter((text) => text !== '').join(' '),
  };
}
