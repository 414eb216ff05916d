/**
 * Random numbers that depend on a seed and a position alone. They come from the counter-based generator Philox4x32-10 (Salmon,
 * Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * Example 4711 of a generated set, or epoch 12 of a shuffle, is computed without computing anything before it,
 * and is the same in Node and in every browser: only integer arithmetic, IEEE + − × ÷ and square roots are used.
 */
import { cosineOfTurn, naturalLogarithm, sineOfTurn } from './deterministicMath.ts';
import { DataError } from './errors.ts';

/** A stream of random numbers. Streams with different seeds or different paths are independent. */
export interface RandomStream {
  /** An integer from 0 to 2³² − 1. */
  bits(): number;
  /** A number in [low, high), 2³² steps. Defaults to [0, 1). */
  uniform(low?: number, high?: number): number;
  /** An unbiased integer from 0 to `count − 1`. */
  integer(count: number): number;
  /** A normal number with mean 0 and standard deviation 1 (Box–Muller). */
  normal(): number;
}

/**
 * The stream of a seed and a path of up to three integers, such as (purpose, epoch, example): always the same numbers.
 *
 * @param seed an integer from 0 to 2⁵³ − 1
 * @throws DataError when the seed is not such an integer
 */
export function randomStream(seed: number, a = 0, b = 0, c = 0): RandomStream {
  checkSeed(seed);
  const low = seed >>> 0;
  const high = Math.floor(seed / 4294967296) >>> 0;
  const block = new Uint32Array(4);
  let counter = 0;
  let next = 4;
  let spareNormal: number | undefined;

  const bits = () => {
    if (next === 4) {
      philox(counter++, a, b, c, low, high, block);
      next = 0;
    }
    return block[next++];
  };
  const uniform = (from = 0, to = 1) => from + (to - from) * (bits() * 2 ** -32);
  return {
    bits,
    uniform,
    integer(count) {
      const limit = 4294967296 - (4294967296 % count);
      let value = bits();
      while (value >= limit) value = bits();
      return value % count;
    },
    normal() {
      if (spareNormal !== undefined) {
        const value = spareNormal;
        spareNormal = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * naturalLogarithm((bits() + 1) * 2 ** -32));
      const turn = bits() * 2 ** -32;
      spareNormal = radius * sineOfTurn(turn);
      return radius * cosineOfTurn(turn);
    },
  };
}

/**
 * The numbers 0 … count − 1 in a random order (Fisher–Yates).
 *
 * @param path what the order belongs to, such as (purpose, epoch)
 */
export function permutationOf(count: number, seed: number, a = 0, b = 0): Int32Array {
  const random = randomStream(seed, a, b, 1);
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

/** Throws a DataError unless `seed` is an integer from 0 to 2⁵³ − 1. */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new DataError('seed', {
      code: 'option',
      expected: 'an integer from 0 to 2^53 - 1',
      found: String(seed),
    });
  }
}

/**
 * One block of Philox4x32 with ten rounds: 128 bits of counter and 64 bits of key to 128 random bits.
 * Exported for its test against the published known answers.
 *
 * @internal
 */
export function philox(
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  let x0 = counter0 | 0;
  let x1 = counter1 | 0;
  let x2 = counter2 | 0;
  let x3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, x0);
    const low0 = Math.imul(0xd2511f53, x0);
    const high1 = multiplyHigh(0xcd9e8d57, x2);
    const low1 = Math.imul(0xcd9e8d57, x2);
    x0 = high1 ^ x1 ^ k0;
    x1 = low1;
    x2 = high0 ^ x3 ^ k1;
    x3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers, from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16);
  const carry = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}
