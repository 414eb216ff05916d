/** `agrad completion`: a script that lets a shell complete commands, flags, names and files. */
import { gradientCases } from '@ag/graph/testing';
import { eventVersion } from '@ag/train';
import type { Command } from 'commander';
import type { CompletionOptions } from '../commands/completion.ts';
import { exitCodes } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { bashScript } from './bash.ts';
import { grammarOf } from './grammar.ts';
import { zshScript } from './zsh.ts';

/** Writes the script to stdout. */
export function completion({ positional }: CompletionOptions, program: Command, terminal: Terminal): number {
  const [shell] = positional;
  const operations = [...new Set(gradientCases.map(({ operation }) => operation))];
  const grammar = grammarOf(program, operations);
  const script = shell === 'zsh' ? zshScript(grammar) : bashScript(grammar);
  terminal.print(...script.trimEnd().split('\n'));
  terminal.event({ v: eventVersion, type: 'result', command: 'completion', shell, script });
  return exitCodes.done;
}
