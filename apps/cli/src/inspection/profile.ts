/**
 * `agrad profile`: where the time of a recipe's training step goes. The parts of a step, and what its kernels
 * compute, by module, by operation and one by one.
 */
import { type SummaryInput, summary } from '@ag/nn';
import { stats, Tensor, zeros } from '@ag/tensor';
import { type Callback, eventVersion, fit, type ProfileEvent, writeAtomically } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { ProfileOptions } from '../commands/profile.ts';
import { exitCodes } from '../failure.ts';
import { bytes } from '../numbers.ts';
import { parametersOf, recipeFor } from '../recipes/index.ts';
import { mapParts } from '../recipes/structured.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { assemble, fitOptionsOf, prepare } from '../training/assemble.ts';
import { namingSizes } from '../training/memory.ts';
import { profileTables } from './profileTables.ts';

/** Steps before measuring, in which plans are made and the engine warms up. */
const warmUp = 10;

/** Runs the command; answers the exit code. */
export async function profile(options: ProfileOptions, terminal: Terminal): Promise<number> {
  const { positional, steps, settings: given } = options;
  const recipe = await recipeFor(positional.join(' ') || 'digits');
  const resolved = resolveSettings({
    flag: given,
    environment: fromEnvironment(process.env),
    recipe: recipe.settings,
  });
  const { values: settings } = resolved;
  const parameters = parametersOf(recipe, Object.fromEntries(options.set));
  const backend = await chooseBackend(settings, terminal);
  try {
    const prepared = await prepare(recipe, settings, parameters);
    const assembled = await assemble(prepared, settings);
    const { validation, ...run } = fitOptionsOf(assembled, settings);
    const enough: Callback = {
      name: 'enough',
      on(event, { stop }) {
        if (event.type === 'step' && event.step === warmUp + steps) stop();
      },
    };
    let found: ProfileEvent | null = null;
    for await (const event of fit({
      ...run,
      epochs: Math.ceil((warmUp + steps) / assembled.trainLoader.length),
      callbacks: [...(run.callbacks ?? []), enough],
      profile: { warmUp },
    })) {
      if (event.type === 'profile') found = event;
    }
    const { v, type, seconds, step, epoch, ...measured } = found!;
    const { flops } = summary(assembled.model, await oneInput(assembled.trainLoader, settings.batchSize));
    const { kernels: compiled, peakBytes } = stats();
    terminal.print(
      `${recipe.name}, batches of ${settings.batchSize}, backend ${backend.name}, ${measured.steps} steps after ${warmUp}`,
      '',
    );
    terminal.print(...profileTables(measured, terminal.columns), '');
    const rate = (3 * flops) / measured.milliseconds.kernels / 1e6;
    terminal.print(
      `about ${rate.toFixed(2)} GFLOP/s in kernels (a step counted as three forward passes), ${compiled} kernels compiled, ` +
        `${bytes(peakBytes)} of device memory at most`,
    );
    const answer = {
      command: 'profile',
      recipe: recipe.name,
      backend: backend.name,
      arithmetic: backend.arithmetic,
      ...measured,
      flops,
      compiled,
      peakBytes,
    };
    if (options.out !== undefined) {
      await writeAtomically(options.out, `${JSON.stringify(answer, null, 2)}\n`);
      terminal.note(`profile: ${options.out}`);
    }
    terminal.event({ v: eventVersion, type: 'result', ...answer });
    return exitCodes.done;
  } catch (error) {
    throw namingSizes(error, { recipe, parameters, resolved });
  } finally {
    backend.close();
  }
}

/** A batch as the model gets it, a full one whatever is left of the data. */
async function oneInput(loader: AsyncIterable<{ readonly x: Tensor }>, size: number): Promise<SummaryInput> {
  const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
  for await (const { x } of loader) {
    const full = ({ shape, dtype }: Tensor): Tensor => zeros([size, ...shape.slice(1)], { dtype });
    return mapParts(x, isTensor, full) as SummaryInput;
  }
  return [size];
}
