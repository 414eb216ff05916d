/** The command line itself: what a command takes, what help says and loads. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandsPage } from '../scripts/commandsPage.ts';
import { type Action, defineCommand } from './command.ts';
import { boolean, integer, oneOf, text } from './flags.ts';
import { buildProgram, entry } from './program.ts';
import { terminalOn } from './terminal.ts';

const greetCommand = defineCommand({
  usage: 'greet <name...>',
  summary: 'greet people',
  examples: ['agrad greet Ada'],
  flags: {
    howOften: { type: integer(1), value: '<n>', default: 1, help: 'number of times' },
    tone: { type: oneOf('warm', 'cool'), value: '<tone>', help: 'tone of voice' },
    loud: { type: boolean, help: 'shout' },
    bow: { type: boolean, default: true, help: 'stay upright' },
    title: { type: text, value: '<text>', help: 'title', repeatable: true },
  },
  settings: ['seed'],
});

describe('a new command', () => {
  const found: Parameters<Action<typeof greetCommand>>[0][] = [];
  const greet: Action<typeof greetCommand> = (options) => {
    found.push(options);
    // The types follow from the record above.
    const times: number = options.howOften;
    const tone: 'warm' | 'cool' | undefined = options.tone;
    return tone === 'cool' ? 6 : times;
  };
  const run = async (...given: string[]): Promise<number> => {
    let code = -1;
    const silent = { write: () => {} };
    const program = buildProgram(
      () => terminalOn({ stdout: silent, stderr: silent }),
      (exitCode) => {
        code = exitCode;
      },
      [entry(greetCommand, async () => greet)],
    );
    await program.parseAsync(given, { from: 'user' });
    return code;
  };

  it('is a description and a function', async () => {
    const given = ['greet', 'Ada', 'Alan', '--how-often', '3', '--no-bow', '--title', 'a', '--title', 'b'];
    expect(await run(...given, '--seed', '7')).toBe(3);
    expect(found.at(-1)).toEqual({
      positional: ['Ada', 'Alan'],
      howOften: 3,
      tone: undefined,
      loud: false,
      bow: false,
      title: ['a', 'b'],
      settings: { seed: '7' },
    });
    expect(await run('greet', 'Ada', '--tone', 'cool')).toBe(6);
    await expect(run('greet', 'Ada', '--how-often', '0')).rejects.toThrow(
      '--how-often 0: expected a whole number from 1',
    );
    await expect(run('greet', 'Ada', '--tone', 'wram')).rejects.toMatchObject({
      message: '--tone wram: expected one of warm, cool',
      hint: "Did you mean 'warm'?",
    });
  });

  it('has its help from there too', () => {
    const help = buildProgram(() => null as never, () => {}, [
      entry(greetCommand, async () => greet),
    ]).commands[0].helpInformation();
    expect(help).toMatch(/--how-often <n> +number of times \(default 1\)/);
    expect(help).toMatch(/--tone <tone> +tone of voice: warm, cool/);
    expect(help).toMatch(/--no-bow +stay upright/);
    expect(help).toMatch(/--seed <n> +random seed \(default 0\)/);
  });
});

/** Packages that a file loads when it is loaded, itself or through others; types and `import()` load nothing. */
function loadedBy(file: URL, seen = new Set<string>()): string[] {
  if (seen.has(file.href)) return [];
  seen.add(file.href);
  const imports = /^(?:import|export) (?!type )(?:[^'";]*? from )?'([^']+)'/gm;
  return [...readFileSync(file, 'utf8').matchAll(imports)].flatMap(([, name]) =>
    name.startsWith('.') ? (name.endsWith('.ts') ? loadedBy(new URL(name, file), seen) : []) : [name],
  );
}

describe('the help', () => {
  it('loads the parser and what is small, so that it is quick', () => {
    const light = ['commander', 'fastest-levenshtein'];
    const packages = loadedBy(new URL('program.ts', import.meta.url)).filter(
      (name) => !name.startsWith('node:'),
    );
    expect([...new Set(packages)].sort()).toEqual(light);
  });

  const program = buildProgram(() => null as never);
  const all = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands : [command],
  );

  it('knows every command that is described', async () => {
    const files = readdirSync(new URL('commands/', import.meta.url)).filter((name) => name !== 'shared.ts');
    const described = await Promise.all(
      files.map(
        async (name) =>
          Object.values(await import(/* @vite-ignore */ `./commands/${name}`)) as { usage?: string }[],
      ),
    );
    const usages = described.flat().flatMap(({ usage }) => usage?.split(' ')[0] ?? []);
    expect(all.map((command) => command.name()).sort()).toEqual(usages.sort());
  });

  it.each(all.map((command) => [command.name(), command] as const))(
    'of %s begins with a verb',
    (_, command) => {
      expect(command.description()).toMatch(/^(?!the |a |an |what |how |where |which )[a-z]+ \w/);
      expect(command.description().split(' ')[0]).not.toMatch(/(?<!s)s$/);
    },
  );

  it('stands in docs/commands.md as it is', () => {
    const written = readFileSync(new URL('../docs/commands.md', import.meta.url), 'utf8');
    expect(written, 'stale: npm run generate').toBe(commandsPage());
  });
});
