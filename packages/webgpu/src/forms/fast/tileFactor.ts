/**
 * How a tile reads one factor of a product, and brings it into workgroup memory.
 *
 * A factor is read in blocks of 4 terms by 4 lines (rows of A, columns of B), one invocation each, and lies in workgroup memory
 * as vectors of 4 lines: inner loops are the same whichever way it lies in memory. Matrices, transposed ones, and the
 * overlapping windows of convolutions differ only in where the 16 elements come from:
 *
 * - `lines`: 4 vectors along the lines;
 * - `terms`: 4 vectors along the terms, turned in registers;
 * - `elements`: one by one, neighbors read by neighboring invocations.
 */
import { count, type LaunchAxes } from '@ag/tensor/engine';
import type { KernelWriter } from '../../emit/kernelWriter.ts';
import { digitsOf, offsetsAt } from './axes.ts';
import type { TileShape } from './tileShapes.ts';

export interface FactorLayout {
  /** Position among the launch's operands. */
  readonly operand: number;
  readonly reading: 'lines' | 'terms' | 'elements';
  /** Along which of both neighboring invocations go. */
  readonly along: 'lines' | 'terms';
  /** Axes of the lines with the strides of this operand, merged. */
  readonly lines: LaunchAxes;
  /** Strides along the terms' axes. */
  readonly terms: readonly number[];
  readonly batch: readonly number[];
}

/**
 * @param lines sizes of the lines' axes, and the operand's strides along them, merged
 * @param aligned whether bases and batches lie at multiples of 4 elements and vectors can be read at all
 */
export function layoutOf(
  operand: number,
  lines: LaunchAxes,
  termSizes: readonly number[],
  terms: readonly number[],
  batch: readonly number[],
  aligned: boolean,
): FactorLayout {
  const lineStrides = lines.strides[0];
  const last = <T>(list: readonly T[], otherwise: T): T => list.at(-1) ?? otherwise;
  const lineStep = Math.abs(last(lineStrides, 0));
  const termStep = Math.abs(last(terms, 0));
  const lineRun = lineStep === 1 ? last(lines.sizes, 1) : 0;
  const termRun = termStep === 1 ? last(termSizes, 1) : 0;
  const along =
    lineRun !== termRun
      ? lineRun > termRun
        ? 'lines'
        : 'terms'
      : lineStep !== 0 && (termStep === 0 || lineStep <= termStep)
        ? 'lines'
        : 'terms';
  const even = (numbers: readonly number[]) => numbers.every((x) => x % 4 === 0);
  const vectors =
    aligned &&
    even(batch) &&
    (along === 'lines'
      ? last(lineStrides, 0) === 1 &&
        last(lines.sizes, 1) % 4 === 0 &&
        even(lineStrides.slice(0, -1)) &&
        even(terms)
      : last(terms, 0) === 1 &&
        last(termSizes, 1) % 4 === 0 &&
        even(terms.slice(0, -1)) &&
        even(lineStrides));
  return { operand, reading: vectors ? along : 'elements', along, lines, terms, batch };
}

/** The line that component `j` of vector `q` stands for, from the first line of the tile. */
export function lineOf({ reading }: FactorLayout, size: number, q: string, j: number | string): string {
  return reading === 'elements' ? `(${q} + ${j} * ${size / 4})` : `(${q} * 4 + ${j})`;
}

/** Where vector `quarter` of a term lies in workgroup memory: swizzled, so that neighbors which go along the terms meet different banks. */
export function vectorAt(size: number, term: string, quarter: string): string {
  return `${term} * ${size / 4} + (${quarter} ^ (((${term} >> 2) * 2) & ${Math.min(7, size / 4 - 1)}))`;
}

/** What both factors and the loop over the terms share. */
export interface TileContext {
  readonly w: KernelWriter;
  readonly shape: TileShape;
  /** WGSL scalar type. */
  readonly type: string;
  readonly termSizes: readonly number[];
}

/** Statements of the invocations that bring one factor along. */
export interface FactorCode {
  /** Sets where an invocation reads: `quarter`, `layer`, `at0` … `at3`. */
  readonly setup: readonly string[];
  /** Reads the 16 elements of terms `k + layer` … into `part0` … `part3`. */
  readonly fetch: readonly string[];
  /** Stores these. */
  readonly store: readonly string[];
}

/**
 * @param name `a` or `b`; functions `aLine` and `aTerm` say where lines and terms lie
 * @param size lines of a tile
 * @param block i32 text: the number of the invocation's block
 * @param first i32 text: the first line of the tile
 * @param limit i32 text: how many lines there are
 * @param base i32 text: where the batch begins
 */
