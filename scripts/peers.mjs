/**
 * Other people's packages that a test or a measurement compares with or runs on (Dawn for Node, onnxruntime, jax-js,
 * TensorFlow.js, Deno, Bun), which the workspace does not install. Who needs one asks for it by name; npm fetches it once,
 * by version and digest, into `AG_PEERS`, or else `ag/peers` in the user's folder for caches. `AG_PEERS=none` fetches none.
 *
 *   node scripts/peers.mjs             their names
 *   node scripts/peers.mjs webgpu      fetches it and prints the folder that holds its node_modules
 *
 * In a test:
 *
 *   const runtime = await peer('onnxruntime-web');
 *   if (runtime.reason) console.log(`… are skipped: ${runtime.reason}`);
 *   const { InferenceSession } = await runtime.load('onnxruntime-web');
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install } from './install.mjs';

const described = ['peers', 'environments/tools'].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/** Where peers are kept. */
export function peersFolder() {
  if (process.env.AG_PEERS) return process.env.AG_PEERS;
  const home = homedir();
  const places = { darwin: join(home, 'Library/Caches'), win32: process.env.LOCALAPPDATA };
  return join(process.env.XDG_CACHE_HOME ?? places[process.platform] ?? join(home, '.cache'), 'ag/peers');
}

/** Names that `peer` takes. */
export function peerNames() {
  return readdirSync(described[0], { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .concat('bun', 'deno');
}

/**
 * A peer, fetched if need be: `{ folder, load, version }`, or `{ reason }` where it cannot be had. `load` imports one of
 * its packages by name, `version` says which one there is. Never throws for want of a network.
 * @param {string} name
 * @param {number} seconds how long npm may take
 */
export async function peer(name, seconds = 100) {
  const description = described.map((place) => join(place, name)).find((place) => exists(place));
  if (!description) throw new Error(`peers: there is no ${name}; there are ${peerNames().join(', ')}`);
  if (process.env.AG_PEERS === 'none') return { reason: `${name} is not fetched (AG_PEERS=none)` };
  const folder = join(peersFolder(), name);
  const failed = `${folder}.failed`;
  try {
    mkdirSync(peersFolder(), { recursive: true });
    // What could not be had is not asked for again at once: many tests ask for the same.
    const told = exists(failed) && Date.now() - statSync(failed).mtimeMs < 600_000;
    if (told) return { reason: readFileSync(failed, 'utf8') };
    const release = await hold(`${folder}.lock`);
    try {
      await install(description, folder, {
        seconds,
        options: ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'],
      });
    } finally {
      release();
    }
  } catch (error) {
    const reason = `${name} cannot be fetched (${error.message})`;
    try {
      writeFileSync(failed, reason);
    } catch {}
    return { reason };
  }
  const require = createRequire(join(folder, 'package.json'));
  return {
    folder,
    load: (module) => import(pathToFileURL(require.resolve(module)).href),
    require,
    version: (module) =>
      JSON.parse(readFileSync(join(folder, 'node_modules', module, 'package.json'), 'utf8')).version,
  };
}

function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Waits until no other process installs the same, and keeps others waiting until the function it returns is called. */
async function hold(lock) {
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'process'), String(process.pid));
      return () => rmSync(lock, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'process'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'EPERM') return false;
    if (error.code === 'ESRCH') return true;
    // The process that took it has not said its number yet, or never will.
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    return made !== undefined && Date.now() - made > 10_000;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  if (names.length === 0) console.log(peerNames().join('\n'));
  for (const name of names) {
    const { folder, reason } = await peer(name);
    if (reason) process.exitCode = 1;
    (reason ? console.error : console.log)(reason ?? folder);
  }
}
