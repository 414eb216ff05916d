/**
 * Counter-based randomness: element i of a random tensor is a pure function of the key and of i, so drawing it
 * again gives the same number on every backend, at any fusion and for any number of threads.
 *
 * Generator: Threefry-2x32 with 20 rounds, from Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC 2011).
 */
import type { DType } from '../dtype.ts';
import { builder, s } from '../kernel/expression.ts';
import { broadcastShapes } from '../shape.ts';
import { defineOp, map, type TensorType } from './op.ts';

/** Operands: counters (int32), the two words of a key (uint32). 32 random bits for each counter. */
export const randomBits = defineOp<{ readonly stream: number }>({
  name: 'randomBits',
  type: (inputs) => ({ shape: randomShape(inputs), dtype: 'uint32' }),
  lower: map(
    ([counter, key0, key1], { stream }) => {
      const e = builder();
      return e.threefry(e.cast(key0, 'uint32'), e.cast(key1, 'uint32'), e.cast(counter, 'uint32'), stream);
    },
    { operands: 'own', cost: 16 },
  ),
});

/**
 * The same operands; numbers spread evenly over [0, 1). float32 uses the upper 24 bits, float64 the upper 53 of
 * two words, so that every value is exact and 1 never occurs.
 */
export const randomUniform = defineOp<{ readonly stream: number; readonly dtype: DType }>({
  name: 'randomUniform',
  type: (inputs, { dtype }) => ({ shape: randomShape(inputs), dtype }),
  lower: map(
    ([counter, key0, key1], { stream, dtype }) => {
      const e = builder();
      const k0 = e.cast(key0, 'uint32');
      const k1 = e.cast(key1, 'uint32');
      const c = e.cast(counter, 'uint32');
      const upper = (word: number, bits: number): number =>
        s.floor(s.mul(e.cast(word, 'float64'), e.constant(2 ** (bits - 32), 'float64')));
      const high = e.threefry(k0, k1, c, 2 * stream);
      if (dtype === 'float64') {
        const low = e.threefry(k0, k1, c, 2 * stream + 1);
        const bits = s.add(s.mul(upper(high, 26), e.constant(2 ** 27, 'float64')), upper(low, 27));
        return s.mul(bits, e.constant(2 ** -53, 'float64'));
      }
      // Dividing by 256 in unsigned integers would need a shift; the remainder mod 256 is subtracted instead.
      const kept = s.sub(high, s.mod(high, e.constant(256, 'uint32')));
      return s.mul(e.cast(kept, 'float32'), e.constant(2 ** -32, 'float32'));
    },
    { operands: 'own', cost: 16 },
  ),
});

function randomShape([counter, key0, key1]: readonly TensorType[]): readonly number[] {
  return broadcastShapes(counter.shape, broadcastShapes(key0.shape, key1.shape, 'random'), 'random');
}
