/**
 * `node bench/webgpu.mjs`: what this machine's graphics processor does, in ten minutes at most, as one JSON file that is written as
 * it goes.
 *
 *   --out FILE        where to (default webgpu.json in the folder it is called in)
 *   --minutes 10      all of it; what does not fit is left out, and said
 *   --only A,B        of: device, steps, peers, torch, suite (default all)
 *   --python python3  with torch and CUDA, for PyTorch beside it (TF32 off and on)
 *   --data FOLDER     see AG_DATA_DIR
 *
 * The device is the system's own (`AG_GPU=any` of `scripts/dawn.mjs`); where there is none, the software driver in Chromium, with smaller
 * sizes. Dawn, jax-js and TensorFlow.js are fetched by `scripts/peers.mjs`; what cannot be had is a line that says so.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { peer } from '../scripts/peers.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sections = ['device', 'steps', 'peers', 'torch', 'suite'];
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: 'webgpu.json' },
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: sections.join(',') },
    python: { type: 'string', default: 'python3' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (options.help) {
  console.log(
    'node bench/webgpu.mjs [--out FILE] [--minutes 10] [--only device,steps,peers,torch,suite] [--python python3]',
  );
  process.exit(0);
}
const only = options.only.split(',');
const unknown = only.filter((name) => !sections.includes(name));
if (unknown.length > 0)
  throw new Error(`--only: there is no ${unknown.join(', ')}; there are ${sections.join(', ')}`);
const end = performance.now() + Number(options.minutes) * 60_000;
const left = () => end - performance.now();

const report = {
  started: new Date().toISOString(),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  records: [],
};
function note(record) {
  report.records.push(record);
  report.seconds = Math.round(Number(options.minutes) * 60 - left() / 1000);
  writeFileSync(options.out, `${JSON.stringify(report, null, 1)}\n`);
  const { section, name = '', ...rest } = record;
  console.log(section.padEnd(13), name.padEnd(44), brief(rest));
}
const brief = (rest) =>
  Object.entries(rest)
    .map(
      ([key, value]) =>
        `${key} ${typeof value === 'number' ? Number(value.toPrecision(4)) : typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(', ')
    .slice(0, 300);

const folder = mkdtempSync(join(tmpdir(), 'ag-webgpu-'));
const running = new Set();
/** The software driver takes minutes for larger ones. */
let workloads = ['W4'];
let data = null;
try {
  await bundle();
  const environment = await deviceEnvironment();
  if ((environment.AG_GPU ?? process.env.AG_GPU) === 'any') workloads = ['W5', 'W6', 'W9'];
  if (only.includes('device'))
    await lines('device', process.execPath, [join(folder, 'kernels.js')], 200, environment);
  if (only.includes('steps')) await steps('ag', 'participant.js', ['compiled', 'define-by-run'], environment);
  if (only.includes('peers')) await peers(environment);
  if (only.includes('torch')) await lines('torch', options.python, [here('peers/torch_cuda.py')], 150, {});
  if (only.includes('suite')) await suite(environment);
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
console.log(`written to ${resolve(options.out)}`);

async function bundle() {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await build({
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@ag/source'],
    logLevel: 'warning',
    entryPoints: {
      kernels: here('src/webgpu/kernels.ts'),
      data: here('src/data.ts'),
      participant: here('src/process/participant.ts'),
      'peers/tfjs': here('peers/tfjs/main.mjs'),
      'peers/jax': here('peers/jax/main.mjs'),
    },
    outdir: folder,
  });
  cpSync(here('../packages/native-wasm/src/run/worker.js'), join(folder, 'worker.js'));
}

/** The system's device where it has one, else the software driver. */
async function deviceEnvironment() {
  const script = here('../scripts/dawn.mjs');
  const AG_DAWN = pathToFileURL(script).href;
  if (process.env.AG_GPU === undefined) {
    const probe = `import { dawn } from ${JSON.stringify(AG_DAWN)}; const { gpu } = await dawn(); process.exit(gpu ? 0 : 1);`;
    const any = await run(
      process.execPath,
      ['--input-type=module', '-e', probe],
      60,
      { AG_GPU: 'any' },
      () => {},
    );
    return { AG_DAWN, ...(any.code === 0 && { AG_GPU: 'any' }) };
  }
  return { AG_DAWN };
}

/** Starts a program and hands over its lines; stops it when its time is over. */
function run(program, args, seconds, environment, onLine, onStart = () => {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(child);
    let errors = '';
    let stopped = false;
    const limit = Math.max(1000, Math.min(seconds * 1000, left()));
    const timer = setTimeout(() => {
      stopped = true;
      child.kill('SIGKILL');
    }, limit);
    child.stderr.on('data', (text) => {
      errors = `${errors}${text}`.slice(-2000);
    });
    child.stdin.on('error', () => {});
    const reader = createInterface({ input: child.stdout });
    reader.on('line', onLine);
    const finish = (code) => {
      clearTimeout(timer);
      running.delete(child);
      done({ code, stopped, errors });
    };
    child.on('error', (error) => {
      errors = error.message;
      finish(1);
    });
    child.on('close', finish);
    onStart(child);
  });
}

