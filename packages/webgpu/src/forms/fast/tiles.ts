/**
 * The tiled product as WGSL: a workgroup computes a tile of results, term by term out of workgroup memory.
 *
 * While one layer of terms is multiplied the next is on its way from memory into registers. What is computed from finished sums
 * (bias, activation, the update of a weight) follows in the same kernel.
 */
import { count, mergeLaunchAxes } from '@ag/tensor/engine';
import { evaluate, storeResults } from '../../emit/evaluate.ts';
import type { KernelWriter } from '../../emit/kernelWriter.ts';
import { digitsOf, offsetsAt } from './axes.ts';
import type { Product } from './product.ts';
import {
  declareTables,
  type FactorCode,
  type FactorLayout,
  factorCode,
  lineOf,
  type TileContext,
  vectorAt,
} from './tileFactor.ts';
import type { TileShape } from './tileShapes.ts';

/** How a product is cut up. */
export interface Tiling {
  readonly shape: TileShape;
  /** In how many parts the terms are summed, each by workgroups of its own. */
  readonly parts: number;
  /** Terms of a part: a multiple of the tile's depth. */
  readonly partTerms: number;
}

/** Workgroups of a tiling. */
export function groupsOf({ batch, m, n }: Product, { shape, parts }: Tiling): number {
  const across = Math.ceil(count(n) / shape.columns);
  return across * Math.ceil(count(m) / shape.rows) * count(batch) * parts;
}

/**
 * The body of the kernel.
 *
 * @param finish statements for one result, given i32 texts of its batch, row and column and the text of its sum; with `part` where
 *   sums are stored part by part
 */
export function tileBody(
  w: KernelWriter,
  product: Product,
  { shape, parts, partTerms }: Tiling,
  type: string,
  a: FactorLayout,
  b: FactorLayout,
  finish: Finish,
): string[] {
  const { batch, m, n, k } = product;
  const { rows, columns, depth, ownRows, ownColumns } = shape;
  const vector = `vec4<${type}>`;
  const context: TileContext = { w, shape, type, termSizes: k };
  /** Invocations side by side and below one another; half of all bring A along, the others B. */
  const across = columns / ownColumns;
  const down = rows / ownRows;
  const half = (across * down) / 2;
  const [mCount, nCount, kCount] = [m, n, k].map((sizes) => w.argument(count(sizes)));
  const acrossTiles = w.argument(Math.ceil(count(n) / columns));
  const downTiles = w.argument(Math.ceil(count(m) / rows));
  w.declare(`var<workgroup> aTile: array<${vector}, ${(depth * rows) / 4}>;`);
  w.declare(`var<workgroup> bTile: array<${vector}, ${(depth * columns) / 4}>;`);
  const hasTables = declareTables(context, [
    ['a', a],
    ['b', b],
  ]);
  const tables = hasTables ? ['fillTables(own, k);'] : [];
  const batches = digitsOf(w, 'p', 'u32(batch)', batch);
  const baseOf = (layout: FactorLayout): string => {
    const terms = layout.batch.flatMap((stride, axis) =>
      stride === 0 ? [] : [`${batches.digits[axis]} * ${w.argument(stride)}`],
    );
    return [w.offset(layout.operand), ...terms].join(' + ');
  };
  const codeA = factorCode(context, 'a', a, rows, 'own', 'firstRow', 'm', 'aBase');
  const codeB = factorCode(context, 'b', b, columns, `(own - ${half})`, 'firstColumn', 'n', 'bBase');
  const either = (step: keyof FactorCode): string[] => [
    `if (own < ${half}) {`,
    ...codeA[step],
    '} else {',
    ...codeB[step],
    '}',
  ];
  const wide = ownColumns / 4;
  const sums: string[] = [];
  const multiply = [
    ...vectors('a', ownRows / 4, rows, down, 'y'),
    ...vectors('b', wide, columns, across, 'x'),
  ];
  for (let i = 0; i < ownRows; i++)
    for (let u = 0; u < wide; u++) {
      sums.push(`sum${i}_${u}`);
      multiply.push(`sum${i}_${u} += aPart${i >> 2}[${i & 3}] * bPart${u};`);
    }

  return [
    'let own = i32(lane);',
    'let tile = i32(group);',
    `let m = ${mCount}; let n = ${nCount};`,
    `let tileColumn = tile % ${acrossTiles}; let rest = tile / ${acrossTiles};`,
    `let tileRow = rest % ${downTiles}; let plane = rest / ${downTiles};`,
    ...(parts > 1
      ? [`let parts = ${w.argument(parts)};`, 'let part = plane % parts; let batch = plane / parts;']
      : ['let batch = plane;']),
    `if (batch >= ${w.argument(count(batch))}) { return; }`,
    `let firstRow = tileRow * ${rows}; let firstColumn = tileColumn * ${columns};`,
    ...(parts > 1
      ? [
          `let partTerms = ${w.argument(partTerms)};`,
          `var k = part * partTerms; let kEnd = min(k + partTerms, ${kCount});`,
        ]
      : [`var k = 0; let kEnd = ${kCount};`]),
    `let steps = (kEnd - k + ${depth - 1}) / ${depth};`,
    ...batches.lines,
    `let aBase = ${baseOf(a)};`,
    `let bBase = ${baseOf(b)};`,
    'var quarter: i32; var layer: i32; var at0: i32; var at1: i32; var at2: i32; var at3: i32;',
    ...either('setup'),
    ...[0, 1, 2, 3].map((i) => `var part${i} = ${vector}();`),
    `let x = own % ${across}; let y = own / ${across};`,
    ...sums.map((sum) => `var ${sum} = ${vector}();`),
    ...(hasTables ? [...tables, 'workgroupBarrier();'] : []),
    'for (var step = 0; step <= steps; step++) {',
    // The next layer is on its way while the last one is multiplied.
    'if (step < steps) {',
    ...either('fetch'),
    '}',
    'if (step > 0) {',
    `for (var term = 0; term < ${depth}; term++) {`,
    ...multiply,
    '}',
    '}',
    `k += ${depth};`,
    'workgroupBarrier();',
    'if (step < steps) {',
    ...either('store'),
    ...tables,
    '}',
    'workgroupBarrier();',
    '}',
    // Copied only now, so that the sums stay in registers while they are added up.
    `var sums = array<${vector}, ${sums.length}>(${sums.join(', ')});`,
    ...finish.setup,
    `for (var i = 0; i < ${ownRows}; i++) {`,
    `let row = firstRow + ${lineOf(a, rows, `(y + (i >> 2) * ${down})`, '(i & 3)')};`,
    'if (row >= m) { continue; }',
    ...finish.row,
    `for (var j = 0; j < ${ownColumns}; j++) {`,
    `let column = firstColumn + ${lineOf(b, columns, `(x + (j >> 2) * ${across})`, '(j & 3)')};`,
    'if (column >= n) { continue; }',
    `let sum = sums[i * ${wide} + (j >> 2)][j & 3];`,
    ...finish.result,
    '}',
    '}',
  ];

  function vectors(name: string, many: number, size: number, step: number, at: string): string[] {
    return Array.from({ length: many }, (_, v) => {
      const quarter = v === 0 ? at : `(${at} + ${v * step})`;
      return `let ${name}Part${v} = ${name}Tile[${vectorAt(size, 'term', quarter)}];`;
    });
  }
}

