/**
 * Who takes part: `ag` with each number of threads, and NumPy with one and two. Other libraries: `peers.ts`. An
 * engine is a command line that understands the lines of `protocol.ts`.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Task } from '../protocol.ts';

/** Where the bundles are, and the script with NumPy. */
export interface Folders {
  readonly folder: string;
  readonly peers: string;
}

export interface Engine {
  /** As in the table's head: `ag 2t`, `NumPy 1t`. */
  readonly name: string;
  readonly kind: 'ag' | 'numpy' | 'peer';
  readonly command: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly task: Pick<Task, 'backend' | 'threads' | 'wide'> & { readonly variant?: string };
  /** `v24.1.0`, that of NumPy, or another library's name and version. */
  readonly version: string;
}

export interface EngineOptions {
  readonly folders: Folders;
  readonly node: string;
  readonly nodeFlags: readonly string[];
  readonly backend: string;
  readonly threads: readonly number[];
  /** 256-bit vectors; null: where the engine has them. */
  readonly wide: boolean | null;
  /** The folder of the project in another state takes part, too: its bundle is beside the others. */
  readonly base: boolean;
  /** The Python to look for NumPy in; null: without NumPy. */
  readonly python: string | null;
}

/** A module with one relaxed multiply-add of zeros, to ask an engine whether it is valid. */
const relaxedProbe = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 61, 1, 59, 0],
  ...Array.from({ length: 3 }, () => [253, 12, ...new Array<number>(16).fill(0)]).flat(),
  ...[253, 133, 2, 11],
];

const relaxedFlag = '--experimental-wasm-relaxed-simd';

export function engines(options: EngineOptions): Engine[] {
  const { folders, node, backend, python } = options;
  const version = versionOf(node, '--node');
  const flags = withRelaxed(node, options.nodeFlags);
  const wide =
    options.wide ??
    (backend === 'wasm' && process.arch === 'x64' && Number.parseInt(version.slice(1), 10) >= 24);
  const own = (name: string, program: string) =>
    options.threads.map(
      (threads): Engine => ({
        name: `${name} ${threads}t${wide ? ' 256-bit' : ''}`,
        kind: 'ag',
        command: node,
        flags: ['--enable-source-maps', '--expose-gc', ...flags, join(folders.folder, program)],
        environment: {},
        task: { backend, threads, wide },
        version,
      }),
    );
  const found = own(backend === 'wasm' ? 'ag' : backend, 'participant.js');
  if (options.base) found.push(...own('base', 'base/participant.js'));
  const numpy = python === null ? null : output(python, ['-c', 'import numpy; print(numpy.__version__)']);
  if (python !== null && numpy !== null) {
    for (const threads of [1, 2]) {
      const count = String(threads);
      found.push({
        name: `NumPy ${threads}t`,
        kind: 'numpy',
        command: python,
        flags: [join(folders.peers, 'numpy_peer.py')],
        environment: { OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count, OMP_NUM_THREADS: count },
        task: { backend: 'numpy', threads },
        version: numpy,
      });
    }
  }
  return found;
}

/** @param option the one that named the executable */
export function versionOf(node: string, option: string): string {
  const version = output(node, ['-p', 'process.version']);
  if (version !== null) return version;
  throw new Error(`bench: '${node}' does not run; give ${option} the path of a Node executable`);
}

/** The flags, and the one for relaxed SIMD on a Node that has it behind one. */
export function withRelaxed(node: string, flags: readonly string[]): string[] {
  const more = [...flags, relaxedFlag];
  return !hasRelaxed(node, flags) && hasRelaxed(node, more) ? more : [...flags];
}

function hasRelaxed(node: string, flags: readonly string[]): boolean {
  const probe = `WebAssembly.validate(Uint8Array.from([${relaxedProbe.join()}]))`;
  return output(node, [...flags, '-p', probe]) === 'true';
}

export function output(command: string, args: readonly string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
