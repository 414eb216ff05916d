/** Trained weights: what a run or a file of weights is of, and the model that it makes. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Preprocessing } from '@ag/datasets';
import { fromJSON, type Module, type SafetensorsFile } from '@ag/nn';
import { inspectOnnx } from '@ag/onnx';
import type { Tensor } from '@ag/tensor';
import { decodeCheckpoint, listCheckpoints } from '@ag/train';
import { Failure } from '../failure.ts';
import { formatOfName } from '../files/format.ts';
import { bytesOf, reading } from '../files/modelFile.ts';
import { readWeightsFile } from '../files/weightsFile.ts';
import { quote } from '../quote.ts';
import { parametersOf, recipeOfFile } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import {
  parsePreprocessing,
  type RunConfig,
  readConfig,
  readPreprocessing,
  runPaths,
  type Start,
} from '../runs/folder.ts';
import { fromEnvironment, type RawSettings, resolveSettings, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { type Prepared, prepare } from '../training/assemble.ts';
import { expectFit, keptStart, networkOf, startingFrom } from '../training/startFrom.ts';

/** Names of averages in checkpoints. */
const averagePrefix = 'average/';

/** What a run or a file of weights holds, before any code of a recipe is loaded. */
export interface Found {
  readonly path: string;
  /** Empty where the network itself is in the file. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /** The file that the network is made of, which the recipe's own gives way to. */
  readonly start: Start | null;
  /** The texts in the file: `recipe`, `settings`, `parameters`, `architecture`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a run. */
  readonly config: RunConfig | null;
  readonly preprocessing: Preprocessing | null;
}

/** Weights, and what they are of. */
export interface Trained {
  readonly path: string;
  readonly recipeName: string;
  readonly recipe: Recipe;
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly weights: Readonly<Record<string, Tensor>>;
  /** What it was trained with. */
  readonly preprocessing: Preprocessing | null;
  /** The texts in the file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The file that its network came from, if that is not here. */
  readonly from?: string;
}

