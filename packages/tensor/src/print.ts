/**
 * Tensors as text (the way NumPy prints them) and as nested arrays.
 */
import { type DType, isFloat, type TypedArray, toDType } from './dtype.ts';
import { formatSize, type Shape, sizeOf } from './shape.ts';

/** Nested arrays of numbers or booleans; a bare one for a scalar. */
export type NestedArray = number | boolean | NestedArray[];

/** Axes longer than this show only their ends once the tensor has more than `summaryThreshold` elements. */
const edgeItems = 3;
const summaryThreshold = 1000;
const lineWidth = 75;
/** Digits after the point. */
const precision = 8;

/** `[lazy 3×4 float32]`. */
export function formatLazy(shape: Shape, dtype: DType): string {
  const sizes = shape.map(formatSize).join('×');
  return `[lazy ${sizes === '' ? 'scalar' : sizes} ${dtype}]`;
}

/** Elements as NumPy prints them (with its defaults, and commas), followed by shape and dtype. */
export function formatValue(data: TypedArray, shape: Shape, dtype: DType): string {
  const summarize = data.length > summaryThreshold;
  const format = formatter(shownElements(data, shape, summarize), dtype);
  const opening = 'tensor(';
  const text =
    shape.length === 0
      ? format(data[0])
      : data.length === 0
        ? '[]'
        : formatAxis(data, shape, 0, 0, summarize, format, ' '.repeat(opening.length), lineWidth);
  return `${opening}${text}, shape=[${shape.join(', ')}], dtype=${dtype})`;
}

/** The elements as nested arrays. */
export function nestedArray(data: TypedArray, shape: Shape, dtype: DType): NestedArray {
  const convert = (x: number): number | boolean => (dtype === 'bool' ? x !== 0 : x);
  if (shape.length === 0) return convert(data[0]);
  const build = (axis: number, offset: number, stride: number): NestedArray[] => {
    const size = shape[axis];
    const step = size === 0 ? 0 : stride / size;
    return Array.from({ length: size }, (_, i) =>
      axis === shape.length - 1 ? convert(data[offset + i]) : build(axis + 1, offset + i * step, step),
    );
  };
  return build(0, 0, sizeOf(shape));
}

/** Lines break where NumPy breaks them: `width` leaves room for the brackets and commas that close them. */
function formatAxis(
  data: TypedArray,
  shape: Shape,
  axis: number,
  offset: number,
  summarize: boolean,
  format: (x: number) => string,
  margin: string,
  width: number,
): string {
  const size = shape[axis];
  const step = sizeOf(shape.slice(axis + 1));
  const last = axis === shape.length - 1;
  const indent = `${margin} `;
  const parts = visiblePositions(size, summarize).map((i) => {
    if (i < 0) return '...';
    if (last) return format(data[offset + i]);
    return formatAxis(data, shape, axis + 1, offset + i * step, summarize, format, indent, width - 1);
  });
  if (!last) return `[${parts.join(`,${'\n'.repeat(shape.length - axis - 1)}${indent}`)}]`;
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    const next = line === '' ? part : `${line}, ${part}`;
    if (line !== '' && indent.length + next.length > width - 1) {
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
      if (offset < data.length) shown.push(data[offset]);
      return;
    }
    const step = sizeOf(shape.slice(axis + 1));
    for (const i of visiblePositions(shape[axis], summarize)) if (i >= 0) walk(axis + 1, offset + i * step);
  };
  walk(0, 0);
  return shown;
}

/** Text of one element; all of them come out equally wide. */
function formatter(values: readonly number[], dtype: DType): (x: number) => string {
  const format =
    dtype === 'bool'
      ? (x: number) => (x ? 'true' : 'false')
      : isFloat(dtype)
        ? floatFormatter(values, dtype)
        : String;
  const width = values.reduce((longest, x) => Math.max(longest, format(x).length), 0);
  return (x) => format(x).padStart(width);
}

/**
 * Fixed notation, or scientific for sizes far apart, with the digits that tell the numbers from their neighbors,
 * at most `precision` after the point.
 */
function floatFormatter(values: readonly number[], dtype: DType): (x: number) => string {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  const largest = Math.max(0, ...sizes);
  const smallest = Math.min(Number.POSITIVE_INFINITY, ...sizes);
  const scientific =
    largest >= 1e8 || (sizes.length > 0 && (smallest < 1e-4 || toDType(largest / smallest, dtype) > 1000));
  const exponentDigits = [largest, smallest].some((x) => Math.abs(exponentOf(x)) >= 100) ? 3 : 2;
  const written = (x: number): string =>
    scientific ? scientificText(x, dtype, exponentDigits) : fixedText(x, dtype);
  const digits = Math.max(0, ...finite.map((x) => fractionDigits(written(x))));
  return (x) => {
    if (Number.isNaN(x)) return 'nan';
    if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
    const text = written(x);
    const missing = digits - fractionDigits(text);
    return scientific ? text.replace('e', `${'0'.repeat(missing)}e`) : text + ' '.repeat(missing);
  };
}

/** `0.1`, `2.`: the shortest text that reads as the same number, with a point. */
function fixedText(x: number, dtype: DType): string {
  const shortest = shortestDigits(x, dtype);
  const fraction = Math.min(precision, Math.max(0, shortest - 1 - exponentOf(x)));
  const text = x.toFixed(fraction);
  const point = text.includes('.') ? text.replace(/0+$/, '') : `${text}.`;
  return x === 0 && Object.is(x, -0) ? `-${point}` : point;
}

/** `1.5e-07`, `2.e+10`. */
function scientificText(x: number, dtype: DType, exponentDigits: number): string {
  const [mantissa, exponent] = x.toExponential(Math.min(precision, shortestDigits(x, dtype) - 1)).split('e');
  const trimmed = mantissa.includes('.') ? mantissa.replace(/0+$/, '') : `${mantissa}.`;
  const sign = Object.is(x, -0) ? '-' : '';
  return `${sign}${trimmed}e${exponent[0]}${exponent.slice(1).padStart(exponentDigits, '0')}`;
}

function fractionDigits(text: string): number {
  const point = text.indexOf('.');
  const end = text.indexOf('e');
  return (end < 0 ? text.length : end) - point - 1;
}

/** Significant digits of the shortest decimal that reads as the same element. */
function shortestDigits(x: number, dtype: DType): number {
  if (dtype === 'float64') return x.toExponential().replace(/e.*|[-.]/g, '').length;
  let digits = 1;
  while (digits < 9 && toDType(Number(x.toPrecision(digits)), dtype) !== x) digits++;
  return digits;
}

function exponentOf(x: number): number {
  return x === 0 || !Number.isFinite(x) ? 0 : Number(x.toExponential().split('e')[1]);
}
