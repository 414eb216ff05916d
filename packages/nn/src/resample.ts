/**
 * Layers that change how many positions there are: upsampling, and channels laid out as pixels.
 */
import { type Tensor, tensor } from '@ag/tensor';
import { checkOptions, shapeError, valueError } from '@ag/tensor/engine';
import { checkCount, checkRank } from './check.ts';
import { Module } from './module.ts';

/** Options of {@link upsample}. */
export interface UpsampleOptions {
  /** The output's size along each axis after the channels; one number for all. This or `scale`. */
  readonly size?: number | readonly number[];
  /** By what sizes are multiplied, rounded down. This or `size`. */
  readonly scale?: number | readonly number[];
  /** 'nearest' (default), or 'linear' between the neighbors along each axis. */
  readonly mode?: 'nearest' | 'linear';
  /** For 'linear': the corner pixels of both lie on each other, not the corners of their areas. Default false. */
  readonly alignCorners?: boolean;
}

/** Where the values along an axis come from: positions below and above, and the share of the one above. */
interface Sources {
  readonly below: Tensor;
  readonly above: Tensor;
  readonly share: Tensor;
}

/** See {@link upsample}. */
export class Upsample extends Module {
  readonly options: UpsampleOptions;
  /** By the sizes of an axis. */
  readonly #sources = new Map<string, Sources>();

  /** Use {@link upsample}. */
  constructor(options: UpsampleOptions) {
    super();
    checkOptions('upsample', options, 'size scale mode alignCorners');
    const { size, scale, mode = 'nearest', alignCorners = false } = options;
    if ((size === undefined) === (scale === undefined))
      throw valueError('upsample: say either size or scale, upsample({ scale: 2 })');
    if (mode !== 'nearest' && mode !== 'linear')
      throw valueError(`upsample: the mode must be 'nearest' or 'linear', got '${String(mode)}'`);
    if (alignCorners && mode === 'nearest')
      throw valueError("upsample: alignCorners is of the mode 'linear'");
    for (const one of [size ?? []].flat()) checkCount(one, 'upsample', 'positions');
    for (const one of [scale ?? []].flat())
      if (!(Number.isFinite(one) && one > 0))
        throw valueError(`upsample: the scale must be above 0, got ${one}`);
    this.options = options;
  }

  override forward(x: Tensor): Tensor {
    checkRank(x, [3, 4, 5], 'upsample', '[batch, channels, …] with one to three axes of positions');
    const spaces = x.shape.slice(2);
    const each = <T>(given: T | readonly T[]): readonly T[] =>
      Array.isArray(given) ? given : spaces.map(() => given as T);
    const { size, scale, mode = 'nearest' } = this.options;
    const scales = scale === undefined ? null : each(scale);
    const sizes = scales ? spaces.map((n, i) => Math.floor(n * scales[i])) : each(size!);
    if ((scales ?? sizes).length !== spaces.length) {
      throw shapeError(
        `upsample: [${x.shape.join(', ')}] has ${spaces.length} axes of positions, but there are ${(scales ?? sizes).length} sizes`,
      );
    }
    return sizes.reduce<Tensor>((y, to, i) => {
      const axis = i + 2;
      const from = spaces[i];
      const ratio = scales ? 1 / scales[i] : from / to;
      if (to === from && ratio === 1) return y;
      return mode === 'nearest' ? this.#nearest(y, axis, to, ratio) : this.#linear(y, axis, to, ratio);
    }, x);
  }

  #nearest(x: Tensor, axis: number, to: number, ratio: number): Tensor {
    const { shape } = x;
    const from = shape[axis];
    if (to % from === 0 && ratio === from / to) {
      const wide = [...shape.slice(0, axis + 1), to / from, ...shape.slice(axis + 1)];
      return x
        .unsqueeze(axis + 1)
        .broadcastTo(wide)
        .reshape(shape.map((n, i) => (i === axis ? to : n)));
    }
    return x.indexSelect(axis, this.#sourcesOf(from, to, ratio, x).below);
  }

  #linear(x: Tensor, axis: number, to: number, ratio: number): Tensor {
    const { below, above, share } = this.#sourcesOf(x.shape[axis], to, ratio, x);
    const low = x.indexSelect(axis, below);
    const along = x.shape.map((_, i) => (i === axis ? to : 1));
    return low.add(x.indexSelect(axis, above).sub(low).mul(share.reshape(along)));
  }

  #sourcesOf(from: number, to: number, ratio: number, { dtype }: Tensor): Sources {
    const key = `${from},${to},${ratio},${dtype}`;
    let found = this.#sources.get(key);
    if (!found) {
      const { mode = 'nearest', alignCorners = false } = this.options;
      const place = (i: number): number => {
        if (mode === 'nearest') return Math.min(from - 1, Math.floor(i * ratio));
        if (alignCorners) return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
        return Math.max(0, (i + 0.5) * ratio - 0.5);
      };
      const places = Array.from({ length: to }, (_, i) => place(i));
      const below = places.map((p) => Math.min(from - 1, Math.floor(p)));
      found = {
        below: tensor(below, { dtype: 'int32' }),
        above: tensor(
          below.map((p) => Math.min(from - 1, p + 1)),
          { dtype: 'int32' },
        ),
        share: tensor(
          places.map((p, i) => p - below[i]),
          { dtype },
        ),
      };
      this.#sources.set(key, found);
    }
    return found;
  }

  override describe() {
    return ['upsample', this.options] as const;
  }
}

/**
 * More positions (or fewer) by repeating or interpolating, `[batch, channels, …] → [batch, channels, …]` with one to three axes of
 * positions. Pixels are areas whose corners meet, as in PyTorch's `Upsample`.
 *
 * ```ts
 * const grow = sequential(upsample({ scale: 2 }), conv2d(16, 8, 3, { padding: 'same' }));
 * ```
 *
 * @throws RangeError without a size or a scale, or with both
 */
export function upsample(options: UpsampleOptions): Upsample {
  return new Upsample(options);
}

/** See {@link pixelShuffle}. */
export class PixelShuffle extends Module {
  readonly factor: number;

  /** Use {@link pixelShuffle}. */
  constructor(factor: number) {
    super();
    this.factor = checkCount(factor, 'pixelShuffle', 'pixels along a side');
  }

  override forward(x: Tensor): Tensor {
    checkRank(x, [4], 'pixelShuffle', '[batch, channels · factor², height, width]');
    const [batch, channels, height, width] = x.shape;
    const { factor } = this;
    if (channels % factor ** 2 !== 0) {
      throw shapeError(
        `pixelShuffle: ${channels} channels do not divide into squares of ${factor}², [${x.shape.join(', ')}]`,
      );
    }
    const fewer = channels / factor ** 2;
    return x
      .reshape([batch, fewer, factor, factor, height, width])
      .permute([0, 1, 4, 2, 5, 3])
      .reshape([batch, fewer, height * factor, width * factor]);
  }

  override describe() {
    return ['pixelShuffle', this.factor] as const;
  }
}

/**
 * Lays factor² channels out as the pixels of a square (Shi et al. 2016): `[batch, channels · factor², height, width] → [batch,
 * channels, height · factor, width · factor]`.
 *
 * @throws RangeError for channels that do not divide
 */
export function pixelShuffle(factor: number): PixelShuffle {
  return new PixelShuffle(factor);
}
