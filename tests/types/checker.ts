/**
 * What TypeScript says of many short programs, found with one run of the compiler: the type that it gives an expression, and
 * the messages about one that it refuses.
 */
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { root } from '../workspace.ts';

const file = join(root, 'tests/types/expressions.ts');

/** For each expression its type, or, where there are any, the messages about it, line by line. */
export function checked(preamble: string, expressions: readonly string[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const beginning = `${preamble}\n`;
  const text = beginning + expressions.map((expression, i) => `const _${i} = ${expression};\n`).join('');
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version, ...rest) =>
    name === file ? ts.createSourceFile(name, text, version, true) : read(name, version, ...rest);
  host.getCurrentDirectory = () => dirname(file);
  const program = ts.createProgram(
    [file],
    { ...options, types: [], noEmit: true, noErrorTruncation: true },
    host,
  );
  const source = program.getSourceFile(file);
  if (source === undefined) throw new Error('the expressions were not read');
  const checker = program.getTypeChecker();
  const messages = program.getSemanticDiagnostics(source);
  const begins = source.getLineStarts();
  const before = beginning.split('\n').length - 1;
  const lines = messages.map(({ start = 0 }) => source.getLineAndCharacterOfPosition(start).line - before);
  const outside = lines.findIndex((line) => line < 0);
  if (outside >= 0)
    throw new Error(`preamble: ${ts.flattenDiagnosticMessageText(messages[outside].messageText, '\n')}`);
  const declared = new Map<number, string>();
  ts.forEachChild(source, (node) => {
    if (!ts.isVariableStatement(node) || node.getStart() < begins[before]) return;
    const { name } = node.declarationList.declarations[0];
    declared.set(Number(name.getText().slice(1)), checker.typeToString(checker.getTypeAtLocation(name)));
  });
  return expressions.map((_, i) => {
    const own = messages.filter((_message, at) => lines[at] === i);
    if (own.length === 0) return declared.get(i) ?? 'not declared';
    return own.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')).join('\n');
  });
}
