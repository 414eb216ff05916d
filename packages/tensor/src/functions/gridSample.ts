/**
 * Sampling pictures at computed places, as PyTorch's `grid_sample` and `affine_grid` do it: differentiable in the picture and in the places.
 */
import { checkArray, checkInteger, describeValue } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import { checkOptions } from '../options.ts';
import { formatShape, sizeOf } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';
import { stack } from './free.ts';
import { gatherAlong, sectionOf } from './select.ts';

/** Options of `gridSample`. */
export interface GridSampleOptions {
  /** `'bilinear'` (linear along every axis), `'nearest'`, or, for pictures, `'bicubic'`. Default 'bilinear'. */
  readonly mode?: 'bilinear' | 'nearest' | 'bicubic';
  /** What lies outside: zeros, the border's element, or the picture mirrored again and again. Default 'zeros'. */
  readonly paddingMode?: 'zeros' | 'border' | 'reflection';
  /** −1 and 1 are the centers of the outermost elements, else their outer edges. Default false. */
  readonly alignCorners?: boolean;
}

/**
 * The picture at places of the grid: out[n, c, …] = x[n, c] at grid[n, …].
 *
 * ```ts
 * const theta = tensor([[[1, 0, 0.2], [0, 1, 0]]]); // a fifth of half the width to the right
 * gridSample(x, affineGrid(theta, [1, 3, 32, 32])).shape; // [1, 3, 32, 32]
 * ```
 *
 * @param x [batch, channels, height, width], or with a depth before
 * @param grid [batch, output height, output width, 2], or with a depth and 3: coordinates (x, y[, z]) from −1, at the left and upper
 * edge, to 1; NaN counts as −1
 */
export function gridSample(x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  const name = 'gridSample';
  checkOptions(name, options, 'mode paddingMode alignCorners');
  const { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false } = options;
  const spatial = checkTensor(x, name).shape.length - 2;
  checkTensor(grid, name, 'grid');
  if (
    (spatial !== 2 && spatial !== 3) ||
    grid.shape.length !== spatial + 2 ||
    grid.shape[spatial + 1] !== spatial ||
    grid.shape[0] !== x.shape[0]
  ) {
    throw shapeError(
      `${name}: needs pictures [batch, channels, height, width] and places [batch, height, width, 2], or both with a depth and 3, got ` +
        `${formatShape(x.shape)} and ${formatShape(grid.shape)}`,
    );
  }
  if (!['zeros', 'border', 'reflection'].includes(paddingMode))
    throw valueError(
      `${name}: paddingMode must be 'zeros', 'border' or 'reflection', got ${describeValue(paddingMode)}`,
    );
  if (!['bilinear', 'nearest', 'bicubic'].includes(mode) || (mode === 'bicubic' && spatial === 3))
    throw valueError(
      `${name}: mode must be 'bilinear', 'nearest' or, for pictures, 'bicubic', got ${describeValue(mode)}`,
    );
  const sizes = x.shape.slice(2);
  sizes.forEach((size, i) => {
    checkKnownSize(x.shape, 2 + i, name);
    if (size === 0) throw shapeError(`${name}: axis ${2 + i} of ${formatShape(x.shape)} has no elements`);
  });
  const dtype = floatOf(x.dtype);
  const picture = x.cast(dtype);
  const places = grid.shape.slice(1, -1);
  const count = sizeOf(places);
  const given = grid.cast(dtype).reshape([x.shape[0], count, spatial]);
  // From the first spatial axis to the last: the grid names the last one first.
  const at = sizes.map((size, i) => {
    const raw = sectionOf(given, spatial - 1 - i, 1, 2).squeeze(2);
    const clean = raw.isNaN().where(-1, raw);
    return alignCorners ? clean.add(1).mul((size - 1) / 2) : clean.add(1).mul(size).sub(1).mul(0.5);
  });
  const inside = (t: Tensor, size: number): Tensor => padded(t, size, paddingMode, alignCorners);
  const sampler = new Sampler(picture, sizes);
  let result: Tensor;
  if (mode === 'nearest') {
    result = sampler.at(at.map((t, i) => inside(t, sizes[i]).detach().round()));
  } else if (mode === 'bilinear') {
    const axes = at.map((t, i) => {
      const own = inside(t, sizes[i]);
      const low = own.detach().floor();
      const rest = own.sub(low);
      return [
        [low, rest.neg().add(1)],
        [low.add(1), rest],
      ] as [Tensor, Tensor][];
    });
    result = sampler.weighted(axes);
  } else {
    const axes = at.map((t, i) => {
      const low = t.detach().floor();
      return cubic(t.sub(low)).map((weight, k): [Tensor, Tensor] => [
        inside(low.add(k - 1), sizes[i]),
        weight,
      ]);
    });
    result = sampler.weighted(axes);
  }
  return result.reshape([x.shape[0], x.shape[1], ...places]);
}

