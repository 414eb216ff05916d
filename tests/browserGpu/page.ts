/** What the tests of WebGPU ask a page for: training, and every so many tests of the conformance suite, what failed as text. */
import * as graph from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { webgpu } from '@ag/webgpu';
import { training } from './training.ts';

export interface GpuOutcome {
  readonly passed: number;
  /** One text for each test that failed. */
  readonly failures: readonly string[];
  /** What the adapter says of itself. */
  readonly adapter: string;
}

/** Runs each `step`-th test. */
async function run(step: number): Promise<GpuOutcome> {
  const backend = await webgpu();
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
  const chosen = tests.filter((_, i) => i % step === 0);
  const failures: string[] = [];
  for (const { name, body } of chosen) {
    try {
      await body();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const { vendor, architecture, description } = backend.adapter;
  backend.close();
  return {
    passed: chosen.length - failures.length,
    failures,
    adapter: [vendor, architecture, description].join(' '),
  };
}

Object.assign(window, { run, training });
