/**
 * Every error that a package makes has a code: it is made by a function of `errors.ts`, or is of a class that brings one.
 *
 * Read from the sources, so that a new `throw` cannot forget it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

/** Classes that have a code of their own. */
const coded = new Set(['DataError', 'TrainingError', 'OutOfMemoryError', 'AnomalyError']);

/** Errors that never leave their file or package as they are: what they say becomes the message of another one. */
const caughtInside = new Set([
  'datasets/src/images/jpeg.ts',
  'datasets/src/images/png.ts',
  'datasets/src/sets/source.ts',
  'datasets/src/files/transfer.ts',
  // The code of the operating system, on an error that names the file.
  'train/src/files.ts',
]);

it('gives every error of the packages a code', () => {
  const without = sources().flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(`${root}packages/${file}`, 'utf8'), 99, true);
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText()) && !isCoded(node)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push(`packages/${file}:${line + 1} ${node.expression.getText()}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
  expect(without, 'make them with shapeError, valueError … or codedError of @ag/tensor/engine').toEqual([]);
});

function isCoded(node: ts.NewExpression): boolean {
  // Without a message it is made for its stack.
  return coded.has(node.expression.getText()) || (node.arguments?.length ?? 0) === 0;
}

function sources(): string[] {
  return readdirSync(`${root}packages`).flatMap((name) =>
    readdirSync(`${root}packages/${name}/src`, { recursive: true, encoding: 'utf8' })
      .map((file) => `${name}/src/${file.replaceAll('\\', '/')}`)
      .filter(
        (file) =>
          file.endsWith('.ts') &&
          !/\.test\.ts$|\/testing\/|\/errors\.ts$/.test(file) &&
          !caughtInside.has(file),
      ),
  );
}
