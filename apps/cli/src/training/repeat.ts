/**
 * The command that repeats a run. A run that was continued with other settings is repeated by a command with these; how
 * it was continued is kept beside it, since a schedule may have had other rates before.
 */
import { flagOf } from '../flags.ts';
import { quote } from '../quote.ts';
import type { ParameterValue } from '../recipes/recipe.ts';
import type { RunConfig } from '../runs/folder.ts';
import {
  settings as definitions,
  type Resolved,
  type SettingName,
  type Settings,
  settingNames,
} from '../settings.ts';
import { isTableFlag } from '../tables/parameters.ts';

/** Values that a run was begun with, or goes on with. */
interface Values {
  readonly settings: Settings;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** What is asked for now, as far as it goes here. */
interface Asked {
  readonly resolved: Pick<Resolved, 'values'>;
  readonly parameters: Values['parameters'];
}

/**
 * The config of a run that goes on.
 *
 * @param step where it goes on; 0 where nothing is left of what it was
 * @param resume the command that goes on, without what it changes
 */
export function continuedConfig(
  { resolved, parameters }: Asked,
  before: RunConfig,
  step: number,
  resume: string,
): RunConfig {
  const now = { settings: resolved.values, parameters };
  const changes = changesOf(before, now);
  const again = {
    step,
    command: [resume, ...changes.map(({ text }) => text).filter((text) => text !== '')].join(' '),
  };
  return {
    ...before,
    ...now,
    command: changes.reduce(replaced, before.command),
    // What a run that starts over had before is no part of it.
    resumed: step === 0 ? [] : [...(before.resumed ?? []).filter((one) => one.step <= step), again],
  };
}

/** A value as the command line gives it. */
interface Change {
  /** What comes before the value, if it has one: `--epochs `, `--set width=`. */
  readonly name: string;
  readonly text: string;
}

function changesOf(before: Values, now: Values): Change[] {
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  return [
    ...settingNames
      .filter((name) => differs(before.settings[name] ?? definitions[name].default, now.settings[name]))
      .map((name) => ({ name: flagOf(name), text: flagText(name, now.settings) })),
    ...Object.entries(now.parameters)
      .filter(([name, value]) => differs(before.parameters[name], value))
      .map(([name, value]) => ({
        name: isTableFlag(name) ? flagOf(name) : `--set ${name}=`,
        text: setText(name, value),
      })),
  ];
}

/** `--epochs 6`, or for a switch `--profile`, or nothing where it is off. */
export function flagText(name: SettingName, values: Settings): string {
  if (typeof definitions[name].default === 'boolean') return values[name] ? flagOf(name) : '';
  return `${flagOf(name)} ${quote(String(values[name]))}`;
}

/** `--set width=3`, or of what has a flag of its own `--target price` */
export function setText(name: string, value: ParameterValue): string {
  if (isTableFlag(name)) return `${flagOf(name)} ${quote(String(value))}`;
  return `--set ${quote(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`;
}

/** A command in which a flag has another value; what it did not name comes to its end. */
function replaced(command: string, { name, text }: Change): string {
  const parts = argumentsOf(command);
  const isSet = name.startsWith('--set ');
  const at = isSet
    ? parts.findIndex((part, i) => parts[i - 1] === '--set' && unquoted(part).startsWith(name.slice(6))) - 1
    : parts.indexOf(name);
  if (at < 0) return text === '' ? command : `${command} ${text}`;
  const takesValue = isSet || (parts[at + 1] !== undefined && !parts[at + 1].startsWith('--'));
  const rest = parts.slice(at + (takesValue ? 2 : 1));
  return [...parts.slice(0, at), ...(text === '' ? [] : [text]), ...rest].join(' ');
}

/** A command line cut at its spaces, except those in quotes, which are kept. */
function argumentsOf(command: string): string[] {
  return command.match(/(?:'[^']*'|\\.|[^\s'])+/g) ?? [];
}

function unquoted(part: string): string {
  return part.replace(/^'|'$/g, '');
}