/** A program that prints a record a line. */
async function lines(section, program, args, seconds, environment) {
  if (left() < 5000) return note({ section, absent: 'no time left' });
  const { code, stopped, errors } = await run(program, args, seconds, environment, (line) => {
    if (line.startsWith('{')) note(JSON.parse(line));
  });
  if (stopped) note({ section, absent: 'the rest: its time was over' });
  else if (code !== 0) note({ section, absent: `failed: ${errors.trim().split('\n').slice(-3).join(' ')}` });
}

/** Training steps of whole networks by a participant of the benchmark (see src/protocol.ts). */
async function steps(who, file, variants, environment) {
  const data = await dataFolder();
  for (const workload of workloads)
    for (const variant of variants) {
      if (left() < 5000)
        return note({ section: 'steps', name: `${workload} ${who}`, absent: 'no time left' });
      const task = { workload, variant, backend: 'webgpu', threads: 1, data, patience: 20_000 };
      const turns = [];
      let opened;
      let child;
      const { code, stopped, errors } = await run(
        process.execPath,
        [join(folder, file), JSON.stringify(task)],
        60,
        environment,
        (line) => {
          const answer = JSON.parse(line);
          const say = (request) => child.stdin.write(`${JSON.stringify(request)}\n`);
          if (answer.absent || answer.cases?.length === 0) {
            note({ section: 'steps', name: `${workload} ${who}`, absent: answer.absent ?? 'unknown' });
            child.stdin.end();
          } else if (answer.cases) say({ open: answer.cases[0] });
          else if (answer.check) {
            opened = answer;
            say({ chunk: 1000 });
          } else {
            turns.push(answer.ms);
            if (turns.length < 3) say({ chunk: 1000 });
            else child.stdin.end();
          }
        },
        (started) => {
          child = started;
        },
      );
      if (turns.length > 0)
        note({
          section: 'steps',
          name: `${workload} ${who}, ${variant}`,
          ms: [...turns].sort((a, b) => a - b)[Math.floor(turns.length / 2)],
          first: opened.first,
          losses: opened.check,
        });
      else if (stopped || code !== 0)
        note({
          section: 'steps',
          name: `${workload} ${who}, ${variant}`,
          absent: stopped
            ? 'its time was over'
            : errors.trim().split('\n').slice(0, 6).join(' ').slice(0, 500),
        });
    }
}

/** The raw files of MNIST, or stand-ins of the same size. */
async function dataFolder() {
  if (data === null) {
    if (options.data) process.env.AG_DATA_DIR = options.data;
    const { writeData } = await import(pathToFileURL(join(folder, 'data.js')).href);
    data = folder;
    await writeData(folder, workloads);
  }
  return data;
}

async function peers(environment) {
  for (const [name, file, packageName] of [
    ['jax-js', 'peers/jax.js', '@jax-js/jax'],
    ['tfjs', 'peers/tfjs.js', '@tensorflow/tfjs'],
  ]) {
    const found = await peer(name);
    if (found.reason) {
      note({ section: 'steps', name, absent: found.reason });
      continue;
    }
    const who = `${name} ${found.version(packageName)}`;
    await steps(who, file, ['webgpu'], { ...environment, PEERS_DIR: found.folder });
    for (const workload of ['W7', 'W8'])
      await cases(who, file, workload, { ...environment, PEERS_DIR: found.folder });
  }
}

/** Each case of W7 or W8: products and what memory bounds. */
async function cases(who, file, workload, environment) {
  if (left() < 5000) return;
  const task = {
    workload,
    variant: 'webgpu',
    backend: 'webgpu',
    threads: 1,
    data: await dataFolder(),
    patience: 5000,
  };
  let child;
  let waiting = [];
  await run(
    process.execPath,
    [join(folder, file), JSON.stringify(task)],
    40,
    environment,
    (line) => {
      const answer = JSON.parse(line);
      const say = (request) => child.stdin.write(`${JSON.stringify(request)}\n`);
      if (answer.cases) waiting = answer.cases.filter((name) => /^(512|1024|2048|sig|sum|soft)/.test(name));
      else if (answer.check) return say({ chunk: 200 });
      else note({ section: 'peer kernels', name: `${waiting.shift()} ${who}`, ms: answer.ms });
      if (waiting.length > 0) say({ open: waiting[0] });
      else child.stdin.end();
    },
    (started) => {
      child = started;
    },
  );
}

/** The tests of packages/webgpu on this device. */
async function suite(environment) {
  const root = here('..');
  const file = join(folder, 'suite.json');
  const vitest = here('../node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', 'packages/webgpu', '--root', root, '--reporter=json', `--outputFile=${file}`];
  const { stopped } = await run(process.execPath, args, 240, environment, () => {});
  try {
    const { readFileSync } = await import('node:fs');
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    );
    note({
      section: 'suite',
      passed: numPassedTests,
      failed: numFailedTests,
      skipped: numPendingTests,
      names: failed,
    });
  } catch {
    note({ section: 'suite', absent: stopped ? 'its time was over' : 'no result' });
  }
}
