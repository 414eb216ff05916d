/**
 * From the command line to what is to be trained: recipe, settings and parameters. They are put together from flags,
 * environment, config file and recipe, or from the run that is continued.
 */
import { existsSync } from 'node:fs';
import { eventVersion } from '@ag/train';
import type { ChosenBackend } from '../backend.ts';
import type { TrainOptions } from '../commands/train.ts';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { readJson } from '../readJson.ts';
import { parametersOf, recipeFor, recipeOfFile } from '../recipes/index.ts';
import type { ParameterValue, Recipe } from '../recipes/recipe.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { type RunConfig, readConfig, type Start } from '../runs/folder.ts';
import {
  fromEnvironment,
  isSetting,
  type RawSettings,
  type Resolved,
  resolveSettings,
  settingNames,
} from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { expectNoTableFlags, looksLikeTable, tableChanges } from '../tables/parameters.ts';
import type { Terminal } from '../terminal.ts';
import { version } from '../version.ts';
import { flagText, setText } from './repeat.ts';
import { keptStart, startingFrom } from './startFrom.ts';

/** What is to be run. */
export interface Job {
  readonly recipe: Recipe;
  /** How the recipe is asked for. */
  readonly recipeName: string;
  readonly resolved: Resolved;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Where parameters come from that are not the recipe's own. */
  readonly given: Readonly<Record<string, 'flag' | 'config'>>;
  /** The file that the weights are from at the beginning. */
  readonly start: Start | null;
  /** The run that is continued. */
  readonly before: { readonly folder: string; readonly config: RunConfig } | null;
}

/** Puts recipe, files, environment and flags together. */
export async function planJob(options: TrainOptions, ask: Terminal['ask'] = null): Promise<Job> {
  return options.resume === undefined ? newJob(options, ask) : resumedJob(options, options.resume, ask);
}

async function resumedJob(options: TrainOptions, resume: string, ask: Terminal['ask']): Promise<Job> {
  const { positional, recipe: module } = options;
  if (positional.length > 0) {
    throw new Failure('usage', `--resume takes the recipe from the run; leave out '${positional.join(' ')}'`);
  }
  const flag = options.from !== undefined ? '--from' : options.head !== undefined ? '--head' : '--freeze';
  if (options.from !== undefined || options.head !== undefined || options.freeze.length > 0) {
    throw new Failure(
      'usage',
      `${flag}: a run goes on with the network that it has`,
      `Leave it out: agrad train --resume ${quote(resume)}`,
    );
  }
  const config = readConfig(resume);
  const mayBeElsewhere = looksLikeModule(config.recipe) || looksLikeTable(config.recipe);
  if (module !== undefined && module !== config.recipe && !mayBeElsewhere) {
    throw new Failure('usage', `--recipe ${module}: the run ${resume} is of the recipe '${config.recipe}'`);
  }
  const recipeName = module ?? config.recipe;
  const by = `agrad train --resume ${quote(resume)} --recipe`;
  const given = { ...config.parameters, ...givenParameters(options) };
  const own = await recipeOfFile(
    { file: `the run ${resume}`, recipe: config.recipe, by, parameters: given },
    module,
    ask,
  );
  const recipe = config.from ? startingFrom(own, keptStart(resume, config.from)) : own;
  if (!looksLikeTable(recipeName)) expectNoTableFlags(options, recipeName);
  const parameters = parametersOf(recipe, given);
  const resolved = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment(process.env),
    config: config.settings,
  });
  return {
    recipe,
    recipeName,
    resolved,
    parameters,
    given: sourcesOf(config.parameters, options),
    start: config.from ?? null,
    before: { folder: resume, config: { ...config, recipe: recipeName, parameters } },
  };
}

async function newJob(options: TrainOptions, ask: Terminal['ask']): Promise<Job> {
  if (options.recipe !== undefined && (options.from === undefined || options.positional.length > 0)) {
    throw new Failure(
      'usage',
      options.from === undefined
        ? `--recipe ${options.recipe}: only --resume and --from take it`
        : `--recipe ${options.recipe}: the recipe is named already, ${options.positional.join(' ')}`,
      `To start a new run: agrad train ${quote(options.recipe)}`,
    );
  }
  const words = options.recipe ?? options.positional.join(' ');
  const path = options.config ?? (words.endsWith('.json') ? words : undefined);
  const file = path === undefined ? null : readConfigFile(path);
  const named = words !== '' && words !== path ? words : undefined;
  const name = named ?? file?.recipe ?? 'digits';
  const given = { ...file?.set, ...givenParameters(options) };
  if (!looksLikeTable(name)) expectNoTableFlags(options, name);
  const start = startOf(options, file);
  const own =
    named === undefined && path !== undefined
      ? await recipeOfFile(
          { file: path, recipe: name, by: `agrad train --config ${quote(path)}`, parameters: given },
          named,
          ask,
        )
      : await recipeFor(name, given);
  const recipe = start ? startingFrom(own, start) : own;
  const resolved = resolveSettings({
    flag: options.settings,
    environment: fromEnvironment(process.env),
    ...(file && { config: file.settings }),
    recipe: recipe.settings,
  });
  const parameters = parametersOf(recipe, given);
  return {
    recipe,
    recipeName: looksLikeModule(name) ? name : recipe.name,
    resolved,
    parameters,
    given: sourcesOf(file?.set ?? {}, options),
    start,
    before: null,
  };
}