/** A model that can be asked without its recipe and its data. */
export interface WholeModel {
  readonly recipeName: string;
  readonly settings: Settings;
  readonly model: Module<[Tensor], Tensor>;
  readonly preprocessing: Preprocessing;
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
 * Finds the weights of a run, or of a file.
 *
 * @throws Failure `data` when there is no such thing, `incompatible` when it cannot be read
 */
export async function findWeights(target: string): Promise<Found> {
  if (!existsSync(target)) {
    throw new Failure('data', `${target}: there is no such run or file`, "'agrad runs list' shows the runs.");
  }
  if (!statSync(target).isDirectory()) {
    if (formatOfName(target) === 'onnx') return findOnnx(target);
    const { tensors, metadata } = await readWeights(target);
    return {
      path: target,
      weights: tensors,
      start: null,
      metadata,
      config: null,
      preprocessing: within(metadata, target),
    };
  }
  const config = readConfig(target);
  const paths = runPaths(target);
  const path = existsSync(paths.weights) ? paths.weights : (await listCheckpoints(paths.checkpoints))[0];
  if (path === undefined) {
    throw new Failure('data', `${target} has no weights yet`, `Train it: agrad train --resume ${target}`);
  }
  const { tensors, metadata } = await readWeights(path);
  return {
    path,
    weights: tensors,
    start: config.from ? keptStart(target, config.from) : null,
    metadata,
    config,
    preprocessing: readPreprocessing(paths) ?? within(metadata, path),
  };
}

/** An ONNX file: a network with its weights. Files of `agrad export` say what they were trained on. */
async function findOnnx(target: string): Promise<Found> {
  const { metadata } = await reading(target, () => inspectOnnx(bytesOf(target)));
  return {
    path: target,
    weights: {},
    start: { file: target, freeze: [] },
    metadata,
    config: null,
    preprocessing: within(metadata, target),
  };
}

/** The preprocessing that a file of weights carries along. */
function within(metadata: Found['metadata'], file: string): Preprocessing | null {
  return metadata.preprocessing === undefined ? null : parsePreprocessing(metadata.preprocessing, file);
}

/**
 * A model that was trained on a table, with all that it takes to ask it; null for one that needs its recipe: its architecture
 * is no data, or its inputs are no table.
 */
export async function loadWhole({ target, settings }: TrainedOptions): Promise<WholeModel | null> {
  const { path, weights, start, metadata, config, preprocessing } = await findWeights(target);
  if (preprocessing === null || (metadata.architecture === undefined && start === null)) return null;
  const parsed = (text: string | undefined): RawSettings => {
    try {
      return text === undefined ? {} : (JSON.parse(text) as RawSettings);
    } catch {
      throw new Failure('incompatible', `${path}: its training metadata is not JSON`);
    }
  };
  const { values } = resolveSettings({
    flag: settings,
    environment: fromEnvironment(process.env),
    config: config?.settings ?? parsed(metadata.settings),
  });
  let model: Module<[Tensor], Tensor>;
  try {
    model = start
      ? await networkOf(start)
      : (fromJSON(JSON.parse(metadata.architecture)) as Module<[Tensor], Tensor>);
    if (Object.keys(weights).length > 0) model.loadStateDict(withAverages(weights, model));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('incompatible', `${path}: ${(error as Error).message}`, undefined, error);
  }
  return {
    recipeName: config?.recipe ?? metadata.recipe ?? path,
    settings: values,
    model,
    preprocessing,
  };
}

/**
 * Finds out what a run or a file of weights is.
 *
 * @param command for advice
 * @throws Failure `data` when there is no such thing, `incompatible` when it cannot be read
 */
export async function describeWeights(
  options: TrainedOptions,
  command: 'eval' | 'predict' | 'export',
  ask: Terminal['ask'],
): Promise<Trained> {
  const { target, settings } = options;
  const recipeOf = async (
    file: string,
    recipe: string,
    parameters: Trained['parameters'],
  ): Promise<Recipe> => {
    const by = `agrad ${command} ${quote(target)}${command === 'predict' ? ' FILE' : ''} --recipe`;
    const own = await recipeOfFile({ file, recipe, by, parameters }, options.recipe, ask);
    return start === null ? own : startingFrom(own, start);
  };
  const environment = fromEnvironment(process.env);
  const { path, weights, start, metadata, config, preprocessing } = await findWeights(target);
  if (config !== null) {
    const { values } = resolveSettings({ flag: settings, environment, config: config.settings });
    return {
      path,
      recipeName: options.recipe ?? config.recipe,
      recipe: await recipeOf(`the run ${target}`, config.recipe, config.parameters),
      settings: values,
      parameters: config.parameters,
      weights,
      preprocessing,
      metadata,
    };
  }
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
    weights,
    preprocessing: own ? preprocessing : null,
    metadata,
    ...(metadata.from !== undefined && { from: metadata.from }),
  };
}

/** Reads the data, makes the model and gives it the weights. @throws Failure `incompatible` when they do not fit */
export async function loadTrained(
  trained: Trained,
): Promise<{ prepared: Prepared; model: Module<[Tensor], Tensor> }> {
  const { recipe, preprocessing } = trained;
  const parameters = parametersOf(recipe, trained.parameters);
  const prepared = await prepare(recipe, trained.settings, parameters, preprocessing);
  const model = prepared.task.model();
  if (Object.keys(trained.weights).length === 0) {
    await expectFit(prepared, model, { file: trained.path, freeze: [] });
    return { prepared, model };
  }
  try {
    model.loadStateDict(withAverages(trained.weights, model));
  } catch (error) {
    throw new Failure(
      'incompatible',
      `${trained.path} does not fit the model of '${trained.recipeName}': ${(error as Error).message}`,
      trained.from === undefined
        ? undefined
        : `Its network is that of ${trained.from}, which the run's folder holds: name the folder.`,
      error,
    );
  }
  return { prepared, model };
}

/** Whether the data give another preprocessing than the model was trained with: then its figures mean little. */
export function isOtherPreprocessing({ preprocessing }: Trained, { task }: Prepared): boolean {
  return (
    preprocessing !== null && JSON.stringify(task.preprocessing ?? null) !== JSON.stringify(preprocessing)
  );
}

/** Where a checkpoint holds averages of the weights (in the order of the parameters), these are what is judged. */
export function withAverages(
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

/** Weights of a file, of a checkpoint too. */
async function readWeights(path: string): Promise<SafetensorsFile> {
  const { tensors, metadata } = await readWeightsFile(path);
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
          ...(typeof config.architecture === 'string' && { architecture: config.architecture }),
          ...(config.preprocessing !== undefined && {
            preprocessing: JSON.stringify(config.preprocessing),
          }),
        }
      : ({} as Record<string, string>),
  };
}
