/**
 * Keys and values of what attention has read. So a model that writes token after token computes those of
 * the newest only. Its room is fixed, so every step has the same shapes and runs the same plan.
 */
import { arange, type DType, scalar, type Tensor, zeros } from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { checkCount } from './check.ts';

/** Keys and values of one attention layer: `[batch, capacity, heads, features]` each. */
export interface KeyValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/**
 * Keys and values of every attention layer of a model, found by the layer. Models hand it on, `{ cache }`, to the layers inside;
 * each writes there what it computes and looks at all that was written.
 *
 * ```ts
 * const cache = new nn.KeyValueCache(128);
 * const attention = nn.multiHeadAttention(16, 2);
 * const first = attention.forward(x, { cache }); // [batch, time, 16] at positions 0 … time − 1
 * cache.advance(x.shape[1]);
 * const next = attention.forward(y, { cache }); // which sees those of x too
 * ```
 */
export class KeyValueCache {
  /** How many positions there is room for. */
  readonly capacity: number;
  /** Where the next tokens stand: an int32 scalar, which steps count up. */
  position: Tensor;
  readonly #layers = new Map<object, KeyValues>();

  /** @param capacity of positions, at most what the model can tell apart */
  constructor(capacity: number, options: { readonly position?: Tensor } = {}) {
    checkOptions('KeyValueCache', options, 'position');
    this.capacity = checkCount(capacity, 'KeyValueCache', 'positions');
    this.position = options.position ?? scalar(0, { dtype: 'int32' });
  }

  /** Moves on behind what was just read. */
  advance(count: number): void {
    this.position = this.position.add(count);
  }

  /** What a layer has written, undefined before its first step. */
  get(layer: object): KeyValues | undefined {
    return this.#layers.get(layer);
  }

  /** Puts tensors of the same shapes in place of a layer's, such as those that a loop carries. */
  set(layer: object, content: KeyValues): void {
    this.#layers.set(layer, content);
  }

  /** Everything written, by layer: what to evaluate after a step, or to carry in a loop. */
  entries(): IterableIterator<[object, KeyValues]> {
    return this.#layers.entries();
  }

  /** Takes rows of the batch in place of all, as a search along several beams does. @param rows `[batch]`, int32 */
  select(rows: Tensor): void {
    for (const [layer, { keys, values }] of this.#layers)
      this.#layers.set(layer, { keys: keys.indexSelect(0, rows), values: values.indexSelect(0, rows) });
  }

  /**
   * Writes keys and values of a layer at the positions from `position` on; what lies behind the room is left out.
   *
   * @param keys `[batch, time, heads, features]`
   * @param values `[batch, time, heads, features]`
   * @returns those of all positions
   */
  write(layer: object, keys: Tensor, values: Tensor): KeyValues {
    const { capacity } = this;
    const [batch, time] = keys.shape as [number, number];
    if (time > capacity)
      throw shapeError(
        `KeyValueCache: ${time} positions at once, but there is room for ${capacity}; give it a larger capacity, or read in parts`,
      );
    const known = this.#layers.get(layer);
    if (known && known.keys.shape[0] !== batch) {
      throw shapeError(
        `KeyValueCache: it holds a batch of ${known.keys.shape[0]}, got ${batch}; a new batch needs a new cache`,
      );
    }
    // Which of the new rows belongs to each position; those outside take the old ones.
    const row = this.#positions().sub(this.position);
    const inside = row.greaterEqual(0).logicalAnd(row.less(time)).reshape([capacity, 1, 1]);
    const near = row.clamp(0, time - 1);
    const written = (old: Tensor | undefined, x: Tensor): Tensor => {
      const rows = time === 1 ? x : x.indexSelect(1, near);
      return inside.where(rows, old ?? emptyLike(x, capacity));
    };
    const next = { keys: written(known?.keys, keys), values: written(known?.values, values) };
    this.#layers.set(layer, next);
    return next;
  }

  /** Which positions each of `time` new ones may look at, bool `[time, capacity]`: itself and earlier ones. */
  seen(time: number): Tensor {
    return this.#positions().lessEqual(this.positions(time).unsqueeze(-1));
  }

  /** The positions of `time` new tokens, int32 `[time]`. */
  positions(time: number): Tensor {
    return arange(0, time, 1, { dtype: 'int32' }).add(this.position);
  }

  #positions(): Tensor {
    return arange(0, this.capacity, 1, { dtype: 'int32' });
  }
}

function emptyLike(x: Tensor, capacity: number): Tensor {
  const [batch, , ...rest] = x.shape as number[];
  return zeros([batch, capacity, ...rest], { dtype: x.dtype as DType });
}
