/**
 * What is found out about a backend.
 *
 * Which tests of the conformance suite it passes, and how fast it is at three things that training is made of.
 */
import * as graph from '@ag/graph';
import { linear, mseLoss, relu, sequential } from '@ag/nn';
import { sgd } from '@ag/optim';
import { type Backend, key, manualSeed, normal, type Tensor, use } from '@ag/tensor';
import { conformance } from '@ag/tensor/testing';

/** A part of the suite, and how much of it was passed. */
export interface GroupResult {
  readonly name: string;
  readonly passed: number;
  readonly run: number;
}

/** A test that failed: what it is of, and what it said. */
export interface Failure {
  readonly group: string;
  /** The operation, such as `tanh`. */
  readonly operation: string;
  readonly test: string;
  readonly message: string;
}

export const benchmarkNames = ['product', 'elementwise', 'training'] as const;
export type BenchmarkName = (typeof benchmarkNames)[number];

/** How fast: GFLOP/s, millions of elements a second, steps a second. */
export type Speeds = Readonly<Partial<Record<BenchmarkName, number>>>;

/** What is known of a backend so far. */
export interface Finding {
  readonly groups: readonly GroupResult[];
  readonly failures: readonly Failure[];
  readonly speeds: Speeds;
  /** Tests and benchmarks that were done, and how many there are. */
  readonly done: number;
  readonly all: number;
}

interface Test {
  readonly group: string;
  readonly name: string;
  readonly body: () => Promise<void> | void;
}

/** Which of the suite is run. */
export interface Choice {
  /** Whether derivatives are tested as well, which takes several times as long. */
  readonly derivatives: boolean;
  /** Names of operations; none for all. */
  readonly only: readonly string[];
}

/** The tests of the suite, which stand in groups of one level. */
function testsOf(backend: Backend, { derivatives, only }: Choice): readonly Test[] {
  const tests: Test[] = [];
  const path: string[] = [];
  const hooks = {
    describe(name: string, body: () => void) {
      path.push(name);
      body();
      path.pop();
    },
    it(name: string, body: () => Promise<void> | void) {
      // The outermost is the suite itself.
      tests.push({ group: path[1] ?? path[0], name, body });
    },
  };
  conformance(() => backend, hooks, derivatives ? { gradients: graph } : {});
  return only.length === 0 ? tests : tests.filter(({ name }) => only.includes(operationOf(name)));
}

/** The operation that a test is of: what stands before the first colon or comma. */
function operationOf(test: string): string {
  return /^[^:,]+/.exec(test)?.[0] ?? test;
}

/** Milliseconds between two reports; between two turns of whatever else happens in this thread. */
const reportEvery = 100;

/**
 * Runs the suite, then the benchmarks.
 *
 * @param tell hears how it stands, some times a second
 * @param isStopped asked between two tests
 */
export async function examine(
  backend: Backend,
  choice: Choice,
  tell: (finding: Finding) => void,
  isStopped: () => boolean = () => false,
): Promise<Finding> {
  const tests = testsOf(backend, choice);
  const groups = new Map<string, GroupResult>();
  const failures: Failure[] = [];
  const speeds: Partial<Record<BenchmarkName, number>> = {};
  let done = 0;
  const finding = (): Finding => ({
    groups: [...groups.values()],
    failures: [...failures],
    speeds: { ...speeds },
    done,
    all: tests.length + benchmarkNames.length,
  });
  let told = performance.now();
  const turn = async () => {
    if (performance.now() - told < reportEvery) return;
    tell(finding());
    await new Promise((resolve) => setTimeout(resolve));
    told = performance.now();
  };
  for (const { group, name, body } of tests) {
    await turn();
    if (isStopped()) return finding();
    const { passed, run } = groups.get(group) ?? { passed: 0, run: 0 };
    const failure = await failureOf(body);
    if (failure !== null)
      failures.push({ group, operation: operationOf(name), test: name, message: failure });
    groups.set(group, { name: group, passed: passed + (failure === null ? 1 : 0), run: run + 1 });
    done++;
  }
  use(backend);
  for (const name of benchmarkNames) {
    tell(finding());
    await new Promise((resolve) => setTimeout(resolve));
    if (isStopped()) return finding();
    // A backend that is wrong may not get to the end of one.
    const speed = await benchmarks[name]().catch(() => undefined);
    if (speed !== undefined) speeds[name] = speed;
    done++;
  }
  return finding();
}

async function failureOf(body: () => Promise<void> | void): Promise<string | null> {
  try {
    await body();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Numbers of a normal distribution, the same everywhere. */
const noise = (shape: number[], seed: number): Tensor => normal(shape, { key: key(seed) });

/** Rounds a second: the median of at least three, and of as many as a third of a second has room for. */
async function rate(round: () => Promise<unknown>): Promise<number> {
  await round();
  const times: number[] = [];
  const end = performance.now() + 350;
  while (times.length < 3 || performance.now() < end) {
    const began = performance.now();
    await round();
    times.push(performance.now() - began);
  }
  const [median] = times.sort((a, b) => a - b).slice(times.length >> 1);
  return 1000 / Math.max(median, 1e-3);
}

const benchmarks: Readonly<Record<BenchmarkName, () => Promise<number>>> = {
  /** A product of two 256 × 256 matrices has 2·256³ operations. */
  async product() {
    const [a, b] = [noise([256, 256], 1), noise([256, 256], 2)];
    await Promise.all([a.data(), b.data()]);
    return ((await rate(() => a.matmul(b).data())) * 2 * 256 ** 3) / 1e9;
  },
  /** tanh(a·b + 1) of a million elements. */
  async elementwise() {
    const size = 2 ** 20;
    const [a, b] = [noise([size], 3), noise([size], 4)];
    await Promise.all([a.data(), b.data()]);
    return ((await rate(() => a.mul(b).add(1).tanh().sum().item())) * size) / 1e6;
  },
  /** A step of gradient descent of a network 64-128-128-10 on 64 examples. */
  async training() {
    manualSeed(1);
    const model = sequential(linear(64, 128), relu(), linear(128, 128), relu(), linear(128, 10));
    const optimizer = sgd(model.parameters(), { learningRate: 1e-3 });
    const [x, y] = [noise([64, 64], 5), noise([64, 10], 6)];
    await Promise.all([x.data(), y.data()]);
    const step = graph.compile((x: Tensor, y: Tensor) => {
      const loss = mseLoss(model.forward(x), y);
      graph.backward(loss);
      optimizer.step();
      return loss;
    });
    return rate(() => step(x, y).item());
  },
};
