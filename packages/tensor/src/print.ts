/**
 * Tensors as text (the way NumPy prints them) and as nested arrays.
 */
import { type DType, isFloat, type TypedArray } from './dtype.ts';
import { type Shape, sizeOf } from './shape.ts';

/** Nested arrays of numbers or booleans; a bare one for a scalar. */
export type NestedArray = number | boolean | NestedArray[];

/** Axes longer than this show only their ends once the tensor has more than `summaryThreshold` elements. */
const edgeItems = 3;
const summaryThreshold = 1000;
const lineWidth = 75;

/** `[lazy 3×4 float32]`. */
export function formatLazy(shape: Shape, dtype: DType): string {
  const sizes = shape.map((size) => (size < 0 ? 'any' : size)).join('×');
  return `[lazy ${sizes === '' ? 'scalar' : sizes} ${dtype}]`;
}

/** Elements as NumPy prints them, followed by shape and dtype. */
export function formatValue(data: TypedArray, shape: Shape, dtype: DType): string {
  const summarize = data.length > summaryThreshold;
  const shown = shownElements(data, shape, summarize);
  const format = formatter(shown, dtype);
  const width = shown.reduce((w, x) => Math.max(w, format(x).length), 0);
  const text =
    shape.length === 0
      ? format(data[0]!)
      : formatAxis(data, shape, 0, 0, summarize, (x) => format(x).padStart(width));
  return `tensor(${text.replaceAll('\n', '\n       ')}, shape=[${shape.join(', ')}], dtype=${dtype})`;
}

/** The elements as nested arrays. */
export function nestedArray(data: TypedArray, shape: Shape, dtype: DType): NestedArray {
  const convert = (x: number): number | boolean => (dtype === 'bool' ? x !== 0 : x);
  if (shape.length === 0) return convert(data[0]!);
  const build = (axis: number, offset: number, stride: number): NestedArray[] => {
    const size = shape[axis]!;
    const step = size === 0 ? 0 : stride / size;
    return Array.from({ length: size }, (_, i) =>
      axis === shape.length - 1 ? convert(data[offset + i]!) : build(axis + 1, offset + i * step, step),
    );
  };
  return build(0, 0, sizeOf(shape));
}

function formatAxis(
  data: TypedArray,
  shape: Shape,
  axis: number,
  offset: number,
  summarize: boolean,
  format: (x: number) => string,
): string {
  const size = shape[axis]!;
  const step = sizeOf(shape.slice(axis + 1));
  const last = axis === shape.length - 1;
  const parts = visiblePositions(size, summarize).map((i) =>
    i < 0
      ? '...'
      : last
        ? format(data[offset + i]!)
        : formatAxis(data, shape, axis + 1, offset + i * step, summarize, format),
  );
  if (!last) return `[${parts.join(`,${'\n'.repeat(shape.length - axis - 1)}${' '.repeat(axis + 1)}`)}]`;
  const indent = ' '.repeat(axis + 1);
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    const next = line === '' ? part : `${line}, ${part}`;
    if (next.length + indent.length > lineWidth && line !== '') {
      lines.push(`${line},`);
      line = part;
    } else {
      line = next;
    }
  }
  lines.push(line);
  return `[${lines.join(`\n${indent}`)}]`;
}

/** Positions along an axis that are shown; −1 stands for the dots. */
function visiblePositions(size: number, summarize: boolean): number[] {
  if (!summarize || size <= 2 * edgeItems) return Array.from({ length: size }, (_, i) => i);
  return [0, 1, 2, -1, size - 3, size - 2, size - 1];
}

function shownElements(data: TypedArray, shape: Shape, summarize: boolean): number[] {
  const shown: number[] = [];
  const walk = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      if (offset < data.length) shown.push(data[offset]!);
      return;
    }
    const step = sizeOf(shape.slice(axis + 1));
    for (const i of visiblePositions(shape[axis]!, summarize)) if (i >= 0) walk(axis + 1, offset + i * step);
  };
  walk(0, 0);
  return shown;
}

/** Fixed notation with as many digits as needed (at most 4 for float32, 8 for float64), else scientific. */
function formatter(values: readonly number[], dtype: DType): (x: number) => string {
  if (dtype === 'bool') return (x) => (x ? 'true' : 'false');
  if (!isFloat(dtype)) return (x) => String(x);
  const digits = dtype === 'float32' ? 4 : 8;
  const finite = values.filter((x) => Number.isFinite(x) && x !== 0).map(Math.abs);
  const largest = Math.max(0, ...finite);
  const smallest = Math.min(Number.POSITIVE_INFINITY, ...finite);
  const special = (x: number): string | null =>
    Number.isNaN(x) ? 'nan' : Number.isFinite(x) ? null : x > 0 ? 'inf' : '-inf';
  if (largest >= 1e8 || (finite.length > 0 && (smallest < 1e-4 || largest / smallest > 1e6))) {
    return (x) => special(x) ?? x.toExponential(digits);
  }
  let needed = 0;
  for (const x of finite) {
    const text = x.toFixed(digits).replace(/0+$/, '');
    needed = Math.max(needed, text.length - text.indexOf('.') - 1);
  }
  return (x) => special(x) ?? (needed === 0 ? `${x.toFixed(0)}.` : x.toFixed(needed));
}
