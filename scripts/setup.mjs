/**
 * `npm start` and `npm test` on a machine with Node and npm and nothing else. Brings the pinned pnpm, the
 * dependencies and the built packages up to date, then runs the job. Whatever is up to date is skipped, so a second
 * run starts at once. No dependencies, nothing installed outside this folder.
 *
 *   node scripts/setup.mjs start [options of `agrad train digits`]
 *   node scripts/setup.mjs web [options of `agrad web`]
 *   node scripts/setup.mjs test [options of `vitest run`]
 *   node scripts/setup.mjs test-full [options of `vitest run`]
 *   node scripts/setup.mjs prepare
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = readJson('package.json');
const [job = 'prepare', ...options] = process.argv.slice(2);

const environment = {
  ...process.env,
  // Turbo runs the packages' scripts with the pnpm it finds here.
  PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
};

// Progress goes to stderr: stdout belongs to the job.
const aside = ['inherit', process.stderr.fd, 'inherit'];

const jobs = {
  prepare: () => {},
  start: () => node(['apps/cli/dist/main.js', 'train', 'digits', ...options]),
  web: () => node(['apps/cli/dist/main.js', 'web', ...options]),
  test: () => node(['node_modules/vitest/vitest.mjs', 'run', ...options]),
  'test-full': () =>
    node(['node_modules/vitest/vitest.mjs', 'run', ...options], { env: { ...environment, AG_TEST: 'full' } }),
};

if (!Object.hasOwn(jobs, job)) fail(`setup: no job "${job}"; there is ${Object.keys(jobs).join(', ')}.`);
checkNode();
await install();
await build();
await jobs[job]();

function checkNode() {
  const wanted = manifest.engines.node.replace('>=', '').split('.').map(Number);
  const found = process.versions.node.split('.').map(Number);
  if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
    fail(`setup: Node ${manifest.engines.node} is needed, this is ${process.versions.node}.`);
  }
}

/** Installs the dependencies when a manifest or the lockfile is not as it was at the last install. */
async function install() {
  const stamp = join(root, 'node_modules', '.ag-setup');
  const state = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  say('installing the dependencies');
  const pnpm = await pinnedPnpm();
  const options = ['--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false'];
  await node([pnpm, 'install', ...options], { stdio: aside });
  writeFileSync(stamp, state);
}

/** Turbo builds what changed and leaves the rest. */
async function build() {
  say('building the packages');
  const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo');
  await node([turbo, 'run', 'build', '--output-logs=errors-only', '--log-prefix=none'], { stdio: aside });
}

/** The path of the pnpm that package.json names: from the dependencies, else brought by npm into .tools. */
async function pinnedPnpm() {
  const version = manifest.packageManager.split('@')[1];
  const tools = join(root, '.tools');
  for (const folder of [root, tools]) {
    const pnpm = join(folder, 'node_modules', 'pnpm');
    const found = existsSync(join(pnpm, 'package.json')) && readJson(join(pnpm, 'package.json')).version;
    if (found === version) return join(pnpm, 'bin', 'pnpm.cjs');
  }
  say(`fetching pnpm ${version}`);
  mkdirSync(tools, { recursive: true });
  writeFileSync(join(tools, 'package.json'), '{ "private": true }\n');
  const argument = ['install', '--prefix', tools, '--no-save', '--no-package-lock', `pnpm@${version}`];
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('npm-cli.js')) await node([npm, ...argument], { stdio: aside });
  else await run('npm', argument, { stdio: aside, shell: process.platform === 'win32' });
  return join(tools, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
}

/** One hash of everything that says what to install, and of the Node that it is installed for. */
function fingerprint() {
  const folders = ['.', 'examples', 'bench'];
  for (const parent of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, parent)).sort()) folders.push(join(parent, name));
  }
  const files = folders.map((folder) => join(folder, 'package.json'));
  files.push('pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc');
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.platform} ${process.arch}`);
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`\n${file}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function node(argument, settings) {
  return run(process.execPath, argument, settings);
}

/** Runs a program to its end with our terminal; if it fails, so do we, in the same way. */
async function run(program, argument, settings = {}) {
  const child = spawn(program, argument, { cwd: root, env: environment, stdio: 'inherit', ...settings });
  // The terminal sends Ctrl-C to the child as well, and a training has a checkpoint to write: wait for its end.
  const wait = () => {};
  const pass = (signal) => child.kill(signal);
  process.on('SIGINT', wait).on('SIGTERM', pass);
  const { error, status, signal } = await new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }));
    child.on('close', (status, signal) => resolve({ status, signal }));
  });
  process.off('SIGINT', wait).off('SIGTERM', pass);
  if (error) fail(`setup: ${program} did not start: ${error.message}`);
  if (signal) process.exit(128 + constants.signals[signal]);
  if (status !== 0) process.exit(status);
}

function readJson(path) {
  return JSON.parse(readFileSync(isAbsolute(path) ? path : join(root, path), 'utf8'));
}

function say(text) {
  process.stderr.write(`· ${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
