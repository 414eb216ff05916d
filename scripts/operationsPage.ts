/**
 * The text of docs/operations-table.md: each operation of `@ag/tensor` with its dtypes, the order of its derivatives, and where the values
 * come from that its tests expect.
 */
import { readFileSync } from 'node:fs';
import {
  elementwiseRows,
  gradientCases,
  reductionRows,
  structuralRows,
  withoutGradient,
} from '@ag/tensor/testing';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../packages/tensor/fixtures/${name}.json`, import.meta.url), 'utf8'));

/** What tests compare where no table of operations holds a row: files beside the code. */
const ownTests: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['roll', 'tile', 'split', 'diag', 'diagonal', 'index', 'einsum', 'tensordot', 'nonzero'].map((name) => [
      name,
      'NumPy (`select.test.ts`)',
    ]),
  ),
  ...Object.fromEntries(
    ['conv2d', 'convTranspose2d', 'maxPool2d', 'avgPool2d'].map((name) => [
      name,
      'PyTorch (`convolution.test.ts`)',
    ]),
  ),
  ...Object.fromEntries(
    ['cholesky', 'det', 'inverse', 'logdet', 'qr', 'slogdet', 'solve', 'solveTriangular', 'svd'].map(
      (name) => [name, 'NumPy (`linearAlgebra.test.ts`)'],
    ),
  ),
  ...Object.fromEntries(
    ['cond', 'fori', 'scan', 'whileLoop'].map((name) => [name, 'the steps written out (`loops.test.ts`)']),
  ),
  ...Object.fromEntries(
    [
      'bernoulli',
      'categorical',
      'gamma',
      'beta',
      'dirichlet',
      'poisson',
      'multinomial',
      'laplace',
      'gumbel',
      'multivariateNormal',
    ].map((name) => [name, 'moments of the distribution (`random.test.ts`, `distributions.test.ts`)']),
  ),
  ...Object.fromEntries(['onesLike', 'zerosLike'].map((name) => [name, 'the constant (`edges.ts`)'])),
  maxUnpool: 'the inverse of `maxPoolIndices` (`spaces.test.ts`)',
  fromBits: 'PyTorch (`storage.test.ts`)',
  detach: 'definition (gradient cases)',
};

interface Entry {
  dtypes: Set<string>;
  order: number;
  sources: Set<string>;
}

/** All operations that the tables, the fixtures or the list above know, by name. */
export function operationEntries(): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const entry = (name: string): Entry => {
    const known = entries.get(name) ?? { dtypes: new Set(), order: 0, sources: new Set() };
    entries.set(name, known);
    return known;
  };
  const note = (name: string, dtypes: readonly string[], source: string): void => {
    const own = entry(name);
    for (const dtype of dtypes) own.dtypes.add(dtype);
    own.sources.add(source);
  };
  const floats = ['float32', 'float64'];
  for (const { operation, order } of gradientCases) {
    const own = entry(operation);
    own.order = Math.max(own.order, order);
    own.dtypes.add('float64');
  }
  for (const name of Object.keys(withoutGradient)) entry(name);
  for (const { name, integers, whole } of elementwiseRows)
    note(name, whole ? ['int32'] : integers ? [...floats, 'int32'] : floats, 'definition');
  for (const { name, integers } of reductionRows)
    note(name, integers ? [...floats, 'int32', 'bool'] : floats, 'definition');
  for (const { operation, dtypes } of structuralRows)
    note(operation, dtypes ?? [...floats, 'int32', 'uint8', 'bool'], 'definition');
  const codes: Record<string, string> = {
    f4: 'float32',
    f8: 'float64',
    i4: 'int32',
    u4: 'uint32',
    u1: 'uint8',
    b1: 'bool',
  };
  for (const [name, operands] of fixture('numpy') as [string, [string, string][]][])
    if (entries.has(name))
      note(
        name,
        operands.map(([, code]) => codes[code]),
        'NumPy',
      );
  const parts: Record<string, string> = {
    maxIndices: 'max',
    sortIndices: 'sort',
    padCircular: 'pad',
    padReplicate: 'pad',
  };
  for (const [name, operands] of fixture('pytorch') as [string, [number[], number, unknown[]][]][])
    note(parts[name] ?? name, [operands[0][2].length > 2 ? 'int32' : 'float64'], 'PyTorch');
  for (const [name] of (fixture('spaces') as { cases: [string][] }).cases)
    note(name, ['float64'], 'PyTorch, SciPy');
  for (const [name] of (fixture('distributions') as { cases: [string][] }).cases)
    note(`${name}LogProb`, ['float64'], 'SciPy');
  for (const name of Object.keys(fixture('functions') as object))
    if (entries.has(name)) note(name, [], 'mpmath');
  for (const [name, source] of Object.entries(ownTests))
    if (entries.has(name)) entry(name).sources.add(source);
  return entries;
}

const order = ['bool', 'uint8', 'int32', 'uint32', 'float32', 'float64'];

/** The page as Markdown. */
export function operationsPage(): string {
  const entries = [...operationEntries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    '# Table of operations',
    '',
    '<!-- Generated from the tables in packages/tensor/src/testing and the fixtures; do not edit: npm run generate. -->',
    '',
    `The ${entries.length} operations of \`@ag/tensor\`: the dtypes that tests compute with, the highest order of derivative that is compared with`,
    'differences, and where the expected values come from. *Definition*: the meaning in plain JavaScript numbers, stated once in a row of',
    '`packages/tensor/src/testing`. *NumPy*, *PyTorch*, *mpmath*: fixtures with the lines that made them (`packages/tensor/fixtures`).',
    'The rows and the gradient cases run on the reference backend, in WebAssembly (with 32- and 64-bit elements) and, for dtypes that',
    'it has, on WebGPU. Rules: [operations.md](operations.md); derivatives case by case: [gradients.md](gradients.md).',
    '',
    '| operation | dtypes | gradient | expected values |',
    '|---|---|---|---|',
    ...entries.map(([name, { dtypes, order: highest, sources }]) => {
      const known = order.filter((dtype) => dtypes.has(dtype)).join(', ');
      const gradient = highest > 0 ? `order ${highest}` : (withoutGradient[name] ?? '');
      return `| \`${name}\` | ${known} | ${gradient} | ${[...sources].join(', ')} |`;
    }),
    '',
  ];
  return lines.join('\n');
}
