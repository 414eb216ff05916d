/**
 * The commands of `agrad`. Each is described in `commands/` and done elsewhere, by a function that is loaded when it
 * runs: so help costs nothing, and does not know what a command needs.
 */
import { type Argument, CommanderError, Option, Command as ParserCommand } from 'commander';
import type { Action, Command, OptionsFor } from './command.ts';
import { benchCommand } from './commands/bench.ts';
import { completionCommand } from './commands/completion.ts';
import { convertCommand } from './commands/convert.ts';
import { dataGetCommand, dataInfoCommand, dataListCommand, dataPreviewCommand } from './commands/data.ts';
import { docsCommand } from './commands/docs.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evalCommand } from './commands/eval.ts';
import { explainCommand } from './commands/explain.ts';
import { exportCommand } from './commands/export.ts';
import { gradcheckCommand } from './commands/gradcheck.ts';
import { graphCommand } from './commands/graph.ts';
import { initCommand } from './commands/init.ts';
import { inspectCommand } from './commands/inspect.ts';
import { predictCommand } from './commands/predict.ts';
import { profileCommand } from './commands/profile.ts';
import { receiptCommand, verifyCommand } from './commands/receipts.ts';
import {
  runsAskCommand,
  runsCompareCommand,
  runsListCommand,
  runsPlotCommand,
  runsShowCommand,
} from './commands/runs.ts';
import { sweepCommand } from './commands/sweep.ts';
import { trainCommand } from './commands/train.ts';
import { webCommand } from './commands/web.ts';
import { exitCodes, Failure } from './failure.ts';
import { type Flag, type Flags, flagOf, Invalid } from './flags.ts';
import { type RawSettings, type SettingName, settings } from './settings.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

/** A command with what runs it. */
export interface Entry {
  readonly command: Command;
  readonly action: Action<Command>;
}

/** Commands behind a word: `agrad data list`. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly Entry[];
}

/** @param load gives the function that runs the command, and loads what it needs */
export function entry<C extends Command>(command: C, load: () => Promise<Action<C>>): Entry {
  const action = async (options: OptionsFor<Command>, terminal: Terminal): Promise<number> =>
    (await load())(options as OptionsFor<C>, terminal);
  return { command, action };
}

const commands: readonly (Entry | Group)[] = [
  entry(trainCommand, async () => (await import('./training/train.ts')).train),
  entry(initCommand, async () => (await import('./init/init.ts')).init),
  entry(evalCommand, async () => (await import('./weights/evaluate.ts')).evaluate),
  entry(verifyCommand, async () => (await import('./receipts/verify.ts')).verifyRun),
  entry(receiptCommand, async () => (await import('./receipts/show.ts')).showReceipt),
  entry(predictCommand, async () => (await import('./weights/predict.ts')).predictFiles),
  {
    name: 'data',
    summary: 'list, download and preview data sets',
    entries: [
      entry(dataListCommand, async () => (await import('./data/list.ts')).listData),
      entry(dataInfoCommand, async () => (await import('./data/list.ts')).dataInfo),
      entry(dataGetCommand, async () => (await import('./data/download.ts')).getData),
      entry(dataPreviewCommand, async () => (await import('./data/preview.ts')).previewData),
    ],
  },
  {
    name: 'runs',
    summary: 'list, show, compare, plot and ask earlier runs',
    entries: [
      entry(runsListCommand, async () => (await import('./runs/list.ts')).listRuns),
      entry(runsShowCommand, async () => (await import('./runs/list.ts')).showRun),
      entry(runsCompareCommand, async () => (await import('./runs/compare.ts')).compareRuns),
      entry(runsAskCommand, async () => (await import('./receipts/ask.ts')).askRun),
      entry(runsPlotCommand, async () => (await import('./runs/plot.ts')).plotRuns),
    ],
  },
  entry(sweepCommand, async () => (await import('./sweep/sweep.ts')).sweep),
  entry(inspectCommand, async () => (await import('./inspection/inspect.ts')).inspectFile),
  entry(graphCommand, async () => (await import('./inspection/graph.ts')).graph),
  entry(profileCommand, async () => (await import('./inspection/profile.ts')).profile),
  entry(explainCommand, async () => (await import('./explain/explain.ts')).explain),
  entry(gradcheckCommand, async () => (await import('./checks/gradcheck.ts')).gradcheck),
  entry(benchCommand, async () => (await import('./checks/bench.ts')).bench),
  entry(doctorCommand, async () => (await import('./checks/doctor.ts')).doctor),
  entry(exportCommand, async () => (await import('./weights/exportModel.ts')).exportModel),
  entry(convertCommand, async () => (await import('./weights/convert.ts')).convert),
  entry(webCommand, async () => (await import('./web/web.ts')).web),
  entry(docsCommand, async () => (await import('./web/docs.ts')).docs),
  entry(completionCommand, async () => {
    const { completion } = await import('./completion/completion.ts');
    return (options, terminal) =>
      completion(
        options,
        buildProgram(() => terminal),
        terminal,
      );
  }),
];

