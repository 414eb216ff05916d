/**
 * From what a run or a receipt says to everything that trains it again: recipe, data, backend, and the options of `fit` as `agrad train`
 * gives them.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { architectureOf } from '@ag/nn';
import { openRun, parseReceipt, type Receipt, type Run, type RunSetup } from '@ag/train';
import { type ChosenBackend, chooseBackend } from '../backend.ts';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { recipeOfFile } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { type RunConfig, readConfig, readPreprocessing, runPaths } from '../runs/folder.ts';
import { fromEnvironment, type RawSettings, resolveSettings, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { type Assembled, assemble, fitOptionsOf, type Prepared, prepare } from '../training/assemble.ts';
import { deciding, reportingOf } from '../training/run.ts';
import { keptStart, startingFrom } from '../training/startFrom.ts';
import { dataOf, type ReceiptRecipe } from './content.ts';

/** A run that can be computed again, and what has to be closed after that. */
export interface Replayable {
  readonly run: Run;
  readonly receipt: Receipt | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly recipeName: string;
  readonly backend: ChosenBackend;
}

/** What the command line says about computing a run again. */
export interface ReplayOptions {
  /** The folder of a run, the file of a receipt or its address. */
  readonly target: string;
  /** Named by the command line, for runs of modules. */
  readonly recipe: string | undefined;
  /** Threads, vectors, the folder of the data. */
  readonly settings: RawSettings;
}

/**
 * Makes a run ready to be computed again, by the backend and the arithmetic that computed it.
 *
 * @throws Failure `data` where there is nothing, `incompatible` for what is no receipt or cannot be repeated in one go, `backend` where the
 * arithmetic is not to be had
 */
export async function replayable(options: ReplayOptions, terminal: Terminal): Promise<Replayable> {
  const { target } = options;
  const isFolder = existsSync(target) && statSync(target).isDirectory();
  const receipt = await readReceipt(target);
  const config = isFolder ? readConfig(target) : recipeOf(receipt!, target);
  if ('ranks' in config && (config.ranks ?? 1) > 1) {
    throw new Failure(
      'incompatible',
      `${target} was trained by ${config.ranks} ranks together; one process cannot repeat it`,
    );
  }
  const recipe = await recipeFor(config, options, isFolder, terminal);
  const settings = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment({ AG_THREADS: process.env.AG_THREADS, AG_VECTORS: process.env.AG_VECTORS }),
    config: config.settings,
  }).values as Settings;
  const backend = await backendOf(receipt, config, settings, terminal);
  try {
    const fitted = isFolder ? readPreprocessing(runPaths(target)) : null;
    const prepared = await prepare(recipe, settings, config.parameters, fitted);
    const setup = setupOf(prepared, settings, config);
    const run = await openRun(isFolder ? target : { receipt }, setup);
    return { run, receipt, data: dataOf(prepared), recipeName: config.recipe, backend };
  } catch (error) {
    backend.close();
    throw error;
  }
}

/** The options of `fit` as `agrad train` makes them, each time anew. */
function setupOf(
  prepared: Prepared,
  settings: Settings,
  config: { readonly recipe: string; readonly parameters: Readonly<Record<string, ParameterValue>> },
): RunSetup {
  return async () => {
    const assembled: Assembled = await assemble(prepared, settings);
    const architecture = architectureOf(assembled.model);
    return {
      ...fitOptionsOf(assembled, settings),
      callbacks: deciding(assembled, settings),
      ...reportingOf(assembled),
      config: { recipe: config.recipe, settings, parameters: config.parameters, architecture },
    };
  };
}

function recipeFor(
  config: Pick<RunConfig, 'recipe' | 'parameters' | 'from'>,
  { target, recipe }: ReplayOptions,
  isFolder: boolean,
  terminal: Terminal,
): Promise<Recipe> {
  const by = `agrad verify ${quote(target)} --recipe`;
  const { from } = config;
  if (from && !isFolder) {
    throw new Failure(
      'data',
      `${target} is of a training that started from ${from.file}, which is in the folder of its run`,
      'Name the folder of the run instead.',
    );
  }
  return recipeOfFile(
    { file: target, recipe: config.recipe, by, parameters: config.parameters },
    recipe,
    terminal.ask,
  ).then((own) => (from ? startingFrom(own, keptStart(target, from)) : own));
}

/** The backend that computed a run; checkpoints of a run without a receipt say which. */
async function backendOf(
  receipt: Receipt | null,
  config: object,
  settings: Settings,
  terminal: Terminal,
): Promise<ChosenBackend> {
  const { environment = {} } = config as Partial<RunConfig>;
  const backend = receipt?.backend ?? environment.backend ?? settings.backend;
  const arithmetic = receipt?.arithmetic ?? environment.arithmetic ?? settings.arithmetic;
  const { threads, vectors } = settings;
  const isWasm = backend === 'wasm';
  try {
    return await chooseBackend({ backend, threads, vectors, ...(isWasm && { arithmetic }) }, terminal);
  } catch (error) {
    if (!isWasm || arithmetic !== 'fused') throw error;
    throw new Failure(
      'backend',
      `the run was computed with fused arithmetic, which there is not here: ${(error as Error).message}`,
      'A run with --arithmetic separate can be repeated everywhere.',
      error,
    );
  }
}

/** The receipt of a run, of a file or of an address; null for a run without one. */
export async function readReceipt(target: string): Promise<Receipt | null> {
  if (/^https?:\/\//.test(target)) return parseReceipt(await fetchText(target), target);
  if (!existsSync(target)) {
    throw new Failure(
      'data',
      `${target}: there is no such run or receipt`,
      "'agrad runs list' shows the runs.",
    );
  }
  const isFolder = statSync(target).isDirectory();
  const file = isFolder ? runPaths(target).receipt : target;
  if (isFolder && !existsSync(file)) return null;
  if (statSync(file).size > mostBytes) throw new Failure('incompatible', `${file} is too long for a receipt`);
  return parseReceipt(readFileSync(file, 'utf8'), file);
}

/** Bytes of a receipt at most: a million steps with a hash after each 256 are a quarter of a megabyte. */
const mostBytes = 2 ** 24;

/** Reads what is at an address, as far as a receipt can go. */
async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > mostBytes) throw new Error('it is too long for a receipt');
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } catch (error) {
    throw new Failure('data', `${url}: ${(error as Error).message}`, undefined, error);
  }
}

/** What a receipt says that it is of. @throws Failure `incompatible` for one of another program */
export function recipeOf({ recipe }: Receipt, target: string): ReceiptRecipe {
  const { recipe: name, settings, parameters } = (recipe ?? {}) as Partial<ReceiptRecipe>;
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
  if (typeof name === 'string' && isObject(settings) && isObject(parameters)) return recipe as ReceiptRecipe;
  throw new Failure(
    'incompatible',
    `${target} was not made by agrad: it names no recipe`,
    'verify(run) of @ag/train checks receipts of programs of your own.',
  );
}
