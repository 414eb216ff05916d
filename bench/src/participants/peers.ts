/**
 * Finds other libraries to compare with, which the user installed in a folder. A line for each that does not take
 * part says why.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Engine, versionOf, withRelaxed } from './engines.ts';

interface Library {
  readonly name: string;
  /** With the version that the participant was written for; the first tells the version in use. */
  readonly packages: readonly string[];
  /** The bundle of its participant. */
  readonly program: string;
  readonly engines: readonly Pick<Engine, 'name' | 'task'>[];
}

const libraries: readonly Library[] = [
  {
    name: 'TensorFlow.js',
    packages: ['@tensorflow/tfjs@4.22.0', '@tensorflow/tfjs-backend-wasm@4.22.0'],
    program: 'tfjs.js',
    engines: [
      { name: 'tfjs-cpu', task: { backend: 'cpu', threads: 1 } },
      { name: 'tfjs-wasm', task: { backend: 'wasm', threads: 1 } },
    ],
  },
  {
    name: 'jax-js',
    packages: ['@jax-js/jax@0.1.25'],
    program: 'jax.js',
    engines: [{ name: 'jax-js', task: { backend: 'wasm', threads: 1 } }],
  },
  {
    name: 'onnxruntime-web',
    packages: ['onnxruntime-web@1.30.0'],
    program: 'ort.js',
    engines: [
      { name: 'ort-web 1t', task: { backend: 'wasm', threads: 1 } },
      { name: 'ort-web 2t', task: { backend: 'wasm', threads: 2 } },
    ],
  },
];

export interface Peers {
  readonly engines: readonly Engine[];
  /** Why others are missing. */
  readonly notes: readonly string[];
  /** Version of the Node that runs them. */
  readonly node: string;
}

/**
 * @param installed the folder that the user named
 * @param programs folder of the participants' bundles
 * @param flags of the Node that runs them; the one for relaxed SIMD is added where it has an effect
 */
export function findPeers(
  installed: string,
  programs: string,
  node: string,
  flags: readonly string[],
): Peers {
  const version = versionOf(node, '--peer-node');
  const allFlags = withRelaxed(node, flags);
  const engines: Engine[] = [];
  const notes: string[] = [];
  for (const { name, packages, program, engines: ways } of libraries) {
    const versions = packages.map((specifier) => installedVersion(installed, specifier));
    if (versions.includes(null)) {
      notes.push(
        `${name} is not installed in ${installed}: npm install --prefix ${installed} ${packages.join(' ')}`,
      );
      continue;
    }
    for (const way of ways) {
      const engine: Engine = {
        ...way,
        kind: 'peer',
        command: node,
        flags: ['--expose-gc', ...allFlags, join(programs, program)],
        environment: { PEERS_DIR: resolve(installed) },
        version: `${name} ${versions[0]}`,
      };
      const trouble = troubleOf(engine);
      if (trouble === null) engines.push(engine);
      else notes.push(`${way.name} does not run on Node ${version}: ${trouble}`);
    }
  }
  return { engines, notes, node: version };
}

function installedVersion(folder: string, specifier: string): string | null {
  const name = specifier.slice(0, specifier.lastIndexOf('@'));
  try {
    return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
}

/** Starts it once, with nothing to do. */
function troubleOf({ command, flags, environment, task }: Engine): string | null {
  const { stdout, stderr, error } = spawnSync(
    command,
    [...flags, JSON.stringify({ ...task, workload: '', variant: '', data: '' })],
    { encoding: 'utf8', input: '', timeout: 20_000, env: { ...process.env, ...environment } },
  );
  try {
    JSON.parse(stdout.split('\n')[0]);
    return null;
  } catch {
    const lines = (error?.message ?? stderr).split('\n');
    return lines.find((line) => /error/i.test(line))?.trim() ?? 'it says nothing';
  }
}
