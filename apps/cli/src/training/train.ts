/**
 * `agrad train`: trains a recipe, shows how it goes, and leaves a folder with everything about the run.
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { saveSafetensors } from '@ag/nn';
import {
  type Callback,
  type Checkpoint,
  decodeCheckpoint,
  earlyStopping,
  eventVersion,
  fit,
  gradientAlarms,
  listCheckpoints,
  removeLeftovers,
  saveCheckpoints,
  type TrainingEvent,
  tensorBoardLogger,
  validate,
  writeAtomically,
} from '@ag/train';
import { type BackendChoice, chooseBackend } from '../backend.ts';
import { exitCodes, Failure } from '../failure.ts';
import { exitCodeOf, type Interrupt, watchInterrupts } from '../interrupt.ts';
import { type Controls, createControls } from '../live/controls.ts';
import { duration, figure, metric, words } from '../numbers.ts';
import { quote } from '../quote.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import type { Claim } from '../runs/claim.ts';
import { eventLog, overAllParts, readEvents, rewindEvents } from '../runs/eventLog.ts';
import {
  claimFolder,
  configVersion,
  createFolder,
  type RunConfig,
  type RunPaths,
  runPaths,
  writeConfig,
} from '../runs/folder.ts';
import { expectOwn, type OwnRun, ownership, recordFailure } from '../runs/ownRun.ts';
import type { Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { type Assembled, assemble, epochsOf, fitOptionsOf, prepare } from './assemble.ts';
import { lossPlot, openDisplay } from './display.ts';
import { namingSizes } from './memory.ts';
import { commandOf, environmentOf, type Job, planJob, printConfig, type TrainOptions } from './plan.ts';

/** Steps that are reported at most; of longer runs every so many. */
const mostReports = 2000;
/** Steps at which gradients are measured, about: each costs a plan more. */
const measurements = 100;
/** Seconds between checkpoints at ends of short epochs. */
const checkpointSeconds = 1;

/** Runs the command; answers the exit code. */
export async function train(options: TrainOptions, terminal: Terminal): Promise<number> {
  if (options.ui === 'tui') {
    if (options.findLearningRate || options.folds !== undefined)
      throw new Failure('usage', '--ui tui shows a training, not --find-learning-rate or --folds');
    (await import('../live/view.ts')).checkTerminal(terminal.json);
  }
  const job = await planJob(options, terminal.ask);
  if (options.printConfig) {
    printConfig(job, terminal);
    return exitCodes.done;
  }
  let began = false;
  const interrupt = watchInterrupts((signal) => {
    if (!began) process.exit(exitCodeOf(signal));
    terminal.note(
      `${signal === 'SIGINT' ? 'interrupted' : 'asked to end'}: finishing the step and writing a checkpoint`,
    );
  });
  try {
    const begin = (): void => {
      began = true;
    };
    if (options.findLearningRate) {
      const { tryLearningRates } = await import('./learningRate.ts');
      return await tryLearningRates(job, options, terminal);
    }
    if (options.folds !== undefined) {
      const { trainFolds } = await import('./folds.ts');
      return await trainFolds(job, options, terminal, interrupt, begin);
    }
    return await runJob(job, options, terminal, interrupt, begin);
  } catch (error) {
    throw namingSizes(error, job);
  } finally {
    interrupt.stop();
  }
}

async function runJob(
  job: Job,
  options: TrainOptions,
  terminal: Terminal,
  interrupt: Interrupt,
  begin: () => void,
): Promise<number> {
  const { before } = job;
  const note = (line: string): void => terminal.note(line);
  const claim = before ? await claimFolder(before.folder, note) : null;
  try {
    return await runIn(claim, job, options, terminal, interrupt, begin);
  } finally {
    claim?.release();
  }
}

/** @param taken the folder of the run that is gone on with; that of a new one is made when all is known to fit */
async function runIn(
  taken: Claim | null,
  job: Job,
  options: TrainOptions,
  terminal: Terminal,
  interrupt: Interrupt,
  begin: () => void,
): Promise<number> {
  const { recipe, recipeName, parameters, before } = job;
  const settings = job.resolved.values;
  const checkpoint = before ? await newestCheckpoint(runPaths(before.folder), terminal) : null;
  const backend = await chooseBackend(asBefore(settings, before?.config), terminal);
  let claim = taken;
  try {
    const controls = createControls(interrupt.signal);
    const assembled = await assemble(await prepare(recipe, settings, parameters), settings, controls.scale);
    let paths: RunPaths;
    if (before) paths = runPaths(before.folder);
    else ({ paths, claim } = await createFolder(options.out, recipeName, (line) => terminal.note(line)));
    const config: RunConfig = before?.config ?? {
      version: configVersion,
      recipe: recipeName,
      settings,
      parameters,
      created: new Date().toISOString(),
      command: commandOf(job, options),
      environment: environmentOf(backend),
    };
    const run: OwnRun = { paths, claim: claim!, config: before ? { ...config, settings } : config };
    await removeLeftovers(paths.folder);
    if (checkpoint) await rewindEvents(paths.events, checkpoint.progress.step, checkpoint.progress.epoch);
    else await rm(paths.events, { force: true });
    terminal.note(
      `${recipeName}: ${assembled.train.length} examples, ${settings.epochs} epochs of ${assembled.trainLoader.length} steps, ` +
        `backend ${backend.name}${checkpoint ? `, going on at step ${checkpoint.progress.step}` : ''}`,
    );
    begin();
    const began = performance.now();
    try {
      return await trainAndReport(assembled, run, checkpoint, terminal, interrupt, controls, options);
    } catch (caught) {
      throw await recordFailure(run, namingSizes(caught, job), (performance.now() - began) / 1000);
    }
  } finally {
    backend.close();
    claim?.release();
  }
}

