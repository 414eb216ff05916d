/**
 * Every public function that takes options refuses those it does not know, and knows exactly those of its type.
 *
 * Read from the sources: an exported function or method with a parameter of options calls `checkOptions` with the names of the
 * type's properties, itself or by handing the options to one that does.
 */
import { relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

/** Packages whose functions are looked at. */
const packages = [
  'tensor',
  'native-wasm',
  'webgpu',
  'graph',
  'nn',
  'optim',
  'datasets',
  'train',
  'viz',
  'onnx',
  'mpi',
];

const program = (() => {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} } as ts.ParseConfigFileHost;
  const config = ts.getParsedCommandLineOfConfigFile(`${root}/tsconfig.json`, {}, host);
  return ts.createProgram(config?.fileNames ?? [], config?.options ?? {});
})();
const checker = program.getTypeChecker();

/** Names for sister packages, which know what they hand over. */
const engine = new Set(exportsOf(`${root}packages/tensor/src/engine.ts`).map(({ name }) => name));

interface Taker {
  readonly name: string;
  readonly declaration: ts.FunctionLikeDeclaration;
  readonly parameter: ts.ParameterDeclaration;
  readonly options: readonly string[];
}

for (const name of packages) {
  describe(`@ag/${name}`, () => {
    const takers = optionTakers(`${root}packages/${name}/src/index.ts`);

    it.each(takers.map((taker) => [taker.name, taker] as const))(
      '%s',
      (_, { declaration, parameter, options }) => {
        const checked = checkedNames(declaration, parameter, 0);
        const { line } = declaration.getSourceFile().getLineAndCharacterOfPosition(declaration.getStart());
        const place = `${relative(root, declaration.getSourceFile().fileName)}:${line + 1}`;
        expect(checked?.toSorted(), `${place} calls checkOptions with '${options.join(' ')}'`).toEqual(
          options.toSorted(),
        );
      },
    );
  });
}

function exportsOf(file: string): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile);
  return withinNamespaces(module as ts.Symbol);
}

/** What a module exports, and what the namespaces among it do (`nn.init`). */
function withinNamespaces(module: ts.Symbol): ts.Symbol[] {
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    return symbol.flags & ts.SymbolFlags.ValueModule ? withinNamespaces(symbol) : [exported];
  });
}

/** The exported functions, and the public methods and constructors of exported classes, that take options. */
function optionTakers(file: string): Taker[] {
  return exportsOf(file).flatMap((exported) => {
    if (engine.has(exported.name)) return [];
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declared = symbol.declarations?.find(
      (one) => ts.isFunctionDeclaration(one) || ts.isClassDeclaration(one),
    );
    if (declared === undefined) return [];
    if (ts.isFunctionDeclaration(declared)) return takersOf(exported.name, implementationOf(symbol));
    const abstract = (ts.getCombinedModifierFlags(declared) & ts.ModifierFlags.Abstract) !== 0;
    return (declared as ts.ClassDeclaration).members.flatMap((member) => {
      // What a subclass knows, an abstract class does not.
      if (ts.isConstructorDeclaration(member))
        return abstract ? [] : takersOf(`new ${exported.name}`, member);
      // Of overloads the one with a body.
      if (
        !ts.isMethodDeclaration(member) ||
        !member.body ||
        isHidden(member) ||
        !ts.isIdentifier(member.name)
      )
        return [];
      return takersOf(`${exported.name}.${member.name.text}`, member);
    });
  });
}

/** Of overloads the one with a body. */
function implementationOf(symbol: ts.Symbol): ts.FunctionDeclaration {
  return symbol.declarations?.find(
    (one) => ts.isFunctionDeclaration(one) && one.body,
  ) as ts.FunctionDeclaration;
}

function isHidden(member: ts.MethodDeclaration): boolean {
  const hidden =
    ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
  return hidden !== 0 || ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
}

function takersOf(name: string, declaration: ts.FunctionLikeDeclaration | undefined): Taker[] {
  const parameter = declaration?.parameters.find(isOptions);
  if (declaration === undefined || parameter === undefined) return [];
  const type = checker.getNonNullableType(checker.getTypeAtLocation(parameter));
  const options = checker.getPropertiesOfType(type).map((property) => property.name);
  return options.length === 0 ? [] : [{ name, declaration, parameter, options }];
}

function isOptions({ name, type }: ts.ParameterDeclaration): boolean {
  const named = ts.isObjectBindingPattern(name) || (ts.isIdentifier(name) && /options$/i.test(name.text));
  return named && type !== undefined;
}

/** The names in the call of `checkOptions`, by the function or by one it hands its options to. */
function checkedNames(
  declaration: ts.FunctionLikeDeclaration,
  parameter: ts.ParameterDeclaration,
  depth: number,
): string[] | undefined {
  const own = checker.getSymbolAtLocation(parameter.name);
  let found: string[] | undefined;
  const handed: [ts.FunctionLikeDeclaration, ts.ParameterDeclaration][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const passed = node.arguments ?? ts.factory.createNodeArray<ts.Expression>();
      if (node.expression.getText() === 'checkOptions') {
        const names = passed[2];
        if (ts.isStringLiteralLike(names)) found = names.text.split(' ');
      } else if (depth < 4) {
        const position = passed.findIndex(
          (argument) => ts.isIdentifier(argument) && checker.getSymbolAtLocation(argument) === own,
        );
        const callee = position < 0 ? undefined : checker.getResolvedSignature(node)?.declaration;
        const taken = callee?.parameters[position];
        if (callee && taken && 'body' in callee)
          handed.push([callee as ts.FunctionLikeDeclaration, taken as ts.ParameterDeclaration]);
      }
    }
    ts.forEachChild(node, visit);
  };
  if ('body' in declaration && declaration.body) visit(declaration.body);
  for (const [callee, taken] of handed) found ??= checkedNames(callee, taken, depth + 1);
  return found;
}
