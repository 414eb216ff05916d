/**
 * The last step of a package's build: makes the declarations that tsup wrote fit for every user. In the folder of a package:
 *   - TypeScript before 5.7, whose typed arrays take no argument, and projects without `ESNext.Disposable` read them as well,
 *   - maps lead from each declaration to its line in `src`, which is published,
 *   - CommonJS modules get a copy of their own, and a file that requires the one build (docs/decisions/0014-one-build.md).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const sources = declaredIn(filesBelow('src', '.ts').filter((file) => !file.endsWith('.test.ts')));
  for (const file of filesBelow('dist', '.d.ts')) {
    const text = portable(readFileSync(file, 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, ''));
    const map = mapOf(file, text, sources);
    const ending = map === null ? '' : `//# sourceMappingURL=${basename(file)}.map\n`;
    if (map !== null) writeFileSync(`${file}.map`, JSON.stringify(map));
    writeFileSync(file, text + ending);
    writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), forCommonJS(text) + ending);
  }
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const entry of Object.values(exports)) {
    if (entry.require === undefined) continue;
    const module = basename(entry.import.default);
    writeFileSync(entry.require.default, `'use strict';\nmodule.exports = require('./${module}');\n`);
  }
}

/** Declarations that older compilers and smaller libraries understand, and that say the same to new ones. */
export function portable(text) {
  // What `of` returns is Uint8Array<ArrayBuffer> where typed arrays take an argument, else Uint8Array.
  const plain = text
    .replace(
      /\b((?:Uint|Int|Float|BigInt|BigUint)\d+(?:Clamped)?Array)<ArrayBuffer>/g,
      'ReturnType<typeof $1.of>',
    )
    .replace(/\b((?:Uint|Int|Float|BigInt|BigUint)\d+(?:Clamped)?Array)<ArrayBufferLike>/g, '$1');
  const library = '/// <reference lib="esnext.disposable" />\n';
  const isMissing = /Symbol\.(asyncDispose|dispose)/.test(plain) && !plain.startsWith(library);
  return isMissing ? library + plain : plain;
}

/** The same declarations for `require`: beside each other, and other packages' by their own copies. */
export function forCommonJS(text) {
  return text.replace(/(\bfrom ['"]|\bimport\(['"])(\.[^'"]*)\.js(?=['"])/g, '$1$2.cjs');
}

function filesBelow(folder, ending) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

/** A source map, or null where nothing is declared: one segment for each name that is declared here and there. */
function mapOf(file, text, sources) {
  const found = [];
  const names = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  for (const declared of declarationsOf(source)) {
    const origin = choose(declared, sources.get(declared.name.replace(/\$\d+$/, '')) ?? []);
    if (origin === undefined) continue;
    const path = relative(dirname(file), origin.file).replaceAll('\\', '/');
    if (!names.includes(path)) names.push(path);
    const index = names.indexOf(path);
    found.push({ at: declared.at, to: origin.at, index });
    for (const [name, places] of declared.members) {
      const there = origin.members.get(name);
      if (there)
        places.forEach((at, i) => found.push({ at, to: there[Math.min(i, there.length - 1)], index }));
    }
  }
  if (found.length === 0) return null;
  return { version: 3, file: basename(file), sources: names, names: [], mappings: encode(found) };
}

/** Declarations of these files, by name. */
function declaredIn(files) {
  const byName = new Map();
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    for (const declared of declarationsOf(source)) {
      byName.set(declared.name, [...(byName.get(declared.name) ?? []), { ...declared, file }]);
    }
  }
  return byName;
}

/** Of several of one name that which is of the same kind and says the same about itself. */
function choose(declared, origins) {
  const alike = origins.filter(({ kind }) => kind === declared.kind);
  return alike.find(({ comment }) => comment === declared.comment) ?? alike[0] ?? origins[0];
}

/** What a file declares at its top: name, kind, comment, place, and the places of its members by name. */
function declarationsOf(source) {
  const place = (node) => {
    const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
    return [line, character];
  };
  const found = [];
  const add = (node, statement) => {
    if (!node.name || !ts.isIdentifier(node.name)) return;
    const members = new Map();
    for (const member of node.members ?? []) {
      const name = member.name ?? (ts.isConstructorDeclaration(member) ? member : undefined);
      if (name === undefined) continue;
      const key = name === member ? 'constructor' : name.getText(source);
      members.set(key, [...(members.get(key) ?? []), place(name)]);
    }
    const comments = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
    const comment = (comments.at(-1)?.getText(source) ?? '').replaceAll(/\s+/g, ' ');
    found.push({ name: node.name.text, kind: node.kind, comment, at: place(node.name), members });
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) add(declaration, statement);
    } else add(statement, statement);
  }
  return found;
}

/** The mappings of a source map (ECMA-426): lines by semicolons, segments of four differences each in Base64 VLQ. */
function encode(found) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const number = (value) => {
    let rest = value < 0 ? (-value << 1) | 1 : value << 1;
    let text = '';
    do {
      const digit = rest & 31;
      rest >>>= 5;
      text += digits[rest > 0 ? digit | 32 : digit];
    } while (rest > 0);
    return text;
  };
  const sorted = found.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
  let text = '';
  let [line, column, index, toLine, toColumn] = [0, 0, 0, 0, 0];
  for (const { at, to, index: source } of sorted) {
    if (at[0] > line) {
      text += ';'.repeat(at[0] - line);
      column = 0;
    } else if (text !== '' && !text.endsWith(';')) text += ',';
    text +=
      number(at[1] - column) + number(source - index) + number(to[0] - toLine) + number(to[1] - toColumn);
    [line, column, index, toLine, toColumn] = [at[0], at[1], source, to[0], to[1]];
  }
  return text;
}
