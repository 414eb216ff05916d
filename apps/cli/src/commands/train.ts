/**
 * `agrad train`: trains a recipe, shows how it goes, and leaves a folder with everything about the run.
 */
import { existsSync, readFileSync } from 'node:fs';
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
  saveCheckpoints,
  type TrainingEvent,
  tensorBoardLogger,
  validate,
  writeAtomically,
} from '@ag/train';
import { chooseBackend } from '../backend.ts';
import { exitCodes, Failure } from '../failure.ts';
import { type Interrupt, watchInterrupts } from '../interrupt.ts';
import { duration, figure, metric, words } from '../numbers.ts';
import { loadRecipe, parametersOf } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { loadModuleRecipe, looksLikeModule } from '../recipes/userModule.ts';
import {
  settings as definitions,
  flagOf,
  fromEnvironment,
  type Given,
  type Resolved,
  resolveSettings,
  type Settings,
  settingNames,
} from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { type Assembled, assemble, prepare } from '../training/assemble.ts';
import { lossPlot, openDisplay } from '../training/display.ts';
import { openEventLog, overAllParts, readEvents, rewindEvents } from '../training/eventLog.ts';
import {
  configVersion,
  createFolder,
  defaultFolder,
  quote,
  type RunConfig,
  type RunPaths,
  readConfig,
  runPaths,
  writeConfig,
} from '../training/folder.ts';
import { version } from '../version.ts';

/** Steps that are reported at most; of longer runs every so many. */
const mostReports = 2000;
/** Seconds between checkpoints at ends of short epochs. */
const checkpointSeconds = 1;

/** What the command line says. */
export interface TrainOptions {
  /** Words that name the recipe, a config file, or a module. */
  readonly recipe: readonly string[];
  /** Settings given by flags, as text. */
  readonly flags: Given;
  /** Parameters of the recipe given by `--set`. */
  readonly changes: Readonly<Record<string, ParameterValue>>;
  readonly config?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly printConfig?: boolean;
  readonly plot?: boolean;
}

/** What is to be run. */
interface Job {
  readonly recipe: Recipe;
  /** How the recipe is asked for. */
  readonly recipeName: string;
  readonly resolved: Resolved;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** The run that is continued. */
  readonly before: { readonly folder: string; readonly config: RunConfig } | null;
}

