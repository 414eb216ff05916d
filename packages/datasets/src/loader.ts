/**
 * `dataLoader`: hands out a data set batch by batch. The order follows from (seed, epoch). There is a position that
 * can be saved and restored, the next batches are already under way, and there is a pause for the event loop where it is
 * due.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type Batch, type Dataset, type Rows, type RowsOf, toBatch } from './dataset.ts';
import { DataError } from './errors.ts';
import { pauseWhenDue } from './pause.ts';
import { checkSeed, permutationOf, randomStream } from './random.ts';
import type { Transform } from './transforms/transform.ts';

/** How {@link dataLoader} cuts a data set into batches. */
export interface DataLoaderOptions<R = Rows> {
  /** Examples per batch, from 1 to the size of the data set. Default 32, or all examples of a smaller set. */
  batchSize?: number;
  /** Whether each epoch visits the examples in a new random order. Default false. */
  shuffle?: boolean;
  /** Determines, with the epoch, the order and the random transforms. Default 0. */
  seed?: number;
  /** Whether a last batch smaller than the others is left out. Default false. */
  dropLast?: boolean;
  /**
   * Whether each example of a batch is drawn anew from the whole set, so that an epoch may hold an example twice or
   * not at all. Implies a random order; every batch is then full. Default false.
   */
  replacement?: boolean;
  /** How many batches are read ahead while the program works on one. Default 1; 0 reads each when asked for. */
  prefetch?: number;
  /** Applied to the rows of every batch before they become tensors, such as `transforms.standardize(train)`. */
  transform?: Transform<R>;
  /**
   * Whose part of each batch is read where several programs train together, such as a `World` of `@ag/train`: of B examples
   * rank r of p reads those from ⌊r·B/p⌋ up to ⌊(r+1)·B/p⌋, all ranks together each example once. `batchSize` and the position
   * count whole batches, so that a position serves any number of ranks. Default: all examples.
   */
  part?: Part;
}

/** One of several that share each batch. */
export interface Part {
  /** From 0. */
  readonly rank: number;
  /** How many share. */
  readonly size: number;
}

/** What a loader with a `part` says of each batch, as its field `part`. */
export interface PartOfBatch {
  /**
   * How many of the batch's examples this part has. Of batches smaller than the number of ranks some have 0: the rows are then those
   * of the whole batch, to be computed like any others and not to be counted.
   */
  readonly examples: number;
  /** How many examples the batch has on all ranks. */
  readonly total: number;
}

/** The position of a loader: enough to resume in the middle of an epoch. */
export interface DataLoaderState {
  /** The epoch under way, or the next one if none is. */
  epoch: number;
  /** How many batches of that epoch have been handed out. */
  position: number;
  /** The loader's seed; `loadState` refuses another one. */
  seed: number;
}

/** An async iterable of batches; each `for await` is one epoch. */
export interface DataLoader<B = Batch> extends AsyncIterable<B> {
  /** The data set it reads. */
  readonly dataset: Dataset<B>;
  /** Batches per epoch. */
  readonly length: number;
  /** Examples per batch, on all ranks. */
  readonly batchSize: number;
  /** Whose part of each batch it reads; undefined where it reads all of it. */
  readonly part?: Part | undefined;
  /** Makes the next iteration run this epoch from its start. */
  setEpoch(epoch: number): void;
  /** The epoch and the number of batches handed out so far, as plain data for a checkpoint. */
  state(): DataLoaderState;
  /** Makes the next iteration go on where `state` was taken, with the same batches as if nothing had happened. */
  loadState(state: DataLoaderState): void;
}

/** Purposes of random numbers, so that order, draws and transforms do not share any. */
const streams = { order: 101, draws: 102 };

/**
 * A loader of batches.
 *
 * The first iteration is epoch 0, each further one the next epoch, also after a `break`. Epochs depend on
 * (seed, epoch) alone; `setEpoch` and `loadState` choose another one.
 *
 * @throws DataError when an option does not fit the data, such as a batch size of 0 or larger than the set
 *
 * @example
 * const loader = dataLoader(train, { batchSize: 64, shuffle: true, seed: 1 });
 * for await (const { x, y } of loader) {
 *   // x: [64, …], y: [64]
 * }
 */
