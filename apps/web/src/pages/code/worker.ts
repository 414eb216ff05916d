/** The worker that has TypeScript: what an editor asks, and programs made ready to run. */
import { expose } from 'comlink';
import { createLanguage, type Language } from './language/service.ts';
import { prepare } from './program/prepare.ts';

let language: Language | null = null;
let locals: Readonly<Record<string, string>> = {};

const known = (): Language => {
  if (!language) throw new Error('the declarations are not loaded yet');
  return language;
};

const service = {
  /** Loads the declarations. @param url of a JSON object of files by path */
  async open(url: string, beside: Readonly<Record<string, string>>): Promise<void> {
    locals = beside;
    const response = await fetch(url);
    if (!response.ok)
      throw new Error(`the declarations could not be loaded: ${url} gives ${response.status}`);
    language = createLanguage((await response.json()) as Record<string, string>, beside);
  },
  /** Without the declarations, which running does not need. */
  prepare: (source: string) => prepare(source, locals),
  check: (source: string) => known().check(source),
  complete: (source: string, at: number) => known().complete(source, at),
  describe: (source: string, at: number, name: string) => known().describe(source, at, name),
  hover: (source: string, at: number) => known().hover(source, at),
};

export type LanguageService = typeof service;

expose(service);
