/** Names from outside are shown, never obeyed: by no command, on no terminal, in no page. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveSafetensors } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { encode as encodePng } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { run } from './run.ts';
import { terminalOn } from './terminal.ts';
import { inProcess, outcomeOf, scratchFolder, start } from './testTools.ts';
import { createColors, jsonText, pageText, plainText, terminalText } from './text.ts';

const scratch = scratchFolder();
/** Title of the window, a cleared screen, a line that is deleted, colors that hide, 8-bit codes, a turned direction. */
const hostile =
  'a\u001b]0;owned\u0007\u001b[2J\u001b[1A\u001b[2K\u001b[8mb\u0000\r\nc\t\u007f\u009b31m\u0085\u202ed\u2066e\u2028';
/** The same for names of files, which hold neither a zero byte nor, here, a slash. */
const hostileName = hostile.replace('\u0000', '');
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Pages have lines and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const pageControls = /(?![\t\n])[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

describe('text on its way out', () => {
  it('shows control characters by their numbers', () => {
    expect(terminalText(hostile)).toBe(
      'a\\x1b]0;owned\\x07\\x1b[2J\\x1b[1A\\x1b[2K\\x1b[8mb\\x00\\r\\nc\\t\\x7f\\x9b31m\\x85\\u202ed\\u2066e\\u2028',
    );
    expect(plainText(hostile)).not.toMatch(controls);
    expect(terminalText('naïve 日本 🎉 שלום')).toBe('naïve 日本 🎉 שלום');
  });

  it('lets our own colors pass, around what does not', () => {
    const { red, bold } = createColors(true);
    expect(terminalText(`${red('x')}y`)).toBe('\u001b[31mx\u001b[39my');
    expect(terminalText(bold(`1 ${red('2')} 3`))).toBe('\u001b[1m1 \u001b[31m2\u001b[39m 3\u001b[22m');
    expect(terminalText(red('\u001b[32mx'))).toBe('\u001b[31m\\x1b[32mx\u001b[39m');
    // Neither a color as terminals take it nor a number that was guessed is one of ours.
    for (const forged of ['\u001b[31m', '\u001b[123456789;31m', '\u001b[;31m'])
      expect(terminalText(forged)).toMatch(/^\\x1b/);
  });

  it('leaves lines to pages, and the content to JSON', () => {
    expect(pageText('<p>\n\t\u001b[2J\u0000\u202e</p>')).toBe('<p>\n\t\\x1b[2J\\x00\\u202e</p>');
    expect(jsonText({ [hostile]: hostile })).not.toMatch(controls);
    expect(JSON.parse(jsonText({ [hostile]: hostile }))).toEqual({ [hostile]: hostile });
  });
});

it('is written in few places, all of which clean it', () => {
  const folder = new URL('.', import.meta.url);
  const writers = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test|testTools)\.ts$/.test(name))
    // Programs to be read, as texts.
    .filter((name) => name !== 'explain/examples.ts')
    .filter((name) =>
      /std(out|err)\.write|console\.|stream\.write\(/.test(readFileSync(new URL(name, folder), 'utf8')),
    );
  expect(writers.sort()).toEqual(['live/view.ts', 'streams.ts', 'terminal.ts']);
});

