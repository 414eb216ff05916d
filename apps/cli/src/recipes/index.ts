/**
 * The recipes by name. Each is loaded when it is asked for, so that lists and help cost nothing.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { didYouMean, nearest } from '../suggest.ts';
import { looksLikeTable } from '../tables/parameters.ts';
import type { ParameterValue, Recipe, RecipeContext } from './recipe.ts';
import { loadModuleRecipe, looksLikeModule } from './userModule.ts';

/** Name, one line about it, and how to load it. */
export interface RecipeEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Recipe>;
}

export const recipes: readonly RecipeEntry[] = [
  {
    name: 'digits',
    summary: 'generated digits, no files needed (default)',
    load: async () => (await import('./digits.ts')).default,
  },
  {
    name: 'digits cnn',
    summary: 'generated digits, two convolutional layers',
    load: async () => (await import('./cnn.ts')).digitsCnn,
  },
  {
    name: 'mnist mlp',
    summary: 'MNIST, multilayer perceptron 784-50-100-10',
    load: async () => (await import('./mnist.ts')).default,
  },
  {
    name: 'mnist cnn',
    summary: 'MNIST, two convolutional layers: 99 % in five epochs',
    load: async () => (await import('./cnn.ts')).mnistCnn,
  },
  {
    name: 'mnist augmented',
    summary: 'MNIST, augmentation and batch normalization: 99.5 % in 15 epochs',
    load: async () => (await import('./cnn.ts')).mnistAugmented,
  },
  {
    name: 'boston',
    summary: 'Boston house prices, multilayer perceptron 13-10-1',
    load: async () => (await import('./boston.ts')).boston,
  },
  {
    name: 'boston-2d',
    summary: 'Boston house prices from two features, 2-10-1',
    load: async () => (await import('./boston.ts')).boston2d,
  },
  {
    name: 'xor',
    summary: 'exclusive or, multilayer perceptron 2-8-1',
    load: async () => (await import('./xor.ts')).default,
  },
  {
    name: 'spirals',
    summary: 'two spirals, multilayer perceptron 2-32-32-2',
    load: async () => (await import('./spirals.ts')).default,
  },
  {
    name: 'finetune',
    summary: 'a network of an ONNX file learns new digits from 20 of each',
    load: async () => (await import('./finetune/index.ts')).default,
  },
  {
    name: 'two-layer',
    summary: 'memorizing random numbers, 1000-100-10, sum of squares',
    load: async () => (await import('./twoLayer.ts')).default,
  },
];

/** Shorter names. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['mnist', 'mnist mlp'],
  ['twolayer', 'two-layer'],
  ['boston2d', 'boston-2d'],
]);

/**
 * A recipe that the command line names: by its name, by the path of a module, whose code is then loaded, or by the path of a
 * table.
 *
 * @param given parameters, on which the recipe of a table depends
 */
export function recipeFor(name: string, given: RecipeContext['parameters'] = {}): Promise<Recipe> {
  return looksLikeModule(name) ? loadModuleRecipe(name) : loadNamed(name, given);
}

/** A recipe or a table: nothing whose code would be loaded. */
async function loadNamed(name: string, given: RecipeContext['parameters']): Promise<Recipe> {
  if (!looksLikeTable(name)) return loadRecipe(name);
  return (await import('../tables/recipe.ts')).tableRecipe(name, given);
}

/** A file that names a recipe. */
export interface NamedRecipe {
  /** The file, for messages. */
  readonly file: string;
  /** What it names: a recipe, or the path of a module. */
  readonly recipe: string;
  /** Parameters that it gives. */
  readonly parameters?: RecipeContext['parameters'];
  /** How the command line names a module, for advice: `--recipe`, or the argument of `agrad train`. */
  readonly by: string;
}

/**
 * A recipe that a file names: weights, a run, a config. Its own word is not enough to have code loaded: weights and runs
 * are handed on because they hold numbers. So a module is loaded where the command line names it, or where the person at
 * the terminal agrees.
 *
 * @param given what the command line names instead
 * @throws Failure `usage` when the file names a module and nobody agreed
 */
export async function recipeOfFile(
  { file, recipe, by, parameters }: NamedRecipe,
  given: string | undefined,
  ask: ((question: string) => Promise<boolean>) | null,
): Promise<Recipe> {
  if (given !== undefined) return recipeFor(given, parameters);
  if (looksLikeTable(recipe) && !existsSync(recipe)) {
    throw new Failure(
      'data',
      `${file} was trained on ${recipe}, and there is no such file`,
      `If it is elsewhere: ${by} FILE`,
    );
  }
  if (!looksLikeModule(recipe)) return loadNamed(recipe, parameters ?? {});
  const path = resolve(recipe);
  if (ask !== null && (await ask(`${file} refers to the code in ${path}. Run it?`))) {
    return loadModuleRecipe(recipe);
  }
  throw new Failure(
    'usage',
    `${file} refers to the code in ${path}, which runs only if the command line names it`,
    `If you trust this code, name it: ${by} ${quote(recipe)}`,
  );
}

/**
 * Names may be written with a hyphen for the space too.
 * @throws Failure `usage` for an unknown name, suggesting the nearest
 */
export async function loadRecipe(name: string): Promise<Recipe> {
  const plain = (text: string): string => text.trim().toLowerCase().replace(/\s+/g, '-');
  const wanted = plain(aliases.get(plain(name)) ?? name);
  const found = recipes.find((recipe) => plain(recipe.name) === wanted);
  if (found) return found.load();
  const names = recipes.map((recipe) => recipe.name);
  const near = nearest(name, [...names, ...aliases.keys()]);
  const suggestion = near === undefined ? '' : `Did you mean '${aliases.get(near) ?? near}'? `;
  throw new Failure('usage', `there is no recipe '${name}'`, `${suggestion}Recipes: ${names.join(', ')}.`);
}

/**
 * A recipe's parameters after `--set name=value` (values are JSON, or text).
 * @throws Failure `configuration` for names that the recipe does not have
 */
export function parametersOf(
  recipe: Recipe,
  changes: Readonly<Record<string, ParameterValue>>,
): Record<string, ParameterValue> {
  for (const name of Object.keys(changes)) {
    if (Object.hasOwn(recipe.parameters, name)) continue;
    const names = Object.keys(recipe.parameters);
    throw new Failure(
      'configuration',
      `--set ${name}: the recipe '${recipe.name}' has no such parameter`,
      names.length === 0 ? 'It has none.' : didYouMean(name, names, 'It has'),
    );
  }
  return { ...recipe.parameters, ...changes };
}

/** `name=value` as a pair; null without an equals sign. */
export function parseChange(text: string): readonly [string, ParameterValue] | null {
  const at = text.indexOf('=');
  if (at < 1) return null;
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as ParameterValue];
  } catch {
    return [text.slice(0, at), value];
  }
}
