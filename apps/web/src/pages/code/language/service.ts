/**
 * What an editor asks of TypeScript about one program: errors, completion, what a name is.
 *
 * TypeScript's own service over files in memory: its library, the declarations of the packages, the program.
 */
import ts from 'typescript';
import { environment } from './environment.ts';

/** A stretch of the program and what is said of it. */
export interface Remark {
  readonly from: number;
  readonly to: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

export interface Completion {
  readonly label: string;
  /** `function`, `const`, `property`, … as TypeScript calls it. */
  readonly kind: string;
  readonly sortText: string;
}

export interface Completions {
  /** Where the word that is completed begins. */
  readonly from: number;
  readonly options: readonly Completion[];
}

export interface Hint {
  readonly from: number;
  readonly to: number;
  /** Its declaration, in one line where it fits. */
  readonly signature: string;
  readonly documentation: string;
}

const program = '/program.ts';
const surroundings = '/environment.d.ts';

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.webworker.d.ts'],
  types: [],
  strict: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
  paths: { '@ag/*': ['/ag/*/index.d.ts', '/ag/*.d.ts'] },
};

export type Language = ReturnType<typeof createLanguage>;

/**
 * @param files TypeScript's library as `/lib/NAME`, declarations of packages as `/ag/PACKAGE/FILE`
 * @param locals files beside the program, by the name that it imports them by
 */
export function createLanguage(
  files: Readonly<Record<string, string>>,
  locals: Readonly<Record<string, string>> = {},
) {
  const texts = new Map(Object.entries(files));
  texts.set(surroundings, environment);
  for (const [name, text] of Object.entries(locals)) texts.set(name.replace(/^\./, ''), text);
  const folders = new Set(
    [...texts.keys()].flatMap((path) => {
      const parts = path.split('/');
      return parts.map((_, i) => parts.slice(0, i).join('/') || '/');
    }),
  );
  let [source, version] = ['', 0];
  const textOf = (path: string): string | undefined => (path === program ? source : texts.get(path));
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [program, surroundings],
    getScriptVersion: (path) => (path === program ? String(version) : '0'),
    getScriptSnapshot(path) {
      const text = textOf(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => '/',
    getDefaultLibFileName: () => '/lib/lib.es2023.d.ts',
    fileExists: (path) => textOf(path) !== undefined,
    readFile: textOf,
    directoryExists: (path) => folders.has(path.replace(/(.)\/$/, '$1')),
    getDirectories: () => [],
  };
  const service = ts.createLanguageService(host);
  const take = (text: string): void => {
    if (text === source && version > 0) return;
    source = text;
    version++;
  };

  return {
    /** Errors of the program; those of its syntax come first. */
    check(text: string): Remark[] {
      take(text);
      const syntax = service.getSyntacticDiagnostics(program);
      const found = syntax.length > 0 ? syntax : service.getSemanticDiagnostics(program);
      return found.map(({ start = 0, length = 0, category, messageText }) => ({
        from: start,
        to: start + length,
        severity: category === ts.DiagnosticCategory.Error ? 'error' : 'warning',
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
      }));
    },

    /** What may stand at a position. */
    complete(text: string, at: number): Completions | null {
      take(text);
      const found = service.getCompletionsAtPosition(program, at, {
        includeCompletionsForModuleExports: false,
        includeCompletionsWithInsertText: false,
      });
      if (!found) return null;
      const word = /[\w$@/-]*$/.exec(text.slice(0, at))![0];
      const inString = found.entries.some(
        ({ kind }) => kind === 'string' || kind === 'script' || kind === 'external module name',
      );
      const from = at - (inString ? word : /[\w$]*$/.exec(word)![0]).length;
      return {
        from,
        options: found.entries.map(({ name, kind, sortText }) => ({ label: name, kind, sortText })),
      };
    },

    /** What a completion is. */
    describe(text: string, at: number, name: string): Hint | null {
      take(text);
      const found = service.getCompletionEntryDetails(program, at, name, {}, undefined, {}, undefined);
      return found ? hint(at, at, found.displayParts, found.documentation) : null;
    },

    /** What stands at a position. */
    hover(text: string, at: number): Hint | null {
      take(text);
      const found = service.getQuickInfoAtPosition(program, at);
      if (!found) return null;
      const { start, length } = found.textSpan;
      return hint(start, start + length, found.displayParts, found.documentation);
    },
  };
}

function hint(
  from: number,
  to: number,
  signature: readonly ts.SymbolDisplayPart[] = [],
  documentation: readonly ts.SymbolDisplayPart[] = [],
): Hint {
  const plain = (parts: readonly ts.SymbolDisplayPart[]): string => parts.map(({ text }) => text).join('');
  return { from, to, signature: plain(signature), documentation: plain(documentation) };
}
