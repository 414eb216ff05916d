/** Programs under a real launcher, for tests. They are bundled once, so that ranks start quickly and on the sources. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answersVariable } from './answer.ts';

/**
 * The launcher: `AG_MPI_LAUNCHER` with its arguments, or `mpirun`; null where there is none, with a line that says so.
 */
export const launcher: readonly string[] | null = findLauncher();

function findLauncher(): string[] | null {
  const { AG_MPI_LAUNCHER } = process.env;
  if (AG_MPI_LAUNCHER) return AG_MPI_LAUNCHER.split(' ');
  const { stdout, status } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  if (status === 0) {
    // Open MPI counts cores, and wants to be told that fewer will do.
    return /Open MPI|Open-RTE|prte/i.test(stdout) ? ['mpirun', '--oversubscribe'] : ['mpirun'];
  }
  console.warn(
    'mpirun was not found: tests with several processes are skipped (Debian: apt install openmpi-bin)',
  );
  return null;
}

/** How a job ended. */
export interface Job {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that can be started on several ranks. */
export interface Program {
  /** @param environment beside that of this process */
  run(size: number, args?: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Job>;
  /** The same, and what each rank gave as its `answer`, in no order. @throws Error when it fails */
  values<T>(
    size: number,
    args?: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<T[]>;
  remove(): void;
}

/** Bundles a program. */
export async function programOf(file: URL): Promise<Program> {
  const { build } = await import('esbuild');
  // Within the package, where the bundle finds what it loads.
  const folder = mkdtempSync(fileURLToPath(new URL('../../node_modules/.test-', import.meta.url)));
  const outfile = join(folder, 'program.mjs');
  await build({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@ag/source'],
    external: ['koffi', 'esbuild'],
    outfile,
    logLevel: 'error',
  });
  copyFileSync(new URL('../communicator.js', import.meta.url), join(folder, 'communicator.js'));
  const run: Program['run'] = (size, args = [], environment = {}) =>
    launch(size, [process.execPath, outfile, ...args], environment);
  return {
    run,
    async values<T>(
      size: number,
      args: readonly string[] = [],
      environment: Readonly<Record<string, string>> = {},
    ) {
      const answers = mkdtempSync(join(folder, 'answers-'));
      const given = { ...environment, [answersVariable]: answers };
      const { exitCode, stdout, stderr } = await run(size, args, given);
      if (exitCode !== 0) throw new Error(`exit ${exitCode}: ${stderr}\n${stdout}`);
      return readdirSync(answers).map((name): T => JSON.parse(readFileSync(join(answers, name), 'utf8')));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts a command on several ranks and waits for its end, two minutes at most. */
export function launch(
  size: number,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  started: (child: ChildProcess) => void = () => {},
): Promise<Job> {
  if (launcher === null) throw new Error('there is no launcher');
  const [name, ...flags] = launcher;
  const child = spawn(name, [...flags, '-np', String(size), ...command], {
    env: {
      ...process.env,
      // Open MPI refuses to be run by root, and binds ranks to cores that others use.
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      OMPI_MCA_hwloc_base_binding_policy: 'none',
      ...environment,
    },
  });
  started(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  return new Promise((resolve) => {
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, stdout, stderr });
    });
  });
}