export function dataLoader<B = Batch>(
  dataset: Dataset<B>,
  options: DataLoaderOptions<RowsOf<B>> = {},
): DataLoader<B> {
  checkOptions('dataLoader', options, 'batchSize shuffle seed dropLast replacement prefetch transform part');
  const {
    shuffle = false,
    seed = 0,
    dropLast = false,
    replacement = false,
    prefetch = 1,
    transform,
    part,
  } = options;
  const count = dataset.length;
  const batchSize = options.batchSize ?? Math.min(32, count);
  checkLoader(dataset, batchSize, prefetch, transform);
  checkSeed(seed);
  if (part !== undefined) checkPart(part);
  const length = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  let next: DataLoaderState = { epoch: 0, position: 0, seed };
  let current = next;

  /** The examples of batch `position`: a slice of the epoch's order, or draws that depend on the position alone. */
  const indicesOf = (order: Int32Array, epoch: number, position: number): Int32Array => {
    if (!replacement)
      return order.subarray(position * batchSize, Math.min(count, (position + 1) * batchSize));
    const random = randomStream(seed, streams.draws, epoch, position);
    return Int32Array.from({ length: batchSize }, () => random.integer(count));
  };

  /** @param start the place of the first of them within the epoch */
  const read = async (indices: Int32Array, epoch: number, start: number): Promise<B> => {
    if (transform === undefined) return dataset.batch(indices);
    const rows = await (dataset.rows as NonNullable<typeof dataset.rows>)(indices);
    const changed = transform(rows, { seed, epoch, start, indices });
    return toBatch(changed as Rows) as B;
  };

  const readPart = async (indices: Int32Array, epoch: number, position: number): Promise<B> => {
    const first = position * batchSize;
    if (part === undefined) return read(indices, epoch, first);
    const total = indices.length;
    const [from, to] = [part.rank, part.rank + 1].map((rank) => Math.floor((rank * total) / part.size));
    const ofBatch: PartOfBatch = { examples: to - from, total };
    const batch =
      to > from
        ? await read(indices.subarray(from, to), epoch, first + from)
        : await read(indices, epoch, first);
    return { ...batch, part: ofBatch };
  };

  async function* epochFrom(start: DataLoaderState): AsyncGenerator<B, void, undefined> {
    const { epoch } = start;
    current = { ...start };
    next = { epoch: epoch + 1, position: 0, seed };
    const mine = current;
    const order = replacement ? new Int32Array(0) : orderOf(count, shuffle, seed, epoch);
    const ahead: Promise<B>[] = [];
    for (let position = start.position, asked = position; position < length; position++) {
      await pauseWhenDue();
      for (; asked < length && asked <= position + prefetch; asked++) {
        const batch = readPart(indicesOf(order, epoch, asked), epoch, asked);
        // A batch that fails while the program works on an earlier one is reported when its turn comes.
        batch.catch(() => {});
        ahead.push(batch);
      }
      const batch = await (ahead.shift() as Promise<B>);
      mine.position = position + 1;
      yield batch;
    }
    if (current === mine) current = next;
  }

  return {
    dataset,
    length,
    batchSize,
    part: part && { rank: part.rank, size: part.size },
    setEpoch(epoch) {
      checkPosition({ epoch, position: 0, seed }, length, seed);
      next = { epoch, position: 0, seed };
      current = next;
    },
    state: () => ({ ...current }),
    loadState(state) {
      checkPosition(state, length, seed);
      next = { epoch: state.epoch, position: state.position, seed };
      current = next;
    },
    [Symbol.asyncIterator]: () => epochFrom(next),
  };
}

function orderOf(count: number, shuffle: boolean, seed: number, epoch: number): Int32Array {
  return shuffle
    ? permutationOf(count, seed, streams.order, epoch)
    : Int32Array.from({ length: count }, (_, i) => i);
}

function checkLoader(
  dataset: Dataset<unknown, unknown>,
  batchSize: number,
  prefetch: number,
  transform: unknown,
): void {
  const count = dataset.length;
  if (count === 0) {
    throw new DataError('dataLoader: the data set is empty', { code: 'option' });
  }
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > count) {
    throw new DataError('dataLoader: batchSize', {
      code: 'option',
      expected: `an integer from 1 to ${count}, the number of examples`,
      found: String(batchSize),
    });
  }
  if (!Number.isInteger(prefetch) || prefetch < 0) {
    throw new DataError('dataLoader: prefetch', {
      code: 'option',
      expected: 'a number of batches, 0 or more',
      found: String(prefetch),
    });
  }
  if (transform !== undefined && dataset.rows === undefined) {
    throw new DataError('dataLoader: a transform needs a data set with the method rows(indices)', {
      code: 'option',
      hint: 'Add rows to the data set, or transform the tensors inside the loop',
    });
  }
}

function checkPart({ rank, size }: Part): void {
  const whole = Number.isInteger(rank) && Number.isInteger(size);
  if (whole && size >= 1 && rank >= 0 && rank < size) return;
  throw new DataError('dataLoader: part', {
    code: 'option',
    expected: 'a rank from 0 to size − 1, both whole numbers, such as a World',
    found: `rank ${rank} of ${size}`,
  });
}

function checkPosition(state: DataLoaderState, length: number, seed: number): void {
  const fits = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most;
  if (!fits(state.epoch, 0xffffffff) || !fits(state.position, length)) {
    throw new DataError('dataLoader: position in the data', {
      code: 'option',
      expected: `an epoch from 0 and a position from 0 to ${length} batches`,
      found: `epoch ${state.epoch}, position ${state.position}`,
      hint: 'The position belongs to another data set or batch size',
    });
  }
  if (state.seed !== seed) {
    throw new DataError('dataLoader: position in the data', {
      code: 'option',
      expected: `the seed ${seed} of this loader`,
      found: `seed ${state.seed}`,
      hint: `Create the loader with seed: ${state.seed}`,
    });
  }
}
