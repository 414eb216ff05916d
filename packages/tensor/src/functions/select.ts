/**
 * Picking, repeating and rearranging elements: the methods of `Tensor` that are more than one operation. They are
 * written with other methods, so they have no rules of their own.
 */
import { checkArray, checkInteger, checkNumber, describeValue } from '../check.ts';
import { floatOf, type TypedArray } from '../dtype.ts';
import { codedError, shapeError, typeError, valueError } from '../errors.ts';
import { gather, positions, scatter } from '../ops/indexing.ts';
import { checkKnownSize, place, section } from '../ops/movement.ts';
import { cannotReadNow } from '../run/deviceValue.ts';
import { evaluate } from '../run/evaluate.ts';
import { readyValue } from '../run/read.ts';
import {
  type Axes,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sizeOf,
} from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** A range of positions as NumPy writes `start:end:step`. */
export interface Range {
  /** Default: the beginning (the end for negative steps). */
  readonly start?: number;
  /** First position left out. Default: all the way. */
  readonly end?: number;
  /** Default 1. */
  readonly step?: number;
}

/**
 * What `index` takes for an axis: a position (the axis goes), a range, `':'` for all of it, a tensor of whole numbers
 * (looked up) or of bool (kept where true). `'...'` stands for as many `':'` as are missing, `null` adds an axis of size 1.
 */
export type IndexItem = number | ':' | '...' | null | Range | Tensor;

/** Elements around a tensor: how `pad` fills them. */
export interface PadOptions {
  /**
   * 'constant': `value`. 'edge': the nearest element. 'reflect': mirrored at the first and last element, which is not repeated;
   * 'symmetric': with it repeated. 'circular': the elements of the other end. Default 'constant'.
   */
  readonly mode?: 'constant' | 'edge' | 'reflect' | 'symmetric' | 'circular';
  /** For 'constant'. Default 0. */
  readonly value?: number;
}

/** Widths before and after each axis. */
export type PadWidths = readonly (readonly [number, number])[];

/** Positions `start`, `start + step`, … before `end`, as NumPy counts them. */
export function slice(
  x: Tensor,
  start: number,
  end: number | undefined,
  options: { readonly axis?: number; readonly step?: number },
  operation: string,
): Tensor {
  const axis = normalizeAxis(options.axis ?? 0, x.shape.length, operation);
  const step = checkInteger(options.step ?? 1, operation, 'step');
  if (step === 0) throw valueError(`${operation}: step must not be 0`);
  checkInteger(start, operation, 'start');
  if (end !== undefined) checkInteger(end, operation, 'end');
  checkKnownSize(x.shape, axis, operation);
  const n = x.shape[axis];
  const limit = (position: number): number => {
    const from = position < 0 ? position + n : position;
    return step > 0 ? Math.min(n, Math.max(0, from)) : Math.min(n - 1, Math.max(-1, from));
  };
  const first = limit(start);
  const last = end === undefined ? (step > 0 ? n : -1) : limit(end);
  return x.sliceFrom(first, Math.max(0, Math.ceil((last - first) / step)), axis, step);
}

export function index(x: Tensor, items: readonly IndexItem[]): Tensor {
  const { list, advanced } = resolveItems(x, items);
  let result = x;
  let axis = 0;
  const lookups: { axis: number; position: Tensor }[] = [];
  const places: number[] = [];
  let front = 0;
  list.forEach((item, at) => {
    const lookup = typeof item === 'number' || isTensor(item);
    if (lookup && advanced) {
      if (places.length === 0) front = axis;
      places.push(at);
    }
    if (item === null) {
      result = result.unsqueeze(axis++);
    } else if (typeof item === 'number') {
      const n = result.shape[axis];
      if (!Number.isInteger(item) || item < -n || item >= n) {
        throw codedError(
          RangeError,
          'AG_INDEX_OUT_OF_RANGE',
          Number.isInteger(item)
            ? `index: position ${item} is outside an axis of size ${n} in ${formatShape(x.shape)}`
            : `index: a position must be a whole number, got ${item}`,
        );
      }
      result = result.sliceFrom(item < 0 ? item + n : item, 1, axis, 1).squeeze(axis);
    } else if (isTensor(item)) {
      lookups.push({ axis: axis++, position: item });
    } else {
      if (typeof item === 'object') {
        const step = item.step ?? 1;
        const start = item.start ?? (step > 0 ? 0 : result.shape[axis] - 1);
        result = slice(result, start, item.end, { axis, step }, 'index');
      }
      axis++;
    }
  });
  if (lookups.length === 0) return result;
  // As in NumPy: positions that stand side by side leave their axes in place, others move them to the front.
  const adjacent = places[places.length - 1] - places[0] === places.length - 1;
  return lookUp(result, lookups, adjacent ? front : 0);
}

