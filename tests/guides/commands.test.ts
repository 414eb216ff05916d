/** Commands of the guides that are marked to be run, in a folder with the files that the page shows; and components, which compile. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import { root, run } from '../workspace.ts';
import { guideFiles, guideFolder, programsOf } from './programs.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ag-guides-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const commands = guideFiles().flatMap((file) => programsOf(file).filter(({ kind }) => kind === 'command'));

it('there are some', () => expect(commands.length).toBeGreaterThan(0));

it.each(commands)('$place', async ({ code, files }) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(scratch, name), content);
  for (const line of code.trim().split('\n')) {
    const [command, ...words] = line.split(/\s+/);
    expect(command).toBe('agrad');
    const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
    const options = ['--conditions=@ag/source', '--import', tsx, join(root, 'apps/cli/src/main.ts')];
    expect(await run(process.execPath, [...options, ...words], scratch), line).not.toBe('');
  }
});

it('components are modules without mistakes of syntax', async () => {
  const text = readFileSync(join(guideFolder, 'frameworks.md'), 'utf8');
  const blocks = [...text.matchAll(/^```(tsx|vue)\n([\s\S]*?)^```/gm)];
  expect(blocks).toHaveLength(2);
  for (const [, language, code] of blocks) {
    const script = language === 'vue' ? /<script[^>]*>([\s\S]*?)<\/script>/.exec(code)![1] : code;
    const { warnings } = await transform(script, {
      loader: language === 'vue' ? 'ts' : 'tsx',
      jsx: 'automatic',
    });
    expect(warnings).toEqual([]);
  }
});
