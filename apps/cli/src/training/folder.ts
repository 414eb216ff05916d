/**
 * The folder of a run: its configuration, its events, its checkpoints, its weights, its report. Everything that is read
 * back is written so that it is whole at every moment.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeAtomically } from '@ag/train';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import type { ParameterValue } from '../recipes/recipe.ts';
import type { Settings } from '../settings.ts';

/** Raised when an older program could not read a run. */
export const configVersion = 1;

/** What a run was made from: `config.json`. */
export interface RunConfig {
  readonly version: number;
  /** Name of the recipe, or the path of the module that defines it. */
  readonly recipe: string;
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** When the run was begun, ISO 8601. */
  readonly created: string;
  /** The command that repeats the run. */
  readonly command: string;
  /** Versions of what computed it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Paths inside a run's folder. */
export function runPaths(folder: string) {
  return {
    folder,
    config: join(folder, 'config.json'),
    events: join(folder, 'events.jsonl'),
    checkpoints: join(folder, 'checkpoints'),
    weights: join(folder, 'weights.safetensors'),
    report: join(folder, 'report.html'),
  };
}

export type RunPaths = ReturnType<typeof runPaths>;

/** `runs/mnist-mlp-2024-05-01-13-45-09`, with a number added where that exists. */
export function defaultFolder(recipe: string, now: Date): string {
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
  const base = join('runs', `${name}-${stamp}`);
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(folder)) return folder;
  }
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
    for (const path of missing) mkdirSync(path);
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

/**
 * Makes the folder of a new run.
 * @throws Failure `configuration` when it cannot be written, or holds a run already
 */
export function createFolder(folder: string): RunPaths {
  const paths = runPaths(folder);
  makeFolder(folder);
  if (existsSync(paths.config)) {
    throw new Failure(
      'configuration',
      `the output folder ${folder} holds a run already`,
      `Go on with it by 'agrad train --resume ${quote(folder)}', or name another folder with --out.`,
    );
  }
  return paths;
}

export async function writeConfig(paths: RunPaths, config: RunConfig): Promise<void> {
  await writeAtomically(paths.config, `${JSON.stringify(config, null, 2)}\n`);
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
      `${folder} is no run: it has no config.json`,
      "'agrad runs list' shows the runs.",
    );
  }
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(paths.config, 'utf8'));
  } catch (error) {
    throw new Failure('incompatible', `${paths.config} is no JSON: ${(error as Error).message}`);
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
