/** Trained weights: what a run or a file of weights is of, and the model that it makes. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { loadSafetensors, type Module, type SafetensorsFile } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { decodeCheckpoint, listCheckpoints } from '@ag/train';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { parametersOf, recipeOfFile } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { readConfig, runPaths } from '../runs/folder.ts';
import { fromEnvironment, type RawSettings, resolveSettings, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { type Prepared, prepare } from '../training/assemble.ts';

/** Names of averages in checkpoints. */
const averagePrefix = 'average/';

/** Weights, and what they are of. */
export interface Trained {
  readonly path: string;
  readonly recipeName: string;
  readonly recipe: Recipe;
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly weights: Readonly<Record<string, Tensor>>;
}

/** What the command line says about weights. */
export interface TrainedOptions {
  /** The folder of a run, or a file of weights. */
  readonly target: string;
  /** For weights that do not say what they are of, and for those of a module. */
  readonly recipe: string | undefined;
  readonly settings: RawSettings;
}

/**
 * Finds out what a run or a file of weights is.
 *
 * @param command for advice
 * @throws Failure `data` when there is no such thing, `incompatible` when it cannot be read
 */
export async function describeWeights(
  options: TrainedOptions,
  command: 'eval' | 'predict',
  ask: Terminal['ask'],
): Promise<Trained> {
  const { target, settings } = options;
  const recipeOf = (file: string, recipe: string, parameters: Trained['parameters']): Promise<Recipe> => {
    const by = `agrad ${command} ${quote(target)}${command === 'predict' ? ' FILE' : ''} --recipe`;
    return recipeOfFile({ file, recipe, by, parameters }, options.recipe, ask);
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
    const { values } = resolveSettings({ flag: settings, environment, config: config.settings });
    return {
      path,
      recipeName: options.recipe ?? config.recipe,
      recipe: await recipeOf(`the run ${target}`, config.recipe, config.parameters),
      settings: values,
      parameters: config.parameters,
      weights: readWeights(path).tensors,
    };
  }
  const { tensors, metadata } = readWeights(target);
  const recipeName = options.recipe ?? metadata.recipe;
  if (recipeName === undefined) {
    throw new Failure('usage', `${target} does not name its recipe`, 'Name it with --recipe.');
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
      throw new Failure('incompatible', `${target}: its training metadata is not JSON`);
    }
  };
  const recipe = await recipeOf(target, recipeName, parse(metadata.parameters));
  const { values } = resolveSettings({
    flag: settings,
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
