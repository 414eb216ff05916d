/** Runs the programs with planted mistakes and says what each was told: the error or the first warning. */
import { readdirSync, readFileSync } from 'node:fs';
import { manualSeed, onWarning, reference, use } from '@ag/tensor';
import { forgetWarnings, userLine } from '@ag/tensor/engine';

const folder = new URL('./programs/', import.meta.url);

/** One program and what became of it. */
export interface Outcome {
  readonly file: string;
  readonly title: string;
  /** The codes that it may end with, and a phrase that the cure has. */
  readonly codes: readonly string[];
  readonly phrase: string;
  readonly program: string;
  readonly code: string | undefined;
  readonly message: string;
  /** `18-heads.mjs:4:1`, as far as the message or the stack names one. */
  readonly line: string | null;
  readonly isWarning: boolean;
}

/** The programs by name, in order. */
export const programs = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .sort();

/** Runs one; each runs once in a process. */
export async function outcomeOf(file: string): Promise<Outcome> {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const [, title, codes, phrase, program] =
    /^\/\/ (.*)\n\/\/ ([A-Z_|]+): (.*)\n\n([\s\S]*)$/.exec(text) ?? [];
  forgetWarnings();
  manualSeed(1);
  use(reference());
  let said: { code: string; message: string; line: string | null; isWarning: boolean } | undefined;
  const stop = onWarning((warning) => {
    said ??= { ...warning, isWarning: true };
  });
  try {
    await import(new URL(file, folder).href);
  } catch (error) {
    const { code, message, stack } = error as Error & { code: string };
    said = { code, message, line: userLine(stack), isWarning: false };
  } finally {
    stop();
  }
  const { code, message = '', line = null, isWarning = false } = said ?? {};
  return {
    file,
    title,
    codes: codes.split('|'),
    phrase,
    program: program.trim(),
    code,
    message: withoutFolders(message),
    line: line === null ? null : withoutFolders(line),
    isWarning,
  };
}

/** As it is on every machine. */
function withoutFolders(text: string): string {
  return text.replace(/(?:file:\/\/)?[^\s()]*\/(?=\d\d\w+\.mjs)/g, '');
}
