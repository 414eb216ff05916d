/**
 * Makes a program of TypeScript one function that tells what it shows, and at which line.
 *
 * Types become spaces, so that every line and column stays where it is and errors need no source map. Imports become
 * names taken from `__import`; `console`, `process`, `show` and calls of `node:fs` become those of their line; a bare
 * expression at the top level shows its value. The function is async, so `await` stands where it stood.
 */
import { blankSourceFile } from 'ts-blank-space';
import ts from 'typescript';

/** Something that keeps a program from running. */
export interface Fault {
  readonly line: number;
  readonly message: string;
}

export interface Transformed {
  /** An expression whose value is the program's function. */
  readonly code: string;
  /** Modules that it imports, as it names them. */
  readonly imports: readonly string[];
  readonly faults: readonly Fault[];
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Names that the function is called with. */
export const parameters = ['__at', '__import', '__dynamic', '__meta', '__export'] as const;

/** What the line that stands before a name is told to give. */
const perLine = ['console', 'process', 'show'];

/** @param name of the file, as errors are to call it */
export function transform(source: string, name: string): Transformed {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const lineOf = (at: number): number => file.getLineAndCharacterOfPosition(at).line + 1;
  const faults: Fault[] = syntaxFaults(file).map(({ start = 0, messageText }) => ({
    line: lineOf(start),
    message: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }));
  const blanked = blankSourceFile(file, (node) =>
    faults.push({
      line: lineOf(node.getStart()),
      message: `${ts.SyntaxKind[node.kind]} is more than a type: enums, namespaces and parameter properties do not run here`,
    }),
  );
  const imports = new Set<string>();
  const exported: string[] = [];
  const edits: Edit[] = [];
  const replace = (node: ts.Node, text: string): void => {
    const lines = blanked.slice(node.getStart(), node.end).split('\n').length - 1;
    edits.push({ start: node.getStart(), end: node.end, text: text + '\n'.repeat(lines) });
  };
  const at = (node: ts.Node): string => `__at(${lineOf(node.end)})`;

  const own = declaredNames(file);
  const ofFiles = namesFrom(file, 'node:fs');
  const statement = (node: ts.Statement): void => {
    if (ts.isImportDeclaration(node)) {
      takeImport(node);
      return;
    }
    if (ts.isExportDeclaration(node) || ts.isExportAssignment(node)) {
      takeExport(node);
      return;
    }
    for (const modifier of ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []) {
      if (modifier.kind === ts.SyntaxKind.ExportKeyword) {
        replace(modifier, ' '.repeat(6));
        exported.push(...namesOf(node));
      } else if (modifier.kind === ts.SyntaxKind.DefaultKeyword) replace(modifier, ' '.repeat(7));
    }
    if (ts.isExpressionStatement(node) && isShown(node.expression)) {
      const { expression } = node;
      edits.push(
        { start: expression.getStart(), end: expression.getStart(), text: `${at(node)}.value(` },
        { start: expression.end, end: expression.end, text: ')' },
      );
    }
    visit(node);
  };
  const takeImport = (node: ts.ImportDeclaration): void => {
    const { importClause, moduleSpecifier } = node;
    if (importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return;
    const module = (moduleSpecifier as ts.StringLiteral).text;
    imports.add(module);
    const from = `__import(${JSON.stringify(module)}, ${lineOf(node.getStart())}`;
    const parts: string[] = [];
    if (importClause?.name) parts.push(`{ default: ${importClause.name.text} } = ${from}, ['default'])`);
    const bindings = importClause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) parts.push(`${bindings.name.text} = ${from}, [])`);
    else if (bindings) {
      const taken = bindings.elements.filter((element) => !element.isTypeOnly);
      const names = taken.map(({ name, propertyName }) => [(propertyName ?? name).text, name.text]);
      const pattern = names.map(([from, to]) => (from === to ? from : `${from}: ${to}`)).join(', ');
      parts.push(`{ ${pattern} } = ${from}, ${JSON.stringify(names.map(([from]) => from))})`);
    }
    replace(node, parts.length > 0 ? `const ${parts.join(', ')};` : `${from}, []);`);
  };
  const takeExport = (node: ts.ExportDeclaration | ts.ExportAssignment): void => {
    if (ts.isExportAssignment(node)) {
      const value = node.expression;
      edits.push({ start: node.getStart(), end: value.getStart(), text: `${at(node)}.value(` });
      edits.push({ start: value.end, end: value.end, text: ')' });
      visit(value);
      return;
    }
    if (node.moduleSpecifier)
      faults.push({ line: lineOf(node.getStart()), message: 'export … from does not run here' });
    if (node.exportClause && ts.isNamedExports(node.exportClause) && !node.isTypeOnly)
      exported.push(...node.exportClause.elements.map(({ name }) => name.text));
    replace(node, ';');
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (ts.isCallExpression(node)) {
      const { expression: callee } = node;
      if (callee.kind === ts.SyntaxKind.ImportKeyword) replace(callee, '__dynamic');
      if (ts.isIdentifier(callee) && callee.text === 'show' && !own.has('show'))
        replace(callee, `${at(node)}.show`);
      if (ts.isIdentifier(callee) && ofFiles.has(callee.text))
        replace(callee, `${at(node)}.call(${callee.text})`);
    }
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) replace(node, '__meta');
    else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const { text } = node.expression;
      if (perLine.includes(text) && text !== 'show' && !own.has(text))
        replace(node.expression, `${at(ts.isCallExpression(node.parent) ? node.parent : node)}.${text}`);
    } else ts.forEachChild(node, visit);
  };
  for (const each of file.statements) statement(each);

  const body = applied(blanked, edits);
  const gives = exported.length > 0 ? `; __export({ ${exported.join(', ')} });` : '';
  const code = `(async (${parameters.join(', ')}) => { 'use strict'; ${body}\n${gives}})\n//# sourceURL=${name}`;
  return { code, imports: [...imports], faults };
}

