/** Flags that several commands have. */
import { type Flag, Invalid, type Kind, text } from '../flags.ts';
import { parseChange } from '../recipes/index.ts';
import type { ParameterValue } from '../recipes/recipe.ts';

const change: Kind<readonly [name: string, value: ParameterValue]> = {
  read: (value) => parseChange(String(value)) ?? new Invalid('name=value'),
};

/** A parameter of a recipe, given by the command line. */
export const set = {
  type: change,
  value: '<name=value>',
  help: "set one of the recipe's own parameters",
  repeatable: true,
} as const satisfies Flag;

export const dataDir = {
  type: text,
  value: '<folder>',
  help: 'folder of the data files',
} as const satisfies Flag;

export const recipe = {
  type: text,
  value: '<name>',
  help: 'recipe, if the file does not name it, or names a module',
} as const satisfies Flag;
