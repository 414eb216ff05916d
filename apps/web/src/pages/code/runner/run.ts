/**
 * Runs a program that `transform` made: gives it what it imports and shows what it says, line by line.
 *
 * Where it runs is not asked here: in the page's worker, and in Node for tests.
 */
import type { Content, Message, RunnableProgram } from '../items.ts';
import { contentOf, contentsOf, inspected } from './display.ts';
import { createFiles, createProcess, Exit } from './files.ts';
import { packages, scripts } from './modules.ts';
import { Reporter } from './reporter.ts';

type Namespace = Readonly<Record<string, unknown>>;
type ProgramFunction = (...parameters: readonly unknown[]) => Promise<void>;

/** Names that errors call the program by. */
export const programName = 'program.ts';

/** The line of the program that an error comes from; 0 where it does not say. */
export function lineOf(error: unknown, name = programName): number {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, line] = new RegExp(`${name.replaceAll('.', '\\.')}:(\\d+)`).exec(stack) ?? [];
  return Number(line ?? 0);
}

/** What is said of an error. */
function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${inspected(error)}`;
}

/**
 * @param compile makes a function of the expression that `transform` wrote
 * @param global has the program's `process` while it runs, where packages look for one
 * @returns whether it came to its end
 */
export async function run(
  program: RunnableProgram,
  post: (message: Message) => void,
  compile: (code: string) => ProgramFunction,
  global: { process?: unknown } = globalThis,
): Promise<boolean> {
  const reporter = new Reporter(post);
  let current = 0;
  let printed = '';
  const print = (line: number, text: string): void => {
    // What is written piece by piece is shown line by line.
    const lines = (printed + text).split('\n');
    printed = lines.pop()!;
    for (const each of lines) reporter.show(line, { kind: 'text', text: each });
  };
  const show = (line: number, contents: readonly (Content | Promise<Content>)[]): void => {
    for (const content of contents) reporter.show(line, content);
  };
  const written = (name: string, bytes: Uint8Array): void =>
    reporter.show(
      current,
      name.endsWith('.svg')
        ? { kind: 'svg', svg: new TextDecoder().decode(bytes) }
        : { kind: 'file', name, bytes },
    );
  const modules = createFiles(written, program.given);
  const process = createProcess(modules, (text) => print(current, text));
  const fault = (line: number, error: unknown): void =>
    reporter.show(line, { kind: 'error', text: textOf(error) });

  /** What a name means at a line. */
  const lines = new Map<number, Namespace>();
  const at = (line: number): Namespace => {
    const known = lines.get(line);
    if (known) return known;
    const log = (...values: unknown[]): void => show(line, contentsOf(values));
    const made: Namespace = {
      console: { ...unshown, log, info: log, debug: log, warn: log, error: log, table: log, dir: log },
      process: { ...process, stdout: { write: (text: string) => print(line, text) } },
      show: (...values: unknown[]) => show(line, values.map(contentOf)),
      value: (value: unknown) => {
        if (value !== undefined && !isBackend(value)) show(line, [contentOf(value)]);
      },
      call:
        (f: (...parameters: unknown[]) => unknown) =>
        (...values: unknown[]) => {
          current = line;
          return f(...values);
        },
    };
    lines.set(line, made);
    return made;
  };

  const before = Object.getOwnPropertyDescriptor(global, 'process');
  try {
    const loaded = new Map<string, Namespace>();
    for (const name of program.imports) {
      const load = packages[name] ?? scripts[name];
      const own = modules[name];
      if (own) loaded.set(name, own);
      else if (load) loaded.set(name, await load());
      else if (!(name in program.files)) throw new Error(missing(name));
    }
    const find = (name: string): Namespace => {
      const found = loaded.get(name);
      if (!found) throw new Error(missing(name));
      return found;
    };
    const take = (name: string, line: number, names: readonly string[]): Namespace => {
      const found = find(name);
      const unknown = names.find((each) => !(each in found));
      if (unknown !== undefined)
        throw Object.assign(
          new Error(`'${name}' has no value '${unknown}'; a type is imported as { type ${unknown} }`),
          { stack: `at ${programName}:${line}` },
        );
      return found;
    };
    const evaluate = async (code: string): Promise<Namespace> => {
      const given: Record<string, unknown> = {};
      const dynamic = async (name: string): Promise<Namespace> =>
        modules[name] ?? loaded.get(name) ?? (await (packages[name] ?? scripts[name])?.()) ?? find(name);
      await compile(code)(at, take, dynamic, { url: `file:///${programName}` }, (values: object) =>
        Object.assign(given, values),
      );
      return given;
    };
    Object.defineProperty(global, 'process', { value: process, configurable: true, writable: true });
    for (const [name, code] of Object.entries(program.files)) loaded.set(name, await evaluate(code));
    await evaluate(program.code);
    return true;
  } catch (error) {
    if (error instanceof Exit) return true;
    fault(lineOf(error), error);
    return false;
  } finally {
    if (before) Object.defineProperty(global, 'process', before);
    if (printed !== '') reporter.show(current, { kind: 'text', text: printed });
    await reporter.finish();
  }
}

/** Methods of `console` that show nothing. */
const nothing = (): void => undefined;
const unshown = {
  assert: nothing,
  count: nothing,
  group: nothing,
  groupEnd: nothing,
  time: nothing,
  timeEnd: nothing,
};

/** What `use(…)` gives is a setting, not a result. */
function isBackend(value: unknown): boolean {
  const { name, compile } = (value ?? {}) as { name?: unknown; compile?: unknown };
  return typeof name === 'string' && typeof compile === 'function';
}

function missing(name: string): string {
  return `the code lab has no module '${name}'; it has ${Object.keys(packages).join(', ')}, and node:fs, node:path and node:os as far as programs of the course use them`;
}
