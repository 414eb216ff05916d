/**
 * `Resize` and `Upsample`: each axis by itself, every element of the result from a few of the input.
 */
import { isFloat, type Tensor, tensor } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { quoted } from '../errors.ts';
import { type Call, hostLength, type Rules } from './call.ts';

/** How one axis is resized. */
interface Axis {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  /** Part of the axis that is taken, as shares of it. */
  readonly region: readonly [number, number];
}

interface Settings {
  readonly mode: string;
  readonly nearest: string;
  readonly coordinates: string;
  readonly antialias: boolean;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
}

/** Where position `x` of the result lies in the input. */
function sourceOf(x: number, { from, to, scale, region }: Axis, coordinates: string): number {
  const wide = scale * from;
  switch (coordinates) {
    case 'align_corners':
      return wide === 1 ? 0 : (x * (from - 1)) / (wide - 1);
    case 'asymmetric':
      return x / scale;
    case 'pytorch_half_pixel':
      return wide === 1 ? -0.5 : (x + 0.5) / scale - 0.5;
    case 'tf_half_pixel_for_nn':
      return (x + 0.5) / scale;
    case 'half_pixel':
      return (x + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric':
      return (from / 2) * (1 - to / wide) + (x + 0.5) / scale - 0.5;
    case 'tf_crop_and_resize': {
      const [start, end] = region;
      const inside =
        wide === 1 ? ((end - start) * (from - 1)) / 2 : (x * (end - start) * (from - 1)) / (wide - 1);
      return inside + start * (from - 1);
    }
    default:
      throw valueError(`there is no coordinate transformation ${quoted(coordinates)}`);
  }
}

function nearestTo(x: number, mode: string): number {
  const low = Math.floor(x);
  if (x === low || mode === 'floor') return low;
  if (mode === 'ceil') return low + 1;
  const up = mode === 'round_prefer_ceil' ? x - low >= 0.5 : x - low > 0.5;
  return up ? low + 1 : low;
}

/** Weights at a distance: a tent, or the cubic of Keys (1981). */
function kernelOf({ mode, cubic: a }: Settings): { readonly reach: number; of(distance: number): number } {
  if (mode === 'linear') return { reach: 1, of: (d) => Math.max(0, 1 - Math.abs(d)) };
  if (mode !== 'cubic') throw valueError(`there is no mode ${quoted(mode)}`);
  return {
    reach: 2,
    of: (distance) => {
      const d = Math.abs(distance);
      if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    },
  };
}

/** Positions in the input and their weights, for each position of the result. */
function taps(axis: Axis, settings: Settings): { readonly at: number[][]; readonly weights: number[][] } {
  const { reach, of } = kernelOf(settings);
  // A smaller picture takes in what lies between, where it is asked to.
  const squeeze = settings.antialias ? Math.min(axis.scale, 1) : 1;
  const first = Math.floor(-reach / squeeze) + 1;
  const count = 2 - 2 * first;
  hostLength(count * axis.to);
  const at: number[][] = [];
  const weights: number[][] = [];
  for (let o = 0; o < axis.to; o++) {
    const x = sourceOf(o, axis, settings.coordinates);
    // On an element the window begins one further to the left.
    const base = Math.ceil(x) - 1;
    const places = Array.from({ length: count }, (_, i) => base + first + i);
    let own = places.map((place) => of((place - x) * squeeze));
    if (settings.excludeOutside) own = own.map((w, i) => (places[i] < 0 || places[i] >= axis.from ? 0 : w));
    const sum = own.reduce((a, b) => a + b, 0);
    if (settings.antialias || settings.excludeOutside) own = own.map((w) => w / (sum || 1));
    at.push(places.map((place) => Math.min(axis.from - 1, Math.max(0, place))));
    weights.push(own);
  }
  return { at, weights };
}

function resizeAxis(x: Tensor, axis: Axis, settings: Settings): Tensor {
  const along = (list: readonly number[]): Tensor =>
    tensor(Float32Array.from(list))
      .reshape(x.shape.map((_, i) => (i === axis.axis ? list.length : 1)))
      .cast(x.dtype);
  const taken = (list: readonly number[]): Tensor => x.take(tensor(Int32Array.from(list)), axis.axis);
  let result: Tensor;
  if (settings.mode === 'nearest') {
    const places = Array.from({ length: axis.to }, (_, o) =>
      nearestTo(sourceOf(o, axis, settings.coordinates), settings.nearest),
    );
    result = taken(places.map((place) => Math.min(axis.from - 1, Math.max(0, place))));
  } else {
    const { at, weights } = taps(axis, settings);
    const terms = at[0].flatMap((_, k) => {
      const own = weights.map((row) => row[k]);
      return own.every((w) => w === 0) ? [] : [taken(at.map((row) => row[k])).mul(along(own))];
    });
    result = terms.reduce((sum, term) => sum.add(term));
  }
  if (settings.coordinates !== 'tf_crop_and_resize') return result;
  const outside = Array.from({ length: axis.to }, (_, o) => {
    const source = sourceOf(o, axis, settings.coordinates);
    return Number(source < 0 || source > axis.from - 1);
  });
  if (!outside.includes(1)) return result;
  return along(outside).cast('bool').where(settings.extrapolation, result);
}

/** Sizes and scales of all axes. */
function axesOf(call: Call, x: Tensor): Axis[] {
  const rank = x.shape.length;
  const given = call.ints('axes')?.map((axis) => call.axis(axis, rank)) ?? [...x.shape.keys()];
  const later = call.opset >= 11;
  const known = (i: number): number[] | null => {
    const list = call.optionalNumbers(i);
    return list && list.length > 0 ? list : null;
  };
  const early = (call.floats('scales') ?? null) as readonly number[] | null;
  const scales = later ? known(2) : (early ?? known(1));
  const sizes = later ? known(3) : null;
  const roi = later ? known(1) : null;
  if (!scales && !sizes) throw valueError('there are neither scales nor sizes');
  const policy = call.text('keep_aspect_ratio_policy', 'stretch');
  let shared: number | null = null;
  if (sizes && policy !== 'stretch') {
    const all = given.map((axis, i) => sizes[i] / x.shape[axis]);
    shared = policy === 'not_larger' ? Math.min(...all) : Math.max(...all);
  }
  return given.map((axis, i) => {
    const from = x.shape[axis];
    const scale = shared ?? (sizes ? sizes[i] / from : scales![i]);
    const to = sizes
      ? shared === null
        ? sizes[i]
        : Math.floor(shared * from + 0.5)
      : Math.floor(from * scale);
    if (!(from >= 1 && hostLength(to) >= 1))
      throw valueError(`axis ${axis} cannot go from ${from} to ${to} elements`);
    return { axis, from, to, scale, region: roi ? [roi[i], roi[given.length + i]] : [0, 1] };
  });
}

function resize(call: Call): Tensor {
  const x = call.tensor(0);
  // Before version 11 elements began where they were, and the nearest was the one before.
  const early = call.opset < 11 || call.node.proto.opType === 'Upsample';
  const settings: Settings = {
    mode: call.text('mode', 'nearest').replace('bilinear', 'linear'),
    nearest: call.text('nearest_mode', early ? 'floor' : 'round_prefer_floor'),
    coordinates: call.text('coordinate_transformation_mode', early ? 'asymmetric' : 'half_pixel'),
    antialias: call.int('antialias', 0) === 1,
    cubic: call.float('cubic_coeff_a', -0.75),
    excludeOutside: call.int('exclude_outside', 0) === 1,
    extrapolation: call.float('extrapolation_value', 0),
  };
  const real = settings.mode === 'nearest' || isFloat(x.dtype) ? x : x.cast('float32');
  const result = axesOf(call, x).reduce((y, axis) => {
    const whole = axis.region[0] === 0 && axis.region[1] === 1;
    if (axis.from === axis.to && axis.scale === 1 && whole) return y;
    return resizeAxis(y, axis, settings);
  }, real);
  return result.cast(x.dtype);
}

export const resizing: Rules = { Resize: resize, Upsample: resize };
