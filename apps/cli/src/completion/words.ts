/** What the scripts of both shells are put together from. */
import { recipes } from '../recipes/index.ts';
import type { CommandGrammar } from './grammar.ts';

/** A command and all inside it. */
export function allCommands(command: CommandGrammar): CommandGrammar[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** Names of recipes have one word or two: what may follow which words, from nothing on. */
export function nextRecipeWords(): (readonly [before: string, next: readonly string[]])[] {
  const next = new Map<string, Set<string>>();
  for (const { name } of recipes) {
    const parts = name.split(' ');
    parts.forEach((part, i) => {
      const before = parts.slice(0, i).join(' ');
      next.set(before, (next.get(before) ?? new Set()).add(part));
    });
  }
  return [...next].map(([before, parts]) => [before, [...parts]]);
}

/** A text as one word of a shell, whatever it holds. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
