/** Runs one command line and answers its exit code; whatever goes wrong becomes a message. */
import type { Command } from 'commander';
import { describeFailure, exitCodes, Failure, type FailureReport, forgetCode } from './failure.ts';
import { buildProgram, isAnswer, type OpenTerminal, usageProblem } from './program.ts';
import { didYouMean } from './suggest.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** Version of the events; the same as that of @ag/train, not imported so that help stays quick. */
const eventVersion = 1;

/** @param given the arguments after the program's name */
export async function run(given: readonly string[], open: OpenTerminal = processTerminal): Promise<number> {
  forgetCode();
  let exitCode: number = exitCodes.done;
  let terminal: Terminal | undefined;
  const program = buildProgram(
    (options) => {
      terminal = open(options);
      return terminal;
    },
    (code) => {
      exitCode = code;
    },
  );
  try {
    if (given.length === 0) program.help();
    await program.parseAsync(given[0] === 'help' ? helpWanted(given.slice(1), program) : [...given], {
      from: 'user',
    });
    return exitCode;
  } catch (error) {
    if (isAnswer(error)) {
      // The parser counts a group without a command as an error, and its help then goes where nobody sees it.
      if (error.exitCode !== 0) innermost(given, program).command.outputHelp();
      return exitCodes.done;
    }
    const usage = usageProblem(error);
    const report: FailureReport = usage
      ? { kind: 'usage', stack: undefined, ...usage, hint: usage.hint ?? helpHint(given, program) }
      : describeFailure(error);
    // Flags that could not be understood may have come before --json.
    show(report, terminal ?? open({ json: given.includes('--json'), quiet: given.includes('--quiet') }));
    return report.exitCode;
  }
}

function show(report: FailureReport, terminal: Terminal): void {
  const { kind, exitCode, message, hint, stack } = report;
  terminal.event({ v: eventVersion, type: 'error', kind, exitCode, message, ...(hint && { hint }) });
  // What follows the first line is moved in, so that no message can pretend to be several.
  const lines = (text: string): string[] => text.split('\n').map((line, i) => (i === 0 ? line : `  ${line}`));
  terminal.complain(...lines(`${terminal.err.red('error')}: ${message}`));
  if (hint) terminal.complain(...lines(hint));
  if (!stack) return;
  if (process.env.AG_DEBUG) terminal.complain(...stack.split('\n'));
  else terminal.complain('AG_DEBUG=1 shows where in the code it happened.');
}

/** Names the innermost command that was meant. */
function helpHint(given: readonly string[], program: Command): string {
  return `See '${innermost(given, program).path} --help'.`;
}

/** `help data list` as `data list --help`. @throws Failure `usage` for a command that does not exist */
function helpWanted(words: readonly string[], program: Command): string[] {
  const names = words.filter((word) => !word.startsWith('-') && word !== 'help');
  const { command, path, depth } = innermost(names, program);
  if (depth < names.length) {
    const known = command.commands.map((one) => one.name());
    throw new Failure(
      'usage',
      `unknown command '${[...path.split(' ').slice(1), names[depth]].join(' ')}'`,
      known.length === 0 ? `See '${path} --help'.` : didYouMean(names[depth], known, 'Commands'),
    );
  }
  return [...names, '--help'];
}

/** The innermost command that the words name, one after the other, and how many of them name it. */
function innermost(
  words: readonly string[],
  program: Command,
): { readonly command: Command; readonly path: string; readonly depth: number } {
  let command = program;
  let path = program.name();
  for (const [depth, word] of words.entries()) {
    const inner = command.commands.find((one) => one.name() === word);
    if (!inner) return { command, path, depth };
    command = inner;
    path += ` ${word}`;
  }
  return { command, path, depth: words.length };
}
