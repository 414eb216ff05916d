import { describe, expect, it } from 'vitest';
import { type Dataset, memoryDataset } from './dataset.ts';
import { DataError } from './errors.ts';
import { type DataLoader, type DataLoaderOptions, dataLoader, type PartOfBatch } from './loader.ts';

/** A data set whose batches are the indices asked for: what a loader does can be read off. */
function recorder(length: number, delay = 0): Dataset<number[]> & { asked: number } {
  const set = {
    length,
    asked: 0,
    batch(indices: ArrayLike<number>) {
      set.asked++;
      const batch = Array.from(indices);
      if (delay === 0) return batch;
      return new Promise<number[]>((resolve) => setTimeout(() => resolve(batch), delay));
    },
  };
  return set;
}

async function epoch(loader: DataLoader<number[]>): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const batch of loader) batches.push(batch);
  return batches;
}

const loaderOf = (length: number, options: DataLoaderOptions) => dataLoader(recorder(length), options);

describe('dataLoader', () => {
  it('goes through the data in order', async () => {
    const loader = loaderOf(5, { batchSize: 2 });
    expect(loader.length).toBe(3);
    expect(await epoch(loader)).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('drops a smaller last batch if asked', async () => {
    const loader = loaderOf(5, { batchSize: 2, dropLast: true });
    expect(loader.length).toBe(2);
    expect(await epoch(loader)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('shuffles each epoch anew, the same way for the same seed', async () => {
    const options = { batchSize: 10, shuffle: true, seed: 3 };
    const loader = loaderOf(100, options);
    const [first, second] = [(await epoch(loader)).flat(), (await epoch(loader)).flat()];
    expect(first).not.toEqual(second);
    expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const again = loaderOf(100, options);
    expect((await epoch(again)).flat()).toEqual(first);
    again.setEpoch(1);
    expect((await epoch(again)).flat()).toEqual(second);
    expect((await epoch(loaderOf(100, { ...options, seed: 4 }))).flat()).not.toEqual(first);
  });

  it('draws with replacement: full batches, some examples twice', async () => {
    const loader = loaderOf(50, { batchSize: 16, replacement: true, seed: 1 });
    const batches = await epoch(loader);
    expect(batches.map((batch) => batch.length)).toEqual([16, 16, 16, 16]);
    const drawn = batches.flat();
    expect(new Set(drawn).size).toBeLessThan(drawn.length);
    expect(drawn.every((index) => index >= 0 && index < 50)).toBe(true);
    expect(await epoch(loader)).not.toEqual(batches);
    expect(loaderOf(50, { batchSize: 16, replacement: true, dropLast: true }).length).toBe(3);
  });

  it.each([{ shuffle: true }, { replacement: true }])('resumes in mid-epoch with %j', async (how) => {
    const options = { batchSize: 4, seed: 9, ...how };
    const whole = loaderOf(30, options);
    const expected = [...(await epoch(whole)), ...(await epoch(whole))];

    const first = loaderOf(30, options);
    const seen: number[][] = [];
    for await (const batch of first) {
      seen.push(batch);
      if (seen.length === 3) break;
    }
    const state = JSON.parse(JSON.stringify(first.state()));
    expect(state).toEqual({ epoch: 0, position: 3, seed: 9 });

    const second = loaderOf(30, options);
    second.loadState(state);
    seen.push(...(await epoch(second)), ...(await epoch(second)));
    expect(seen).toEqual(expected);
    expect(second.state()).toEqual({ epoch: 2, position: 0, seed: 9 });
  });

  it('says where it stands while it runs', async () => {
    const loader = loaderOf(6, { batchSize: 2, prefetch: 2 });
    const positions: number[] = [];
    for await (const _ of loader) positions.push(loader.state().position);
    expect(positions).toEqual([1, 2, 3]);
    expect(loader.state()).toEqual({ epoch: 1, position: 0, seed: 0 });
  });

  it('gives nothing for an epoch that was already finished', async () => {
    const loader = loaderOf(6, { batchSize: 2 });
    loader.loadState({ epoch: 4, position: 3, seed: 0 });
    expect(await epoch(loader)).toEqual([]);
    expect(loader.state().epoch).toBe(5);
  });

  it.each([
    [0, 1],
    [1, 2],
    [3, 4],
    [10, 5],
  ])('with prefetch %i has asked for %i batches when the first arrives', async (prefetch, asked) => {
    const set = recorder(10, 1);
    for await (const _ of dataLoader(set, { batchSize: 2, prefetch })) {
      expect(set.asked).toBe(asked);
      break;
    }
  });

  it('works on several batches at once', async () => {
    let running = 0;
    let most = 0;
    const set: Dataset<number[]> = {
      length: 6,
      async batch(indices) {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
        return Array.from(indices);
      },
    };
    const loader = dataLoader(set, { batchSize: 1, prefetch: 3 });
    expect((await epoch(loader)).flat()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(4);
  });

  it('reports a failing batch in its turn and leaves nothing unhandled', async () => {
    const set: Dataset<number[]> = {
      length: 3,
      batch: async (indices) => {
        if (indices[0] === 1) throw new Error('broken');
        return Array.from(indices);
      },
    };
    const seen: unknown[] = [];
    const run = async () => {
      for await (const batch of dataLoader(set, { batchSize: 1, prefetch: 2 })) {
        seen.push(batch);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await expect(run()).rejects.toThrow('broken');
    expect(seen).toEqual([[0]]);
  });

  it('lets timers run during a long epoch', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for await (const _ of loaderOf(40, { batchSize: 1 })) {
      const until = performance.now() + 5;
      while (performance.now() < until);
    }
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [11, '11'],
    [Number.NaN, 'NaN'],
  ])('refuses the batch size %s', (batchSize, found) => {
    expect(() => loaderOf(10, { batchSize })).toThrow(
      expect.objectContaining({
        kind: 'option',
        found,
        expected: 'an integer from 1 to 10, the number of examples',
      }),
    );
  });

  it('refuses other options that do not fit', () => {
    expect(() => loaderOf(0, {})).toThrow('the data set is empty');
    expect(() => loaderOf(10, { prefetch: -1 })).toThrow(DataError);
    expect(() => loaderOf(10, { seed: 0.1 })).toThrow(DataError);
    expect(() => loaderOf(10, { transform: (rows) => rows })).toThrow('rows(indices)');
    const loader = loaderOf(10, { batchSize: 5, seed: 2 });
    expect(() => loader.setEpoch(-1)).toThrow(DataError);
    expect(() => loader.loadState({ epoch: 0, position: 3, seed: 2 })).toThrow(
      'another data set or batch size',
    );
    expect(() => loader.loadState({ epoch: 0, position: 0, seed: 1 })).toThrow('seed: 1');
  });
});

describe('a part of each batch', () => {
  const set = memoryDataset({
    x: { data: Float32Array.from({ length: 23 }, (_, i) => i), shape: [] },
    y: { data: Int32Array.from({ length: 23 }, (_, i) => i), shape: [] },
  });
  const seenBy = async (size: number, batchSize: number, from = 0) => {
    const batches: number[][][] = [];
    const parts: PartOfBatch[][] = [];
    for (let rank = 0; rank < size; rank++) {
      const options = { batchSize, shuffle: true, seed: 4, part: { rank, size } };
      const loader = dataLoader(set, options);
      loader.loadState({ epoch: 2, position: from, seed: 4 });
      let at = from;
      for await (const batch of loader) {
        const { part } = batch as unknown as { part: PartOfBatch };
        batches[at] ??= [];
        parts[at] ??= [];
        batches[at].push(part.examples === 0 ? [] : Array.from(await batch.x.data()));
        parts[at].push(part);
        if (part.examples === 0) expect(batch.x.shape[0]).toBe(part.total);
        at++;
      }
      expect(loader.state()).toEqual({ epoch: 3, position: 0, seed: 4 });
    }
    return { batches, parts };
  };

  it('together with the others is the batch, for any number of parts and from any position', async () => {
    const { batches: whole } = await seenBy(1, 7);
    expect(whole.map(([batch]) => batch.length)).toEqual([7, 7, 7, 2]);
    for (const size of [2, 3, 4, 9]) {
      const { batches, parts } = await seenBy(size, 7);
      expect(batches.map((batch) => batch.flat())).toEqual(whole.flat());
      for (const ofBatch of parts)
        expect(ofBatch.reduce((sum, { examples }) => sum + examples, 0)).toBe(ofBatch[0].total);
    }
    const { batches: rest } = await seenBy(3, 7, 2);
    expect(rest.slice(2).map((batch) => batch.flat())).toEqual(whole.flat().slice(2));
  });

  it('is cut at ⌊r·B/p⌋', async () => {
    const { parts } = await seenBy(4, 10);
    expect(parts.map((ofBatch) => ofBatch.map(({ examples }) => examples))).toEqual([
      [2, 3, 2, 3],
      [2, 3, 2, 3],
      [0, 1, 1, 1],
    ]);
  });

  it('is transformed by its places in the whole', async () => {
    const starts: number[][] = [];
    for (const rank of [0, 1]) {
      const loader = dataLoader(set, {
        batchSize: 10,
        part: { rank, size: 2 },
        transform: (rows, { start, indices }) => {
          starts.push([start, ...Array.from(indices)]);
          return rows;
        },
      });
      for await (const _ of loader) break;
    }
    // The second batch is read ahead.
    expect(starts.filter(([start]) => start < 10)).toEqual([
      [0, 0, 1, 2, 3, 4],
      [5, 5, 6, 7, 8, 9],
    ]);
  });

  it('has to be one of those there are', () => {
    for (const part of [
      { rank: 2, size: 2 },
      { rank: -1, size: 2 },
      { rank: 0, size: 0 },
      { rank: 0.5, size: 2 },
    ])
      expect(() => dataLoader(set, { part })).toThrow(/part: expected a rank from 0 to size − 1/);
  });
});

describe('memoryDataset', () => {
  const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2] };
  const y = { data: Int32Array.of(7, 8, 9), shape: [] };

  it('copies rows in the order asked for', () => {
    const rows = memoryDataset({ x, y }).rows([2, 0, 2]);
    expect(rows.x).toEqual({ data: Float32Array.of(5, 6, 1, 2, 5, 6), shape: [2] });
    expect(rows.y.data).toEqual(Int32Array.of(9, 7, 9));
    rows.x.data.fill(0);
    expect(x.data[0]).toBe(1);
  });

  it('refuses indices out of range and columns that do not fit', () => {
    const set = memoryDataset({ x, y }, { name: 'tiny' });
    for (const index of [-1, 3, 0.5, Number.NaN]) {
      expect(() => set.rows([0, index])).toThrow(
        'tiny: batch: index 1 is out of range: expected an integer from 0 to 2',
      );
    }
    expect(() => memoryDataset({ x, y: { data: Int32Array.of(1, 2), shape: [] } })).toThrow(
      '3 targets for 3 inputs',
    );
    expect(() => memoryDataset({ x: { ...x, shape: [4] }, y })).toThrow('a multiple of 4 numbers');
  });
});
