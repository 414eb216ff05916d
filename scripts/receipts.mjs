/**
 * One receipt, checked in every engine that is to be had: a table of which of them train it again to the bit, with one, two and three
 * threads, steps compiled and not. What cannot be had here is named and left out; exit code 1 where an engine trains otherwise.
 *
 *   node scripts/receipts.mjs                 all engines
 *   node scripts/receipts.mjs node24 deno     these
 *
 * Tools are installed by npm, as for scripts/environments.mjs; browsers are those of this machine.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { findBrowser, openPage } from './environments/browser.mjs';
import { root, run, Skip, toolsOf } from './environments/tools.mjs';

/** Another Node, Bun or Deno from npm. */
const program =
  (tools, path, options = []) =>
  async (folder) => {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new Skip('npm has it for Linux on x86-64 only');
    const file = join(await toolsOf(tools), 'node_modules', path);
    if (!existsSync(file)) throw new Skip(`${file} is missing`);
    const [version] = /\d+(\.\d+)+/.exec(await run(file, ['--version'], folder)) ?? [''];
    return { version, lines: (await run(file, [...options, 'index.js'], folder)).split('\n') };
  };

const page = (name) => async (folder) => {
  const { version } = findBrowser(name);
  return { version, lines: await openPage(folder, name, { seconds: 300 }) };
};

const engines = {
  node20: program('node20', 'node/bin/node'),
  node24: program('node24', 'node/bin/node'),
  node26: program('node26', 'node/bin/node'),
  deno: program('deno', '@deno/linux-x64-glibc/deno', ['run', '-A', '--no-lock']),
  bun: program('bun', '@oven/bun-linux-x64/bin/bun'),
  chromium: page('chromium'),
  firefox: page('firefox'),
  webkit: page('webkit'),
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(engines, name));
if (unknown !== undefined) {
  console.error(`receipts: there is no ${unknown}; there are ${Object.keys(engines).join(', ')}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'ag-receipts-'));
try {
  await bundle(folder);
  await checkAll(await makeReceipts());
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bundle(outdir) {
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: [join(root, 'scripts/receipts/program.ts')],
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
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>receipts</title></head><body><script type="module" src="/index.js"></script></body></html>\n',
  );
}

/** The receipts to be checked, made by this Node with one thread. */
async function makeReceipts() {
  write(null);
  const said = await run(process.execPath, ['index.js'], folder);
  const made = told(said.split('\n'), 'made');
  if (made.length === 0) throw new Error(said);
  return Object.fromEntries(made);
}

function write(receipts) {
  writeFileSync(
    join(folder, 'index.js'),
    `import { check } from './program.js';\nawait check(${JSON.stringify(receipts)});\n`,
  );
}

function told(lines, what) {
  return lines.flatMap((line) =>
    line.startsWith(`@${what} `) ? [JSON.parse(line.slice(what.length + 2))] : [],
  );
}

async function checkAll(receipts) {
  for (const [arithmetic, { weights, steps }] of Object.entries(receipts))
    console.log(`${arithmetic}: ${steps} steps, final weights ${weights.final.hash}`);
  write(receipts);
  console.log('\n| engine | version | separate | fused |\n| --- | --- | --- | --- |');
  for (const [name, check] of Object.entries(engines)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    try {
      const { version, lines } = await check(folder);
      const rows = told(lines, 'row');
      const skipped = told(lines, 'skip');
      const cells = ['separate', 'fused'].map((arithmetic) => {
        const own = rows.filter((row) => row.arithmetic === arithmetic);
        const why = skipped.find((one) => one.arithmetic === arithmetic)?.why;
        return own.length === 0 ? `none: ${why ?? 'nothing was said'}` : describe(own);
      });
      if (rows.length === 0 || rows.some(({ equal }) => !equal)) process.exitCode = 1;
      console.log(`| ${name} | ${version} | ${cells.join(' | ')} |`);
    } catch (error) {
      if (!(error instanceof Skip)) process.exitCode = 1;
      console.log(
        `| ${name} | ${error instanceof Skip ? 'skipped' : 'failed'} | ${String(error.message).split('\n').slice(0, 3).join(' ')} | |`,
      );
    }
  }
}

/** `equal: threads 1 2 3, compiled 1 2 3` */
function describe(rows) {
  const other = rows.filter(({ equal }) => !equal);
  const list = (some) =>
    [false, true]
      .map((compiled) => {
        const threads = some.filter((row) => row.compiled === compiled).map((row) => row.threads);
        return threads.length === 0 ? '' : `${compiled ? 'compiled' : 'threads'} ${threads.join(' ')}`;
      })
      .filter(Boolean)
      .join(', ');
  if (other.length === 0) return `equal: ${list(rows)}`;
  return `**other**: ${list(other)} (${JSON.stringify(other[0].differences[0] ?? null)})`;
}
