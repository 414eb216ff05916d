/**
 * `agrad bench scaling`: what several machines like this one would make of a recipe. A step is measured, the exchange of gradients is
 * computed: the time of the best of the usual algorithms for a sum over all ranks (Thakur, Rabenseifner & Gropp, "Optimization of
 * Collective Communication Operations in MPICH", 2005) on a line of which nine tenths can be had.
 */
import { eventVersion, fit } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { BenchOptions } from '../commands/bench.ts';
import { exitCodes } from '../failure.ts';
import { formatNumber } from '../numbers.ts';
import { parametersOf, recipeFor } from '../recipes/index.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { assemble, fitOptionsOf, prepare } from '../training/assemble.ts';

/** Seconds that a meeting costs beside the network: what ranks say first, and handing over to another thread. */
const meeting = 8e-6;
/** The share of the computing time behind which sums can hide: the backward pass. */
const hideable = 2 / 3;

/** A network between ranks. */
export interface Network {
  /** Bytes a second. */
  readonly bandwidth: number;
  /** Seconds that a small message takes. */
  readonly latency: number;
}

/** Seconds for a sum of some bytes over all ranks, by the best of ring, recursive doubling and Rabenseifner's algorithm. */
export function reductionTime(bytes: number, ranks: number, { bandwidth, latency }: Network): number {
  const line = 0.9 * bandwidth;
  const rounds = Math.ceil(Math.log2(ranks));
  const most = (2 * (ranks - 1) * bytes) / (ranks * line);
  return Math.min(
    2 * (ranks - 1) * latency + most,
    rounds * (latency + bytes / line),
    2 * rounds * latency + most,
  );
}

/** Which share of the speed of its ranks a job has. */
export interface Efficiency {
  /** Where a step computes, then exchanges. */
  readonly plain: number;
  /** Where gradients are on their way while others are computed. */
  readonly hidden: number;
  /** Examples a rank from which nine tenths of the speed are left, exchange hidden. */
  readonly batchForMost: number;
}

/**
 * @param step seconds of a step alone
 * @param batch examples of it
 * @param bytes of gradients
 */
export function efficiency(
  step: number,
  batch: number,
  bytes: number,
  ranks: number,
  network: Network,
): Efficiency {
  const exchange = reductionTime(bytes, ranks, network);
  const share = (compute: number): number =>
    compute / (compute + meeting + Math.max(0, exchange - hideable * compute));
  // The least computing time at which the share is 0.9: either sums hide wholly, or they stick out.
  const enough = Math.max(9 * meeting, (meeting + exchange) / (1 / 9 + hideable));
  return {
    plain: step / (step + meeting + exchange),
    hidden: share(step),
    batchForMost: Math.max(1, Math.ceil((batch * enough) / step)),
  };
}

/** Runs the command; answers the exit code. */
export async function benchScaling(name: string, options: BenchOptions, terminal: Terminal): Promise<number> {
  const network = { bandwidth: options.network ?? 1.25e9, latency: options.latency ?? 25e-6 };
  const recipe = await recipeFor(name === '' ? 'digits' : name, {});
  const { values: settings } = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment(process.env),
    recipe: recipe.settings,
  });
  const backend = await chooseBackend(settings, terminal);
  try {
    const prepared = await prepare(recipe, settings, parametersOf(recipe, {}));
    const assembled = await assemble(prepared, settings);
    const step = (await stepTime(assembled, settings, options.seconds)) / 1000;
    const parameters = assembled.model
      .parameters()
      .filter(({ trainable }) => trainable)
      .reduce((sum, { size }) => sum + size, 0);
    const batch = settings.batchSize;
    const sizes: number[] = [];
    for (let ranks = 2; ranks < options.ranks; ranks *= 2) sizes.push(ranks);
    sizes.push(options.ranks);
    const rows = sizes.map((ranks) => ({
      ranks,
      exchange: reductionTime(4 * parameters, ranks, network),
      ...efficiency(step, batch, 4 * parameters, ranks, network),
    }));
    const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
    terminal.print(
      `${recipe.name}: ${parameters.toLocaleString('en')} parameters; a step of ${batch} examples takes ${formatNumber(1000 * step)} ms on ${backend.name}`,
      '',
      ...table(
        ['ranks', 'examples a step', 'exchange', 'speed', 'exchange hidden', 'batch a rank for 90 %'],
        rows.map(({ ranks, exchange, plain, hidden, batchForMost }) => [
          String(ranks),
          String(ranks * batch),
          `${formatNumber(1000 * exchange)} ms`,
          `${(ranks * plain).toFixed(1)}× (${percent(plain)})`,
          `${(ranks * hidden).toFixed(1)}× (${percent(hidden)})`,
          String(batchForMost),
        ]),
      ),
    );
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'bench scaling',
      recipe: recipe.name,
      backend: backend.name,
      parameters,
      batch,
      stepSeconds: step,
      network,
      rows,
    });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

/** The median time of a step in milliseconds, after a few that are not counted. */
async function stepTime(
  assembled: Parameters<typeof fitOptionsOf>[0],
  settings: Parameters<typeof fitOptionsOf>[1],
  seconds: number,
): Promise<number> {
  const { validation: _, ...options } = fitOptionsOf(assembled, settings);
  const times: number[] = [];
  const warmUp = 5;
  let before = performance.now();
  let end = Number.POSITIVE_INFINITY;
  for await (const event of fit({ ...options, callbacks: [], epochs: 1_000_000, reportEvery: 1 })) {
    if (event.type !== 'step') continue;
    const now = performance.now();
    times.push(now - before);
    before = now;
    if (event.step === warmUp) end = now + 1000 * Math.max(seconds, 0.1);
    if (now > end && times.length >= warmUp + 5) break;
  }
  const counted = times.slice(warmUp).sort((a, b) => a - b);
  return counted[counted.length >> 1];
}