/** What follows a finished sum: statements for the batch, for a row, and for the result itself. */
export interface Finish {
  readonly setup: readonly string[];
  readonly row: readonly string[];
  readonly result: readonly string[];
}

/** The launch's epilogue, of names `batch`, `row`, `column` and `sum`. */
export function epilogueFinish(w: KernelWriter, product: Product): Finish {
  const { batch, m, n, others, epilogue, firstOther } = product;
  const { batchRank, mRank } = product.kernel;
  const part = (from: number, to?: number) => others.map(({ strides }) => strides.slice(from, to));
  const axes = (sizes: readonly number[], strides: number[][]) => mergeLaunchAxes({ sizes, strides });
  const atBatch = offsetsAt(w, 'eb', 'u32(batch)', axes(batch, part(0, batchRank)));
  const atRow = offsetsAt(w, 'er', 'u32(row)', axes(m, part(batchRank, batchRank + mRank)));
  const atColumn = offsetsAt(w, 'ec', 'u32(column)', axes(n, part(batchRank + mRank)));
  const address = (operand: number) =>
    `(rowAt${operand - firstOther} + ${atColumn.offsets[operand - firstOther]})`;
  const { lines, results } = evaluate(w, epilogue, address, 'e', 'sum');
  const firstOutput = firstOther + product.kernel.extras.length;
  return {
    setup: [
      ...atBatch.lines,
      ...others.map((_, i) => `let batchAt${i} = ${w.offset(firstOther + i)} + ${atBatch.offsets[i]};`),
    ],
    row: [...atRow.lines, ...others.map((_, i) => `let rowAt${i} = batchAt${i} + ${atRow.offsets[i]};`)],
    result: [
      ...atColumn.lines,
      ...lines,
      ...storeResults(w, results, product.kernel.outputs, firstOutput, address),
    ],
  };
}
