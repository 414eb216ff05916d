/**
 * `agrad eval`: the figures of trained weights on the test data, with limits that set the exit code.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { loadSafetensors, type Module, type SafetensorsFile } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { decodeCheckpoint, eventVersion, listCheckpoints, validate } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import { exitCodes, Failure } from '../failure.ts';
import { figure, metric, words } from '../numbers.ts';
import { quote } from '../quote.ts';
import { parametersOf, recipeOfFile } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { readConfig, runPaths } from '../runs/folder.ts';
import { fromEnvironment, type Given, resolveSettings, type Settings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { type Prepared, prepare, testLoaderOf } from '../training/assemble.ts';

/** Names of averages in checkpoints. */
const averagePrefix = 'average/';

/** What the command line says. */
export interface EvalOptions {
  /** The folder of a run, or a file of weights. */
  readonly target: string;
  readonly flags: Given;
  /** For weights that do not say what they are of, and for those of a module. */
  readonly recipe?: string;
  /** `accuracy=0.97`: fail when the figure is smaller. */
  readonly failUnder: readonly string[];
  /** `loss=0.1`: fail when the figure is larger. */
  readonly failOver: readonly string[];
}

/** Runs the command; answers the exit code. */
export async function evaluate(options: EvalOptions, terminal: Terminal): Promise<number> {
  const limits = [
    ...options.failUnder.map((text) => parseLimit(text, '--fail-under')),
    ...options.failOver.map((text) => parseLimit(text, '--fail-over')),
  ];
  const trained = await describeWeights(options, 'eval', terminal.ask);
  const backend = await chooseBackend(trained.settings, terminal);
  try {
    const { prepared, model } = await loadTrained(trained);
    const { task, test, train } = prepared;
    const result = await validate(model, testLoaderOf(prepared, test), {
      loss: task.loss,
      metrics: task.metrics,
    });
    const figures: Record<string, number> = { loss: result.loss, ...result.metrics };
    const missed = limits.filter((limit) => breaks(limit, figures));
    terminal.print(
      `${trained.recipeName}: ${result.examples} examples of ${test === train ? 'the training data' : 'the test data'}`,
    );
    for (const [name, value] of Object.entries(figures)) {
      terminal.print(`  ${words(name).padEnd(20)} ${name === 'loss' ? figure(value) : metric(name, value)}`);
    }
    const messages = missed.map(
      ({ name, value, flag }) =>
        `${name} is ${figure(figures[name])}, ${flag === '--fail-under' ? 'under' : 'over'} the limit ${value}`,
    );
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'eval',
      recipe: trained.recipeName,
      weights: trained.path,
      examples: result.examples,
      ...figures,
      passed: missed.length === 0,
      missed: messages,
    });
    for (const message of messages) terminal.note(terminal.err.red(message));
    return missed.length === 0 ? exitCodes.done : exitCodes.check;
  } finally {
    backend.close();
  }
}

/** Weights, and what they are of. */
export interface Trained {
  readonly path: string;
  readonly recipeName: string;
  readonly recipe: Recipe;
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly weights: Readonly<Record<string, Tensor>>;
}

/**
 * Finds out what a run or a file of weights is.
 *
 * @param command for advice
 * @throws Failure `data` when there is no such thing, `incompatible` when it cannot be read
 */
export async function describeWeights(
  options: Pick<EvalOptions, 'target' | 'flags' | 'recipe'>,
  command: string,
  ask: Terminal['ask'],
): Promise<Trained> {
  const { target, flags } = options;
  const recipeOf = (file: string, recipe: string): Promise<Recipe> => {
    const by = `agrad ${command} ${quote(target)}${command === 'predict' ? ' FILE' : ''} --recipe`;
    return recipeOfFile({ file, recipe, by }, options.recipe, ask);
  };
  const environment = fromEnvironment(process.env);
  if (!existsSync(target)) {
    throw new Failure('data', `${target}: there is no such run or file`, "'agrad runs list' shows the runs.");
  }
  if (statSync(target).isDirectory()) {
    const config = readConfig(target);
    const paths = runPaths(target);
    const path = existsSync(paths.weights) ? paths.weights : (await listCheckpoints(paths.checkpoints))[0];
    if (path === undefined) {
      throw new Failure('data', `${target} has no weights yet`, `Train it: agrad train --resume ${target}`);
    }
    const { values } = resolveSettings({ flag: flags, environment, config: config.settings });
    return {
      path,
      recipeName: options.recipe ?? config.recipe,
      recipe: await recipeOf(`the run ${target}`, config.recipe),
      settings: values,
      parameters: config.parameters,
      weights: readWeights(path).tensors,
    };
  }
  const { tensors, metadata } = readWeights(target);
  const recipeName = options.recipe ?? metadata.recipe;
  if (recipeName === undefined) {
    throw new Failure(
      'usage',
      `${target} does not say which recipe its weights are of`,
      'Name it with --recipe.',
    );
  }
  // A module may have been moved.
  const own =
    options.recipe === undefined ||
    options.recipe === metadata.recipe ||
    (metadata.recipe !== undefined && looksLikeModule(options.recipe) && looksLikeModule(metadata.recipe));
  const parse = (text: string | undefined): Record<string, never> => {
    try {
      return own && text ? JSON.parse(text) : {};
    } catch {
      throw new Failure('incompatible', `${target}: what it says about its training is no JSON`);
    }
  };
  const recipe = await recipeOf(target, recipeName);
  const { values } = resolveSettings({
    flag: flags,
    environment,
    config: parse(metadata.settings),
    recipe: recipe.settings,
  });
  return {
    path: target,
    recipeName,
    recipe,
    settings: values,
    parameters: parse(metadata.parameters),
    weights: tensors,
  };
}