describe('hostile names', () => {
  const text = JSON.stringify(hostile);
  const recipe = fileURLToPath(new URL('../fixtures/hostile.ts', import.meta.url));

  /** Runs a command as a pipe sees it, as a terminal with colors sees it, and as a program that reads events does. */
  async function expectClean(...given: readonly string[]): Promise<string> {
    const outcome = await inProcess(...given);
    let colored = '';
    const stream = {
      isTTY: true,
      write(part: string) {
        colored += part;
      },
    };
    await run(given, (options) =>
      terminalOn({ stdout: stream, stderr: stream, env: { CI: '1' }, ...options }),
    );
    const events = await inProcess(...given, '--json');
    for (const line of events.stdout.trim().split('\n')) JSON.parse(line);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control characters
    const plain = colored.replace(/\u001b\[(0|[1-9]\d?|38;[25];[\d;]+)m/g, '');
    const written = {
      pipe: outcome.stdout + outcome.stderr,
      terminal: plain,
      events: events.stdout + events.stderr,
    };
    for (const [where, all] of Object.entries(written)) expectPlain(all, `${given.join(' ')}, ${where}`);
    return outcome.stdout + outcome.stderr;
  }

  function expectPlain(written: string, what: string): void {
    expect(written, what).not.toMatch(controls);
    // Nothing pretends to be a line of its own.
    expect(
      written.split('\n').filter((line) => /^c(\\t|\t)/.test(line)),
      what,
    ).toEqual([]);
  }

  /** The same of a command that loads a module, in a process of its own. */
  async function expectCleanProcess(...given: readonly string[]): Promise<string> {
    const { stdout, stderr } = await outcomeOf(start(given, { env: { NO_COLOR: '1' } }));
    expectPlain(stdout + stderr, given.join(' '));
    return stdout + stderr;
  }

  it('in runs, weights, classes, files and settings', { timeout: 120_000 }, async () => {
    const folder = join(scratch, hostileName);
    expect(await expectCleanProcess('train', recipe, '--backend', 'reference', '--out', folder)).toContain(
      'report: ',
    );
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).not.toMatch(pageControls);

    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    Object.assign(config, {
      created: hostile,
      command: hostile,
      environment: { ...config.environment, node: hostile },
    });
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const second = join(scratch, `${hostileName}2`);
    mkdirSync(second);
    for (const name of ['config.json', 'events.jsonl'])
      writeFileSync(join(second, name), readFileSync(join(folder, name)));
    expect(await expectClean('runs', 'list', scratch)).toMatch(/\\(x1b|u001b)/);
    expect(await expectClean('runs', 'show', folder)).toContain('reproduce with: a\\x1b]0;owned');
    const page = join(scratch, 'page.html');
    expect(await expectClean('runs', 'compare', folder, second, '--out', page)).toMatch(/\\(x1b|u001b)/);
    expect(readFileSync(page, 'utf8')).not.toMatch(pageControls);
    expect(await expectClean('runs', 'plot', folder, second)).toMatch(/\\(x1b|u001b)/);
    expect(await expectClean('runs', 'plot', folder, '--metric', hostileName)).toMatch(/\\(x1b|u001b)/);

    const by = ['--recipe', recipe, '--backend', 'reference'];
    expect(await expectCleanProcess('eval', folder, ...by)).toMatch(/\\(x1b|u001b)/);
    expect(await expectCleanProcess('eval', folder, ...by, '--fail-under', `${hostileName}=2`)).toContain(
      '\\x1b',
    );
    const rows = join(scratch, `${hostileName}.csv`);
    writeFileSync(rows, '1,2\n3,4\n');
    expect(await expectCleanProcess('predict', folder, rows, ...by)).toContain('a\\x1b]0;owned');
    writeFileSync(rows, `1,${hostile.replace(/[\r\n]/g, '')}\n`);
    expect(await expectCleanProcess('predict', folder, rows, ...by)).toMatch(/\\(x1b|u001b)/);
    const image = join(scratch, `${hostileName}.png`);
    writeFileSync(image, encodePng({ width: 1, height: 1, data: Uint8Array.of(1), channels: 1 }));
    expect(await expectCleanProcess('predict', folder, image, ...by)).toMatch(/\\(x1b|u001b)/);

    const weights = join(scratch, `${hostileName}.safetensors`);
    const said: Record<string, string>[] = [
      { recipe: hostile },
      { recipe: `${hostile}.mjs` },
      { recipe: 'xor', settings: `{"epochs": ${text}}` },
    ];
    for (const metadata of said) {
      writeFileSync(weights, await saveSafetensors({ [hostile]: tensor([1]) }, { metadata }));
      expect(await expectClean('eval', weights)).toMatch(/\\(x1b|u001b)/);
    }
    expect(await expectClean('eval', weights, '--recipe', 'xor')).toMatch(/\\(x1b|u001b)/);
    expect(await expectClean('convert', weights, join(scratch, `${hostileName}.npz`))).toMatch(
      /\\(x1b|u001b)/,
    );
    expect(await expectClean('convert', weights, join(scratch, `w.${hostileName}`))).toMatch(/\\(x1b|u001b)/);

    const file = join(scratch, 'c.json');
    for (const content of [
      { recipe: hostile },
      { [hostile]: 1 },
      { epochs: hostile },
      { recipe: 'xor', set: { [hostile]: 1 } },
    ]) {
      writeFileSync(file, JSON.stringify(content));
      expect(await expectClean('train', '--config', file)).toMatch(/\\(x1b|u001b)/);
    }
    writeFileSync(file, hostile);
    expect(await expectClean('train', '--config', file)).toMatch(/\\[xu]/);
    for (const given of [
      [hostileName],
      ['train', hostileName],
      ['data', 'info', hostileName],
      ['graph', hostileName],
      ['gradcheck', hostileName],
      ['train', 'xor', `--${hostileName}`],
    ])
      expect(await expectClean(...given)).toMatch(/\\(x1b|u001b)/);
    renameSync(second, join(scratch, 'second'));
  });

  it('in what a sweep kept', async () => {
    const folder = join(scratch, `${hostileName}-sweep`);
    const given = [
      'sweep',
      'xor',
      '--grid',
      'seed=1,2',
      '--epochs',
      '1',
      '--backend',
      'reference',
      '--out',
      folder,
    ];
    mkdirSync(folder);
    const result = { exitCode: 3, seconds: 1, figures: null, message: hostile };
    const good = { exitCode: 0, seconds: 1, figures: { loss: 1, [hostile]: 2 }, message: null };
    writeFileSync(join(folder, 'trial-001.json'), JSON.stringify(result));
    writeFileSync(join(folder, 'trial-002.json'), JSON.stringify(good));
    expect(await expectClean(...given)).toMatch(/\\(x1b|u001b)/);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).not.toMatch(pageControls);
  });
});
