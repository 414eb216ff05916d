/** A `!` says that the compiler is wrong. Where the compiler needs none, it says so of nothing. */
import { relative } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

it('has no non-null assertion that the compiler does not need', { timeout: 120_000 }, () => {
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  } as ts.ParseConfigFileHost);
  const program = ts.createProgram(config?.fileNames ?? [], config?.options ?? {});
  const found = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile)
    .flatMap((file) => needless(file, program.getTypeChecker()));
  expect(found).toEqual([]);
});

/** Where `file` asserts of a value that it is neither null nor undefined although its type says so, or says nothing. */
function needless(file: ts.SourceFile, checker: ts.TypeChecker): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNonNullExpression(node)) {
      const type = checker.getTypeAtLocation(node.expression);
      if ((type.flags & ts.TypeFlags.Any) !== 0 || checker.getNonNullableType(type) === type) {
        const { line } = file.getLineAndCharacterOfPosition(node.end);
        found.push(`${relative(root, file.fileName)}:${line + 1}: ${node.getText(file)}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
