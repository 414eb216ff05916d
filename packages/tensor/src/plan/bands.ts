/**
 * Bands: launches that follow one another over the same rows and depend on one another row by row (softmax: the largest of a
 * row, its powers, their sum, the quotients). A backend may run all of a band for a few rows before the next rows:
 * the rows stay in the processor's cache, threads need not meet between the launches, and what lies between them
 * needs memory for these rows only. Others run them one after another, which gives the same.
 *
 * Read from dims and strides of the launches, never from what they compute.
 */
import type { Launch, Operand } from '../kernel/kernel.ts';

/** Where rows are made longer so that a launch can join, there shall be enough of them left to share and to cut. */
const fewestRows = 16;

/** An operand as rows see it: where they start and how far apart they are, in elements. */
interface Rows {
  readonly offset: number;
  /** Between the starts of rows of the launch, and how many of these there are. */
  readonly stride: number;
  readonly count: number;
}

interface Band {
  rows: number;
  readonly launches: Launch[];
  /** For each buffer that one of the launches writes, how all of them reach it. */
  readonly written: Map<number, Rows>;
  /** Buffers that were only read so far. */
  readonly read: Set<number>;
}

/**
 * @param divisible whether a buffer may be written in parts: not new values of variables, which may lie over the old ones
 * @returns the same launches, those of bands marked
 */
export function markBands(launches: readonly Launch[], divisible: (buffer: number) => boolean): Launch[] {
  const result: Launch[] = [];
  let band = bandOf();
  let bands = 0;
  const finish = (): void => {
    const number = band.launches.length > 1 ? bands++ : undefined;
    for (const launch of band.launches)
      result.push(number === undefined ? launch : { ...launch, band: number });
    band = bandOf();
  };
  for (const launch of launches) {
    if (joins(band, launch, divisible)) continue;
    finish();
    if (!joins(band, launch, divisible)) result.push(launch);
  }
  finish();
  return result;
}

function bandOf(): Band {
  return { rows: 0, launches: [], written: new Map(), read: new Set() };
}

/** Adds a launch whose rows depend on nothing but the same rows of what the band writes. */
function joins(band: Band, launch: Launch, divisible: (buffer: number) => boolean): boolean {
  const { kernel, dims, operands } = launch;
  if (kernel.form !== 'map' && kernel.form !== 'reduce') return false;
  if (kernel.form === 'map' ? kernel.rank < 1 : kernel.outerRank < 1) return false;
  if (kernel.outputs.some(({ accumulate }) => accumulate)) return false;
  const first = band.launches.length === 0;
  // A launch may count several of the others' rows as one, as where axes before the last were merged.
  const rows = first ? dims[0] : commonRows(band.rows, dims[0]);
  if (rows < 2) return false;
  const outputs = operands.length - kernel.outputs.length;
  let related = first;
  for (const { buffer } of operands) related ||= band.written.has(buffer) || band.read.has(buffer);
  if (!related) return false;
  const written = new Map<number, Rows>();
  for (let i = outputs; i < operands.length; i++) {
    const operand = operands[i];
    const { buffer } = operand;
    if (!divisible(buffer) || !isRowwise(operand, dims)) return false;
    if (band.read.has(buffer) || band.written.has(buffer) || written.has(buffer)) return false;
    written.set(buffer, rowsOf(operand, dims));
  }
  for (let i = 0; i < outputs; i++) {
    const operand = operands[i];
    if (written.has(operand.buffer)) return false;
    const source = band.written.get(operand.buffer);
    if (source !== undefined && (!isRowwise(operand, dims) || !sameRows(source, rowsOf(operand, dims))))
      return false;
  }
  band.rows = rows;
  band.launches.push(launch);
  for (const [buffer, own] of written) band.written.set(buffer, own);
  for (let i = 0; i < outputs; i++) {
    const { buffer } = operands[i];
    if (buffer >= 0 && !band.written.has(buffer)) band.read.add(buffer);
  }
  return true;
}

/** The rows of both as rows of one: the smaller number, where the other is a multiple of it. 0 when there are none. */
function commonRows(a: number, b: number): number {
  const [fewer, more] = a < b ? [a, b] : [b, a];
  return more % fewer === 0 && (fewer >= fewestRows || fewer === a) ? fewer : 0;
}

function rowsOf({ offset, strides }: Operand, dims: readonly number[]): Rows {
  return { offset, stride: strides[0], count: dims[0] };
}

/** Whether a row of one is where the same row of the other is; one may count several rows as one. */
function sameRows(a: Rows, b: Rows): boolean {
  return a.offset === b.offset && a.stride * a.count === b.stride * b.count;
}

/** Whether the elements of a row lie between its first one and the first one of the next row. */
function isRowwise({ strides, dynamic }: Operand, dims: readonly number[]): boolean {
  let span = 1;
  for (let i = 1; i < strides.length; i++) {
    if (strides[i] < 0) return false;
    span += (dims[i] - 1) * strides[i];
  }
  return dynamic.length === 0 && span <= strides[0];
}
