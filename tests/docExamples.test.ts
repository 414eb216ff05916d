/**
 * The short examples in the documentation of public functions, and those in READMEs that are no programs of their own
 * (`packed.test.ts` runs these), compile against what the packages export. Each is put into a function of its own, with
 * imports for the names it uses and with the things that examples take for granted (a model, a batch) declared. The programs of the guides
 * compile as they are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { guideFiles, programsOf } from './guides/programs.ts';

const root = join(import.meta.dirname, '..');
const documented = ['nn', 'onnx', 'optim', 'datasets'];
/** Where two export a name, the later is meant: `linear` is a layer. */
const packages = ['tensor', 'graph', 'optim', 'datasets', 'onnx', 'nn'];

/** What examples may use without saying where it comes from. */
const given = `
declare const model: import('@ag/nn').Module & { hidden: import('@ag/nn').Linear };
declare const [x, y, labels, images]: import('@ag/tensor').Tensor[];
declare const w: import('@ag/tensor').Variable;
declare const [train, test, data]: import('@ag/datasets').MemoryDataset[];
declare const optimizer: import('@ag/optim').Optimizer;
declare const loss: import('@ag/tensor').Tensor;
declare const nn: typeof import('@ag/nn');
declare const gpt: import('@ag/nn').LanguageModel;
declare const bytes: Uint8Array;
declare const [v, allWeights, allBiases, first, second]: import('@ag/tensor').Tensor[];
declare const loader: import('@ag/datasets').DataLoader;
declare const head: import('@ag/nn').Module;
declare function trainEpoch(): Promise<void>;
declare const validationLoss: number;
declare const context: CanvasRenderingContext2D;
declare function validate(model: unknown, data: unknown): Promise<unknown>;
`;

interface Example {
  readonly place: string;
  readonly code: string;
}

function examplesOf(name: string): Example[] {
  const folder = join(root, 'packages', name, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
  const fragments = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => ({ place: `${name}/README.md`, code: code }))
    .filter(({ code }) => !/^import /m.test(code));
  const comments = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return [...text.matchAll(/^( *)\/\*\*\n([\s\S]*?)\n *\*\//gm)].flatMap(([, indent, comment], i) => {
        const lines = comment.replaceAll(new RegExp(`^${indent} \\* ?`, 'gm'), '');
        const fenced = [...lines.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
        const tagged = [...lines.matchAll(/@example\n([\s\S]*?)(?=\n@|$(?![\s\S]))/g)].map(
          ([, code]) => code,
        );
        return [...fenced, ...tagged].map((code, j) => ({
          place: `${name}/${file}, ${i + 1}.${j + 1}`,
          code,
        }));
      });
    });
  return [...fragments, ...comments];
}

it('compile', { timeout: 120_000 }, () => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    customConditions: ['@ag/source'],
    allowImportingTsExtensions: true,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: ['node'],
    noEmit: true,
    skipLibCheck: true,
    strict: true,
  };
  const host = ts.createCompilerHost(options);
  const virtual = new Map<string, string>();
  const { readFile, fileExists } = host;
  host.readFile = (file) => virtual.get(file) ?? readFile.call(host, file);
  host.fileExists = (file) => virtual.has(file) || fileExists.call(host, file);
  const compile = () => ts.createProgram([...virtual.keys()], options, host);

  // The names that each package exports, types included.
  const all = join(import.meta.dirname, 'all.ts');
  virtual.set(all, packages.map((name) => `export * as ${name} from '@ag/${name}';`).join('\n'));
  const first = compile();
  const checker = first.getTypeChecker();
  const exported = new Map<string, string>();
  for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(first.getSourceFile(all)!)!)) {
    const names = checker.getExportsOfModule(checker.getAliasedSymbol(symbol));
    expect(names.length, symbol.name).toBeGreaterThan(10);
    for (const { name } of names) exported.set(name, symbol.name);
  }

  const examples = documented.flatMap(examplesOf);
  expect(examples.length).toBeGreaterThan(35);
  virtual.clear();
  examples.forEach(({ code }, i) => {
    const own = new Set([...code.matchAll(/\b(?:const|let|class|function) (\w+)/g)].map(([, name]) => name));
    const used = new Set(code.replaceAll(/\/\/.*|'[^']*'|\.\w+/g, '').match(/\b[A-Za-z]\w*\b/g));
    const imports = [...used].filter((name) => exported.has(name) && !own.has(name));
    const lines = imports.map((name) => `import { ${name} } from '@ag/${exported.get(name)}';`);
    virtual.set(
      join(import.meta.dirname, `example-${i}.ts`),
      `${lines.join('\n')}\n${given}\nexport async function example() {\n${code}\n}\n`,
    );
  });
  const guides = guideFiles()
    .flatMap(programsOf)
    .filter(({ kind, language }) => kind !== 'command' && language === 'ts')
    .map(({ place, code }) => ({ place, code: `${code}\nexport {};\n` }));
  guides.forEach(({ code }, i) => {
    virtual.set(join(import.meta.dirname, `example-${examples.length + i}.ts`), code);
  });
  const program = compile();
  const problems = [...examples, ...guides].flatMap(({ place, code }, i) => {
    const file = program.getSourceFile(join(import.meta.dirname, `example-${i}.ts`));
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(
      ({ messageText }) => `${place}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}\n${code}`,
    );
  });
  expect(problems).toEqual([]);
});