/** Reads the data, makes the model and gives it the weights. @throws Failure `incompatible` when they do not fit */
export async function loadTrained(
  trained: Trained,
): Promise<{ prepared: Prepared; model: Module<[Tensor], Tensor> }> {
  const { recipe } = trained;
  const prepared = await prepare(recipe, trained.settings, parametersOf(recipe, trained.parameters));
  const model = prepared.task.model();
  try {
    model.loadStateDict(withAverages(trained.weights, model));
  } catch (error) {
    throw new Failure(
      'incompatible',
      `${trained.path} does not fit the model of '${trained.recipeName}': ${(error as Error).message}`,
      undefined,
      error,
    );
  }
  return { prepared, model };
}

/** Where a checkpoint holds averages of the weights (in the order of the parameters), these are what is judged. */
function withAverages(
  weights: Readonly<Record<string, Tensor>>,
  model: Module<[Tensor], Tensor>,
): Record<string, Tensor> {
  const names = [...model.namedParameters().keys()];
  return Object.fromEntries(
    Object.entries(weights)
      .filter(([name]) => !name.startsWith(averagePrefix))
      .map(([name, value]) => [name, weights[`${averagePrefix}${names.indexOf(name)}`] ?? value]),
  );
}

/** Tensors of a file. @throws Failure `incompatible` when it is no safetensors file, or a damaged one */
export function readSafetensors(path: string): SafetensorsFile {
  const bytes = readFileSync(path);
  try {
    const { tensors, metadata } = loadSafetensors(bytes);
    return { tensors, metadata: metadata ?? {} };
  } catch (error) {
    throw new Failure('incompatible', `${path}: ${(error as Error).message}`, undefined, error);
  }
}

/** Weights of a file, of a checkpoint too. */
function readWeights(path: string): SafetensorsFile {
  const { tensors, metadata } = readSafetensors(path);
  if (metadata.format !== 'ag-checkpoint') return { tensors, metadata };
  const weights = Object.entries(tensors).flatMap(([name, value]) => {
    if (name.startsWith('model/')) return [[name.slice('model/'.length), value] as const];
    return name.startsWith(averagePrefix) ? [[name, value] as const] : [];
  });
  // Checks that it is whole, too.
  const config = decodeCheckpoint(readFileSync(path), path).config as Record<string, unknown> | null;
  return {
    tensors: Object.fromEntries(weights),
    metadata: config
      ? {
          recipe: String(config.recipe),
          settings: JSON.stringify(config.settings),
          parameters: JSON.stringify(config.parameters),
        }
      : ({} as Record<string, string>),
  };
}

interface Limit {
  readonly name: string;
  readonly value: number;
  readonly flag: string;
}

function parseLimit(text: string, flag: string): Limit {
  const [name, value] = text.split('=');
  const number = Number(value);
  if (!name || value === undefined || value.trim() === '' || !Number.isFinite(number)) {
    throw new Failure('usage', `${flag} ${text}: expected name=number, such as accuracy=0.97`);
  }
  return { name, value: number, flag };
}

function breaks({ name, value, flag }: Limit, figures: Readonly<Record<string, number>>): boolean {
  const found = Object.hasOwn(figures, name) ? figures[name] : undefined;
  if (found === undefined) {
    throw new Failure(
      'usage',
      `${flag} ${name}=${value}: there is no such figure`,
      didYouMean(name, Object.keys(figures), 'Figures'),
    );
  }
  // A figure that is not a number keeps no limit.
  return flag === '--fail-under' ? !(found >= value) : !(found <= value);
}
