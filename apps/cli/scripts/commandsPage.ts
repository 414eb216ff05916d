/** The page of all commands, docs/commands.md: the help of each, as `--help` prints it. `npm run generate` writes it. */
import type { Command } from 'commander';
import { buildProgram } from '../src/program.ts';

export function commandsPage(): string {
  const program = buildProgram(() => {
    throw new Error('nothing is run here');
  });
  const sections = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands.map((inner) => [command, inner]) : [[command]],
  );
  return `# Commands

<!-- Generated from apps/cli/src/commands; do not edit: npm run generate. -->

${sections.map((path) => section(['agrad', ...path.map((one) => one.name())].join(' '), path.at(-1)!)).join('\n')}`;
}

function section(title: string, command: Command): string {
  let help = '';
  command
    .configureHelp({ ...command.configureHelp(), helpWidth: 100 })
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
    })
    .outputHelp();
  return `## ${title}\n\n\`\`\`\n${help.trim()}\n\`\`\`\n`;
}
