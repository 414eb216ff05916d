/**
 * A counter generator of random numbers, so that all participants train on the same ones. T. Ettinger's mulberry32
 * with the counter as its state, which `peers/numpy_kit.py` repeats.
 */

/** The number of a stream at a position, in [0, 1). */
export function randomAt(seed: number, position: number): number {
  let t = (seed + Math.imul(position + 1, 0x6d2b79f5)) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** `count` numbers, evenly distributed between −scale and scale. */
export function randomArray(seed: number, count: number, scale: number): Float32Array<ArrayBuffer> {
  const array = new Float32Array(count);
  for (let i = 0; i < count; i++) array[i] = (2 * randomAt(seed, i) - 1) * scale;
  return array;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
