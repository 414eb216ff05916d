/** One training run: its folder, its backend, the loop, and how it ends. */

import { rm } from 'node:fs/promises';
import type { Preprocessing } from '@ag/datasets';
import { type AnyModule, architectureOf } from '@ag/nn';
import {
  type Callback,
  type Checkpoint,
  type EndEvent,
  earlyStopping,
  eventVersion,
  fit,
  gradientAlarms,
  listCheckpoints,
  removeLeftovers,
  saveCheckpoints,
  saveReceipt,
  tensorBoardLogger,
  type World,
  writeAtomically,
} from '@ag/train';
import { type BackendChoice, type ChosenBackend, chooseBackend } from '../backend.ts';
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Interrupt } from '../interrupt.ts';
import { type Controls, createControls } from '../live/controls.ts';
import { count } from '../numbers.ts';
import { receiptContentOf } from '../receipts/content.ts';
import type { Claim } from '../runs/claim.ts';
import { eventLog, overAllParts, readEvents, rewindEvents } from '../runs/eventLog.ts';
import {
  claimFolder,
  configVersion,
  createFolder,
  type RunConfig,
  type RunPaths,
  readPreprocessing,
  runPaths,
  type Start,
  writeConfig,
} from '../runs/folder.ts';
import { type OwnRun, ownership, recordFailure } from '../runs/ownRun.ts';
import type { Settings } from '../settings.ts';
import { showTable } from '../tables/view.ts';
import type { Terminal } from '../terminal.ts';
import { type Assembled, assemble, epochsOf, fitOptionsOf, prepare } from './assemble.ts';
import { conclude } from './conclude.ts';
import { openDisplay } from './display.ts';
import { namingSizes } from './memory.ts';
import { metricAlarms } from './metricAlarms.ts';
import { commandOf, environmentOf, type Job } from './plan.ts';
import { continuedConfig } from './repeat.ts';
import { newestCheckpoint, resumeCommand } from './resume.ts';
import { expectFit, keepStart } from './startFrom.ts';

/** Steps that are reported at most; of longer runs every so many. */
const maxReports = 2000;
/** Steps at which gradients are measured, about: each costs a plan more. */
const measurements = 100;
/** Seconds between checkpoints at ends of short epochs. */
const checkpointSeconds = 1;

/**
 * Trains, and leaves a folder with everything about the run; answers the exit code.
 *
 * @param world of which this is rank 0
 */
export async function trainRun(
  job: Job,
  options: TrainOptions,
  terminal: Terminal,
  interrupt: Interrupt,
  world: World | null = null,
): Promise<number> {
  const { recipe, recipeName, parameters, before } = job;
  const settings = job.resolved.values;
  const note = (line: string): void => terminal.note(line);
  let claim: Claim | null = null;
  let backend: ChosenBackend | null = null;
  try {
    if (before) claim = await claimFolder(before.folder, note);
    const checkpoint = before ? await newestCheckpoint(runPaths(before.folder), terminal) : null;
    backend = await chooseBackend(asBefore(settings, before?.config), terminal);
    const controls = createControls(interrupt.signal);
    const fitted = before ? readPreprocessing(runPaths(before.folder)) : null;
    const prepared = await prepare(recipe, settings, parameters, fitted);
    const assembled = await assemble(prepared, settings, controls.scale, world);
    if (job.start) await expectFit(prepared, assembled.model, job.start);
    // The folder of a new run is made when all is known to fit.
    const taken =
      before && claim
        ? { paths: runPaths(before.folder), claim }
        : await createFolder(options.out, recipeName, note);
    claim = taken.claim;
    const config: RunConfig = before
      ? continuedConfig(
          job,
          before.config,
          checkpoint?.progress.step ?? 0,
          resumeCommand(taken.paths, recipeName),
        )
      : {
          version: configVersion,
          recipe: recipeName,
          settings,
          parameters,
          ...(job.start && { from: await keepStart(taken.paths.folder, job.start) }),
          created: new Date().toISOString(),
          command: commandOf(job, options),
          environment: environmentOf(backend),
        };
    const run: OwnRun = { ...taken, config };
    await clearAfter(checkpoint, run.paths);
    note(
      `${recipeName}: ${assembled.train.length} examples, ${settings.epochs} epochs of ${assembled.trainLoader.length} steps, ` +
        `backend ${backend.name}${ranksOf(world)}${checkpoint ? `, resuming at step ${checkpoint.progress.step}` : ''}`,
    );
    showTable(assembled.task, terminal);
    if (job.start) note(describeStart(job.start, assembled.model));
    interrupt.begin();
    const spent = overAllParts(readEvents(run.paths.events)).at(-1)?.seconds ?? 0;
    const began = performance.now();
    const elapsed = (): number => (performance.now() - began) / 1000;
    try {
      const end = await runLoop(assembled, run, checkpoint, terminal, interrupt, controls, options, world);
      if (end.reason === 'aborted') return reportInterruption(end, run, terminal, interrupt);
      return await conclude(assembled, run, end, spent + elapsed(), terminal, options);
    } catch (error) {
      throw await recordFailure(run, namingSizes(error, job), elapsed());
    }
  } finally {
    backend?.close();
    claim?.release();
  }
}