/** Spells out the ellipsis and turns masks into positions. `list` has one item for each axis, besides new ones. */
function resolveItems(
  x: Tensor,
  items: readonly IndexItem[],
): { list: Exclude<IndexItem, '...'>[]; advanced: boolean } {
  const taken = (item: IndexItem): number =>
    item === null || item === '...' ? 0 : isTensor(item) && item.dtype === 'bool' ? item.shape.length : 1;
  const used = items.reduce<number>((sum, item) => sum + taken(item), 0);
  if (used > x.shape.length) {
    throw shapeError(`index: ${used} axes are indexed, but ${formatShape(x.shape)} has ${x.shape.length}`);
  }
  if (items.filter((item) => item === '...').length > 1) throw valueError("index: '...' may stand only once");
  const missing = new Array<':'>(x.shape.length - used).fill(':');
  const list: Exclude<IndexItem, '...'>[] = [];
  let axis = 0;
  const whole = items.includes('...') ? items : [...items, '...' as const];
  for (const item of whole) {
    if (item === '...') {
      list.push(...missing);
      axis += missing.length;
    } else if (isTensor(item) && item.dtype === 'bool') {
      const own = x.shape.slice(axis, axis + item.shape.length);
      if (item.shape.some((size, i) => size !== own[i])) {
        throw shapeError(
          `index: a mask of shape ${formatShape(item.shape)} does not fit axes of sizes ${formatShape(own)}`,
        );
      }
      list.push(...positionsOf(item, elementsOf(item)));
      axis += item.shape.length;
    } else if (item === null || item === ':' || typeof item === 'number' || isTensor(item) || isRange(item)) {
      list.push(item);
      if (item !== null) axis++;
    } else {
      throw typeError(
        `index: expected a number, a range { start, end, step }, ':', '...', null or a tensor, got ${describeValue(item)}`,
      );
    }
  }
  return { list, advanced: list.some(isTensor) };
}

/** What a tensor holds that decides the shape of a result, at once. */
export function elementsOf(mask: Tensor, operation?: string): TypedArray {
  if (mask.op !== null) evaluate([mask], { toHost: true });
  const elements = readyValue(mask);
  if (elements !== null || mask.leaf?.kind === 'placeholder') return elements ?? mask.dataSync();
  if (operation !== undefined) {
    throw cannotReadNow(
      `${operation}: the values decide the shape of the result and lie on a device that cannot be read synchronously`,
      'say how long the result is',
    );
  }
  throw cannotReadNow(
    'index: the mask decides the shape of the result and lies on a device that cannot be read synchronously',
    'await mask.data() before, which keeps up to 1 MiB at hand, or choose with where(mask, x, y), whose shape is known',
  );
}

/** For each axis of a mask the positions of its true elements, in row-major order; int32. */
export function positionsOf(mask: Tensor, values: ArrayLike<number>): Tensor[] {
  const { shape } = mask;
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) found.push(i);
  const after = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return shape.map((size, axis) =>
    mask.fromHost(
      Int32Array.from(found, (i) => Math.floor(i / after[axis]) % size),
      [found.length],
      'int32',
    ),
  );
}

