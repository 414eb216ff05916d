/**
 * What the numbers of a tensor are like, and how far two tensors are apart. One pass over their parts tells.
 */
import { valueError } from '@ag/tensor/engine';
import type { StoredTensor } from './stored.ts';

/** Of a tensor; extremes, mean and deviation are those of the finite numbers, null where there are none. */
export interface Statistics {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Of the population. */
  readonly std: number | null;
  readonly zeros: number;
  readonly nan: number;
  readonly infinite: number;
}

/** From one pass over the numbers: `agrad inspect` and the application's model viewer show them. */
export async function statisticsOf(tensor: StoredTensor): Promise<Statistics> {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let [zeros, nan, infinite] = [0, 0, 0];
  let [count, mean, squares] = [0, 0, 0];
  for await (const part of tensor.parts()) {
    let [finite, sum] = [0, 0];
    for (let i = 0; i < part.length; i++) {
      const x = part[i];
      if (x - x !== 0) {
        if (Number.isNaN(x)) nan++;
        else infinite++;
        continue;
      }
      if (x < min) min = x;
      if (x > max) max = x;
      if (x === 0) zeros++;
      finite++;
      sum += x;
    }
    if (finite === 0) continue;
    // Means and sums of squares of parts, put together (Chan, Golub, LeVeque 1979): exact also where the mean is large.
    const own = sum / finite;
    let away = 0;
    for (let i = 0; i < part.length; i++) {
      const distance = part[i] - own;
      if (distance - distance === 0) away += distance * distance;
    }
    const difference = own - mean;
    const total = count + finite;
    squares += away + (difference * difference * count * finite) / total;
    mean += (difference * finite) / total;
    count = total;
  }
  if (count === 0) return { min: null, max: null, mean: null, std: null, zeros, nan, infinite };
  return { min, max, mean, std: Math.sqrt(squares / count), zeros, nan, infinite };
}

/** How far two tensors are apart. */
export interface Distance {
  /** The largest difference; infinite where one is NaN or infinite and the other is not the same. */
  readonly max: number;
  readonly mean: number;
  /** Elements that differ. */
  readonly different: number;
}

/** How far two tensors of the same shape are apart, element by element; the parts that they come in may differ. */
export async function distanceOf(a: StoredTensor, b: StoredTensor): Promise<Distance> {
  let [max, sum, different] = [0, 0, 0];
  for await (const [x, y] of together(a.parts(), b.parts())) {
    for (let i = 0; i < x.length; i++) {
      if (Object.is(x[i], y[i]) || x[i] === y[i]) continue;
      const away = Math.abs(x[i] - y[i]);
      const distance = Number.isNaN(away) ? Number.POSITIVE_INFINITY : away;
      different++;
      sum += distance;
      if (distance > max) max = distance;
    }
  }
  return { max, mean: a.size === 0 ? 0 : sum / a.size, different };
}

/** Parts of the same length, of tensors whose parts are of different ones. */
async function* together(
  first: AsyncIterable<ArrayLike<number>>,
  second: AsyncIterable<ArrayLike<number>>,
): AsyncGenerator<readonly [number[] | Float64Array, number[] | Float64Array]> {
  const ends = [first, second].map((parts) => ({
    parts: parts[Symbol.asyncIterator](),
    left: new Float64Array(0),
  }));
  try {
    for (;;) {
      for (const end of ends) {
        if (end.left.length > 0) continue;
        const next = await end.parts.next();
        if (next.done) return;
        end.left = Float64Array.from(next.value);
      }
      const length = Math.min(...ends.map(({ left }) => left.length));
      yield [ends[0].left.subarray(0, length), ends[1].left.subarray(0, length)];
      for (const end of ends) end.left = end.left.subarray(length);
    }
  } finally {
    // Closes the files.
    for (const { parts } of ends) await parts.return?.();
  }
}

/** Tensors of the same name. */
export interface TensorPair {
  readonly first: StoredTensor;
  readonly second: StoredTensor;
}

/**
 * Tensors of two files by their names, those that only one has apart; `running_mean` and `runningMean` are the same name.
 */
export function pairTensors(
  a: readonly StoredTensor[],
  b: readonly StoredTensor[],
): { pairs: TensorPair[]; removed: StoredTensor[]; added: StoredTensor[] } {
  const named = new Map(b.map((tensor) => [tensor.name, tensor] as const));
  const plain = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const others = new Map(b.map((tensor) => [plain(tensor.name), tensor] as const));
  const pairs: TensorPair[] = [];
  const removed: StoredTensor[] = [];
  const met = new Set<string>();
  for (const first of a) {
    const second = named.get(first.name) ?? others.get(plain(first.name));
    if (second === undefined || met.has(second.name)) removed.push(first);
    else {
      met.add(second.name);
      pairs.push({ first, second });
    }
  }
  return { pairs, removed, added: b.filter(({ name }) => !met.has(name)) };
}

/**
 * How many finite numbers of a tensor fall into each of equally wide bins from `min` to `max`, the last one closed.
 *
 * @param range such as the extremes that `statisticsOf` found
 */
export async function binsOf(
  tensor: StoredTensor,
  range: { readonly min: number; readonly max: number; readonly bins?: number },
): Promise<{ readonly edges: number[]; readonly counts: number[] }> {
  const { min, max, bins = 40 } = range;
  if (!(max >= min) || !(Number.isInteger(bins) && bins > 0))
    throw valueError(`binsOf: needs min ≤ max and a positive number of bins, got ${min}, ${max}, ${bins}`);
  const counts = new Array<number>(bins).fill(0);
  const width = (max - min) / bins || 1;
  for await (const part of tensor.parts()) {
    for (let i = 0; i < part.length; i++) {
      const at = (part[i] - min) / width;
      if (at >= 0 && part[i] <= max) counts[Math.min(bins - 1, Math.floor(at))]++;
    }
  }
  return { edges: Array.from({ length: bins + 1 }, (_, i) => min + i * width), counts };
}