/** What is trained of a network from a file. */
function describeStart({ file, head }: Start, model: AnyModule): string {
  const parameters = [...model.namedParameters().values()];
  const size = (list: typeof parameters): string =>
    count(list.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0));
  const frozen = parameters.filter(({ trainable }) => !trainable);
  return `from ${file}: ${size(parameters)} weights${head === undefined ? '' : `, a new last layer of ${head} outputs`}${frozen.length > 0 ? `, ${size(frozen)} of them frozen` : ''}`;
}

function ranksOf(world: World | null): string {
  return world === null ? '' : `, ${world.size} rank${world.size === 1 ? '' : 's'}`;
}

/** A run goes on as it began, where nothing else is asked for: to the bit, if this machine can. */
export function asBefore(settings: Settings, before: RunConfig | undefined): BackendChoice {
  const { backend, arithmetic } = before?.environment ?? {};
  return {
    threads: settings.threads,
    vectors: settings.vectors,
    backend: settings.backend === 'auto' && backend === 'reference' ? backend : settings.backend,
    arithmetic:
      settings.arithmetic === 'auto' && arithmetic === 'separate' ? arithmetic : settings.arithmetic,
  };
}

/** Removes what a killed process left half-written, and what happened after the checkpoint. */
async function clearAfter(checkpoint: Checkpoint | null, paths: RunPaths): Promise<void> {
  await removeLeftovers(paths.folder);
  if (checkpoint) await rewindEvents(paths.events, checkpoint.progress.step, checkpoint.progress.epoch);
  else await rm(paths.events, { force: true });
}

/** Trains and shows progress; answers the last event. */
async function runLoop(
  assembled: Assembled,
  run: OwnRun,
  resume: Checkpoint | null,
  terminal: Terminal,
  interrupt: Interrupt,
  controls: Controls,
  options: TrainOptions,
  world: World | null,
): Promise<EndEvent> {
  const { config, paths } = run;
  const { settings } = config;
  const { model, steps, task } = assembled;
  const architecture = architectureOf(model);
  const epochs = epochsOf(settings);
  const display =
    options.ui === 'tui'
      ? (await import('../live/view.ts')).openLiveView({ name: config.recipe, epochs, controls, terminal })
      : await openDisplay(terminal, epochs, assembled.validation ? 'validation' : 'test');
  // Detection runs the step as it is written, so that a message can name the operation, the module and the line.
  const stopDetection = settings.detectAnomaly
    ? (await import('@ag/graph')).startAnomalyDetection({ model })
    : () => undefined;
  let end: EndEvent | null = null;
  try {
    for await (const event of fit({
      ...fitOptionsOf(assembled, settings),
      callbacks: [
        ownership(run),
        configWriter(paths, config, task.preprocessing),
        eventLog(paths.events, steps),
        metricAlarms(assembled.task.metrics, assembled.recipe.placeOf),
        saveCheckpoints({
          folder: paths.checkpoints,
          everySteps: settings.checkpointEvery,
          keepLast: settings.keepCheckpoints,
          minimumSeconds: checkpointSeconds,
        }),
        ...(keepsReceipt(resume)
          ? [saveReceipt({ path: paths.receipt, ...receiptContentOf(config, world?.size ?? 1, assembled) })]
          : []),
        ...(settings.tensorboard ? [tensorBoardLogger(paths.folder)] : []),
        ...deciding(assembled, settings),
        controls.callback(paths.checkpoints),
      ],
      signal: interrupt.signal,
      ...reportingOf(assembled),
      profile: settings.profile,
      config: {
        recipe: config.recipe,
        settings,
        parameters: config.parameters,
        ...(architecture !== null && { architecture }),
        ...(task.preprocessing && { preprocessing: task.preprocessing.toJSON() }),
      },
      ...(resume && { resume }),
      ...(world && { world }),
    })) {
      terminal.event(event);
      display.show(event);
      if (event.type === 'end') end = event;
    }
  } catch (error) {
    display.clear();
    throw withLastCheckpoint(
      error,
      resumeCommand(paths, config.recipe),
      await listCheckpoints(paths.checkpoints),
    );
  } finally {
    stopDetection();
    display.clear();
  }
  return end!;
}