export function factorCode(
  context: TileContext,
  name: string,
  layout: FactorLayout,
  size: number,
  block: string,
  first: string,
  limit: string,
  base: string,
): FactorCode {
  const { w, shape, type } = context;
  const quarters = size / 4;
  const layers = shape.depth / 4;
  const zero = `vec4<${type}>()`;
  const four = [0, 1, 2, 3];
  const binding = w.binding(layout.operand);
  declareLine(context, name, layout);
  const term = termOf(context, name, layout);
  const [quarter, layer] =
    layout.along === 'lines'
      ? [`${block} % ${quarters}`, `${block} / ${quarters}`]
      : [`${block} / ${layers}`, `${block} % ${layers}`];
  const lines = layout.reading === 'lines' ? [0] : four;
  const setup = [
    `quarter = ${quarter};`,
    `layer = (${layer}) * 4;`,
    ...lines.map(
      (j) =>
        `at${j} = ${base} + ${name}Line(u32(min(${first} + ${lineOf(layout, size, 'quarter', j)}, ${limit} - 1)));`,
    ),
  ];
  const vector = (address: string) => `${binding}[u32(${address}) >> 2u]`;
  const fetch: string[] = [];
  if (layout.reading === 'terms') {
    fetch.push(`let term0 = ${term('layer')};`, 'let inside = k + layer < kEnd;');
    for (const j of four) fetch.push(`let line${j} = select(${zero}, ${vector(`at${j} + term0`)}, inside);`);
    for (const i of four)
      fetch.push(`part${i} = vec4<${type}>(${four.map((j) => `line${j}[${i}]`).join(', ')});`);
  } else {
    for (const i of four) {
      fetch.push(`let term${i} = ${term(`layer + ${i}`)};`);
      const value =
        layout.reading === 'lines'
          ? vector(`at0 + term${i}`)
          : `vec4<${type}>(${four.map((j) => `${binding}[at${j} + term${i}]`).join(', ')})`;
      fetch.push(`part${i} = select(${zero}, ${value}, k + layer + ${i} < kEnd);`);
    }
  }
  const store = four.map((i) => `${name}Tile[${vectorAt(size, `(layer + ${i})`, 'quarter')}] = part${i};`);
  return { setup, fetch, store };
}

function declareLine({ w }: TileContext, name: string, { lines }: FactorLayout): void {
  const at = offsetsAt(w, 'l', 'line', lines);
  w.declare([`fn ${name}Line(line: u32) -> i32 {`, ...at.lines, `return ${at.offsets[0]};`, '}'].join('\n'));
}

/** Where a term of the layer lies: by its stride, or from the table that the workgroup has made. */
function termOf(
  { w, termSizes }: TileContext,
  name: string,
  { terms }: FactorLayout,
): (place: string) => string {
  if (termSizes.length === 0) return () => '0';
  if (termSizes.length > 1) return (place) => `${name}Terms[${place}]`;
  const stride = terms[0];
  if (stride === 0) return () => '0';
  if (stride === 1) return (place) => `(k + ${place})`;
  const step = w.argument(stride);
  return (place) => `(k + ${place}) * ${step}`;
}

/**
 * A function that puts the places of the next terms into the tables `aTerms` and `bTerms`, for terms that count through several axes. The
 * invocations of the first numbers call it.
 */
export function declareTables(
  { w, shape, termSizes }: TileContext,
  factors: readonly (readonly [name: string, layout: FactorLayout])[],
): boolean {
  if (termSizes.length < 2) return false;
  for (const [name] of factors) w.declare(`var<workgroup> ${name}Terms: array<i32, ${shape.depth}>;`);
  const { lines, digits } = digitsOf(w, 't', 'term', termSizes);
  const stores = factors.map(([name, { terms }]) => {
    const places = terms.flatMap((stride, axis) =>
      stride === 0 ? [] : [`${digits[axis]} * ${w.argument(stride)}`],
    );
    return `${name}Terms[own] = ${places.join(' + ') || '0'};`;
  });
  w.declare(
    [
      'fn fillTables(own: i32, k: i32) {',
      `if (own >= ${shape.depth}) { return; }`,
      `let term = u32(min(k + own, ${w.argument(count(termSizes))} - 1));`,
      ...lines,
      ...stores,
      '}',
    ].join('\n'),
  );
  return true;
}