/** The file to start from, of the command line or else of the config file. */
function startOf({ from, freeze, head }: TrainOptions, file: ConfigFile | null): Start | null {
  if (from === undefined && file?.from === undefined) {
    const flag = head !== undefined ? '--head' : freeze.length > 0 ? '--freeze' : null;
    if (flag === null) return null;
    throw new Failure(
      'usage',
      `${flag}: only --from takes it`,
      `For example: agrad train digits --from model.onnx ${flag} …`,
    );
  }
  const before = file?.from;
  const heads = head ?? before?.head;
  return {
    file: from ?? before!.file,
    freeze: freeze.length > 0 ? freeze : (before?.freeze ?? []),
    ...(heads !== undefined && { head: heads }),
  };
}

function sourcesOf(config: object, options: TrainOptions): Job['given'] {
  return Object.fromEntries([
    ...Object.keys(config).map((name) => [name, 'config'] as const),
    ...Object.keys(givenParameters(options)).map((name) => [name, 'flag'] as const),
  ]);
}

/** Parameters that the command line gives. */
function givenParameters(options: TrainOptions): Record<string, ParameterValue> {
  return { ...Object.fromEntries(options.set), ...Object.fromEntries(tableChanges(options)) };
}

interface ConfigFile {
  readonly from?: Start;
  readonly recipe?: string;
  readonly settings: RawSettings;
  readonly set: Readonly<Record<string, ParameterValue>>;
}

/** A config file: settings by name, with `recipe` and `set`; the `config.json` of a run serves too. */
function readConfigFile(path: string): ConfigFile {
  if (!existsSync(path)) throw new Failure('configuration', `${path}: there is no such config file`);
  let content: unknown;
  try {
    content = readJson(path);
  } catch (error) {
    throw new Failure('configuration', `${path} is not JSON: ${(error as Error).message}`);
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
    from,
    ...own
  } = content as Record<string, unknown>;
  const all = { ...(settings as Record<string, unknown> | undefined), ...own };
  const unknown = Object.keys(all).find((name) => !isSetting(name));
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
  if (from !== undefined && typeof (from as Partial<Start> | null)?.file !== 'string') {
    throw new Failure(
      'configuration',
      `${path}: from must be { "file": "model.onnx" }, got ${JSON.stringify(from)}`,
    );
  }
  return {
    ...(from !== undefined && { from: from as Start }),
    ...(recipe !== undefined && { recipe }),
    settings: all as RawSettings,
    set: { ...(parameters as ConfigFile['set']), ...(set as ConfigFile['set']) },
  };
}

export function printConfig(job: Job, terminal: Terminal): void {
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
  const parameters = Object.entries(job.parameters);
  const names = [...entries.map(({ name }) => name), ...parameters.map(([name]) => `set ${name}`)];
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const shown = [...entries.map(({ value }) => value), ...Object.values(job.parameters)];
  const values2 = Math.max(...shown.map((value) => text(value).length)) + 2;
  terminal.print(`recipe: ${job.recipeName}`);
  for (const { name, value, source } of entries) {
    const line = `${name.padEnd(width)}${text(value).padEnd(values2)}`;
    terminal.print(source === 'default' ? terminal.out.dim(`${line}${source}`) : `${line}${source}`);
  }
  for (const [name, value] of parameters) {
    terminal.print(
      `${`set ${name}`.padEnd(width)}${text(value).padEnd(values2)}${job.given[name] ?? 'recipe'}`,
    );
  }
}

/** Versions and choices that decide the last digits of a run. */
export function environmentOf(backend: ChosenBackend): RunConfig['environment'] {
  return {
    agrad: version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    backend: backend.name,
    arithmetic: backend.arithmetic,
  };
}

/** A command that gives the same run: everything that does not come from the recipe. */
export function commandOf(
  { recipeName: recipe, start, resolved: { values, from } }: Job,
  options: TrainOptions,
): string {
  const parts = [
    'agrad',
    'train',
    ...(looksLikeModule(recipe) || looksLikeTable(recipe) ? [quote(recipe)] : [recipe]),
  ];
  for (const name of settingNames) {
    if (from[name] === 'default' || from[name] === 'recipe') continue;
    const text = flagText(name, values);
    if (text !== '') parts.push(text);
  }
  if (from.seed === 'default') parts.push('--seed', String(values.seed));
  for (const [name, value] of Object.entries(givenParameters(options))) parts.push(setText(name, value));
  if (start) {
    parts.push(
      '--from',
      quote(start.file),
      ...start.freeze.flatMap((pattern) => ['--freeze', quote(pattern)]),
    );
    if (start.head !== undefined) parts.push('--head', String(start.head));
  }
  return parts.join(' ');
}
