/**
 * `agrad profile`: where a recipe's time goes: reading data, building the step's graph, running its plan, and in the
 * forward pass each layer by itself.
 */

import { backward } from '@ag/graph';
import { type AnyModule, summary } from '@ag/nn';
import { evaluate, stats, type Tensor } from '@ag/tensor';
import { eventVersion } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import { exitCodes, Failure } from '../failure.ts';
import { bytes, count } from '../numbers.ts';
import { parametersOf } from '../recipes/index.ts';
import { fromEnvironment, type Given, resolveSettings } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { assemble, prepare } from '../training/assemble.ts';
import { recipeFor } from './train.ts';

/** Steps before measuring, in which plans are made and the engine warms up. */
const warmUp = 10;

/** What the command line says. */
export interface ProfileOptions {
  readonly recipe: readonly string[];
  readonly flags: Given;
  /** Steps to measure. */
  readonly steps?: string;
}

/** Runs the command; answers the exit code. */
export async function profile(options: ProfileOptions, terminal: Terminal): Promise<number> {
  const steps = Number(options.steps ?? 50);
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new Failure('usage', `--steps ${options.steps}: expected a whole number from 1`);
  const recipe = await recipeFor(options.recipe.join(' ') || 'digits');
  const { values: settings } = resolveSettings({
    flag: options.flags,
    environment: fromEnvironment(process.env),
    recipe: recipe.settings,
  });
  const backend = await chooseBackend(settings, terminal);
  try {
    const { model, optimizer, task, trainLoader } = await assemble(
      await prepare(recipe, settings, parametersOf(recipe, {})),
      settings,
    );
    const times = { data: 0, build: 0, run: 0 };
    let x: Tensor | null = null;
    let taken = 0;
    let plansBefore = 0;
    while (taken < warmUp + steps) {
      let before = performance.now();
      for await (const batch of trainLoader) {
        const read = performance.now();
        const loss = task.loss(model.forward(batch.x), batch.y);
        backward(loss);
        const built = performance.now();
        optimizer.step();
        await loss.item();
        const done = performance.now();
        x = batch.x;
        if (taken === warmUp) plansBefore = stats().plansMade;
        if (taken >= warmUp) {
          times.data += read - before;
          times.build += built - read;
          times.run += done - built;
        }
        before = performance.now();
        if (++taken === warmUp + steps) break;
      }
    }
    const { plansMade, kernels, peakBytes } = stats();
    const total = times.data + times.build + times.run;
    const overview = summary(model, x!.shape);
    const layers = await timeLayers(model, x!);
    const share = (value: number, of: number): string => `${((100 * value) / of).toFixed(1)} %`;
    const parts = Object.entries(times).map(([name, value]) => [
      partNames[name]!,
      (value / steps).toFixed(3),
      share(value, total),
    ]);
    terminal.print(
      `${recipe.name}, batches of ${settings.batchSize}, backend ${backend.name}, ${steps} steps after ${warmUp}`,
    );
    terminal.print(
      table(
        ['a training step', 'ms', 'share'],
        [...parts, ['together', (total / steps).toFixed(3), '100 %']],
      ),
    );
    const forward = layers.reduce((sum, layer) => sum + layer.ms, 0);
    terminal.print(
      `\n${table(
        ['layer, forward alone', 'kind', 'output', 'parameters', 'MFLOP', 'ms', 'share'],
        layers.map(({ path, ms }) => {
          const row = overview.rows.find((one) => one.path === path);
          return [
            path || '(model)',
            row?.layer ?? '',
            row?.outputShape ? row.outputShape.join('×') : '–',
            count(row?.parameters ?? 0),
            ((row?.flops ?? 0) / 1e6).toFixed(2),
            ms.toFixed(3),
            share(ms, forward),
          ];
        }),
      )}`,
    );
    const rate = (3 * overview.flops * steps) / ((times.build + times.run) / 1000) / 1e9;
    terminal.print(
      `\nabout ${rate.toFixed(2)} GFLOP/s (a step counted as three forward passes), ${kernels} kernels compiled, ` +
        `${bytes(peakBytes)} of device memory at most, ${plansMade - plansBefore} plans made while measuring`,
    );
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'profile',
      recipe: recipe.name,
      backend: backend.name,
      steps,
      milliseconds: { data: times.data / steps, build: times.build / steps, run: times.run / steps },
      layers,
      flops: overview.flops,
      kernels,
      peakBytes,
      plansMade: plansMade - plansBefore,
    });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

const partNames: Readonly<Record<string, string>> = {
  data: 'reading the batch',
  build: 'building the graph and its gradients',
  run: 'running the plan',
};

/** Milliseconds of each innermost module, computed by itself on the input it gets. */
async function timeLayers(model: AnyModule, x: Tensor): Promise<{ path: string; ms: number }[]> {
  const modules = [...model.namedModules()];
  const inner = modules.filter(
    ([path]) => !modules.some(([other]) => other !== path && (path === '' || other.startsWith(`${path}.`))),
  );
  const inputs = new Map<string, unknown[]>();
  const undo = inner.map(([path, module]) => {
    const { forward } = module;
    module.forward = (...given: unknown[]) => {
      inputs.set(path, given);
      return forward.apply(module, given);
    };
    return () => {
      delete (module as { forward?: unknown }).forward;
    };
  });
  try {
    (model as { forward(x: Tensor): unknown }).forward(x);
  } finally {
    for (const restore of undo) restore();
  }
  const times: { path: string; ms: number }[] = [];
  for (const [path, module] of inner) {
    const given = inputs.get(path);
    if (!given) continue;
    evaluate(given.filter(isTensor));
    const once = (): void => {
      const output = (module.forward as (...given: unknown[]) => unknown)(...given);
      if (isTensor(output)) evaluate([output]);
    };
    for (let i = 0; i < 5; i++) once();
    const runs: number[] = [];
    const began = performance.now();
    while (runs.length < 7 || (performance.now() - began < 50 && runs.length < 1000)) {
      const from = performance.now();
      once();
      runs.push(performance.now() - from);
    }
    times.push({ path, ms: runs.sort((a, b) => a - b)[Math.floor(runs.length / 2)]! });
  }
  return times;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value;
}