/** The parser's complaints; the property is not in the published types. */
function syntaxFaults(file: ts.SourceFile): readonly ts.Diagnostic[] {
  return (file as unknown as { parseDiagnostics: readonly ts.Diagnostic[] }).parseDiagnostics;
}

/** Whether the value of an expression at the top level is worth showing: one that is made for nothing else. */
function isShown(expression: ts.Expression): boolean {
  if (ts.isStringLiteral(expression) || ts.isVoidExpression(expression)) return false;
  if (ts.isDeleteExpression(expression) || ts.isPostfixUnaryExpression(expression)) return false;
  if (ts.isBinaryExpression(expression))
    return (
      expression.operatorToken.kind < ts.SyntaxKind.FirstAssignment ||
      expression.operatorToken.kind > ts.SyntaxKind.LastAssignment
    );
  if (ts.isPrefixUnaryExpression(expression))
    return ![ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken].includes(expression.operator);
  return true;
}

/** Every name that the program gives to something of its own. */
function declaredNames(file: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node };
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isBindingElement(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node);
    if (declares && name && ts.isIdentifier(name)) names.add(name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** Names that a statement declares. */
function namesOf(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : [],
    );
  const named = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node);
  return named && node.name ? [node.name.text] : [];
}

/** Local names of what is imported from a module. */
function namesFrom(file: ts.SourceFile, module: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of file.statements) {
    if (!ts.isImportDeclaration(node) || (node.moduleSpecifier as ts.StringLiteral).text !== module) continue;
    const bindings = node.importClause?.namedBindings;
    if (bindings && ts.isNamedImports(bindings))
      for (const { name } of bindings.elements) names.add(name.text);
  }
  return names;
}

/** A text with edits made, of which those at one place come in their order. */
function applied(text: string, edits: readonly Edit[]): string {
  let [result, from] = ['', 0];
  for (const { start, end, text: put } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(from, start) + put;
    from = Math.max(from, end);
  }
  return result + text.slice(from);
}
