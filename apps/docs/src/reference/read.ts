/**
 * What the packages export, read by the TypeScript compiler: names, signatures, comments.
 *
 * The doors `engine` and `testing` are left out: they are for the packages of this repository, and may change.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** A public name with what is said of it. */
export interface Entry {
  readonly name: string;
  /** The package, with the door where it is not the main one: `@ag/tensor/math`. */
  readonly door: string;
  readonly kind: 'function' | 'class' | 'type' | 'value' | 'namespace';
  /** Its file, from the root of the repository. */
  readonly file: string;
  /** One for each overload. */
  readonly signatures: readonly string[];
  readonly comment: Comment;
  readonly members: readonly Member[];
}

/** A method, property or option. */
export interface Member {
  readonly name: string;
  readonly signature: string;
  readonly isMethod: boolean;
  readonly comment: Comment;
}

/** A documentation comment; texts are Markdown. */
export interface Comment {
  readonly text: string;
  readonly tags: readonly { readonly name: string; readonly of: string; readonly text: string }[];
}

/** Every documented name of every package, in the order of the packages' doors. */
export function readEntries(root: string): Entry[] {
  const doors = doorsOf(root);
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  } as ts.ParseConfigFileHost);
  const program = ts.createProgram([...doors.values()], config?.options ?? {});
  const types = program.getTypeChecker();
  const found: Entry[] = [];
  const methods = new Map<string, Comment>();
  for (const [door, path] of doors) {
    const source = program.getSourceFile(path);
    const module = source && types.getSymbolAtLocation(source);
    if (!module) throw new Error(`${door}: ${path} exports nothing`);
    for (const exported of types.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? types.getAliasedSymbol(exported) : exported;
      if (symbol.getJsDocTags(types).some(({ name }) => name === 'internal')) continue;
      const entry = entryOf(exported.name, door, symbol, types, root);
      if (entry) found.push(entry);
      if (entry?.name === 'Tensor' && door === '@ag/tensor') {
        for (const member of entry.members) methods.set(member.name, member.comment);
      }
    }
  }
  // A function that is a method, too, is documented there.
  return found.map((entry) =>
    entry.comment.text === '' && entry.kind === 'function' && methods.has(entry.name)
      ? { ...entry, comment: methods.get(entry.name)! }
      : entry,
  );
}

