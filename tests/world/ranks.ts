/**
 * Ranks of a world in memory, for tests: threads that call a function of a file and post what it gives.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { joinWorld, memoryWorld, type SharedWorld } from '../../packages/train/src/world/memoryWorld.ts';
import type { World } from '../../packages/train/src/world/world.ts';

/** What a rank is told. */
interface Given {
  readonly shared: SharedWorld;
  readonly rank: number;
  readonly name: string;
  readonly settings: unknown;
}

/** What became of a rank: what its function gave, or why it failed. */
export type Outcome<T> = { readonly value: T } | { readonly error: string; readonly code: string };

/** A function that ranks call. */
// biome-ignore lint/suspicious/noExplicitAny: each test knows what it hands over
export type RankFunction = (world: World, settings: any) => unknown;

/** Starts ranks of one file. */
export interface Ranks {
  /** Calls a function of the file on `size` ranks, each in a thread of its own. */
  run<T>(
    size: number,
    name: string,
    settings?: unknown,
    options?: { readonly deadline?: number },
  ): Promise<Outcome<T>[]>;
  /** The same, of ranks that all succeed. @throws Error when one fails */
  values<T>(size: number, name: string, settings?: unknown): Promise<T[]>;
  /** Removes what was made. */
  remove(): void;
}

/** A file for threads, with all that it imports. */
export interface Bundle {
  readonly file: string;
  /** Removes what was made. */
  remove(): void;
}

/** Bundles a file, so that threads start quickly and on the sources. */
export async function bundled(file: URL): Promise<Bundle> {
  const { build } = await import('esbuild');
  const folder = mkdtempSync(join(tmpdir(), 'ag-ranks-'));
  const outfile = join(folder, 'bundle.mjs');
  await build({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@ag/source'],
    external: ['esbuild'],
    outfile,
    logLevel: 'error',
  });
  return { file: outfile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Ranks of a file that calls `serveRank`. */
export async function ranksOf(file: URL): Promise<Ranks> {
  const { file: outfile, remove } = await bundled(file);
  const run: Ranks['run'] = <T>(
    size: number,
    name: string,
    settings: unknown = null,
    { deadline = 60 } = {},
  ) => {
    const shared = memoryWorld(size, { deadline });
    return Promise.all(
      Array.from({ length: size }, (_, rank) => {
        const given: Given = { shared, rank, name, settings };
        const worker = new Worker(outfile, { workerData: given, execArgv: [] });
        return new Promise<Outcome<T>>((resolve) => {
          worker.on('message', (outcome) => {
            resolve(outcome);
            void worker.terminate();
          });
          worker.on('error', (error) => resolve({ error: String(error), code: 'error' }));
          worker.on('exit', (code) => resolve({ error: `exit ${code}`, code: 'exit' }));
        });
      }),
    );
  };
  return {
    run,
    async values<T>(size: number, name: string, settings?: unknown): Promise<T[]> {
      const outcomes = await run<T>(size, name, settings);
      return outcomes.map((outcome, rank) => {
        if ('value' in outcome) return outcome.value;
        throw new Error(`rank ${rank}: ${outcome.error}`);
      });
    },
    remove,
  };
}

/** In a rank's thread: calls the function that was asked for; elsewhere nothing. */
export async function serveRank(functions: Readonly<Record<string, RankFunction>>): Promise<void> {
  if (parentPort === null || typeof workerData?.name !== 'string') return;
  const { shared, rank, name, settings } = workerData as Given;
  const world = joinWorld(shared, rank);
  const answer = (outcome: Outcome<unknown>): void => parentPort?.postMessage(outcome);
  try {
    const value = await functions[name](world, settings);
    await world.finish();
    answer({ value });
  } catch (error) {
    world.abort(error);
    const { message, code } = error as Error & { code?: string };
    answer({ error: message, code: code ?? 'none' });
  }
}
