/**
 * The conformance suite and a sample of random graphs, as a page or its worker runs them: the tests are collected
 * and run one after another, and what failed is returned as text.
 */
import * as graph from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { type Backend, reference, use } from '@ag/tensor';
import { conformance, evaluateGraph, expectAgreement, randomGraph } from '@ag/tensor/testing';

/** What to run the suite with. */
export interface Task {
  /** Default WebAssembly; the other options concern it alone. */
  readonly backend?: 'wasm' | 'reference';
  readonly threads: number;
  readonly relaxedSimd: boolean;
  readonly fusion: boolean;
  /** Random graphs to compare with the reference backend. */
  readonly graphs: number;
}

export interface Outcome {
  readonly passed: number;
  /** One text for each test that failed. */
  readonly failures: readonly string[];
  /** What the backend had in the end, which without shared memory is one. */
  readonly threads: number;
  readonly relaxedSimd: boolean;
  readonly interpreted: readonly string[];
}

/** Runs everything; never rejects for a wrong result, only when the backend cannot be had. */
export async function runSuite({
  backend: name = 'wasm',
  threads,
  relaxedSimd,
  fusion,
  graphs,
}: Task): Promise<Outcome> {
  const compiled = name === 'wasm' ? await wasm({ threads, relaxedSimd }) : undefined;
  await compiled?.startThreads();
  const backend = compiled ?? reference();
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
  conformance(() => backend, hooks, { fusion, gradients: graph });
  for (let seed = 0; seed < graphs; seed++) {
    hooks.it(`random graph ${seed}`, () => agree(backend, seed, fusion));
  }
  const failures: string[] = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const outcome: Outcome = {
    passed: tests.length - failures.length,
    failures,
    threads: compiled?.threads ?? 1,
    relaxedSimd: compiled?.relaxedSimd ?? false,
    interpreted: compiled?.stats().interpreted ?? [],
  };
  compiled?.close();
  return outcome;
}

function agree(backend: Backend, seed: number, fusion: boolean): void {
  const random = randomGraph(seed);
  use(reference());
  const expected = evaluateGraph(random, true, graph.gradients);
  use(backend);
  // Tolerance: as between fused and unfused graphs, which round in different orders.
  expectAgreement(random, evaluateGraph(random, fusion, graph.gradients), expected, 2e-4);
}
