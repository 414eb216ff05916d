/**
 * `agrad bench`: the speed of what training is made of, on this machine. For comparing machines, versions and
 * backends. The project's comparison with other libraries is `npm run bench` in its repository.
 */
import { existsSync, readFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { conv2d, manualSeed, normal, randint, type Tensor } from '@ag/tensor';
import { eventVersion, writeAtomically } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { BenchOptions } from '../commands/bench.ts';
import { exitCodes, Failure } from '../failure.ts';
import { formatNumber } from '../numbers.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface Benchmark {
  readonly name: string;
  /** Floating-point operations of one run, where they are the point. */
  readonly flops?: number;
  /** Prepares; the function it gives is measured. */
  readonly prepare: () => Promise<() => unknown>;
}

interface Measured {
  readonly name: string;
  /** Median of one run. */
  readonly milliseconds: number;
  readonly gflops: number | null;
}

const product = (size: number): Benchmark => ({
  name: `product ${size}×${size}`,
  flops: 2 * size ** 3,
  prepare: async () => {
    const [a, b] = [await normal([size, size]).keep(), await normal([size, size]).keep()];
    return () => a.matmul(b).keep();
  },
});

const benchmarks: readonly Benchmark[] = [
  product(64),
  product(256),
  product(1024),
  {
    name: 'sum of tanh of a million',
    prepare: async () => {
      const x = await normal([1_000_000]).keep();
      return () => x.tanh().sum().item();
    },
  },
  {
    name: 'convolution 5×5, 32×16×28×28',
    flops: 2 * 32 * 32 * 16 * 25 * 28 * 28,
    prepare: async () => {
      const [x, w] = [await normal([32, 16, 28, 28]).keep(), await normal([32, 16, 5, 5]).keep()];
      return () => conv2d(x, w, { padding: 2 }).keep();
    },
  },
  {
    name: 'training step 784-128-10, batch 64',
    flops: 6 * 64 * (784 * 128 + 1280),
    prepare: () => trainingStep(false),
  },
  { name: 'the same, compiled', flops: 6 * 64 * (784 * 128 + 1280), prepare: () => trainingStep(true) },
];

async function trainingStep(compiled: boolean): Promise<() => unknown> {
  const model = sequential(linear(784, 128), relu(), linear(128, 10));
  const optimizer = adam(model.parameters());
  const [x, y] = [await normal([64, 784]).keep(), await randint([64], 0, 10).keep()];
  const step = (inputs: Tensor, targets: Tensor): Tensor => {
    const loss = crossEntropy(model.forward(inputs), targets);
    backward(loss);
    optimizer.step();
    return loss;
  };
  const run = compiled ? compile(step) : step;
  return () => run(x, y).item();
}

/** Runs the command; answers the exit code. */
export async function bench(options: BenchOptions, terminal: Terminal): Promise<number> {
  const { failOnRegress: limit, seconds } = options;
  const [what, ...recipe] = options.positional;
  if (what === 'scaling')
    return (await import('./scaling.ts')).benchScaling(recipe.join(' '), options, terminal);
  if (what !== undefined) {
    throw new Failure(
      'usage',
      `bench: there is no '${what}'`,
      "'agrad bench' measures operations, 'agrad bench scaling RECIPE' a recipe.",
    );
  }
  if (limit !== undefined && options.compare === undefined)
    throw new Failure('usage', '--fail-on-regress needs --compare FILE');
  const before = options.compare === undefined ? null : readBaseline(options.compare);
  const { values } = resolveSettings({ flag: options.settings, environment: fromEnvironment(process.env) });
  const backend = await chooseBackend(values, terminal);
  try {
    manualSeed(values.seed);
    const results: Measured[] = [];
    for (const one of benchmarks) {
      if (terminal.live) terminal.note(terminal.err.dim(`${one.name} …`));
      const milliseconds = await median(await one.prepare(), seconds);
      results.push({
        name: one.name,
        milliseconds,
        gflops: one.flops ? one.flops / milliseconds / 1e6 : null,
      });
    }
    const compared = results.map((result) => {
      const old = before?.find((one) => one.name === result.name);
      return { ...result, change: old ? result.milliseconds / old.milliseconds - 1 : null };
    });
    terminal.print(
      ...table(
        [`on ${backend.name}`, 'ms', 'GFLOP/s', ...(before ? ['change'] : [])],
        compared.map(({ name, milliseconds, gflops, change }) => [
          name,
          formatNumber(milliseconds),
          gflops === null ? '–' : gflops.toFixed(1),
          ...(before
            ? [change === null ? 'new' : `${change >= 0 ? '+' : ''}${(100 * change).toFixed(0)} %`]
            : []),
        ]),
      ),
    );
    if (options.out !== undefined)
      await writeAtomically(
        options.out,
        `${JSON.stringify({ version: 1, backend: backend.name, results }, null, 2)}\n`,
      );
    const slower =
      limit === undefined ? [] : compared.filter(({ change }) => change !== null && change > limit);
    for (const { name, change } of slower)
      terminal.note(terminal.err.red(`${name} is ${(100 * change!).toFixed(0)} % slower than before`));
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'bench',
      backend: backend.name,
      results: compared,
      slower: slower.map(({ name }) => name),
    });
    return slower.length === 0 ? exitCodes.done : exitCodes.check;
  } finally {
    backend.close();
  }
}

/** The median of as many runs as fit into the time, after some to warm up. */
async function median(run: () => unknown, seconds: number): Promise<number> {
  const warm = performance.now() + 300 * Math.min(1, seconds);
  do await run();
  while (performance.now() < warm);
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (times.length < 3 || performance.now() < end) {
    const from = performance.now();
    await run();
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

function readBaseline(path: string): readonly Measured[] {
  if (!existsSync(path))
    throw new Failure('data', `${path}: there is no such file`, "'agrad bench --out FILE' writes one.");
  try {
    const { version, results } = JSON.parse(readFileSync(path, 'utf8')) as {
      version?: number;
      results?: Measured[];
    };
    if (version === 1 && Array.isArray(results)) return results;
  } catch {
    // Told below.
  }
  throw new Failure('incompatible', `${path} holds no results of 'agrad bench'`);
}
