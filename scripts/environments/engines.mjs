/**
 * One program on every engine that is to be had: other versions of Node, Deno and Bun from npm, browsers of this machine. The
 * program is a folder with `index.js`, and `index.html` for browsers; what it prints is its outcome.
 */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { findBrowser, openPage } from './browser.mjs';
import { root, run, Skip, toolsOf } from './tools.mjs';

/** Another Node, Bun or Deno from npm. */
const program = (title, tools, path, options = []) => ({
  title,
  async run(folder, seconds) {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new Skip('npm has it for Linux on x86-64 only');
    const file = join(await toolsOf(tools), 'node_modules', path);
    if (!existsSync(file)) throw new Skip(`${file} is missing`);
    const [version] = /\d+(\.\d+)+/.exec(await run(file, ['--version'], folder)) ?? [''];
    return { version, lines: (await run(file, [...options, 'index.js'], folder, { seconds })).split('\n') };
  },
});

const page = (title, name) => ({
  title,
  async run(folder, seconds) {
    const { version } = findBrowser(name);
    return { version, lines: await openPage(folder, name, { seconds }) };
  },
});

const engines = {
  node20: program('Node 20', 'node20', 'node/bin/node'),
  node22: program('Node 22', 'node22', 'node/bin/node'),
  node24: program('Node 24', 'node24', 'node/bin/node'),
  node26: program('Node 26', 'node26', 'node/bin/node'),
  deno: program('Deno', 'deno', '@deno/linux-x64-glibc/deno', ['run', '-A', '--no-lock']),
  bun: program('Bun', 'bun', '@oven/bun-linux-x64/bin/bun'),
  chromium: page('Chromium', 'chromium'),
  firefox: page('Firefox', 'firefox'),
  webkit: page('WebKit', 'webkit'),
};

/**
 * The engines that were asked for, of those in `among` (default: all). `run(folder, seconds)` resolves with the version and the
 * lines printed; it throws `Skip` where the engine cannot be had.
 */
export function enginesNamed(asked, script, among = Object.keys(engines)) {
  const unknown = asked.find((name) => !among.includes(name));
  if (unknown !== undefined) {
    console.error(`${script}: there is no ${unknown}; there are ${among.join(', ')}`);
    process.exit(2);
  }
  return among
    .filter((name) => asked.length === 0 || asked.includes(name))
    .map((name) => [name, engines[name]]);
}

/** Bundles a module of the sources for any engine, beside a page that loads `index.js`. */
export async function bundleProgram(entry, outdir) {
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['@ag/source', 'import'],
    external: ['papaparse', 'pngjs', 'jpeg-js', '@zip.js/*'],
    outdir,
    logLevel: 'error',
  });
  // Threads' script, beside what starts it.
  cpSync(join(root, 'packages/native-wasm/src/run/worker.js'), join(outdir, 'worker.js'));
  writeFileSync(join(outdir, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(
    join(outdir, 'index.html'),
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>program</title></head><body><script type="module" src="/index.js"></script></body></html>\n',
  );
}
