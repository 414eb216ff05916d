/** What the tests share: running the command in this process or another one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { quote } from './quote.ts';
import { run } from './run.ts';
import { type Terminal, terminalOn } from './terminal.ts';
import { commandBundle } from './testBundle.ts';

export * from './testData.ts';

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

/** What Node is given to run the command, bundled from the sources. */
export function nodeArguments(given: readonly string[]): string[] {
  return ['--conditions=@ag/source', join(commandBundle(), 'main.js'), ...given];
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
