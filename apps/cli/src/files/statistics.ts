/** What the numbers of a tensor are like, and how far two tensors are apart: from one pass over their parts. */
import type { StoredTensor } from './modelFile.ts';

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

/** How far two tensors of the same shape are apart. */
export interface Distance {
  /** The largest difference; infinite where one is NaN or infinite and the other is not the same. */
  readonly max: number;
  readonly mean: number;
  /** Elements that differ. */
  readonly different: number;
}

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
