/**
 * What a command is to the command line: its usage, its flags, its help. Plain data, so that help and completion load
 * nothing else; `program.ts` says which function runs it.
 */
import type { Flags, OptionsOf } from './flags.ts';
import type { RawSettings, SettingName } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** A command as its file in `commands/` describes it. */
export interface Command<F extends Flags = Flags> {
  /** Its name, after that of the group it belongs to, and its arguments: `data get <name>`. */
  readonly usage: string;
  /** One line of help, which begins with a verb: `evaluate trained weights`. */
  readonly summary: string;
  readonly examples: readonly [string, ...string[]];
  /** Its own flags, the most used first. */
  readonly flags: F;
  /** Settings of training that it takes as flags too. */
  readonly settings: readonly SettingName[];
  /** All values of an argument, by its name, where they are few. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
  /** More text below the help. */
  readonly notes: string;
}

/** Describes a command; what it has none of is left out. */
export function defineCommand<const F extends Flags = Record<never, never>>(
  description: Pick<Command<F>, 'usage' | 'summary' | 'examples'> & Partial<Command<F>>,
): Command<F> {
  return { flags: {} as F, settings: [], choices: {}, notes: '', ...description };
}

/** What the command line gives to a command: its flags by name, and these. */
export type OptionsFor<C extends Command> = OptionsOf<C['flags']> & {
  /** The arguments that are no flags, in their order. */
  readonly positional: readonly string[];
  /** Settings given as flags, as text. */
  readonly settings: RawSettings;
};

/** Runs a command; the result is its exit code. */
export type Action<C extends Command> = (
  options: OptionsFor<C>,
  terminal: Terminal,
) => number | Promise<number>;
