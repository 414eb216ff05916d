/**
 * A network and settings that suit the size of a table: a small table is learned by heart soon, so its network is small,
 * with dropout and weight decay, and training ends when the validation rows are no longer predicted better.
 */
import { dropout, linear, type Module, relu, sequential } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import type { RawSettings } from '../settings.ts';

/** Sizes of the hidden layers for so many training rows. */
export function hiddenFor(rows: number): readonly number[] {
  if (rows < 200) return [16];
  if (rows < 2000) return [32];
  return rows < 20_000 ? [64, 32] : [128, 64];
}

export function dropoutFor(rows: number): number {
  return rows < 2000 ? 0.2 : rows < 20_000 ? 0.1 : 0;
}

const powersOfTwo = [8, 16, 32, 64, 128];

/** Steps of a whole run, about, unless it is stopped early. */
const steps = 6000;

export function settingsFor(rows: number): RawSettings {
  // A power of two near a thirtieth of the rows.
  const batchSize = Math.min(powersOfTwo.find((size) => rows / 30 < size * Math.SQRT2) ?? 256, rows);
  const epochs = Math.min(400, Math.max(30, Math.round((steps * batchSize) / rows)));
  return {
    epochs,
    batchSize,
    learningRate: 3e-3,
    optimizer: 'adamw',
    weightDecay: rows < 2000 ? 0.1 : 0.01,
    earlyStop: Math.max(10, Math.round(epochs / 10)),
  };
}

/** `[n, inputs] → [n, outputs]`: hidden layers with relu, and dropout behind each. */
export function tableNetwork(
  inputs: number,
  hidden: readonly number[],
  outputs: number,
  share: number,
): Module<[Tensor], Tensor> {
  const sizes = [inputs, ...hidden];
  const layers = hidden.flatMap((size, i) => [
    linear(sizes[i], size),
    relu(),
    ...(share > 0 ? [dropout(share)] : []),
  ]);
  return sequential(...layers, linear(sizes.at(-1)!, outputs));
}
