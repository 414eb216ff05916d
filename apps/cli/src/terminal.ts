/**
 * Where the command writes: results to stdout, everything else to stderr, colours and redrawn lines only where a
 * terminal shows them. Tests hand over a terminal of their own.
 */
import pc from 'picocolors';

/** Colours, or the functions of the same names that add none. */
export type Colors = ReturnType<typeof pc.createColors>;

/** The outside world of a command. */
export interface Terminal {
  /** A line of the result, to stdout. */
  print(line: string): void;
  /** A line for the person watching, to stderr; nothing with `--quiet`. */
  note(line: string): void;
  /** A line of the events that `--json` asks for, to stdout; nothing without it. */
  event(event: object): void;
  readonly json: boolean;
  /** Whether lines on stderr can be redrawn. */
  readonly live: boolean;
  /** Width of the terminal on stderr, 80 when unknown. */
  readonly columns: number;
  /** Width of the terminal on stdout, likewise. */
  readonly outColumns: number;
  /** Colours for stdout, and for stderr. */
  readonly out: Colors;
  readonly err: Colors;
  /** Whether stdout shows any colour, not only the usual 256. */
  readonly trueColor: boolean;
  readonly stderr: NodeJS.WriteStream;
}

/** The process's own terminal. */
export function processTerminal(
  options: { readonly json?: boolean; readonly quiet?: boolean } = {},
): Terminal {
  const { stdout, stderr, env } = process;
  const json = options.json ?? false;
  const quiet = options.quiet ?? false;
  const colored = (stream: NodeJS.WriteStream): boolean =>
    !env.NO_COLOR &&
    env.TERM !== 'dumb' &&
    (stream.isTTY === true || !['', '0', 'false'].includes(env.FORCE_COLOR ?? ''));
  return {
    print: (line) => {
      if (!json) stdout.write(`${line}\n`);
    },
    note: (line) => {
      if (!quiet) stderr.write(`${line}\n`);
    },
    event: (event) => {
      if (json) stdout.write(`${JSON.stringify(event)}\n`);
    },
    json,
    live: stderr.isTTY === true && env.TERM !== 'dumb' && !quiet && !env.CI,
    get columns() {
      return stderr.columns ?? 80;
    },
    get outColumns() {
      return stdout.columns ?? 80;
    },
    out: pc.createColors(colored(stdout)),
    err: pc.createColors(colored(stderr)),
    trueColor: /^(truecolor|24bit)$/.test(env.COLORTERM ?? ''),
    stderr,
  };
}
