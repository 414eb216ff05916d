/**
 * What can be typed after `agrad`, as plain data. It is read from the program itself, so that completion knows every
 * command and flag there is. What a value may be follows from the name of its place, such as `<folder>`.
 */
import type { Argument, Command, Option } from 'commander';
import { webPages } from '../commands/web.ts';
import { dataSetNames } from '../data/sets.ts';
import { recipes } from '../recipes/index.ts';

/** What may stand in a place: some words, files of any kind, folders, a recipe (of one word or two), anything. */
export type Values = readonly string[] | 'files' | 'folders' | 'recipe' | 'anything';

export interface OptionGrammar {
  /** Its forms, such as `-q` and `--quiet`. */
  readonly forms: readonly string[];
  readonly help: string;
  /** What its value may be; null for a flag without one. */
  readonly values: Values | null;
  readonly repeatable: boolean;
}

export interface CommandGrammar {
  /** `agrad data list` */
  readonly path: string;
  readonly help: string;
  readonly commands: readonly CommandGrammar[];
  readonly options: readonly OptionGrammar[];
  readonly operands: readonly { readonly values: Values; readonly many: boolean }[];
}

/** @param operations what `agrad gradcheck` can check */
export function grammarOf(
  command: Command,
  operations: readonly string[],
  path = command.name(),
): CommandGrammar {
  const help = command.createHelp();
  const inner = help.visibleCommands(command);
  const names = inner.map((one) => one.name());
  return {
    path,
    help: command.description(),
    commands: inner.map((one) =>
      grammarOf(one, one.name() === 'help' ? names : operations, `${path} ${one.name()}`),
    ),
    options: help.visibleOptions(command).map((option) => ({
      forms: [option.short, option.long].filter((form) => form != null),
      help: option.description,
      values: option.required || option.optional ? valuesOfOption(option) : null,
      repeatable: Array.isArray(option.defaultValue),
    })),
    operands: command.registeredArguments.map((argument) => ({
      values: valuesOfOperand(argument, operations),
      many: argument.variadic,
    })),
  };
}

function valuesOfOption(option: Option): Values {
  if (option.argChoices) return option.argChoices;
  if (option.attributeName() === 'recipe') return recipes.map(({ name }) => name.replace(' ', '-'));
  const place = /<(.*)>/.exec(option.flags)?.[1];
  if (place === 'file') return 'files';
  return place === 'folder' || place === 'run' ? 'folders' : 'anything';
}

function valuesOfOperand(argument: Argument, names: readonly string[]): Values {
  if (argument.argChoices) return argument.argChoices;
  switch (argument.name()) {
    case 'recipe':
    case 'recipe|formula':
      return 'recipe';
    case 'name':
      return dataSetNames;
    case 'page':
      return webPages;
    case 'operation':
    case 'command':
      return names;
    case 'run':
    case 'folder':
      return 'folders';
    case 'run|weights':
    case 'file':
    case 'from':
    case 'to':
      return 'files';
    default:
      return 'anything';
  }
}