/** Runs the command; answers the exit code. */
export async function train(options: TrainOptions, terminal: Terminal): Promise<number> {
  const job = await planJob(options);
  if (options.printConfig) {
    printConfig(job, terminal);
    return exitCodes.done;
  }
  let began = false;
  const interrupt = watchInterrupts((signal) => {
    if (!began) process.exit(signal === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted);
    terminal.note(
      `${signal === 'SIGINT' ? 'interrupted' : 'asked to end'}: finishing the step and writing a checkpoint`,
    );
  });
  try {
    return await runJob(job, options, terminal, interrupt, () => {
      began = true;
    });
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
  const { recipe, recipeName, parameters, before } = job;
  const settings = job.resolved.values;
  const checkpoint = before ? await newestCheckpoint(runPaths(before.folder), terminal) : null;
  const backend = await chooseBackend(settings, terminal);
  try {
    const assembled = await assemble(await prepare(recipe, settings, parameters), settings);
    const paths = before
      ? runPaths(before.folder)
      : createFolder(options.out ?? defaultFolder(recipeName, new Date()));
    const config: RunConfig = before?.config ?? {
      version: configVersion,
      recipe: recipeName,
      settings,
      parameters,
      created: new Date().toISOString(),
      command: commandOf(recipeName, job.resolved, options),
      environment: {
        agrad: version,
        node: process.versions.node,
        platform: `${process.platform} ${process.arch}`,
        backend: backend.name,
      },
    };
    const shownConfig = before ? { ...config, settings } : config;
    await writeConfig(paths, shownConfig);
    if (checkpoint) await rewindEvents(paths.events, checkpoint.progress.step, checkpoint.progress.epoch);
    terminal.note(
      `${recipeName}: ${assembled.train.length} examples, ${settings.epochs} epochs of ${assembled.trainLoader.length} steps, ` +
        `backend ${backend.name}${checkpoint ? `, going on at step ${checkpoint.progress.step}` : ''}`,
    );
    begin();
    return await trainAndReport(assembled, shownConfig, paths, checkpoint, terminal, interrupt, options);
  } finally {
    backend.close();
  }
}

/** The loop itself, and what is written after it. */
async function trainAndReport(
  assembled: Assembled,
  config: RunConfig,
  paths: RunPaths,
  resume: Checkpoint | null,
  terminal: Terminal,
  interrupt: Interrupt,
  options: TrainOptions,
): Promise<number> {
  const { settings } = config;
  const { model, optimizer, task, recipe, trainLoader, testLoader, steps } = assembled;
  const epochs = settings.fastDevRun ? Math.min(1, settings.epochs) : settings.epochs;
  const display = await openDisplay(terminal, epochs);
  const log = openEventLog(paths.events, steps);
  const began = performance.now();
  let end: Extract<TrainingEvent, { type: 'end' }> | null = null;
  const spent = overAllParts(readEvents(paths.events)).at(-1)?.seconds ?? 0;
  // Detection runs the step as it is written, so that a message can name the operation, the module and the line.
  const stopDetection = settings.detectAnomaly
    ? (await import('@ag/graph')).startAnomalyDetection({ model })
    : () => undefined;
  try {
    const { clipNorm } = settings;
    const clip = clipNorm > 0 ? await clipper(clipNorm) : null;
    for await (const event of fit({
      model,
      optimizer,
      loss: task.loss,
      metrics: task.metrics,
      train: trainLoader,
      validation: testLoader,
      epochs,
      validateEvery: settings.validateEvery,
      callbacks: callbacksFor(assembled, settings, paths),
      signal: interrupt.signal,
      reportEvery: Math.max(1, Math.ceil(steps / mostReports)),
      compile: (recipe.compile ?? false) && clip === null,
      config: { recipe: config.recipe, settings, parameters: config.parameters },
      ...(clip && { gradients: clip }),
      ...(resume && { resume }),
      ...(settings.detectAnomaly && { gradientNorms: Math.max(1, Math.ceil(steps / 200)) }),
    })) {
      log.write(event);
      terminal.event(event);
      display.show(event);
      if (event.type === 'end') end = event;
    }
  } catch (error) {
    display.clear();
    throw withLastCheckpoint(error, paths, await listCheckpoints(paths.checkpoints));
  } finally {
    stopDetection();
    log.flush();
    display.clear();
  }
  const seconds = spent + (performance.now() - began) / 1000;
  if (end!.reason === 'aborted') {
    const line = `Interrupted at step ${end!.step}, epoch ${end!.epoch + 1} of ${epochs}. Go on with: ${resumeCommand(paths)}`;
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
  const events = readEvents(paths.events);
  const { renderReport } = await import('../report/report.ts');
  const status =
    end!.reason === 'earlyStopping'
      ? `stopped early, after ${end!.epoch} epochs,`
      : `${end!.epoch} epoch${end!.epoch === 1 ? '' : 's'}`;
  await writeAtomically(
    paths.report,
    await renderReport({ config, prepared: assembled, model, events, status, seconds }),
  );
  await conclude(assembled, result, events, paths, seconds, terminal, options);
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
  result: { loss: number; metrics: Readonly<Record<string, number>> },
  events: readonly TrainingEvent[],
  paths: RunPaths,
  seconds: number,
  terminal: Terminal,
  options: TrainOptions,
): Promise<void> {
  const losses = events.filter((event) => event.type === 'epoch').map((event) => event.loss);
  if ((terminal.live || options.plot) && losses.length > 1)
    terminal.note(`\n${await lossPlot(losses, terminal.columns, terminal.err)}\n`);
  for (const line of (await task.conclude?.(model)) ?? []) terminal.print(line);
  const figures = Object.entries(result.metrics).map(
    ([name, value]) => `, ${words(name)} ${metric(name, value)}`,
  );
  const what = test === train ? 'all examples' : `test data (${test.length} examples)`;
  terminal.print(terminal.out.bold(`${what}: loss ${figure(result.loss)}${figures.join('')}`));
  const tail = losses.slice(-100);
  if (losses.length >= 200) {
    const mean = tail.reduce((sum, value) => sum + value, 0) / tail.length;
    terminal.print(`mean training loss of the last 100 epochs: ${figure(mean)}`);
  }
  terminal.print(`trained in ${duration(seconds)}`);
  terminal.print(`report: ${paths.report}`);
  terminal.note(`weights: ${paths.weights}; judge them by: agrad eval ${quote(paths.folder)}`);
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
    ...(settings.detectAnomaly ? [gradientAlarms()] : []),
    ...(settings.tensorboard ? [tensorBoardLogger(paths.folder)] : []),
    ...(settings.earlyStop > 0 ? [earlyStopping({ patience: settings.earlyStop })] : []),
  ];
}

async function clipper(
  norm: number,
): Promise<(parameters: readonly import('@ag/tensor').Variable[]) => unknown> {
  const optim = (await import('@ag/optim')) as Record<string, unknown>;
  const clip = optim.clipGradNorm as ((parameters: Iterable<unknown>, most: number) => unknown) | undefined;
  if (!clip) throw new Failure('configuration', '--clip-norm: @ag/optim cannot clip gradients');
  return (parameters) => clip(parameters, norm);
}

/** The newest checkpoint that can be read; damaged ones are left out with a note. */
async function newestCheckpoint(paths: RunPaths, terminal: Terminal): Promise<Checkpoint | null> {
  for (const path of await listCheckpoints(paths.checkpoints)) {
    try {
      return decodeCheckpoint(readFileSync(path), path);
    } catch (error) {
      terminal.note(terminal.err.yellow(`warning: ${(error as Error).message}; taking the one before`));
    }
  }
  terminal.note('there is no checkpoint yet: beginning anew');
  return null;
}

/** Adds to a numerical failure where the run can be taken up. */
function withLastCheckpoint(error: unknown, paths: RunPaths, checkpoints: readonly string[]): unknown {
  if ((error as { code?: string }).code !== 'nonFiniteLoss') return error;
  const where = checkpoints[0]
    ? `The last checkpoint is intact: ${resumeCommand(paths)} --learning-rate RATE goes on from there.`
    : 'No checkpoint had been written yet.';
  return new Failure('numerical', (error as Error).message, where, error);
}

function resumeCommand(paths: RunPaths): string {
  return `agrad train --resume ${quote(paths.folder)}`;
}

/** Puts recipe, files, environment and flags together. */
async function planJob(options: TrainOptions): Promise<Job> {
  const environment = fromEnvironment(process.env);
  if (options.resume !== undefined) {
    if (options.recipe.length > 0) {
      throw new Failure(
        'usage',
        `--resume takes the recipe from the run; leave out '${options.recipe.join(' ')}'`,
      );
    }
    const config = readConfig(options.resume);
    const recipe = await recipeFor(config.recipe);
    const parameters = parametersOf(recipe, { ...config.parameters, ...options.changes });
    const resolved = resolveSettings({ flag: options.flags, environment, config: config.settings });
    return {
      recipe,
      recipeName: config.recipe,
      resolved,
      parameters,
      before: { folder: options.resume, config: { ...config, parameters } },
    };
  }
  const words = options.recipe.join(' ');
  const path = options.config ?? (words.endsWith('.json') ? words : undefined);
  const file = path === undefined ? null : readConfigFile(path);
  const name = words !== '' && words !== path ? words : (file?.recipe ?? 'digits');
  const recipe = await recipeFor(name);
  const resolved = resolveSettings({
    flag: options.flags,
    environment,
    ...(file && { config: file.settings }),
    recipe: recipe.settings,
  });
  const parameters = parametersOf(recipe, { ...file?.set, ...options.changes });
  return {
    recipe,
    recipeName: looksLikeModule(name) ? name : recipe.name,
    resolved,
    parameters,
    before: null,
  };
}

/** A recipe by name, or from a module of the user's own. */
export function recipeFor(name: string): Promise<Recipe> {
  return looksLikeModule(name) ? loadModuleRecipe(name) : loadRecipe(name);
}

interface ConfigFile {
  readonly recipe?: string;
  readonly settings: Given;
  readonly set: Readonly<Record<string, ParameterValue>>;
}

/** A config file: settings by name, with `recipe` and `set`; the `config.json` of a run serves too. */
function readConfigFile(path: string): ConfigFile {
  if (!existsSync(path)) throw new Failure('configuration', `${path}: there is no such config file`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure('configuration', `${path} is no JSON: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Failure('configuration', `${path}: expected an object with settings`);
  }
  const {
    recipe,
    set,
    settings,
    parameters,
    version: _,
    created,
    command,
    environment,
    ...own
  } = content as Record<string, unknown>;
  const all = { ...(settings as Record<string, unknown> | undefined), ...own };
  const unknown = Object.keys(all).find((name) => !settingNames.includes(name as keyof Settings));
  if (unknown !== undefined) {
    throw new Failure(
      'configuration',
      `${path}: there is no setting '${unknown}'`,
      didYouMean(unknown, settingNames, 'Settings'),
    );
  }
  if (recipe !== undefined && typeof recipe !== 'string') {
    throw new Failure('configuration', `${path}: recipe must be a name, got ${JSON.stringify(recipe)}`);
  }
  return {
    ...(recipe !== undefined && { recipe }),
    settings: all as Given,
    set: { ...(parameters as ConfigFile['set']), ...(set as ConfigFile['set']) },
  };
}

function printConfig(job: Job, terminal: Terminal): void {
  const { values, from } = job.resolved;
  const entries = settingNames.map((name) => ({ name, value: values[name], source: from[name] }));
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'config',
    recipe: job.recipeName,
    settings: entries,
    parameters: job.parameters,
  });
  const text = (value: unknown): string =>
    value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
  const width = Math.max(...entries.map(({ name }) => name.length)) + 2;
  const values2 = Math.max(...entries.map(({ value }) => text(value).length)) + 2;
  terminal.print(`recipe: ${job.recipeName}`);
  for (const { name, value, source } of entries) {
    const line = `${name.padEnd(width)}${text(value).padEnd(values2)}`;
    terminal.print(source === 'default' ? terminal.out.dim(`${line}${source}`) : `${line}${source}`);
  }
  for (const [name, value] of Object.entries(job.parameters)) {
    terminal.print(`${`set ${name}`.padEnd(width)}${text(value).padEnd(values2)}recipe`);
  }
}

/** A command that gives the same run: everything that does not come from the recipe. */
function commandOf(recipe: string, { values, from }: Resolved, options: TrainOptions): string {
  const parts = ['agrad', 'train', ...(looksLikeModule(recipe) ? [quote(recipe)] : [recipe])];
  for (const name of settingNames) {
    if (from[name] === 'default' || from[name] === 'recipe') continue;
    if (definitions[name].fallback === false) {
      if (values[name]) parts.push(flagOf(name));
    } else parts.push(flagOf(name), quote(String(values[name])));
  }
  if (from.seed === 'default') parts.push('--seed', String(values.seed));
  for (const [name, value] of Object.entries(options.changes)) {
    parts.push('--set', quote(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`));
  }
  return parts.join(' ');
}
