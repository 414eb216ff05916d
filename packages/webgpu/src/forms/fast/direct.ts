/**
 * Products without workgroup memory, for devices that a processor plays: 4 × 4 results an invocation, read from where they lie.
 *
 * Such a device has the processor's caches, which do what workgroup memory does, and compiles loops with barriers for seconds.
 */
import { count } from '@ag/tensor/engine';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Dispatch, FormRequest } from '../form.ts';
import { digitsOf, mergedAxes, offsetsAt } from './axes.ts';
import type { Product } from './product.ts';
import { epilogueFinish } from './tiles.ts';

/** Terms that are added up before their sum is added to others: an error stays that of a short chain. */
const chain = 256;
const side = 4;

export function directDispatch(request: FormRequest, product: Product, type: string): Dispatch {
  const { kernel, launch, batch, m, n, k } = product;
  const { batchRank, mRank } = kernel;
  const first = product.firstOther + kernel.extras.length;
  const w = new KernelWriter(
    request,
    kernel.outputs.map((_, i) => first + i),
  );
  const [a, b] = launch.operands;
  const strides = [
    {
      batch: a.strides.slice(0, batchRank),
      line: a.strides.slice(batchRank, batchRank + mRank),
      term: a.strides.slice(batchRank + mRank),
    },
    {
      batch: b.strides.slice(0, batchRank),
      line: b.strides.slice(batchRank + k.length),
      term: b.strides.slice(batchRank, batchRank + k.length),
    },
  ] as const;
  const batches = digitsOf(w, 'p', 'u32(batch)', batch);
  const base = (position: 0 | 1): string => {
    const terms = strides[position].batch.flatMap((stride, axis) =>
      stride === 0 ? [] : [`${batches.digits[axis]} * ${w.argument(stride)}`],
    );
    return [w.offset(position), ...terms].join(' + ');
  };
  for (const [name, sizes, own] of [
    ['a', m, strides[0].line],
    ['b', n, strides[1].line],
  ] as const) {
    const at = offsetsAt(w, 'l', 'line', mergedAxes(sizes, [own]));
    w.declare(
      [`fn ${name}Line(line: u32) -> i32 {`, ...at.lines, `return ${at.offsets[0]};`, '}'].join('\n'),
    );
  }
  const vector = `vec4<${type}>`;
  const four = [0, 1, 2, 3];
  const [mTiles, nTiles] = [m, n].map((sizes) => w.argument(Math.ceil(count(sizes) / side)));
  const finish = epilogueFinish(w, product);
  const load = (name: 'a' | 'b') =>
    `${vector}(${four.map((i) => `${w.binding(name === 'a' ? 0 : 1)}[${name}At${i} + ${name}Term]`).join(', ')})`;
  const multiply = [
    `let aPart = ${load('a')};`,
    `let bPart = ${load('b')};`,
    ...four.map((i) => `link${i} += aPart[${i}] * bPart;`),
  ];
  const close = four.map((i) => `sum${i} += link${i}; link${i} = ${vector}();`);
  const body = [
    `let nTiles = u32(${nTiles}); let mTiles = u32(${mTiles});`,
    'let line = id / nTiles; let plane = line / mTiles;',
    `if (plane >= u32(${w.argument(count(batch))})) { return; }`,
    `let m = ${w.argument(count(m))}; let n = ${w.argument(count(n))};`,
    'let batch = i32(plane);',
    `let firstRow = i32(line - plane * mTiles) * ${side}; let firstColumn = i32(id - line * nTiles) * ${side};`,
    ...batches.lines,
    `let aBase = ${base(0)}; let bBase = ${base(1)};`,
    ...four.map((i) => `let aAt${i} = aBase + aLine(u32(min(firstRow + ${i}, m - 1)));`),
    ...four.map((i) => `let bAt${i} = bBase + bLine(u32(min(firstColumn + ${i}, n - 1)));`),
    ...four.map((i) => `var sum${i} = ${vector}(); var link${i} = ${vector}();`),
    ...overTerms(w, k, strides[0].term, strides[1].term, multiply, close),
    `var sums = array<${vector}, 4>(sum0, sum1, sum2, sum3);`,
    ...finish.setup,
    `for (var i = 0; i < ${side}; i++) {`,
    'let row = firstRow + i;',
    'if (row >= m) { break; }',
    ...finish.row,
    `for (var j = 0; j < ${side}; j++) {`,
    'let column = firstColumn + j;',
    'if (column >= n) { break; }',
    'let sum = sums[i][j];',
    ...finish.result,
    '}',
    '}',
  ];
  const tiles = count(batch) * Math.ceil(count(m) / side) * Math.ceil(count(n) / side);
  return w.finish(body, { workgroups: spread(tiles, 64, request.facts.maxWorkgroups) });
}

/** Loops over the axes of the terms; `aTerm` and `bTerm` are where the terms lie. `close` ends a chain. */
function overTerms(
  w: KernelWriter,
  sizes: readonly number[],
  aStrides: readonly number[],
  bStrides: readonly number[],
  multiply: readonly string[],
  close: readonly string[],
): string[] {
  const lines = ['var aTerm = 0; var bTerm = 0;'];
  if (sizes.length === 0) return [...lines, ...multiply, ...close];
  const steps = sizes.map((size, axis) => ({
    size: w.argument(size),
    a: w.argument(aStrides[axis]),
    b: w.argument(bStrides[axis]),
  }));
  const go = (axis: number): string[] => {
    const { size, a, b } = steps[axis];
    const inner = axis === steps.length - 1 ? multiply : go(axis + 1);
    const ends =
      axis !== 0
        ? []
        : steps.length > 1
          ? close
          : [`if ((k0 & ${chain - 1}) == ${chain - 1}) {`, ...close, '}'];
    return [
      `for (var k${axis} = 0; k${axis} < ${size}; k${axis}++) {`,
      ...inner,
      ...ends,
      `aTerm += ${a}; bTerm += ${b};`,
      '}',
      `aTerm -= ${size} * ${a}; bTerm -= ${size} * ${b};`,
    ];
  };
  return [...lines, ...go(0), ...close];
}