/** Makes the terminal once the flags about it are known. */
export type OpenTerminal = (options: { readonly json: boolean; readonly quiet: boolean }) => Terminal;

/**
 * The parser of the command line, which runs the command it finds.
 *
 * @param open gives commands their terminal
 * @param done is told the exit code
 */
export function buildProgram(
  open: OpenTerminal,
  done: (exitCode: number) => void = () => {},
  list: readonly (Entry | Group)[] = commands,
): ParserCommand {
  const program = new ParserCommand('agrad')
    .description('Train, evaluate and inspect neural networks.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(placeholderOf)]
          .filter((word) => word !== '')
          .join(' '),
      optionDescription: ({ description, argChoices }) =>
        argChoices ? `${description}: ${argChoices.join(', ')}` : description,
    })
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples(['agrad train', 'agrad train mnist --data-dir data', 'agrad eval runs/digits-… --json']),
    );
  for (const one of list) {
    if ('command' in one) addCommand(program, one, open, done);
    else {
      const group = program.command(one.name).description(one.summary);
      for (const inner of one.entries) addCommand(group, inner, open, done);
    }
  }
  return program;
}

function addCommand(
  parent: ParserCommand,
  { command, action }: Entry,
  open: OpenTerminal,
  done: (exitCode: number) => void,
): void {
  const { usage, summary, flags, settings: names, choices, notes } = command;
  const parser = parent.command(usage).description(summary);
  for (const argument of parser.registeredArguments) {
    if (Object.hasOwn(choices, argument.name())) argument.choices(choices[argument.name()]);
  }
  for (const [name, flag] of Object.entries(flags)) parser.addOption(optionOf(name, flag));
  for (const name of names) {
    const option = optionOf(name, settings[name], 'byRecipe' in settings[name]);
    // Few settings need no headings among them.
    if (names.length > 10) option.helpGroup(`${settings[name].heading}:`);
    parser.addOption(option);
  }
  parser
    .option('--json', 'write events to stdout, one JSON object per line')
    .option('-q, --quiet', 'print only results and errors')
    .addHelpText('after', examples(command.examples) + (notes && `\n${notes}`))
    .action(async () => {
      const given: Record<string, unknown> = parser.opts();
      const terminal = open({ json: given.json === true, quiet: given.quiet === true });
      const options = {
        ...readFlags(flags, given),
        positional: parser.args,
        settings: rawSettings(names, given),
      };
      done(await action(options, terminal));
    });
}

/**
 * A flag as the parser and its help want it; its value stays text.
 *
 * @param byRecipe whether a recipe's value counts before the default
 */
function optionOf(name: string, flag: Flag, byRecipe = false): Option {
  const { type, value, help, default: fallback, zeroIsOff, repeatable } = flag;
  const form = type.isSwitch && fallback === true ? flagOf(name).replace('--', '--no-') : flagOf(name);
  const shown = typeof fallback === 'string' || typeof fallback === 'number';
  const note = shown
    ? ` (default ${byRecipe ? "the recipe's, else " : ''}${fallback}${zeroIsOff ? ': off' : ''})`
    : '';
  const option = new Option(value === undefined ? form : `${form} ${value}`, `${help}${note}`);
  // For help and completion; the value is checked when it is read.
  if (type.choices) option.argChoices = [...type.choices];
  if (repeatable) {
    option.default([]).argParser((text: string, before: readonly string[]) => [...before, text]);
  }
  return option;
}

/** @throws Failure `usage` for a value that makes no sense */
function readFlags(flags: Flags, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = (name: string, flag: Flag, raw: unknown): unknown => {
    const value = flag.type.read(raw);
    if (!(value instanceof Invalid)) return value;
    throw new Failure('usage', `${flagOf(name)} ${raw}: expected ${value.expected}`, value.hint);
  };
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      const raw = given[name];
      if (flag.repeatable) return [name, (raw as readonly string[]).map((one) => read(name, flag, one))];
      if (raw !== undefined) return [name, read(name, flag, raw)];
      return [name, flag.default ?? (flag.type.isSwitch ? false : undefined)];
    }),
  );
}

function rawSettings(names: readonly SettingName[], given: Readonly<Record<string, unknown>>): RawSettings {
  return Object.fromEntries(
    names.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]),
  );
}

/** Whether an error of the parser is none: help and version were asked for. */
export function isAnswer(error: unknown): error is CommanderError {
  return (
    error instanceof CommanderError &&
    ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)
  );
}

/** What the parser complains about, with its suggestion apart. */
export function usageProblem(
  error: unknown,
): { message: string; hint: string | undefined; exitCode: number } | null {
  if (!(error instanceof CommanderError)) return null;
  // What was typed is part of the message, and may have lines of its own.
  const [, message = '', hint] =
    /^(?:error: )?(.*?)(?:\n\((Did you mean [^\n]*)\))?$/s.exec(error.message) ?? [];
  return { message, hint, exitCode: exitCodes.usage };
}

/** `<file>`, `[recipe...]` */
function placeholderOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function examples(lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
