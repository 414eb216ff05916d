/**
 * `agrad train --distributed`: one run on all ranks that a launcher started. All plan the same job and train on their parts of
 * each batch; rank 0 shows, writes and concludes, as if it were alone.
 */
import { availableParallelism } from 'node:os';
import { type MpiWorld, mpi } from '@ag/mpi';
import { fit } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes, Failure } from '../failure.ts';
import { type Interrupt, watchInterrupts } from '../interrupt.ts';
import { readPreprocessing, runPaths } from '../runs/folder.ts';
import type { Terminal } from '../terminal.ts';
import { assemble, fitOptionsOf, prepare } from './assemble.ts';
import { namingSizes } from './memory.ts';
import { type Job, planJob } from './plan.ts';
import { asBefore, deciding, reportingOf, trainRun } from './run.ts';

/** Runs the command on this rank; answers the exit code. */
export async function trainDistributed(options: TrainOptions, terminal: Terminal): Promise<number> {
  const excluded = [
    ['--ui tui', options.ui === 'tui'],
    ['--find-learning-rate', options.findLearningRate],
    ['--folds', options.folds !== undefined],
    ['--print-config', options.printConfig],
  ].find(([, given]) => given);
  if (excluded)
    throw new Failure('usage', `--distributed trains one run; it cannot be combined with ${excluded[0]}`);
  const world = await mpi();
  const interrupt = watchInterrupts(() => {
    if (world.rank === 0) terminal.note('asked to end: finishing the step and writing a checkpoint');
  });
  try {
    const job = shareCores(await planJob(options, world.size === 1 ? terminal.ask : null), world);
    // Ranks that were started differently would train something that none of them was asked for.
    const { settings, parameters } = wishesOf(job);
    world.allReduce(
      new Float64Array(1),
      `settings ${JSON.stringify([job.recipeName, settings, parameters])}`,
    );
    const exitCode =
      world.rank === 0
        ? await trainRun(job, options, terminal, interrupt, world)
        : await follow(job, terminal, interrupt, world);
    await world.finish();
    return exitCode;
  } catch (error) {
    // All ranks know of a loss that is no number, and end alike.
    if ((error as { code?: string }).code === 'AG_NON_FINITE_LOSS' || isNumerical(error))
      await world.finish();
    else world.abort(error);
    throw error;
  } finally {
    interrupt.stop();
  }
}

function isNumerical(error: unknown): boolean {
  return error instanceof Failure && error.kind === 'numerical';
}

/** What has to be equal on all ranks; machines may differ in where their data lie and in how many cores they have. */
function wishesOf({ resolved, parameters }: Job) {
  const { dataDir: _, threads: __, ...settings } = resolved.values;
  return { settings, parameters };
}

/** With threads on 'auto' the ranks of a machine share its cores. */
function shareCores(job: Job, { local }: MpiWorld): Job {
  const { values } = job.resolved;
  if (values.threads !== 'auto') return job;
  const threads = Math.max(1, Math.floor(availableParallelism() / local));
  return { ...job, resolved: { ...job.resolved, values: { ...values, threads } } };
}

/** What every rank but the first does: it trains, and writes nothing. */
async function follow(job: Job, terminal: Terminal, interrupt: Interrupt, world: MpiWorld): Promise<number> {
  const { recipe, parameters, before } = job;
  const settings = job.resolved.values;
  const backend = await chooseBackend(asBefore(settings, before?.config), terminal);
  try {
    const fitted = before ? readPreprocessing(runPaths(before.folder)) : null;
    const prepared = await prepare(recipe, settings, parameters, fitted);
    const assembled = await assemble(prepared, settings, undefined, world);
    let reason = '';
    for await (const event of fit({
      ...fitOptionsOf(assembled, settings),
      callbacks: deciding(assembled, settings),
      signal: interrupt.signal,
      ...reportingOf(assembled),
      world,
    })) {
      if (event.type === 'end') ({ reason } = event);
    }
    return reason === 'aborted' ? (interrupt.exitCode ?? exitCodes.interrupted) : exitCodes.done;
  } catch (error) {
    throw namingSizes(error, job);
  } finally {
    backend.close();
  }
}