/** Sources of every public door, by the name it is imported under. */
export function doorsOf(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const folders = [...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`), 'apps/cli'];
  for (const folder of folders) {
    const manifest = join(root, folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, exports } = JSON.parse(readFileSync(manifest, 'utf8'));
    // The names of @ag/all are those of the others.
    if (name === '@ag/all') continue;
    for (const [path, target] of Object.entries<Record<string, string> | string>(exports ?? {})) {
      const source = typeof target === 'string' ? undefined : target['@ag/source'];
      if (!source?.endsWith('.ts') || /^\.\/(engine|testing|worker)$/.test(path)) continue;
      found.set(name + path.slice(1), join(root, folder, source));
    }
  }
  return found;
}

function entryOf(
  name: string,
  door: string,
  symbol: ts.Symbol,
  types: ts.TypeChecker,
  root: string,
): Entry | undefined {
  const declarations = symbol.declarations ?? [];
  const [first] = declarations;
  if (!first) return undefined;
  const file = relative(root, first.getSourceFile().fileName).replaceAll('\\', '/');
  const entry = { name, door, file, comment: commentOf(symbol, types), members: [] as Member[] };
  if (ts.isSourceFile(first)) {
    const members = types.getExportsOfModule(symbol).flatMap((exported) => {
      const own = exported.flags & ts.SymbolFlags.Alias ? types.getAliasedSymbol(exported) : exported;
      const inner = entryOf(exported.name, door, own, types, root);
      if (!inner || inner.kind === 'type') return [];
      const signature = inner.signatures.join('\n');
      return [{ name: inner.name, signature, isMethod: true, comment: inner.comment }];
    });
    return {
      ...entry,
      comment: { text: headComment(first.fileName), tags: [] },
      kind: 'namespace',
      signatures: [],
      members,
    };
  }
  const functions = declarations.filter(ts.isFunctionDeclaration);
  if (functions.length > 0) {
    const overloads = functions.length > 1 ? functions.filter(({ body }) => !body) : functions;
    return { ...entry, kind: 'function', signatures: overloads.map(textOf) };
  }
  const made = declarations.find(ts.isClassDeclaration);
  if (made)
    return { ...entry, kind: 'class', signatures: classText(made), members: membersOf(symbol, types) };
  const face = declarations.find(ts.isInterfaceDeclaration);
  if (face) return { ...entry, kind: 'type', signatures: [], members: membersOf(symbol, types) };
  const alias = declarations.find(ts.isTypeAliasDeclaration);
  if (alias) return { ...entry, kind: 'type', signatures: [textOf(alias)] };
  const type = types.getTypeOfSymbol(symbol);
  const calls = type.getCallSignatures();
  const print = (signature: ts.Signature) =>
    `${name}${types.signatureToString(signature, undefined, ts.TypeFormatFlags.NoTruncation)}`;
  if (calls.length > 0) return { ...entry, kind: 'function', signatures: calls.map(print) };
  return { ...entry, kind: 'value', signatures: [`const ${name}: ${shortType(type, first, types)}`] };
}

function shortType(type: ts.Type, at: ts.Node, types: ts.TypeChecker): string {
  const text = types.typeToString(type, at);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** The declaration without its body, its comment, and what only the compiler wants to hear. */
function textOf(node: ts.Declaration & { body?: ts.Node | undefined }): string {
  const source = node.getSourceFile();
  const end = node.body ? node.body.getStart() : node.getEnd();
  return source.text
    .slice(node.getStart(source, false), end)
    .replace(/^(?:export |declare |abstract |override |public |readonly (?=\w+\())+/, '')
    .replace(/\/\*\*[\s\S]*?\*\/\s*/g, '')
    .replace(/\s*[;{]?\s*$/, '');
}

function classText(node: ts.ClassDeclaration): string[] {
  const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('');
  const parameters = node.typeParameters
    ? `<${node.typeParameters.map((one) => one.getText()).join(', ')}>`
    : '';
  const constructors = node.members.filter(ts.isConstructorDeclaration).filter(isPublic);
  const lines = constructors
    .slice(0, 1)
    .map((one) => `new ${node.name?.text}${textOf(one).replace(/^constructor/, '')}`);
  return [`class ${node.name?.text}${parameters}${heritage}`, ...lines];
}

function isPublic(node: ts.Declaration): boolean {
  return !(ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
}

/** Methods and properties that the class or interface declares itself. */
function membersOf(symbol: ts.Symbol, types: ts.TypeChecker): Member[] {
  const type = types.getDeclaredTypeOfSymbol(symbol);
  const members = type.getProperties().filter((member) => {
    const [declaration] = member.declarations ?? [];
    if (!declaration || !isPublic(declaration) || /^[#_](?!_@)/.test(member.name)) return false;
    if (member.getJsDocTags(types).some(({ name }) => name === 'internal')) return false;
    if (declaration.getSourceFile().fileName.includes('node_modules')) return false;
    // What a subclass inherits or overrides stands with its parent.
    if (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Override) return false;
    return declaration.parent === symbol.declarations?.[0] || symbol.name === 'Tensor';
  });
  const statics = [...(symbol.exports?.values() ?? [])].filter(
    (member) => member.name !== 'prototype' && member.declarations?.[0] && isPublic(member.declarations[0]),
  );
  return [...members, ...statics].map((member) => ({
    name: member.name.replace(/^__@(\w+)@.*/, '[Symbol.$1]'),
    signature: memberText(member),
    isMethod: Boolean(member.flags & ts.SymbolFlags.Method),
    comment: commentOf(member, types),
  }));
}

function memberText(member: ts.Symbol): string {
  const declarations = member.declarations ?? [];
  const shown =
    declarations.length > 1 ? declarations.filter((one) => !(one as { body?: ts.Node }).body) : declarations;
  return (shown.length > 0 ? shown : declarations.slice(0, 1))
    .map((one) => {
      const { initializer } = one as { initializer?: ts.Expression };
      const text = textOf(one as ts.Declaration & { body?: ts.Node });
      return initializer
        ? text.slice(0, text.lastIndexOf(initializer.getText())).replace(/\s*=\s*$/, '')
        : text;
    })
    .join('\n');
}

function commentOf(symbol: ts.Symbol, types: ts.TypeChecker): Comment {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(types)).trim();
  const tags = symbol.getJsDocTags(types).map(({ name, text: parts }) => {
    const [first, ...rest] = parts ?? [];
    const named = first?.kind === 'parameterName';
    const own = ts.displayPartsToString(named ? rest : parts).trim();
    return { name, of: named ? first.text : '', text: own };
  });
  return { text, tags };
}

/** The comment at the head of a file of the repository, as Markdown. */
export function headComment(path: string): string {
  const comment =
    /^(?:(?:#!|\/\/)[^\n]*\n)*\s*\/\*\*([\s\S]*?)\*\//.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  return comment.replace(/^\s*\* ?/gm, '').trim();
}
