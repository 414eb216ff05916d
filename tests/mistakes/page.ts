/** docs/mistakes.md: the programs with planted mistakes, and what each is told. */
import { outcomeOf, programs } from './run.ts';

export async function mistakesPage(): Promise<string> {
  const parts: string[] = [];
  for (const file of programs) {
    const { title, program, message, code, line, isWarning } = await outcomeOf(file);
    const [imports, body] = apart(program);
    // Two lines of comment and an empty one come first, an empty one follows the imports.
    const first = 3 + imports + 1;
    const shown = Number(/\.mjs:(\d+)/.exec(line ?? '')?.[1]) - first;
    const kind = isWarning ? 'Warning' : 'Error';
    const said = message
      .replace(/0\.\d{12,}/g, '0.…')
      .replace(/\d\d\w+\.mjs:(\d+):\d+/g, (_, at: string) => `line ${Number(at) - first}`);
    parts.push(
      `## ${title}\n\n\`\`\`js\n${body}\n\`\`\`\n\n${kind} at line ${shown}, \`${code}\`:\n\n\`\`\`\n${said}\n\`\`\``,
    );
  }
  return `# Mistakes

What beginners do, and what they are told: ${programs.length} small programs, each with one mistake, each ending with a message or a
warning that names the line, what is wrong and how to cure it. Lines are counted from the first one shown; imports are left out.
All codes are on [errors and warnings](errors.md). The programs are in \`tests/mistakes/programs\`, which the tests run; this page is
generated from them: \`npm run generate\`.

${parts.join('\n\n')}
`;
}

/** How many lines of imports there are, and what follows them. */
function apart(program: string): [number, string] {
  const lines = program.split('\n');
  const count = lines.indexOf('');
  return [count, lines.slice(count + 1).join('\n')];
}
