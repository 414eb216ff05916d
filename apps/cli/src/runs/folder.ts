/**
 * The folder of a run: its configuration, its events, its checkpoints, its weights, its report. Everything that is read
 * back is written so that it is whole at every moment.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Preprocessing, preprocessingFromJSON } from '@ag/datasets';
import { writeAtomically } from '@ag/train';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { readJson, readText } from '../readJson.ts';
import type { ParameterValue } from '../recipes/recipe.ts';
import type { Settings } from '../settings.ts';
import { type Claim, isClaim, tryClaim } from './claim.ts';

/** Raised when an older program could not read a run. */
export const configVersion = 1;

/** One time that a run was continued. */
export interface Continuation {
  /** Steps that had been done. */
  readonly step: number;
  readonly command: string;
}

/** What a run was made from: `config.json`. */
export interface RunConfig {
  readonly version: number;
  /** Name of the recipe, or the path of the module that defines it. */
  readonly recipe: string;
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** What the weights were before the training, where that was not left to chance. */
  readonly from?: Start;
  /** When the run was begun, ISO 8601. */
  readonly created: string;
  /** The command that repeats the run, with the settings that count in the end. */
  readonly command: string;
  /** How the run was continued, where it was: one after the other. */
  readonly resumed?: readonly Continuation[];
  /** Versions of what computed it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Weights that a training starts from: `--from` and what goes with it. */
export interface Start {
  /** The file, as it was given. */
  readonly file: string;
  /** Names of weights that stay as they are; an asterisk stands for anything. */
  readonly freeze: readonly string[];
  /** The number of outputs that a new last layer has. */
  readonly head?: number;
  /** The copy in the run's folder, which the run goes on from. */
  readonly kept?: string;
}

/** Paths inside a run's folder. */
export function runPaths(folder: string) {
  return {
    folder,
    config: join(folder, 'config.json'),
    preprocessing: join(folder, 'preprocessing.json'),
    events: join(folder, 'events.jsonl'),
    checkpoints: join(folder, 'checkpoints'),
    weights: join(folder, 'weights.safetensors'),
    report: join(folder, 'report.html'),
    receipt: join(folder, 'receipt.json'),
  };
}

export type RunPaths = ReturnType<typeof runPaths>;

/** `runs/mnist-mlp-2024-05-01-13-45-09` */
function defaultFolder(recipe: string, now: Date): string {
  const stamp = [
    now.getFullYear(),
    now.getMonth() + 1,
    now.getDate(),
    now.getHours(),
    now.getMinutes(),
    now.getSeconds(),
  ]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  const name = recipe.replace(/^.*[\\/]/, '').replace(/[^A-Za-z0-9-]+/g, '-');
  return join('runs', `${name}-${stamp}`);
}

/**
 * Makes a folder and those it lies in. One level at a time: where a file system refuses to make folders (/proc), the
 * recursive option of Node tries for ever.
 * @throws Failure `configuration` when it cannot be made or written
 */
export function makeFolder(folder: string): void {
  try {
    const missing: string[] = [];
    for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.unshift(path);
    for (const path of missing) makeOne(path);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new Failure(
      'configuration',
      `the output folder ${folder} cannot be written: ${(error as Error).message}`,
      'Name another one with --out.',
      error,
    );
  }
}

/** Makes a folder; false when it is there, made by another process in the same moment perhaps. */
function makeOne(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST' && statSync(path).isDirectory();
    if (!there) throw error;
    return false;
  }
}

/**
 * The folder that was asked for, or one of a name that nothing has yet: with a number added where several are begun in
 * the same second.
 */
export function outputFolder(wanted: string | undefined, name: string): string {
  if (wanted !== undefined) {
    makeFolder(wanted);
    return wanted;
  }
  const base = defaultFolder(name, new Date());
  makeFolder(dirname(base));
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    if (makeOne(folder)) return folder;
  }
}

/** What a folder holds that may not be written over, by the file that says so. */
const contents = {
  'config.json': 'a run',
  'sweep.json': 'a sweep',
  'folds.json': 'a cross-validation',
} as const;