/** A run that was begun by an older agrad has no hashes of its first steps. */
function keepsReceipt(resume: Checkpoint | null): boolean {
  return resume === null || resume.progress.step === 0 || Object.hasOwn(resume.callbacks, 'receipt');
}

/** Keeps the settings once the run has begun with them: those that a checkpoint refuses are not to be met again. */
function configWriter(paths: RunPaths, config: RunConfig, preprocessing?: Preprocessing): Callback {
  return {
    name: 'config',
    async on(event) {
      if (event.type !== 'start') return;
      await writeConfig(paths, config);
      if (preprocessing)
        await writeAtomically(paths.preprocessing, `${JSON.stringify(preprocessing, null, 2)}\n`);
    },
  };
}

/** Callbacks that change how training goes, and so belong to every rank. */
export function deciding(assembled: Assembled, settings: Settings): Callback[] {
  return [
    ...assembled.callbacks,
    // What vanishes or explodes depends on the task; what is dead or no number does not.
    gradientAlarms(settings.detectAnomaly ? {} : { vanishing: 0, exploding: Number.POSITIVE_INFINITY }),
    ...(settings.earlyStop > 0 ? [earlyStopping({ patience: settings.earlyStop })] : []),
  ];
}

/** What steps report, which takes part in their plans. */
export function reportingOf({ steps }: Assembled): { reportEvery: number; gradientNorms: number } {
  const reportEvery = Math.max(1, Math.ceil(steps / maxReports));
  return {
    reportEvery,
    gradientNorms: reportEvery * Math.max(1, Math.ceil(steps / reportEvery / measurements)),
  };
}

/** Says how to go on; answers the exit code. */
function reportInterruption(
  { step, epoch }: EndEvent,
  { config, paths }: OwnRun,
  terminal: Terminal,
  interrupt: Interrupt,
): number {
  const epochs = epochsOf(config.settings);
  const message = `Interrupted at step ${step}, epoch ${epoch + 1} of ${epochs}. Resume with: ${resumeCommand(paths, config.recipe)}`;
  const exitCode = interrupt.exitCode ?? exitCodes.interrupted;
  terminal.event({
    v: eventVersion,
    type: 'error',
    kind: 'interrupted',
    exitCode,
    message,
    run: paths.folder,
  });
  terminal.note(message);
  return exitCode;
}

/** Adds to a numerical failure where the run can be taken up. */
function withLastCheckpoint(error: unknown, resume: string, checkpoints: readonly string[]): unknown {
  if ((error as { code?: string }).code !== 'AG_NON_FINITE_LOSS') return error;
  const where = checkpoints[0]
    ? `The last checkpoint is intact: ${resume} --learning-rate RATE resumes there.`
    : 'No checkpoint had been written yet.';
  return new Failure('numerical', (error as Error).message, where, error);
}