/** Looks up positions along several axes at once; the axes they give stand at `front` of the result. */
function lookUp(
  x: Tensor,
  lookups: readonly { readonly axis: number; readonly position: Tensor }[],
  front: number,
): Tensor {
  const axes = lookups.map(({ axis }) => axis);
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const before = kept.slice(0, front);
  const after = kept.slice(front);
  const sizes = axes.map((axis) => x.shape[axis]);
  const order = [...before, ...axes, ...after];
  const moved = order.every((axis, i) => axis === i) ? x : x.permute(order);
  if (axes.length === 1) return take(moved, lookups[0].position, front, 'index');
  const merged = moved.reshape([
    ...before.map((i) => x.shape[i]),
    sizeOf(sizes),
    ...after.map((i) => x.shape[i]),
  ]);
  return take(
    merged,
    flatPosition(
      lookups.map(({ position }) => position),
      sizes,
    ),
    front,
    'index',
  );
}

/** Positions along several axes as positions in those axes taken as one; one past the end where any lies outside. */
function flatPosition(given: readonly Tensor[], sizes: Shape): Tensor {
  let flat: Tensor | null = null;
  let inside: Tensor | null = null;
  given.forEach((own, i) => {
    const size = sizes[i];
    const position = own.dtype === 'int32' ? own : own.apply(positions, [own]);
    const fits = position.less(size).logicalAnd(position.greaterEqual(-size));
    const forward = position.less(0).where(position.add(size), position);
    flat = flat === null ? forward : flat.mul(size).add(forward);
    inside = inside === null ? fits : inside.logicalAnd(fits);
  });
  return inside!.where(flat!, sizeOf(sizes));
}

export function take(x: Tensor, position: Tensor, axis: number, operation: string): Tensor {
  const at = normalizeAxis(axis, x.shape.length, operation);
  const before = x.shape.slice(0, at);
  const after = x.shape.slice(at + 1);
  const inner = position.shape.length === 0 ? [1] : position.shape;
  // The looked-up axis stands first among the index's axes; the others broadcast from size 1.
  const source = x.reshape([...before, x.shape[at], ...inner.slice(1).map(() => 1), ...after]);
  const places = position.reshape([...before.map(() => 1), ...inner, ...after.map(() => 1)]);
  const full = places.broadcastTo([...before, ...inner, ...after]);
  const result = x.apply(gather, [source, full], { axis: at });
  return position.shape.length === 1 ? result : result.reshape([...before, ...position.shape, ...after]);
}

export function gatherAlong(x: Tensor, position: Tensor, axis: number): Tensor {
  return x.apply(gather, [x, position], { axis: normalizeAxis(axis, x.shape.length, 'gather') });
}

export function scatterAddAlong(x: Tensor, position: Tensor, updates: Tensor, axis: number): Tensor {
  return x.add(
    x.apply(scatter, [x, position, updates], { axis: normalizeAxis(axis, x.shape.length, 'scatterAdd') }),
  );
}

export function sectionOf(x: Tensor, start: number, size: number, axis: number, step = 1): Tensor {
  if (start === 0 && step === 1 && size === x.shape[axis]) return x;
  return x.apply(section, [x], { axis, start, size, step });
}

/** Tensors one after the other along an axis; their other sizes are equal. */
export function joined(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0];
  let total = 0;
  const parts = tensors.map((t) => {
    checkKnownSize(t.shape, axis, 'concat');
    const starts = t.shape.map((_, i) => (i === axis ? total : 0));
    total += t.shape[axis];
    return { starts, steps: t.shape.map(() => 1), moving: [] };
  });
  const shape = first.shape.map((size, i) => (i === axis ? total : size));
  return first.apply(place, tensors, { shape, parts, fill: 0, accumulate: false });
}

