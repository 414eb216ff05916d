/**
 * Where windows lie over spatial axes: what convolution and pooling share.
 */
import { describeValue } from '../check.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import type { Shape } from '../shape.ts';

/** One whole number for every spatial axis, or one for each. */
export type PerAxis = number | readonly number[];

/**
 * Elements added around the spatial axes: a number on every side; for each axis a number or `[before, after]`;
 * `'valid'` none; `'same'` so many that output size = ⌈input size ÷ stride⌉, an odd one after the last element.
 */
export type Padding = 'same' | 'valid' | number | readonly (number | readonly [number, number])[];

/** Where the first window starts and how many there are, along each spatial axis. */
export function slide(
  name: string,
  input: Shape,
  window: Shape,
  stride: readonly number[],
  dilation: readonly number[],
  padding: Padding,
  ceil = false,
): { low: number[]; high: number[]; size: number[] } {
  const low: number[] = [];
  const high: number[] = [];
  const size = input.map((length, i) => {
    const reach = dilation[i] * (window[i] - 1) + 1;
    const step = stride[i];
    const [before, after] =
      padding === 'same'
        ? halves(Math.max(0, (Math.ceil(length / step) - 1) * step + reach - length))
        : paddingOf(name, padding, i, input.length);
    low.push(before);
    high.push(after);
    const free = length + before + after - reach;
    let count = Math.floor(free / step) + 1;
    // One more, where it begins within the input or the padding before it.
    if (ceil && free > 0 && free % step > 0 && count * step < length + before) count++;
    if (count < 1) {
      throw shapeError(
        `${name}: a window of ${window[i]}${dilation[i] === 1 ? '' : ` with dilation ${dilation[i]}`} reaches over ${reach} elements, ` +
          `but axis ${2 + i} has ${length}${before + after === 0 ? '' : ` and ${before + after} of padding`}; use a smaller window or more padding`,
      );
    }
    return count;
  });
  return { low, high, size };
}

export function halves(total: number): [number, number] {
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

export function paddingOf(
  name: string,
  padding: Padding,
  axis: number,
  spatial: number,
): readonly [number, number] {
  if (padding === 'valid' || padding === 'same') return [0, 0];
  const wrong = (): RangeError =>
    valueError(
      `${name}: padding must be 'same', 'valid', a whole number ≥ 0 or one number or [before, after] for each of ${spatial} axes, got ${show(padding)}`,
    );
  const list = Array.isArray(padding);
  if (list && padding.length !== spatial) throw wrong();
  const own = list ? padding[axis] : padding;
  const pair = Array.isArray(own) ? own : [own, own];
  if (pair.length !== 2 || !pair.every((n) => Number.isInteger(n) && n >= 0)) throw wrong();
  return pair as readonly number[] as readonly [number, number];
}

export function perAxis(
  name: string,
  what: string,
  value: PerAxis,
  spatial: number,
  least: number,
): number[] {
  const list = Array.isArray(value)
    ? (value as readonly number[])
    : new Array<number>(spatial).fill(value as number);
  if (list.length !== spatial || list.some((n) => !Number.isInteger(n) || n < least)) {
    throw valueError(
      `${name}: ${what} must be a whole number ≥ ${least} or ${spatial} of them, got ${show(value)}`,
    );
  }
  return [...list];
}

/** Lists are spelled out, as NaN and texts in them are the mistake. */
export function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(show).join(', ')}]` : describeValue(value);
}

export function spaceNames(spatial: number): string {
  return ['length', 'height, width', 'depth, height, width'][spatial - 1];
}

/** Windows are counted along these. @throws RangeError where one is open */
export function checkSpatialSizes(name: string, { shape }: { readonly shape: Shape }): void {
  for (let axis = 2; axis < shape.length; axis++) checkKnownSize(shape, axis, name);
}
