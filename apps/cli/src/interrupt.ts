/**
 * Signals that ask a command to end: Ctrl-C, SIGTERM, and the end of the terminal (SIGHUP). The first asks it to end
 * in order, the second ends it at once. Where nothing has begun that could be lost, the first ends it at once too.
 */
import { exitCodes } from './failure.ts';

/** Signals that ask to end, with the exit code of each: 128 and its number. */
const codes = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp,
} as const;

/** A signal that asks to end. */
export type EndSignal = keyof typeof codes;

export const endSignals = Object.keys(codes) as EndSignal[];

/** The exit code of what a signal ended. */
export function exitCodeOf(signal: EndSignal): number {
  return codes[signal];
}

/** Watches for signals until `stop`. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** The exit code that belongs to the signal that came, if one came. */
  readonly exitCode: number | null;
  /** From now on there is something to lose: a signal ends the command in order. */
  begin(): void;
  stop(): void;
}

/**
 * @param note called when the first signal arrives
 * @param begun whether there is something to lose; else a signal ends the process at once, until `begin`
 */
export function watchInterrupts(note: (signal: EndSignal) => void, begun = true): Interrupt {
  let started = begun;
  const controller = new AbortController();
  let exitCode: number | null = null;
  let hungUp = Number.NEGATIVE_INFINITY;
  const on = (signal: EndSignal): void => {
    // A shell and the system both say that a terminal is closed.
    const again = signal === 'SIGHUP' && performance.now() - hungUp < 1000;
    if (signal === 'SIGHUP') hungUp = performance.now();
    if (again) return;
    if (!started || exitCode !== null) process.exit(exitCodeOf(signal));
    exitCode = exitCodeOf(signal);
    note(signal);
    controller.abort();
  };
  for (const signal of endSignals) process.on(signal, on);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    begin() {
      started = true;
    },
    stop() {
      for (const signal of endSignals) process.off(signal, on);
    },
  };
}