export function pad(x: Tensor, widths: PadWidths, { mode = 'constant', value = 0 }: PadOptions): Tensor {
  const each = checkArray(widths, 'pad', 'the widths').every(
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0),
  );
  if (!each || widths.length !== x.shape.length) {
    throw valueError(
      `pad: give one [before, after] of whole numbers ≥ 0 for each of the ${x.shape.length} axes, got ${JSON.stringify(widths)}`,
    );
  }
  checkNumber(value, 'pad', 'the value');
  widths.forEach(([before, after], axis) => {
    if (before > 0 || after > 0) checkKnownSize(x.shape, axis, 'pad');
  });
  if (mode === 'constant') {
    const shape = x.shape.map((size, i) => (size < 0 ? size : size + widths[i][0] + widths[i][1]));
    checkShape(
      shape.map((size) => Math.max(size, 0)),
      'pad',
    );
    return x.apply(place, [x], {
      shape,
      parts: [{ starts: widths.map(([before]) => before), steps: x.shape.map(() => 1), moving: [] }],
      fill: value,
      accumulate: false,
    });
  }
  const around = Object.hasOwn(borders, mode ?? '') ? borders[mode as 'edge'] : null;
  if (around === null) {
    throw valueError(
      `pad: mode must be 'constant', '${Object.keys(borders).join("', '")}', got ${describeValue(mode)}`,
    );
  }
  let result = x;
  widths.forEach(([before, after], axis) => {
    if (before === 0 && after === 0) return;
    const size = x.shape[axis];
    const longest = Math.max(0, around.longest(size));
    if (Math.max(before, after) > longest) {
      throw valueError(
        `pad: mode '${mode}' can add at most ${longest} elements to an axis of size ${size}, got [${before}, ${after}] for axis ${axis}`,
      );
    }
    const part = (start: number, count: number): Tensor[] => {
      if (count === 0) return [];
      if (around.step !== 0) return [sectionOf(result, start, count, axis, around.step)];
      const one = sectionOf(result, start, 1, axis);
      return [one.broadcastTo(result.shape.map((n, i) => (i === axis ? count : n)))];
    };
    result = joined(
      [...part(around.before(before, size), before), result, ...part(around.after(size), after)],
      axis,
    );
  });
  return result;
}

/** Where the elements that stand before and after an axis begin, how far apart they are, and how many there can be. */
interface Border {
  readonly before: (width: number, size: number) => number;
  readonly after: (size: number) => number;
  readonly step: -1 | 0 | 1;
  readonly longest: (size: number) => number;
}

const borders: Record<'edge' | 'reflect' | 'symmetric' | 'circular', Border> = {
  edge: {
    before: () => 0,
    after: (size) => size - 1,
    step: 0,
    longest: (size) => (size > 0 ? Number.POSITIVE_INFINITY : 0),
  },
  reflect: { before: (width) => width, after: (size) => size - 2, step: -1, longest: (size) => size - 1 },
  symmetric: { before: (width) => width - 1, after: (size) => size - 1, step: -1, longest: (size) => size },
  circular: { before: (width, size) => size - width, after: () => 0, step: 1, longest: (size) => size },
};

export function roll(x: Tensor, shift: number | readonly number[], axis: Axes | undefined): Tensor {
  if (axis === undefined) {
    if (Array.isArray(shift)) throw valueError('roll: several shifts need as many axes');
    checkInteger(shift, 'roll', 'the shift');
    return x.shape.length === 0 ? x : roll(x.reshape([-1]), shift as number, 0).reshape(x.shape);
  }
  normalizeAxes(axis, x.shape.length, 'roll');
  const axes = typeof axis === 'number' ? [axis] : axis;
  const shifts = Array.isArray(shift) ? (shift as readonly number[]) : axes.map(() => shift as number);
  if (shifts.length !== axes.length || shifts.some((n) => !Number.isInteger(n))) {
    throw valueError(
      `roll: shifts must be whole numbers, one for each axis, got ${JSON.stringify(shift)} for axes ${JSON.stringify(axis)}`,
    );
  }
  let result = x;
  axes.forEach((given, i) => {
    const at = normalizeAxis(given, x.shape.length, 'roll');
    const size = x.shape[at];
    const by = size === 0 ? 0 : ((shifts[i] % size) + size) % size;
    if (by === 0) return;
    result = joined([sectionOf(result, size - by, by, at), sectionOf(result, 0, size - by, at)], at);
  });
  return result;
}