/** A run goes on as it began, where nothing else is asked for: to the bit, if this machine can. */
function asBefore(settings: Settings, before: RunConfig | undefined): BackendChoice {
  const { backend, arithmetic } = before?.environment ?? {};
  return {
    threads: settings.threads,
    backend: settings.backend === 'auto' && backend === 'reference' ? backend : settings.backend,
    arithmetic:
      settings.arithmetic === 'auto' && arithmetic === 'separate' ? arithmetic : settings.arithmetic,
  };
}

/** The loop itself, and what is written after it. */
async function trainAndReport(
  assembled: Assembled,
  run: OwnRun,
  resume: Checkpoint | null,
  terminal: Terminal,
  interrupt: Interrupt,
  controls: Controls,
  options: TrainOptions,
): Promise<number> {
  const { config, paths } = run;
  const { settings } = config;
  const { model, task, testLoader, steps } = assembled;
  const epochs = epochsOf(settings);
  const reportEvery = Math.max(1, Math.ceil(steps / mostReports));
  const display =
    options.ui === 'tui'
      ? (await import('../live/view.ts')).openLiveView({ name: config.recipe, epochs, controls, terminal })
      : await openDisplay(terminal, epochs);
  const began = performance.now();
  let end: Extract<TrainingEvent, { type: 'end' }> | null = null;
  const spent = overAllParts(readEvents(paths.events)).at(-1)?.seconds ?? 0;
  // Detection runs the step as it is written, so that a message can name the operation, the module and the line.
  const stopDetection = settings.detectAnomaly
    ? (await import('@ag/graph')).startAnomalyDetection({ model })
    : () => undefined;
  try {
    for await (const event of fit({
      ...fitOptionsOf(assembled, settings),
      callbacks: [
        ownership(run),
        configWriter(paths, config),
        eventLog(paths.events, steps),
        ...callbacksFor(assembled, settings, paths),
        controls.callback(paths.checkpoints),
      ],
      signal: interrupt.signal,
      reportEvery,
      gradientNorms: reportEvery * Math.max(1, Math.ceil(steps / reportEvery / measurements)),
      profile: settings.profile,
      config: { recipe: config.recipe, settings, parameters: config.parameters },
      ...(resume && { resume }),
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
  const seconds = spent + (performance.now() - began) / 1000;
  if (end!.reason === 'aborted') {
    const line = `Interrupted at step ${end!.step}, epoch ${end!.epoch + 1} of ${epochs}. Go on with: ${resumeCommand(paths, config.recipe)}`;
    terminal.event({
      v: eventVersion,
      type: 'error',
      kind: 'interrupted',
      exitCode: interrupt.exitCode,
      message: line,
      run: paths.folder,
    });
    terminal.note(line);
    return interrupt.exitCode ?? exitCodes.interrupted;
  }
  expectOwn(run);
  await writeAtomically(
    paths.weights,
    await saveSafetensors(model.stateDict(), {
      metadata: {
        format: 'ag-weights',
        recipe: config.recipe,
        parameters: JSON.stringify(config.parameters),
        settings: JSON.stringify(settings),
      },
    }),
  );
  const result = await validate(model, testLoader, { loss: task.loss, metrics: task.metrics });
  const events = readEvents(paths.events).filter((event) => event.type !== 'error');
  const { renderReport } = await import('../report/report.ts');
  const status =
    end!.reason === 'earlyStopping'
      ? `stopped early, after ${end!.epoch} epochs,`
      : `${end!.epoch} epoch${end!.epoch === 1 ? '' : 's'}`;
  await writeAtomically(
    paths.report,
    await renderReport({ config, prepared: assembled, model, events, status, seconds }),
  );
  await conclude(assembled, config.recipe, result, events, paths, seconds, terminal, options);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'train',
    recipe: config.recipe,
    reason: end!.reason,
    epoch: end!.epoch,
    step: end!.step,
    train: { loss: end!.loss, metrics: end!.metrics },
    test: { loss: result.loss, metrics: result.metrics, examples: result.examples },
    trainingSeconds: seconds,
    run: paths.folder,
    weights: paths.weights,
    report: paths.report,
  });
  return exitCodes.done;
}

/** What is said at the end. */
async function conclude(
  { task, train, test, model }: Assembled,
  recipe: string,
  result: { loss: number; metrics: Readonly<Record<string, number>> },
  events: readonly TrainingEvent[],
  paths: RunPaths,
  seconds: number,
  terminal: Terminal,
  options: TrainOptions,
): Promise<void> {
  const losses = events.filter((event) => event.type === 'epoch').map((event) => event.loss);
  if ((terminal.live || options.plot) && losses.length > 1)
    terminal.note('', ...(await lossPlot(losses, terminal.columns, terminal.err)), '');
  terminal.print(...((await task.conclude?.(model)) ?? []));
  const figures = Object.entries(result.metrics).map(
    ([name, value]) => `, ${words(name)} ${metric(name, value)}`,
  );
  const what = test === train ? 'all examples' : `test data (${test.length} examples)`;
  terminal.print(terminal.out.bold(`${what}: loss ${figure(result.loss)}${figures.join('')}`));
  const profile = events.findLast((event) => event.type === 'profile');
  if (profile) {
    const { profileTables } = await import('../inspection/profileTables.ts');
    terminal.print('', ...profileTables(profile, terminal.columns), '');
  }
  const tail = losses.slice(-100);
  if (losses.length >= 200) {
    const mean = tail.reduce((sum, value) => sum + value, 0) / tail.length;
    terminal.print(`mean training loss of the last 100 epochs: ${figure(mean)}`);
  }
  terminal.print(`trained in ${duration(seconds)}`);
  terminal.print(`report: ${paths.report}`);
  terminal.note(
    `weights: ${paths.weights}; judge them by: agrad eval ${quote(paths.folder)}${moduleFlag(recipe)}`,
  );
}

/** Keeps the settings once the run has begun with them: those that a checkpoint refuses are not to be met again. */
function configWriter(paths: RunPaths, config: RunConfig): Callback {
  return {
    name: 'config',
    async on(event) {
      if (event.type === 'start') await writeConfig(paths, config);
    },
  };
}

function callbacksFor(assembled: Assembled, settings: Settings, paths: RunPaths): Callback[] {
  return [
    saveCheckpoints({
      folder: paths.checkpoints,
      everySteps: settings.checkpointEvery,
      keepLast: settings.keepCheckpoints,
      minimumSeconds: checkpointSeconds,
    }),
    ...assembled.callbacks,
    // What vanishes or explodes depends on the task; what is dead or no number does not.
    gradientAlarms(settings.detectAnomaly ? {} : { vanishing: 0, exploding: Number.POSITIVE_INFINITY }),
    ...(settings.tensorboard ? [tensorBoardLogger(paths.folder)] : []),
    ...(settings.earlyStop > 0 ? [earlyStopping({ patience: settings.earlyStop })] : []),
  ];
}

/** The newest checkpoint that can be read; damaged ones are left out with a note. */
async function newestCheckpoint(paths: RunPaths, terminal: Terminal): Promise<Checkpoint | null> {
  let damaged = 0;
  for (const path of await listCheckpoints(paths.checkpoints)) {
    try {
      return decodeCheckpoint(readFileSync(path), path);
    } catch (error) {
      terminal.note(terminal.err.yellow(`warning: ${(error as Error).message}; taking the one before`));
      damaged++;
    }
  }
  if (damaged > 0) {
    throw new Failure(
      'incompatible',
      `${paths.checkpoints}: none of the ${damaged} checkpoints can be read`,
      `To begin anew, remove them: rm ${quote(paths.checkpoints)}/step-*`,
    );
  }
  terminal.note('there is no checkpoint yet: beginning anew');
  return null;
}

/** Adds to a numerical failure where the run can be taken up. */
function withLastCheckpoint(error: unknown, resume: string, checkpoints: readonly string[]): unknown {
  if ((error as { code?: string }).code !== 'nonFiniteLoss') return error;
  const where = checkpoints[0]
    ? `The last checkpoint is intact: ${resume} --learning-rate RATE goes on from there.`
    : 'No checkpoint had been written yet.';
  return new Failure('numerical', (error as Error).message, where, error);
}

/** @param recipe a module is not loaded because a run says so: the command names it */
function resumeCommand(paths: RunPaths, recipe: string): string {
  return `agrad train --resume ${quote(paths.folder)}${moduleFlag(recipe)}`;
}

function moduleFlag(recipe: string): string {
  return looksLikeModule(recipe) ? ` --recipe ${quote(recipe)}` : '';
}
