/**
 * The numbers that these functions are made of, shared with backends that take the same steps in code of their own.
 */

/** ln 2 in two parts: the first has 32 bits, so that products with exponents are exact. */
export const ln2 = [0.6931471803691238, 1.9082149292705877e-10] as const;

/** ln 0.75 and ln 1.25 in two parts, the first with as many bits as that of ln 2. */
export const logarithmOf075 = [-0.28768207249231637, 4.053543780278539e-11] as const;
export const logarithmOf125 = [0.22314355126582086, 4.838889490356316e-11] as const;

/** 2/3 in two parts, the first with 26 bits. */
export const twoThirds = [0.6666666716337204, -4.967053731282552e-9] as const;

/** 1.5·2⁵²: adding it leaves no bits for a fraction. */
export const rounding = 6755399441055744;

/** Below it eˣ − 1, sinh, tanh and log(1 + x) are x. */
export const tiny = 2 ** -54;

/** 1/3!, 1/4!, … 1/14!: (eʳ − 1 − r − r²/2)/r³ for |r| ≤ ½·ln 2. */
export const exponentialSeries = [
  1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800, 1 / 479001600,
  1 / 6227020800, 1 / 87178291200,
] as const; // biome-ignore format: a series

/** 3/5, 3/7, …: (3/(2s)·log((1 + s)/(1 − s)) − 3 − s²)/s⁴ as a polynomial of s², |s| ≤ 0.072. */
export const logarithmSeries = [3 / 5, 3 / 7, 3 / 9, 3 / 11, 3 / 13, 3 / 15, 3 / 17, 3 / 19] as const;

/** π/2 in four parts: the first three have 33 bits, so that their products with multiples below 2²⁰ are exact. */
export const halfPiParts = [
  1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32,
] as const; // biome-ignore format: parts

/** π/2 in two parts. */
export const halfPi = [1.5707963267948966, 6.123233995736766e-17] as const;

/** Up to here reduction in parts is exact enough. */
export const largestAngle = 1e6;

/** −1/3!, 1/5!, … and 1/4!, −1/6!, …: of sin r and cos r for |r| ≤ π/4 what follows r and 1 − r²/2. */
export const sineSeries = [
  -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000, 1 / 355687428096000,
] as const; // biome-ignore format: a series
export const cosineSeries = [
  1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200, 1 / 20922789888000, -1 / 6402373705728000,
] as const; // biome-ignore format: a series

/** −1/3, 1/5, …: (atan s − s)/s³ for |s| ≤ 0.24. */
export const angleSeries = [
  -1 / 3, 1 / 5, -1 / 7, 1 / 9, -1 / 11, 1 / 13, -1 / 15, 1 / 17, -1 / 19, 1 / 21, -1 / 23, 1 / 25, -1 / 27,
] as const; // biome-ignore format: a series

/** Slopes c, and their angles in two parts. */
export const angles = [
  [0, 0, 0],
  [0.5, 0.4636476090008061, 2.2698777452961687e-17],
  [1, 0.7853981633974483, 3.061616997868383e-17],
] as const;

/** Between them: which c is nearest to a slope. */
export const angleBounds = [0.236, 0.71] as const;

/** Digits of 2/π to the base 2²⁴, from the one of 2⁻²⁴ on. */
export const twoOverPi: readonly number[] = [
  0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb, 0xc561b7, 0x246e3a,
  0x424dd2, 0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41,
  0x3991d6, 0x398353, 0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f, 0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf,
  0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d, 0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7, 0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08,
  0x560330, 0x46fc7b,
]; // biome-ignore format: digits
