/**
 * Functions of `Math` and `**` differ between engines in their last bits, so what reaches weights, data or a picture that is
 * compared takes them from @ag/tensor/math. This reads the sources that do: nothing but what IEEE 754 or ECMAScript define to the last bit
 * may stand there. `@ag/viz` and the terminal's drawings are left out: they round to places that can be seen.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = [
  ...['tensor', 'graph', 'nn', 'optim', 'datasets', 'native-wasm', 'train', 'onnx'].map(
    (name) => `packages/${name}/src`,
  ),
  'apps/cli/src',
  'apps/web/src/pages/landscape',
];
/** What tests are made with: expected values, within a tolerance. */
const forTests = /\.test\.tsx?$|\/testing\/|\/test(Tools|Data)\.ts$/;
/** Of the command: what is drawn, what is compared within a tolerance, and names that nothing else may have. */
const noResults =
  /^apps\/cli\/src\/((drawing|live|checks)\/|training\/learningRate\.ts$|runs\/claim\.ts$|text\.ts$)/;

const exact = new Set(
  'abs ceil clz32 floor fround imul max min round sign sqrt trunc E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2'.split(
    ' ',
  ),
);

const numberOf = (node: ts.Expression): number =>
  ts.isNumericLiteral(node) ? Number(node.text) : Number.NaN;

/** `2 ** n` of a whole number is exact, `x ** 2` and `x ** 0.5` are a product and a root on every engine. */
function isExactPower({ left, right }: ts.BinaryExpression): boolean {
  return (numberOf(left) === 2 && !mayBeFraction(right)) || numberOf(right) === 2 || numberOf(right) === 0.5;
}

/** Whether an exponent is written with a quotient that is not rounded, or with a fraction. */
function mayBeFraction(node: ts.Expression): boolean {
  if (ts.isNumericLiteral(node)) return !Number.isInteger(numberOf(node));
  if (ts.isParenthesizedExpression(node)) return mayBeFraction(node.expression);
  if (ts.isPrefixUnaryExpression(node)) return mayBeFraction(node.operand);
  if (!ts.isBinaryExpression(node)) return false;
  return (
    node.operatorToken.kind === ts.SyntaxKind.SlashToken ||
    mayBeFraction(node.left) ||
    mayBeFraction(node.right)
  );
}

/** What is wrong in a source, with its lines. */
function differing(text: string, name: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const say = (node: ts.Node): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${name}:${line + 1} ${node.getText()}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) {
      if (!isExactPower(node)) say(node);
    } else if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken
    ) {
      say(node);
    } else if (ts.isIdentifier(node) && node.text === 'Math' && !ts.isPropertyAccessExpression(node.parent)) {
      // Math as a whole, or under a name that is computed.
      say(node.parent);
    } else if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'Math') {
      if (!exact.has(node.name.text)) say(node);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.(tsx?|js)$/.test(name) && !forTests.test(name) && !noResults.test(name));
}

it('finds what differs between engines', () => {
  const wrong =
    'a ** 3; Math.pow(a, 2); [1].map(Math.log10); Math[name]; Object.create(Math); a **= 2; 3 ** n; 2 ** ((-8 * i) / n); 2 ** 0.25';
  expect(differing(wrong, 'x.ts').map((line) => line.replace('x.ts:1 ', ''))).toEqual([
    'a ** 3', 'Math.pow', 'Math.log10', 'Math[name]', 'Object.create(Math)', 'a **= 2', '3 ** n', '2 ** ((-8 * i) / n)', '2 ** 0.25',
  ]); // biome-ignore format: a list
  expect(
    differing(
      "a ** 2; 2 ** n; 2 ** -(n - 15); 2 ** Math.floor(n / 2); a ** 0.5; Math.sqrt(a) + Math.PI; 'a ** b'; // Math.sin",
      'x.ts',
    ),
  ).toEqual([]);
});

it.each(folders)('%s computes alike on every engine', (folder) => {
  const names = sources(folder);
  expect(names.length).toBeGreaterThan(0);
  expect(names.flatMap((name) => differing(readFileSync(join(root, name), 'utf8'), name))).toEqual([]);
});