export function repeat(x: Tensor, count: number, axis: number | undefined): Tensor {
  checkInteger(count, 'repeat', 'the count', 0);
  if (axis === undefined) return repeat(x.reshape([-1]), count, 0);
  const at = normalizeAxis(axis, x.shape.length, 'repeat');
  const [before, size, after] = [x.shape.slice(0, at), x.shape[at], x.shape.slice(at + 1)];
  return x
    .unsqueeze(at + 1)
    .broadcastTo([...before, size, count, ...after])
    .reshape([...before, size * count, ...after]);
}

export function tile(x: Tensor, counts: number | readonly number[]): Tensor {
  const list = Array.isArray(counts) ? (counts as readonly number[]) : [counts as number];
  for (const count of list) checkInteger(count, 'tile', 'a count', 0);
  const rank = Math.max(list.length, x.shape.length);
  const times = [...new Array<number>(rank - list.length).fill(1), ...list];
  const shape = [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape];
  const spread = x
    .reshape(shape.flatMap((size) => [1, size]))
    .broadcastTo(shape.flatMap((size, i) => [times[i], size]));
  return spread.reshape(shape.map((size, i) => size * times[i]));
}

/** Σ|x|ᵖ ^ 1/p along axes. Where the norm, or for other p an element, is 0 the derivative counts as 0. */
export function norm(
  x: Tensor,
  axis: readonly number[],
  { p = 2, keepDims = false }: { readonly p?: number; readonly keepDims?: boolean },
): Tensor {
  if (Number.isNaN(checkNumber(p, 'norm', 'p'))) throw valueError('norm: p must not be NaN');
  const options = { keepDims };
  const real = x.cast(floatOf(x.dtype));
  const size = real.abs();
  if (p === 1) return size.sum(axis, options);
  if (p === Number.POSITIVE_INFINITY) return size.max(axis, options);
  if (p === Number.NEGATIVE_INFINITY) return size.min(axis, options);
  if (p === 0) return real.notEqual(0).cast(real.dtype).sum(axis, options);
  const empty = axis.some((a) => x.shape[a] === 0);
  // The norm of x/c is that of x over c for any c, so c is a constant to gradients.
  const extreme = (
    empty
      ? size.sum(axis, { keepDims: true })
      : p > 0
        ? size.max(axis, { keepDims: true })
        : size.min(axis, { keepDims: true })
  ).detach();
  const back = (t: Tensor): Tensor => (keepDims ? t : t.squeeze(axis));
  if (p === 2) {
    const scale = squareScale(extreme);
    return real.mul(scale).square().sum(axis, options).sqrt().div(back(scale));
  }
  const usual = extreme.greater(0).logicalAnd(extreme.isFinite());
  const scale = usual.where(extreme, 1);
  const zero = size.equal(0);
  const powers = zero.where(p > 0 ? 0 : Number.POSITIVE_INFINITY, zero.where(1, size.div(scale)).pow(p));
  const total = powers.sum(axis, options);
  const none = total.equal(0);
  return none.where(0, none.where(1, total).pow(1 / p)).mul(back(scale));
}

/**
 * A power of two, 1 for numbers of common size, by which the largest of some numbers has to be multiplied so that their squares
 * neither overflow nor vanish.
 */
function squareScale(largest: Tensor): Tensor {
  const [high, low, step] =
    largest.dtype === 'float64' ? [2 ** 400, 2 ** -400, 2 ** 600] : [2 ** 50, 2 ** -40, 2 ** 80];
  const one = largest.less(low).where(largest.number(step), 1);
  return largest.greater(high).where(1 / step, one);
}

function isTensor(item: unknown): item is Tensor {
  return typeof item === 'object' && item !== null && 'dtype' in item && 'apply' in item;
}

function isRange(item: unknown): item is Range {
  const prototype = typeof item === 'object' && item !== null ? Object.getPrototypeOf(item) : undefined;
  return prototype === Object.prototype || prototype === null;
}
