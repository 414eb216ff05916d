/**
 * `pnpm docs:build`: the documentation as a static site in apps/docs/dist.
 *
 * Its tools (VitePress, 150 packages) are no dependencies of this repository: npm fetches them once, pinned, into the folder of peers.
 * `AG_DOCS_BASE` is the path that the site is served under (`/`), `AG_DOCS_REPOSITORY` where its sources can be read.
 */
import { spawn } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// @ts-expect-error: scripts of this repository have no declarations
import { peer } from '../../../scripts/peers.mjs';
import { assemble } from './assemble.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const work = join(root, 'apps/docs/.site');
const output = join(root, 'apps/docs/dist');

const began = Date.now();
const repository = process.env.AG_DOCS_REPOSITORY?.replace(/\/$/, '');
const { pages, examples, reference } = assemble(root, work, repository && `${repository}/blob/main/`);
console.log(`${pages.length} documents, ${examples.length} examples, ${reference.length} pages of reference`);

const tools = await peer('vitepress', 600);
if (tools.reason) {
  console.error(`docs: ${tools.reason}`);
  process.exit(1);
}
const vitepress = join(tools.folder, 'node_modules/vitepress');
const base = process.env.AG_DOCS_BASE ?? '/';
writeFileSync(join(work, '.vitepress/site.json'), JSON.stringify({ base, repository, vitepress }));
await run(process.execPath, [join(vitepress, 'bin/vitepress.js'), 'build', work]);
shorten(join(work, '.vitepress/dist'));
rmSync(output, { recursive: true, force: true });
cpSync(join(work, '.vitepress/dist'), output, { recursive: true });
console.log(`built apps/docs/dist in ${((Date.now() - began) / 1000).toFixed(0)} s; agrad docs shows it`);

function run(program: string, options: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new Error(`vitepress ended with ${status}`)),
    );
  });
}

/**
 * Every word of a program names its two colors: the usual ones are left out, as they are those of the text around, and the names of the
 * others are short. That is an eighth of the site.
 */
function shorten(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:html|js|css)$/.test(file)) continue;
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const short = text
      .replaceAll('--shiki-light', '--sl')
      .replaceAll('--shiki-dark', '--sd')
      .replaceAll(' style="--sl:#0E1116;--sd:#F0F3F6;"', '');
    writeFileSync(path, short);
  }
}