/** Weights of the elements at −1 … 2, as in `resize`, a = −¾. */
function cubic(t: Tensor): Tensor[] {
  const a = -0.75;
  const near = (x: Tensor): Tensor =>
    x
      .mul(a + 2)
      .sub(a + 3)
      .mul(x)
      .mul(x)
      .add(1);
  const far = (x: Tensor): Tensor => x.sub(5).mul(x).add(8).mul(x).sub(4).mul(a);
  const other = t.neg().add(1);
  return [far(t.add(1)), near(t), near(other), far(other.add(1))];
}

/** Coordinates brought into the picture; with zeros around it they stay. */
function padded(t: Tensor, size: number, mode: string, alignCorners: boolean): Tensor {
  if (mode === 'zeros') return t;
  if (mode === 'border') return t.clamp(0, size - 1);
  const low = alignCorners ? 0 : -0.5;
  const span = alignCorners ? size - 1 : size;
  if (span === 0) return t.mul(0);
  // What lies beyond an edge is mirrored; every second time it comes out as it was.
  const distance = t.sub(low).abs();
  const extra = distance.mod(span);
  const even = distance.detach().div(span).floor().mod(2).equal(0);
  return even.where(extra.add(low), extra.neg().add(span + low)).clamp(0, size - 1);
}

/** Reads a picture at places that are whole numbers, 0 outside. */
class Sampler {
  readonly #rows: Tensor;
  readonly #sizes: readonly number[];

  constructor(picture: Tensor, sizes: readonly number[]) {
    const [batch, channels] = picture.shape;
    this.#rows = picture.reshape([batch, channels, sizeOf(sizes)]);
    this.#sizes = sizes;
  }

  /** `at`: for each spatial axis the positions [batch, places]. [batch, channels, places]. */
  at(at: readonly Tensor[]): Tensor {
    let seen: Tensor | null = null;
    let flat: Tensor | null = null;
    at.forEach((position, i) => {
      const size = this.#sizes[i];
      const fits = position.greaterEqual(0).logicalAnd(position.lessEqual(size - 1));
      const index = position
        .detach()
        .clamp(0, size - 1)
        .cast('int32');
      seen = seen === null ? fits : (seen as Tensor).logicalAnd(fits);
      flat = flat === null ? index : (flat as Tensor).mul(size).add(index);
    });
    const index = (flat! as Tensor).unsqueeze(1);
    return (seen! as Tensor).unsqueeze(1).where(gatherAlong(this.#rows, index, 2), 0);
  }

  /** The sum over all combinations of the axes' positions, weighted with the product of their weights. */
  weighted(axes: readonly (readonly [Tensor, Tensor][])[]): Tensor {
    let combined: { at: Tensor[]; weight: Tensor | null }[] = [{ at: [], weight: null }];
    for (const axis of axes) {
      combined = combined.flatMap(({ at, weight }) =>
        axis.map(([position, own]) => ({
          at: [...at, position],
          weight: weight === null ? own : weight.mul(own),
        })),
      );
    }
    return combined
      .map(({ at, weight }) => this.at(at).mul(weight!.unsqueeze(1)))
      .reduce((sum, term) => sum.add(term));
  }
}

/**
 * The places of a picture after an affine map, for `gridSample`: grid[n, …] = theta[n] · (x, y[, z], 1).
 *
 * @param theta [batch, 2, 3], or [batch, 3, 4] for volumes
 * @param size of the result that is to be sampled: [batch, channels, height, width] or [batch, channels, depth, height, width]
 * @param options `alignCorners`: as for `gridSample`. Default false
 * @returns [batch, height, width, 2] or [batch, depth, height, width, 3]
 */
export function affineGrid(
  theta: Tensor,
  size: readonly number[],
  options: { readonly alignCorners?: boolean } = {},
): Tensor {
  const name = 'affineGrid';
  checkOptions(name, options, 'alignCorners');
  const spatial = checkArray(size, name, 'size').length - 2;
  for (const n of size) checkInteger(n, name, 'size', 1);
  checkTensor(theta, name, 'theta');
  const fits =
    (spatial === 2 || spatial === 3) &&
    theta.shape.length === 3 &&
    theta.shape[0] === size[0] &&
    theta.shape[1] === spatial &&
    theta.shape[2] === spatial + 1;
  if (!fits) {
    throw shapeError(
      `${name}: needs theta [batch, 2, 3] for a size [batch, channels, height, width], or [batch, 3, 4] with a depth, got ` +
        `${formatShape(theta.shape)} for [${size.join(', ')}]`,
    );
  }
  const dtype = floatOf(theta.dtype);
  const places = size.slice(2);
  const axes = places.map((n, i) => {
    const scale = options.alignCorners ? 1 : (n - 1) / n;
    const line = Float64Array.from({ length: n }, (_, k) => (n === 1 ? 0 : ((2 * k) / (n - 1) - 1) * scale));
    return fromArray(line, places.map((_, j) => (j === i ? n : 1)), 'float64').broadcastTo(places); // biome-ignore format: short
  });
  const one = fromArray(Float64Array.of(1), [1], 'float64').broadcastTo(places);
  const base = stack([...axes.reverse(), one], -1).cast(dtype);
  const flat = base.reshape([1, sizeOf(places), spatial + 1]);
  return flat.matmul(theta.cast(dtype).transpose()).reshape([size[0], ...places, spatial]);
}
