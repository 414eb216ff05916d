/**
 * What a graph view is made from, and how its values are written. The shape is that of an inspection result, as
 * plain data: this package knows no tensors.
 */
import { formatNumber } from './text.ts';

/** A number, nested arrays of numbers, a flat array (its node's `shape` tells the rows), or words. */
export type GraphValue = number | bigint | boolean | string | ArrayLike<unknown>;

/** One node of a computational graph. */
export interface GraphNode {
  id: string;
  label: string;
  /** Name of the operation; absent for inputs, parameters and constants. */
  op?: string;
  /** `input`, `parameter`, `constant`, `op`, … decides the node's look. */
  kind?: string;
  shape?: readonly (number | null)[];
  dtype?: string;
  /** Not known yet when absent or null. */
  value?: GraphValue | null;
  /** Gradient of the output with respect to this node; not computed yet when absent or null. */
  gradient?: GraphValue | null;
  /** Path of the module that made the node, parts separated by dots: `encoder.0.linear`. */
  module?: string;
}

/** `from` is an input of `to`. */
export interface GraphEdge {
  from: string;
  to: string;
  /** Which argument of `to` this is. */
  index?: number;
  /** Default: the value of `from`. */
  value?: GraphValue | null;
  /** What this edge contributes to the gradient of `from`; with a single use that is the whole gradient. */
  gradient?: GraphValue | null;
  /** Written at the wire above its value, such as the views that are not drawn as nodes: `reshape 2×1`. */
  label?: string;
}

/** A computational graph as plain data. */
export interface GraphData {
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
}

/** Stands for a value or gradient that has not been computed. Never a number. */
export const notComputed = '—';

/** Rows of text for a value: a number, a vector in one row, a small matrix in several, a large one as its size. */
export function valueLines(
  value: GraphValue | null | undefined,
  shape: readonly (number | null)[] | undefined,
  digits: number,
): string[] {
  if (value === null || value === undefined) return [notComputed];
  if (typeof value === 'string') return value.split('\n').slice(0, 5);
  if (typeof value === 'number') return [formatNumber(value, digits)];
  if (typeof value !== 'object') return [String(value)];
  const rows = toRows(value, shape);
  if (rows === undefined) return [`[${sizes(value, shape).join('×')}]`];
  return rows.map((row) => `[${row.map((item) => formatNumber(item, digits)).join(', ')}]`);
}

/** Rows of a vector of up to 5 or a matrix of up to 4 by 4 numbers, `undefined` for anything larger. */
function toRows(
  value: ArrayLike<unknown>,
  shape: readonly (number | null)[] | undefined,
): number[][] | undefined {
  const items = value.length > 16 ? [] : Array.from(value);
  if (items.length === 0) return value.length === 0 ? [[]] : undefined;
  if (items.every(isNumeric)) {
    const numbers = items.map(Number);
    const columns = shape !== undefined && shape.length >= 2 ? Number(shape[shape.length - 1]) : items.length;
    if (!(columns > 0) || numbers.length % columns !== 0) return numbers.length <= 5 ? [numbers] : undefined;
    const rows = Array.from({ length: numbers.length / columns }, (_, i) =>
      numbers.slice(i * columns, (i + 1) * columns),
    );
    return rows.length <= 4 && columns <= (rows.length === 1 ? 5 : 4) ? rows : undefined;
  }
  const nested = items.map((item) =>
    typeof item === 'object' && item !== null && 'length' in item
      ? Array.from(item as ArrayLike<unknown>)
      : [item],
  );
  if (items.length > 4 || !nested.every((row) => row.length <= 4 && row.every(isNumeric))) return undefined;
  return nested.map((row) => row.map(Number));
}

function isNumeric(item: unknown): boolean {
  return typeof item === 'number' || typeof item === 'boolean' || typeof item === 'bigint';
}

function sizes(
  value: ArrayLike<unknown>,
  shape: readonly (number | null)[] | undefined,
): (number | string)[] {
  if (shape !== undefined && shape.length > 0) return shape.map((size) => size ?? '?');
  const out: number[] = [];
  for (let level: unknown = value; typeof level === 'object' && level !== null && 'length' in level; ) {
    const array = level as ArrayLike<unknown>;
    out.push(array.length);
    level = array[0];
  }
  return out;
}