/** @throws Failure `configuration` when a folder holds something, other than what may be gone on with */
export function expectNothingElse(folder: string, but?: keyof typeof contents): void {
  for (const [file, what] of Object.entries(contents)) {
    if (file === but || !existsSync(join(folder, file))) continue;
    const hint =
      file === 'config.json' ? `Resume it with 'agrad train --resume ${quote(folder)}', or name` : 'Name';
    throw new Failure(
      'configuration',
      `the output folder ${folder} already holds ${what}`,
      `${hint} another folder with --out.`,
    );
  }
}

/**
 * Takes a folder for this process, until the claim is released.
 *
 * @param note is told when it takes a while to find out whether another machine is at work there
 * @throws Failure `inUse` when another process has it
 */
export async function claimFolder(folder: string, note: (line: string) => void): Promise<Claim> {
  for (let tries = 0; ; tries++) {
    const found = await tryClaim(folder, 'run');
    if (isClaim(found)) return found;
    if (found.alive) {
      throw new Failure(
        'inUse',
        `${folder} is in use: ${found.who}`,
        'Wait until it has ended, or name another folder with --out.',
      );
    }
    if (tries === 0) {
      note(
        `${folder} was taken by ${found.who}; waiting up to a minute to see whether it is still at work (if it is not: rm ${quote(found.file)})`,
      );
    }
    await wait(1000);
  }
}

/**
 * Makes the folder of a new run, or takes an empty one.
 *
 * @param but what may lie there, since it is made anew
 * @throws Failure `configuration` when it cannot be written or holds something already, `inUse` when another process has it
 */
export async function createFolder(
  wanted: string | undefined,
  name: string,
  note: (line: string) => void,
  but?: keyof typeof contents,
): Promise<{ readonly paths: RunPaths; readonly claim: Claim }> {
  const folder = outputFolder(wanted, name);
  const claim = await claimFolder(folder, note);
  try {
    expectNothingElse(folder, but);
  } catch (error) {
    claim.release();
    throw error;
  }
  return { paths: runPaths(folder), claim };
}

export async function writeConfig(paths: RunPaths, config: RunConfig): Promise<void> {
  await writeAtomically(paths.config, `${JSON.stringify(config, null, 2)}\n`);
}

/** The preprocessing that a run was trained with; null for one without. @throws Failure `incompatible` when it is damaged */
export function readPreprocessing(paths: RunPaths): Preprocessing | null {
  if (!existsSync(paths.preprocessing)) return null;
  return parsePreprocessing(readText(paths.preprocessing), paths.preprocessing);
}

/** @throws Failure `incompatible` for a text that is no fitted preprocessing */
export function parsePreprocessing(json: unknown, file: string): Preprocessing {
  try {
    return preprocessingFromJSON(json);
  } catch (error) {
    throw new Failure('incompatible', `${file}: ${(error as Error).message}`, undefined, error);
  }
}

/** @throws Failure `data` when there is no run, `incompatible` when its config cannot be read */
export function readConfig(folder: string): RunConfig {
  const paths = runPaths(folder);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new Failure('data', `${folder}: there is no such run`, "'agrad runs list' shows the runs.");
  }
  if (!existsSync(paths.config)) {
    throw new Failure(
      'data',
      `${folder} is not a run: it has no config.json`,
      "'agrad runs list' shows the runs.",
    );
  }
  let config: unknown;
  try {
    config = readJson(paths.config);
  } catch (error) {
    throw new Failure('incompatible', `${paths.config} is not JSON: ${(error as Error).message}`);
  }
  const { version, recipe, settings, parameters, created, command, environment } = (config ??
    {}) as Partial<RunConfig>;
  const texts = [recipe, created, command];
  const objects = [settings, parameters, environment];
  if (
    version !== configVersion ||
    !texts.every((value) => typeof value === 'string') ||
    !objects.every((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  ) {
    throw new Failure(
      'incompatible',
      `${paths.config} is not the config of a run of version ${configVersion}`,
      typeof version === 'number' && version > configVersion ? 'It was made by a newer agrad.' : undefined,
    );
  }
  return config as RunConfig;
}
