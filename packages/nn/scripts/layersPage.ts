/**
 * The text of docs/layers.md: every layer and loss of `@ag/nn` with its shapes, the order of its derivatives and where its expected values
 * come from, read from sources, tests and fixtures. What has no source of values is an error.
 */
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import * as activations from '../src/activations.ts';
import * as nn from '../src/index.ts';
import * as layers from '../src/layers.ts';

const here = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, here), 'utf8');
const sources = readdirSync(new URL('src/', here), { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'))
  .sort();

/** What a function says of itself, and where it stands. */
interface Said {
  readonly file: string;
  readonly words: string;
  /** As in the comment, or empty. */
  readonly shapes: string;
}

/** The page as Markdown. */
export function layersPage(): string {
  const said = documentation();
  const order = ordersOfLayers();
  const lossOrder = read('src/losses/losses.test.ts') + read('src/ownLoss.test.ts');
  const row = (name: string, orders: string): string => {
    const { file, words, shapes } = said.get(name) ?? { file: '', words: '', shapes: '' };
    if (words === '') throw new Error(`layersPage: ${name} has no documentation`);
    return `| [\`${name}\`](../packages/nn/src/${file}) | ${words} | ${shapes} | ${orders} | ${sourceOf(name)} |`;
  };
  const isFactory = (name: string): boolean => /^[a-z]/.test(name);
  const layerNames = Object.keys(layers).filter(isFactory).sort();
  const lossNames = Object.keys(nn)
    .filter((name) => said.get(name)?.file.startsWith('losses/'))
    .sort();
  return [
    '# Layers and losses',
    '',
    '<!-- Generated from packages/nn; do not edit: npm run generate. -->',
    '',
    `${layerNames.length} layers and ${lossNames.length} losses of \`@ag/nn\`. The column *derivatives* says to which order they are compared: with the`,
    'library named under *values* (1), with central differences in float64 (2). All of them can be differentiated further; where a',
    'random choice or whole numbers come in, the column is empty and a test of its own holds the values.',
    '',
    '## Layers',
    '',
    '| layer | what it does | inputs → outputs | derivatives | values |',
    '|---|---|---|---|---|',
    ...layerNames.map((name) => row(name, order.get(name) ?? '')),
    '',
    '## Losses',
    '',
    '| loss | what it does | inputs → outputs | derivatives | values |',
    '|---|---|---|---|---|',
    ...lossNames.map((name) => row(name, lossOrder.includes(`nn.${name}(`) ? '2' : '1')),
    '',
  ].join('\n');
}

/** The first sentences of the comments of exported functions, and factories that are made by one line. */
function documentation(): Map<string, Said> {
  const found = new Map<string, Said>();
  for (const file of sources.filter((name) => !name.endsWith('.test.ts'))) {
    const source = ts.createSourceFile(file, read(`src/${file}`), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements) {
      const name = ts.isFunctionDeclaration(statement)
        ? statement.name?.text
        : ts.isVariableStatement(statement)
          ? statement.declarationList.declarations[0].name.getText()
          : undefined;
      const exported =
        ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      if (name === undefined || !exported || found.has(name)) continue;
      const comment = ts.getJSDocCommentsAndTags(statement).find(ts.isJSDoc);
      const text = ts.getTextOfJSDocComment(comment?.comment) ?? '';
      const words = text
        .split('```')[0]
        .replaceAll(/\{@link (\w+)\}/g, '`$1`')
        .replaceAll(/\s+/g, ' ')
        .replaceAll('|', '\\|')
        .trim()
        .split(/(?<=[.:])\s(?=[A-Z`])/)[0]
        .replace(/:$/, '.');
      // Pieces between marks of code are those at odd places.
      const code = text
        .replaceAll(/\s+/g, ' ')
        .split('`')
        .filter((_, i) => i % 2 === 1);
      const arrow = code.find((one) => one.includes('→')) ?? code.find((one) => one.startsWith('['));
      const shapes = arrow === undefined ? tagged(comment) : `\`${arrow}\``;
      found.set(name, { file, words, shapes });
    }
  }
  return found;
}

/** Shapes that the first parameter's description names. */
function tagged(comment: ts.JSDoc | undefined): string {
  const tag = comment?.tags?.find(ts.isJSDocParameterTag);
  const text = ts.getTextOfJSDocComment(tag?.comment) ?? '';
  return /`\[[^`]*\]`/.exec(text)?.[0] ?? (/any shape/.test(text) ? 'any shape' : '');
}

/** By the examples of everyLayer.test.ts: those with the shape of an input are differentiated twice, the others by PyTorch's case. */
function ordersOfLayers(): Map<string, string> {
  const text = read('src/everyLayer.test.ts');
  const found = new Map<string, string>();
  for (const name of Object.keys(layers)) {
    const own = new RegExp(`\\n {2}${name}: \\[([\\s\\S]*?)\\n(?: {2}[a-zA-Z/]|\\})`).exec(text)?.[1] ?? '';
    if (/, \[[\d, ]+\]\]/.test(own) || isActivation(name)) found.set(name, '2');
    else if (inFixture('layers.json', name) || inFixture('drawn.json', name)) found.set(name, '1');
  }
  return found;
}

/** Those without an example of their own have that of all activations. */
const isActivation = (name: string): boolean => name in activations && name !== 'prelu';

const fixtures = new Map<string, string>();

/** Whether a fixture has a case of this name. */
function inFixture(file: string, name: string): boolean {
  const text = fixtures.get(file) ?? read(`fixtures/${file}`);
  fixtures.set(file, text);
  return text.includes(`"call":["${name}"`) || text.includes(`"call":"${name}"`);
}

/** What stands in for PyTorch in drawn.py: losses that it does not have. */
const papers = new Set([
  'wingLoss',
  'quantileLoss',
  'contrastiveLoss',
  'focalLoss',
  'diceLoss',
  'infoNceLoss',
  'hingeLoss',
]);

function sourceOf(name: string): string {
  const by = papers.has(name) ? 'the formula in float64' : 'PyTorch';
  const links = [
    'layers.json',
    'losses.json',
    'drawn.json',
    'attention.json',
    'extremes.json',
    'stateDicts.json',
  ]
    .filter((file) => inFixture(file, name))
    .map((file) => `[${file}](../packages/nn/fixtures/${file})`);
  if (links.length > 0) return `${by}: ${links.join(', ')}`;
  const tests = sources.filter(
    (file) =>
      file.endsWith('.test.ts') && file !== 'everyLayer.test.ts' && read(`src/${file}`).includes(`${name}(`),
  );
  if (tests.length === 0) throw new Error(`layersPage: nothing says where the values of ${name} come from`);
  return `by hand: [${tests[0]}](../packages/nn/src/${tests[0]})`;
}
