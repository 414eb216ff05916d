/**
 * Ctrl-C and SIGTERM: the first asks the command to end in order, the second ends it at once. Where nothing has begun
 * that could be lost, the first ends it at once too.
 */
import { exitCodes } from './failure.ts';

/** Watches for signals until `stop`. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** The exit code that belongs to the signal that came, if one came. */
  readonly exitCode: number | null;
  stop(): void;
}

/** @param note called when the first signal arrives */
export function watchInterrupts(note: (signal: NodeJS.Signals) => void): Interrupt {
  const controller = new AbortController();
  let exitCode: number | null = null;
  const on = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
    if (exitCode !== null) process.exit(code);
    exitCode = code;
    note(signal);
    controller.abort();
  };
  process.on('SIGINT', on).on('SIGTERM', on);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    stop() {
      process.off('SIGINT', on).off('SIGTERM', on);
    },
  };
}
