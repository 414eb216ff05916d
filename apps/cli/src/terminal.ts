/**
 * Where the command writes: results to stdout, everything else to stderr. Colors and redrawn lines are only where a
 * terminal shows them. The one place where text leaves the program, so that all of it is cleaned here. Tests hand
 * over streams of their own.
 */
import { type Colors, createColors, jsonText, terminalText } from './text.ts';

export type { Colors } from './text.ts';

/** The outside world of a command. Each argument is one line: an end of line within it is shown as `\n`. */
export interface Terminal {
  /** Lines of the result, to stdout. */
  print(...lines: readonly string[]): void;
  /** Lines on the way to a result, to stdout: nothing with `--quiet`. */
  progress(...lines: readonly string[]): void;
  /** Lines for the person watching, to stderr; nothing with `--quiet`. */
  note(...lines: readonly string[]): void;
  /** What went wrong, to stderr, in any case. */
  complain(...lines: readonly string[]): void;
  /** A line of the events that `--json` asks for, to stdout; nothing without it. */
  event(event: object): void;
  /** A line on stderr that is redrawn; null where that is not possible. */
  redrawn(): Promise<RedrawnLine | null>;
  /** Puts a question to the person watching; null where there is nobody to answer. */
  readonly ask: ((question: string) => Promise<boolean>) | null;
  readonly json: boolean;
  /** Whether lines on stderr can be redrawn. */
  readonly live: boolean;
  /** Width of the terminal on stderr, 80 when unknown. */
  readonly columns: number;
  /** Width of the terminal on stdout, likewise. */
  readonly outColumns: number;
  /** Colors for stdout, and for stderr. */
  readonly out: Colors;
  readonly err: Colors;
  /** Whether stdout shows any color, not only the usual 256. */
  readonly trueColor: boolean;
}

/** A line that stays where it is. */
export interface RedrawnLine {
  update(line: string): void;
  /** Removes it. */
  clear(): void;
}

/** A stream, as far as it matters here. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a terminal is made of. */
export interface TerminalParts {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly ask?: Terminal['ask'];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A terminal that writes to streams. */
export function terminalOn(parts: TerminalParts): Terminal {
  const { stdout, stderr, env = {}, ask = null, json = false, quiet = false } = parts;
  const colored = (stream: OutputStream): boolean =>
    !env.NO_COLOR &&
    env.TERM !== 'dumb' &&
    (stream.isTTY === true || !['', '0', 'false'].includes(env.FORCE_COLOR ?? ''));
  const write = (stream: OutputStream, lines: readonly string[]): void => {
    if (lines.length > 0) stream.write(lines.map((line) => `${terminalText(line)}\n`).join(''));
  };
  const live = stderr.isTTY === true && env.TERM !== 'dumb' && !quiet && !env.CI;
  return {
    print: (...lines) => {
      if (!json) write(stdout, lines);
    },
    progress: (...lines) => {
      if (!json && !quiet) write(stdout, lines);
    },
    note: (...lines) => {
      if (!quiet) write(stderr, lines);
    },
    complain: (...lines) => write(stderr, lines),
    event: (event) => {
      if (json) stdout.write(`${jsonText(event)}\n`);
    },
    async redrawn() {
      if (!live) return null;
      const update = (await import('log-update')).createLogUpdate(stderr as never);
      return { update: (line) => update(terminalText(line)), clear: () => update.clear() };
    },
    ask,
    json,
    live,
    get columns() {
      return stderr.columns ?? 80;
    },
    get outColumns() {
      return stdout.columns ?? 80;
    },
    out: createColors(colored(stdout)),
    err: createColors(colored(stderr)),
    trueColor: /^(truecolor|24bit)$/.test(env.COLORTERM ?? ''),
  };
}

/** The process's own terminal. */
export function processTerminal(
  options: { readonly json?: boolean; readonly quiet?: boolean } = {},
): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const attended = stdin.isTTY === true && stderr.isTTY === true;
  return terminalOn({ stdout, stderr, env, ...options, ask: attended ? askOnTerminal : null });
}

/** Asks on stderr, since stdout holds results. Anything but yes is no. */
async function askOnTerminal(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-D closes the input; then nobody has agreed.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(`${terminalText(question)} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
