/**
 * Tools that only these checks need: each folder of `tools/` has exact versions and a lockfile, installed by npm into a
 * cache outside of the workspace when a job asks for it. What cannot be installed is a reason to skip the job.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../install.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** Outside of the workspace, whose packages nobody may find by accident, and of folders that bundlers leave as they are. */
export const cache = process.env.AG_ENVIRONMENTS_CACHE ?? join(homedir(), '.cache/ag-environments');
const described = fileURLToPath(new URL('./tools', import.meta.url));

/** Thrown by a job that cannot run here. */
export class Skip extends Error {}

/** Lines that npm, and tools that report to their makers, shall not print or send. */
const quiet = {
  NEXT_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  NO_COLOR: '1',
  // Undefined is left out: where it is set, some tools print colors or ask for caches.
  FORCE_COLOR: undefined,
  CI: undefined,
  BROWSERSLIST_IGNORE_OLD_DATA: '1',
};

/**
 * Runs a program to its end and resolves with what it said on both streams.
 * @throws Error with all that, when it fails
 */
export function run(program, options, cwd, { seconds = 240, environment = {} } = {}) {
  return new Promise((resolve, reject) => {
    // A group of its own: bundlers leave processes behind when they are ended.
    const child = spawn(program, options, {
      cwd,
      env: { ...process.env, ...quiet, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32' && program === 'npm',
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    }
    const words = [program, ...options].join(' ').replaceAll(root, '');
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child);
    }, seconds * 1000);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) resolve(said);
      else {
        const how = late ? `did not end within ${seconds} s` : `ended with ${status ?? signal}`;
        reject(new Error(`${words} ${how}\n${said.trim()}`));
      }
    });
  });
}

/** Ends a process that `spawn` started with `detached`, and those that it started. */
export function end(child) {
  if (child.exitCode !== null || child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** A hash of files, by which is known what has to be made anew. */
export function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 20);
}

export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** The folder in which `tools/NAME` is installed. @throws Skip when npm cannot */
export async function toolsOf(name) {
  const folder = join(cache, name);
  try {
    await install(join(described, name), folder);
  } catch (error) {
    throw new Skip(`its tools cannot be installed (${error.message})`);
  }
  return folder;
}

/** The version of a package that a job has installed. */
export function versionOf(folder, name) {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}
