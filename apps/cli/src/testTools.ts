/** What the tests share: running the command in this process or another one, and small data files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { quote } from './quote.ts';
import { run } from './run.ts';
import { type Terminal, terminalOn } from './terminal.ts';

/** What a command wrote and how it ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. */
export function inProcess(...given: readonly string[]): Promise<Outcome> {
  return attended(null, ...given);
}

/** The same with somebody who answers questions. */
export async function attended(ask: Terminal['ask'], ...given: readonly string[]): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const exitCode = await run(given, ({ json, quiet }) =>
    terminalOn({
      stdout: {
        write(text) {
          stdout += text;
        },
      },
      stderr: {
        write(text) {
          stderr += text;
        },
      },
      json,
      quiet,
      ask,
    }),
  );
  return { exitCode, stdout, stderr };
}

/** The last line of JSON. */
export function lastEvent(outcome: Outcome): Record<string, unknown> {
  const lines = outcome.stdout.trim().split('\n');
  return JSON.parse(lines[lines.length - 1]);
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What Node is given to run the command on the sources. */
export function nodeArguments(given: readonly string[]): string[] {
  const loader = fileURLToPath(import.meta.resolve('tsx'));
  return ['--conditions=@ag/source', '--import', `file://${loader}`, main, ...given];
}

/** The same as a line for a shell. */
export function commandLine(given: readonly string[]): string {
  return [process.execPath, ...nodeArguments(given)].map(quote).join(' ');
}

/** Starts the command in a process of its own, on the sources. */
export function start(
  given: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): ChildProcess {
  const env = { ...process.env, AG_OFFLINE: '1', ...options.env };
  return spawn(process.execPath, nodeArguments(given), {
    cwd: options.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The outcome of a started command. */
export function outcomeOf(
  child: ChildProcess,
): Promise<Outcome & { readonly signal: NodeJS.Signals | null }> {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ exitCode: code ?? -1, signal, stdout, stderr }));
  });
}

/** A folder that is removed after the tests of the file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agrad-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** An IDX file of bytes: two zeros, the type 8, the number of axes, their sizes, the elements. */
export function idx(sizes: readonly number[], data: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4 + 4 * sizes.length));
  head.setUint32(0, 0x0800 + sizes.length);
  sizes.forEach((size, i) => head.setUint32(4 + 4 * i, size));
  return Buffer.concat([new Uint8Array(head.buffer), data]);
}

/** The four files of MNIST with `count` images each: bright in the row that belongs to the label. */
export function writeMnist(folder: string, count = 40): void {
  for (const stem of ['train', 't10k']) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    const images = new Uint8Array(count * 784);
    labels.forEach((label, i) => images.fill(255, i * 784 + label * 56, i * 784 + (label + 1) * 56));
    writeFileSync(join(folder, `${stem}-images-idx3-ubyte.gz`), gzipSync(idx([count, 28, 28], images)));
    writeFileSync(join(folder, `${stem}-labels-idx1-ubyte.gz`), gzipSync(idx([count], labels)));
  }
}

export const bostonHeader = 'crim,zn,indus,chas,nox,rm,age,dis,rad,tax,ptratio,b,lstat,medv';

/** A table with the columns of Boston housing. */
export function bostonTable(rows = 40): string {
  const lines = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: 14 }, (_, j) => (Math.sin(3 * i + j) * 10 + 20).toFixed(3)).join(','),
  );
  return `${[bostonHeader, ...lines].join('\n')}\n`;
}
