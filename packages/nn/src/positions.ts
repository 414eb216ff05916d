/**
 * Where a token stands, which attention itself does not know. Rotations of queries and keys, waves that are added to
 * embeddings, and penalties of distance.
 */
import { arange, concat, type DType, stack, type Tensor, tensor } from '@ag/tensor';
import { checkNumber, checkOptions, checkTensor, shapeError, valueError } from '@ag/tensor/engine';
import { cos, pow, sin } from '@ag/tensor/math';
import { checkCount } from './check.ts';

/** Options of {@link rotaryEmbedding}. */
export interface RotaryOptions {
  /** Wavelengths go from 2π to 2π · base. Default 10000. */
  readonly base?: number;
  /** Features that are turned, from the first; an even number. Default: all. */
  readonly features?: number;
  /**
   * Pairs are neighbors (features 2i and 2i + 1, as published) or stand half the features apart (i and i + d/2, as LLaMA's files
   * of Hugging Face have it). Default false, half apart.
   */
  readonly interleaved?: boolean;
}

/**
 * Turns pairs of features by an angle that grows with the position, so that products of queries and keys depend on their distance
 * (Su et al. 2021): pair i of d features by position · base^(−2i / d).
 *
 * ```ts
 * const turned = nn.rotaryEmbedding(x.reshape([2, 16, 4, 8])); // 2 sequences of 16 positions, 4 heads of 8 features
 * ```
 *
 * @param x `[..., time, heads, d]`
 * @param options.positions of the rows, `[time]`; default 0 … time − 1
 * @returns `[..., time, heads, d]`
 * @throws RangeError for an odd number of features
 */
export function rotaryEmbedding(
  x: Tensor,
  options: RotaryOptions & { readonly positions?: Tensor } = {},
): Tensor {
  checkOptions('rotaryEmbedding', options, 'base features interleaved positions');
  const { shape } = checkTensor(x, 'rotaryEmbedding');
  if (shape.length < 3)
    throw shapeError(`rotaryEmbedding: expects [..., time, heads, features], got [${shape.join(', ')}]`);
  const [time, , all] = shape.slice(-3) as number[];
  const { base = 10000, features = all, interleaved = false } = options;
  checkRotary(features, all, base);
  const positions = options.positions ?? arange(0, time, 1, { dtype: 'int32' });
  if (positions.shape.join() !== `${time}`) {
    throw shapeError(
      `rotaryEmbedding: positions must be [${time}], one for each row, got [${positions.shape.join(', ')}]`,
    );
  }
  const angles = positions
    .cast(x.dtype)
    .unsqueeze(-1)
    .mul(frequencies(features, base, x.dtype))
    .unsqueeze(1);
  const [cos, sin] = [angles.cos(), angles.sin()];
  const part = (from: number, count: number, step = 1): Tensor =>
    x.sliceFrom(from, count, shape.length - 1, step);
  const half = features / 2;
  const a = interleaved ? part(0, half, 2) : part(0, half);
  const b = interleaved ? part(1, half, 2) : part(half, half);
  const pair = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
  const turned = interleaved ? stack(pair, -1).reshape([...shape.slice(0, -1), features]) : concat(pair, -1);
  return features === all ? turned : concat([turned, part(features, all - features)], -1);
}

/** What a layer turns, of heads with `width` features. @throws RangeError for what cannot be turned */
export function rotaryOptions(rotary: true | RotaryOptions, width: number): RotaryOptions {
  const options = rotary === true ? {} : rotary;
  checkOptions('multiHeadAttention: rotary', options, 'base features interleaved');
  const { features = width, base = 10000 } = options;
  checkRotary(features, width, base);
  return options;
}

function checkRotary(features: number, all: number, base: number): void {
  if (!Number.isInteger(features) || features < 2 || features % 2 !== 0 || features > all) {
    throw valueError(
      `rotaryEmbedding: features are turned in pairs, so their number must be even and at most ${all}, got ${features}`,
    );
  }
  if (!(checkNumber(base, 'rotaryEmbedding', 'base') > 0))
    throw valueError(`rotaryEmbedding: base must be above 0, got ${base}`);
}

/** base^(−2i / features) for each pair, computed in double precision. */
function frequencies(features: number, base: number, dtype: DType): Tensor {
  const data = Float64Array.from({ length: features / 2 }, (_, i) => pow(base, (-2 * i) / features));
  return tensor(data, { dtype });
}

/**
 * Waves that tell positions apart, to be added to embeddings (Vaswani et al. 2017): feature 2i of position p is
 * sin(p · base^(−2i / features)), feature 2i + 1 the cosine.
 *
 * ```ts
 * const placed = x.add(nn.sinusoidalPositions(x.shape[1], x.shape[2]));
 * ```
 *
 * @param options.base default 10000
 * @returns `[time, features]`
 * @throws RangeError for sizes that are no whole numbers ≥ 1
 */
export function sinusoidalPositions(
  time: number,
  features: number,
  options: { readonly base?: number; readonly dtype?: DType } = {},
): Tensor {
  checkOptions('sinusoidalPositions', options, 'base dtype');
  checkCount(time, 'sinusoidalPositions', 'positions');
  checkCount(features, 'sinusoidalPositions', 'features');
  const { base = 10000, dtype = 'float32' } = options;
  const data = Float64Array.from({ length: time * features }, (_, at) => {
    const [position, i] = [Math.floor(at / features), at % features];
    const angle = position * pow(base, -(i - (i % 2)) / features);
    return i % 2 === 0 ? sin(angle) : cos(angle);
  });
  return tensor(data, { shape: [time, features], dtype });
}

/**
 * Attention with linear biases (Press et al. 2022): scores lose slope · distance, with a slope for each head. A float mask, for
 * models that need no other positions.
 *
 * ```ts
 * const attention = nn.multiHeadAttention(64, 4);
 * const seen = attention.forward(x, { causal: true, mask: nn.alibi(4, x.shape[1]) });
 * ```
 *
 * @param heads slopes are 2^(−8i / heads), i from 1; where their number is no power of 2, as published
 * @param time of queries; where there are fewer than keys, they are the last ones
 * @param keys default: as many as queries
 * @returns `[1, heads, time, keys]`, −slope · |query − key|
 */
export function alibi(
  heads: number,
  time: number,
  keys = time,
  options: { readonly dtype?: DType } = {},
): Tensor {
  checkOptions('alibi', options, 'dtype');
  checkCount(heads, 'alibi', 'heads');
  checkCount(time, 'alibi', 'queries');
  checkCount(keys, 'alibi', 'keys');
  const slopes = slopesOf(heads);
  const data = Float64Array.from({ length: heads * time * keys }, (_, at) => {
    const [head, query, key] = [Math.floor(at / (time * keys)), Math.floor(at / keys) % time, at % keys];
    return -slopes[head] * Math.abs(query + keys - time - key);
  });
  return tensor(data, { shape: [1, heads, time, keys], dtype: options.dtype ?? 'float32' });
}

function slopesOf(heads: number): number[] {
  const whole = 2 ** (31 - Math.clz32(heads));
  const powers = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => pow(2, (-8 * (i + 1)) / count));
  // The others come from between: every second slope of twice as many heads.
  const between = powers(2 * whole).filter((_, i) => i % 2 === 0);
  return [...powers(whole), ...between.slice(0, heads - whole)];
}
