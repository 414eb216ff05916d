/**
 * Short-time Fourier transforms, as PyTorch's `stft` and `istft`: a signal cut into windows that overlap, the spectrum of each, and back.
 */
import { checkInteger, describeValue } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import * as operations from '../ops/patches.ts';
import type { PoolAttributes } from '../ops/pooling.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { ones } from './create.ts';
import { pad, sectionOf } from './select.ts';
import { fft, irfft, rfft } from './spectra.ts';

/** Options of `stft` and `istft`. */
export interface ShortTimeOptions {
  /** Numbers from one window to the next. Default ⌊fftSize / 4⌋. */
  readonly hop?: number;
  /** `[length]`, at most fftSize, in whose middle it lies: see `hannWindow`. Default: ones. */
  readonly window?: Tensor;
  /** Whether windows lie around their times, the signal mirrored at its ends. Default true. */
  readonly center?: boolean;
  /** Give frequencies up to the half only: the others are their conjugates. Default true. */
  readonly oneSided?: boolean;
  /** Divide by √fftSize. Default false. */
  readonly normalized?: boolean;
}

/**
 * The spectra of a real signal's windows.
 *
 * ```ts
 * stft(zeros([2, 16000]), 512, { window: hannWindow(512) }).shape; // [2, 257, 126, 2]
 * ```
 *
 * @param x [..., length]
 * @param fftSize numbers in a window
 * @returns [..., frequencies, windows, 2]: real and imaginary parts
 */
export function stft(x: Tensor, fftSize: number, options: ShortTimeOptions = {}): Tensor {
  const name = 'stft';
  checkOptions(name, options, 'hop window center oneSided normalized');
  const { shape } = checkTensor(x, name);
  if (shape.length === 0) throw shapeError(`${name}: expects a signal [..., length], got a scalar`);
  const last = shape.length - 1;
  checkKnownSize(shape, last, name);
  const { hop, window, center, oneSided, norm } = settings(name, x, fftSize, options);
  const half = Math.floor(fftSize / 2);
  const signal = x.cast(window.dtype);
  const wide = center ? pad(signal, shape.map((_, i) => (i === last ? [half, half] : [0, 0])), { mode: 'reflect' }) : signal; // biome-ignore format: short
  const length = wide.shape[last];
  if (length < fftSize)
    throw shapeError(`${name}: the signal has ${length} numbers, a window ${fftSize}; use a smaller one`);
  const attributes = windowsOf(length, fftSize, hop);
  // [..., within a window, windows] → [..., windows, within a window]
  const frames = apply(operations.unfold, [wide], attributes).transpose().mul(window);
  const spectra = oneSided
    ? rfft(frames, { norm })
    : fft(pad(frames.unsqueeze(-1), [...frames.shape.map((): [number, number] => [0, 0]), [0, 1]], {}), {
        norm,
      });
  return spectra.permute([...shape.slice(0, -1).keys(), last + 1, last, last + 2]);
}

/**
 * The signal that `stft` with the same options was made of: windows are added up where they lie and divided by what the squares of `window`
 * add up to there.
 *
 * @param x [..., frequencies, windows, 2]
 * @param options those of `stft`, and `length`: how long the signal was; default: as far as the last window reaches
 * @throws RangeError where the windows leave a part of the signal out
 */
export function istft(
  x: Tensor,
  fftSize: number,
  options: ShortTimeOptions & { readonly length?: number } = {},
): Tensor {
  const name = 'istft';
  checkOptions(name, options, 'hop window center oneSided normalized length');
  const { shape } = checkTensor(x, name);
  const rank = shape.length;
  const { hop, window, center, oneSided, norm } = settings(name, x, fftSize, options);
  const frequencies = oneSided ? Math.floor(fftSize / 2) + 1 : fftSize;
  if (rank < 3 || shape[rank - 1] !== 2 || shape[rank - 3] !== frequencies) {
    throw shapeError(
      `${name}: expects [..., ${frequencies} frequencies, windows, 2] for windows of ${fftSize}, got ${formatShape(shape)}`,
    );
  }
  checkKnownSize(shape, rank - 2, name);
  const count = shape[rank - 2];
  const turned = x.cast(window.dtype).permute([...shape.slice(0, -3).keys(), rank - 2, rank - 3, rank - 1]);
  // The other half of all frequencies has nothing to say: the signal is real.
  const frames = irfft(turned, { n: fftSize, norm });
  const whole = fftSize + hop * (count - 1);
  const attributes = windowsOf(whole, fftSize, hop);
  const sum = apply(operations.fold, [frames.mul(window).transpose()], attributes);
  const squares = window.square().unsqueeze(-1).broadcastTo([fftSize, count]);
  const weights = apply(operations.fold, [squares], attributes);
  const start = center ? Math.floor(fftSize / 2) : 0;
  const end =
    options.length === undefined ? whole - start : start + checkInteger(options.length, name, 'length', 1);
  const axis = rank - 3;
  const kept = Math.min(end, whole) - start;
  const seen = sectionOf(weights, start, kept, 0);
  const signal = sectionOf(sum, start, kept, axis).div(seen);
  if (end <= whole) return signal;
  return pad(signal, signal.shape.map((_, i) => [0, i === axis ? end - whole : 0]), {}); // biome-ignore format: short
}

function windowsOf(length: number, size: number, hop: number): PoolAttributes {
  const output = Math.floor((length - size) / hop) + 1;
  return { input: [length], output: [output], window: [size], stride: [hop], dilation: [1], low: [0] };
}

function settings(
  name: string,
  x: Tensor,
  fftSize: number,
  options: ShortTimeOptions,
): {
  readonly hop: number;
  readonly window: Tensor;
  readonly center: boolean;
  readonly oneSided: boolean;
  readonly norm: 'ortho' | 'backward';
} {
  checkInteger(fftSize, name, 'fftSize', 1);
  const { hop = Math.max(1, Math.floor(fftSize / 4)), center = true, oneSided = true } = options;
  checkInteger(hop, name, 'hop', 1);
  const dtype = floatOf(x.dtype);
  const given = options.window === undefined ? ones([fftSize]) : checkTensor(options.window, name, 'window');
  if (given.shape.length !== 1 || given.shape[0] > fftSize || given.shape[0] === 0)
    throw valueError(
      `${name}: the window must be [length] with at most ${fftSize} numbers, got ${describeValue(given.shape)}`,
    );
  const missing = fftSize - given.shape[0];
  const before = Math.floor(missing / 2);
  const window = missing === 0 ? given : pad(given, [[before, missing - before]], {});
  return {
    hop,
    window: window.cast(dtype),
    center,
    oneSided,
    norm: options.normalized ? 'ortho' : 'backward',
  };
}
