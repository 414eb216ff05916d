/**
 * One receipt, checked in every engine that is to be had: a table of which of them train it again to the bit, with one, two and three
 * threads, steps compiled and not. What cannot be had here is named and left out; exit code 1 where an engine trains otherwise.
 *
 *   node scripts/receipts.mjs                 all engines
 *   node scripts/receipts.mjs node24 deno     these
 *
 * Tools are installed by npm, as for scripts/environments.mjs; browsers are those of this machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram, enginesNamed } from './environments/engines.mjs';
import { root, run, Skip } from './environments/tools.mjs';

const engines = enginesNamed(process.argv.slice(2), 'receipts', [
  'node20',
  'node24',
  'node26',
  'deno',
  'bun',
  'chromium',
  'firefox',
  'webkit',
]);

const folder = mkdtempSync(join(tmpdir(), 'ag-receipts-'));
try {
  await bundleProgram(join(root, 'scripts/receipts/program.ts'), folder);
  await checkAll(await makeReceipts());
} finally {
  rmSync(folder, { recursive: true, force: true });
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
  for (const [name, { run: check }] of engines) {
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
