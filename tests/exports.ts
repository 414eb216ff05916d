/** What the packages export, as the type checker sees it: names of values and types, and what functions take and give. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { publishedPackages, root } from './workspace.ts';

/** One exported name. */
export interface Export {
  readonly name: string;
  /** A class is both: it can be constructed, and it names a type. */
  readonly kind: 'value' | 'type';
  readonly deprecated: boolean;
  readonly internal: boolean;
}

/** Sources of every entry point, by the name it is imported under: `@ag/tensor/math`. */
export function entryPoints(): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, { folder }] of publishedPackages()) {
    const { exports = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const [path, target] of Object.entries<Record<string, string> | string>(exports)) {
      const source = typeof target === 'string' ? undefined : target['@ag/source'];
      if (source?.endsWith('.ts')) found.set(name + path.slice(1), join(folder, source));
    }
  }
  return found;
}

/** The names that each entry point exports, in alphabetical order. */
export function exportsOf(entries: ReadonlyMap<string, string>): Map<string, Export[]> {
  const checker = programOf([...entries.values()]);
  return new Map(
    [...entries].map(([entry, file]) => {
      const own = checker.exportsOf(file).map(({ name, symbol }): Export => {
        const tags = symbol.getJsDocTags(checker.types).map((tag) => tag.name);
        return {
          name,
          kind: symbol.flags & ts.SymbolFlags.Value ? 'value' : 'type',
          deprecated: tags.includes('deprecated'),
          internal: tags.includes('internal'),
        };
      });
      return [entry, own.sort((a, b) => (a.name < b.name ? -1 : 1))];
    }),
  );
}

/** What publicNames.json holds: for each entry point its values and types, each with what its documentation tags it as. */
export function publicNames(): Record<string, { values: string[]; types: string[] }> {
  const tagged = ({ name, deprecated, internal }: Export): string =>
    `${name}${deprecated ? ' @deprecated' : ''}${internal ? ' @internal' : ''}`;
  return Object.fromEntries(
    [...exportsOf(entryPoints())].map(([entry, all]) => [
      entry,
      {
        values: all.filter(({ kind }) => kind === 'value').map(tagged),
        types: all.filter(({ kind }) => kind === 'type').map(tagged),
      },
    ]),
  );
}

/** Functions of @ag/tensor that give tensors: those that take tensors, and those that make them of something else. */
export function tensorFunctions(): { readonly operations: string[]; readonly makers: string[] } {
  const file = join(root, 'packages/tensor/src/index.ts');
  const checker = programOf([file]);
  const exported = checker.exportsOf(file);
  const { types } = checker;
  const tensor = types.getDeclaredTypeOfSymbol(exported.find(({ name }) => name === 'Tensor')!.symbol).symbol;
  /** Of any shape, known or not: a parameter of a type, and a type that depends on one, is what it can be at most. */
  const holdsTensor = (written: ts.Type, depth = 0): boolean => {
    const type = types.getBaseConstraintOfType(written) ?? written;
    return (
      type.symbol === tensor ||
      (type.isIntersection() && type.types.some((own) => own.symbol === tensor)) ||
      // Types of nested arrays have no end.
      (depth < 2 &&
        ((type.isUnion() && type.types.some((own) => holdsTensor(own, depth))) ||
          ((types.isArrayType(type) || types.isTupleType(type)) &&
            types.getTypeArguments(type as ts.TypeReference).some((own) => holdsTensor(own, depth + 1)))))
    );
  };
  /** Also as a promise, and as a record: `{ q, r }`. */
  const gives = (type: ts.Type): boolean => {
    const awaited = types.getAwaitedType(type) ?? type;
    if (holdsTensor(awaited)) return true;
    const members = awaited.isClass() ? [] : awaited.getProperties();
    return members.length > 0 && members.every((member) => holdsTensor(types.getTypeOfSymbol(member)));
  };
  const operations: string[] = [];
  const makers: string[] = [];
  for (const { name, symbol } of exported) {
    const signatures = types.getTypeOfSymbol(symbol).getCallSignatures();
    if (!signatures.some((signature) => gives(signature.getReturnType()))) continue;
    if (symbol.getJsDocTags(types).some((tag) => tag.name === 'internal')) continue;
    const takes = signatures.some(({ parameters }) =>
      parameters.some((parameter) => holdsTensor(types.getTypeOfSymbol(parameter))),
    );
    (takes ? operations : makers).push(name);
  }
  return { operations, makers };
}

/** A symbol under the name it is exported as. */
interface Exported {
  readonly name: string;
  readonly symbol: ts.Symbol;
}

function programOf(files: readonly string[]): {
  readonly types: ts.TypeChecker;
  readonly exportsOf: (file: string) => Exported[];
} {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  } as ts.ParseConfigFileHost);
  const program = ts.createProgram(files, config?.options ?? {});
  const types = program.getTypeChecker();
  return {
    types,
    exportsOf(file) {
      const module = types.getSymbolAtLocation(program.getSourceFile(file)!)!;
      return types.getExportsOfModule(module).map((symbol) => ({
        name: symbol.name,
        symbol: symbol.flags & ts.SymbolFlags.Alias ? types.getAliasedSymbol(symbol) : symbol,
      }));
    },
  };
}
