/** The processes that train a sweep's trials, each one after the other. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a command ended. */
export interface Outcome {
  readonly exitCode: number;
  /** Its last event. */
  readonly last: object | null;
  /** The end of what it told people. */
  readonly said: string;
}

/** A process that runs commands. */
export interface Worker {
  /** Runs a command line; null when the process ended under it. */
  run(given: readonly string[]): Promise<Outcome | null>;
  /** Asks the command under way to end in order, unless Ctrl-C did. */
  interrupt(): void;
  /** Ends the process. */
  close(): void;
}

/** A worker, whose process is started with the first command, and anew after it was killed. */
export function createWorker(): Worker {
  let process: ChildProcess | null = null;
  return {
    run: (given) =>
      new Promise((resolve) => {
        process ??= startProcess();
        const child = process;
        const settle = (outcome: Outcome | null): void => {
          child.off('message', settle).off('error', lost).off('exit', lost);
          resolve(outcome);
        };
        const lost = (): void => {
          process = null;
          settle(null);
        };
        child.on('message', settle).on('error', lost).on('exit', lost);
        child.send(given, (error) => {
          if (error) lost();
        });
      }),
    interrupt: () => {
      process?.send('interrupt');
    },
    close: () => {
      process?.disconnect();
      process = null;
    },
  };
}

function startProcess(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const program = new URL(fromSource ? '../sweepWorker.ts' : './sweepWorker.js', import.meta.url);
  return fork(fileURLToPath(program), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}
