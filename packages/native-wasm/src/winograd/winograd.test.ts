/**
 * Convolutions by minimal filtering, forward and both gradients, against plain loops in float64, and against themselves on other
 * numbers of threads; and what has to come out of infinities and NaN.
 *
 * An output is off by some roundings of the largest Σ|x·w| of its tile and those beside it, not of its own sum: a tile is transformed as a whole. So
 * that is what the tolerance is measured in, and the largest of all stands for the largest of a tile.
 */
import { gradients } from '@ag/graph';
import { conv2d, evaluate, type Program, type Tensor, tensor, use } from '@ag/tensor';
import { setFusion } from '@ag/tensor/engine';
import { atSeed, seededRandom, testSeeds } from '@ag/tensor/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { WasmBackend, wasm } from '../index.ts';
import { convolutionOf } from './shapes.ts';

const backends = await Promise.all([
  wasm({ threads: 1, relaxedSimd: true }),
  wasm({ threads: 2, relaxedSimd: true }),
  wasm({ threads: 1, relaxedSimd: false }),
  wasm({ threads: 1, relaxedSimd: true, winograd: false }),
  // Written for an engine that pairs vectors; the result is the same on one that does not.
  new WasmBackend(
    { relaxedSimd: true, tallTiles: true, pairedVectors: true, threads: 1, winograd: true },
    2 ** 30,
  ),
]);
await Promise.all(backends.map((backend) => backend.startThreads()));
const [one, two, separate, direct] = backends;
afterAll(() => {
  for (const backend of backends) backend.close();
});

/** Roundings (2⁻²⁴) of the largest sum; three times the most that was found. */
const roundings = 24;

interface Shape {
  readonly examples: number;
  readonly channels: number;
  readonly filters: number;
  readonly height: number;
  readonly width: number;
  readonly taps: number;
  readonly padding: number;
}

/** Images, filters and what comes back to the outputs. */
function arrays({ examples, channels, filters, height, width, taps, padding }: Shape, random: () => number) {
  const fill = (length: number, ofOne: () => number) => Float32Array.from({ length }, ofOne);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rows = height + 2 * padding - taps + 1;
  const columns = width + 2 * padding - taps + 1;
  return {
    rows,
    columns,
    x: fill(examples * channels * height * width, normal),
    w: fill(filters * channels * taps * taps, normal),
    g: fill(examples * filters * rows * columns, normal),
  };
}

type Arrays = ReturnType<typeof arrays>;

/** Outputs and both gradients, where the epilogue has something to do. */
function compute(shape: Shape, { x, w, g, rows, columns }: Arrays): Float32Array[] {
  const { examples, channels, filters, height, width, taps, padding } = shape;
  const image = tensor(x).reshape([examples, channels, height, width]);
  const weight = tensor(w).reshape([filters, channels, taps, taps]);
  const y = conv2d(image, weight, { padding });
  const seed = tensor(g).reshape([examples, filters, rows, columns]);
  const [dx, dw] = gradients(y, [image, weight], seed);
  const results = [y.mul(2).add(1).abs(), dx.neg(), dw.mul(weight)];
  evaluate(results);
  return results.map((result: Tensor) => result.dataSync() as Float32Array);
}

/** The same in float64, and the largest Σ|…| of each. */
function expected(shape: Shape, { x, w, g, rows, columns }: Arrays) {
  const { examples, channels, filters, height, width, taps, padding } = shape;
  const sums = [g.length, x.length, w.length].map((length) => new Float64Array(length));
  const sizes = sums.map(({ length }) => new Float64Array(length));
  const add = (i: number, at: number, product: number) => {
    sums[i][at] += product;
    sizes[i][at] += Math.abs(product);
  };
  for (let n = 0; n < examples; n++)
    for (let m = 0; m < filters; m++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++)
            for (let a = 0; a < taps; a++)
              for (let b = 0; b < taps; b++) {
                const y = i + a - padding;
                const z = j + b - padding;
                if (y < 0 || y >= height || z < 0 || z >= width) continue;
                const xAt = ((n * channels + c) * height + y) * width + z;
                const wAt = ((m * channels + c) * taps + a) * taps + b;
                const gAt = ((n * filters + m) * rows + i) * columns + j;
                add(0, gAt, x[xAt] * w[wAt]);
                add(1, xAt, g[gAt] * w[wAt]);
                add(2, wAt, g[gAt] * x[xAt]);
              }
  const finished = [
    sums[0].map((sum) => Math.abs(sum * 2 + 1)),
    sums[1].map((sum) => -sum),
    sums[2].map((sum, i) => sum * w[i]),
  ];
  const largest = sizes.map((size) => size.reduce((most, value) => Math.max(most, value), 0));
  return { finished, slack: [2 * largest[0], largest[1], largest[2] * 5] };
}

/** How many launches of the programs that are prepared meanwhile are computed by tiles. */
function counted(body: () => void): number {
  let count = 0;
  const before = backends.map((backend) => backend.prepare);
  backends.forEach((backend, i) => {
    backend.prepare = (program: Program) => {
      count += program.launches.filter((launch) => convolutionOf(launch) !== null).length;
      return before[i].call(backend, program);
    };
  });
  body();
  backends.forEach((backend) => Reflect.deleteProperty(backend, 'prepare'));
  return count;
}

function check(shape: Shape, random: () => number): void {
  const given = arrays(shape, random);
  const { finished, slack } = expected(shape, given);
  const results = backends.map((backend) => {
    use(backend);
    return compute(shape, given);
  });
  results.forEach((arrays, backend) => {
    arrays.forEach((array, i) => {
      let worst = 0;
      array.forEach((value, at) => {
        worst = Math.max(worst, Math.abs(value - finished[i][at]));
      });
      const units = (worst / slack[i]) * 2 ** 24;
      expect(units, `result ${i} of backend ${backend}, ${JSON.stringify(shape)}`).toBeLessThan(roundings);
    });
  });
  // The same bits for any number of threads and width of vectors.
  expect(results[1]).toEqual(results[0]);
  expect(results[4]).toEqual(results[0]);
}

describe('convolutions by minimal filtering', () => {
  const tables: Shape[] = [
    { examples: 2, channels: 32, filters: 32, height: 16, width: 16, taps: 3, padding: 1 },
    { examples: 5, channels: 35, filters: 26, height: 7, width: 13, taps: 3, padding: 1 },
    { examples: 4, channels: 50, filters: 33, height: 10, width: 10, taps: 3, padding: 0 },
    { examples: 2, channels: 16, filters: 24, height: 14, width: 14, taps: 5, padding: 2 },
    { examples: 3, channels: 25, filters: 31, height: 9, width: 11, taps: 5, padding: 1 },
    { examples: 40, channels: 16, filters: 16, height: 4, width: 4, taps: 3, padding: 1 },
  ];
  for (const shape of tables) {
    it(`agree with plain loops: ${Object.values(shape).join(', ')}`, () => {
      expect(counted(() => check(shape, seededRandom(7)))).toBeGreaterThan(0);
    });
  }

  const seeds = testSeeds(6, 300);
  it(`random ones, seeds ${seeds[0]} …`, () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const whole = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
      const taps = random() < 0.6 ? 3 : 5;
      const shape = {
        examples: whole(1, 5),
        channels: whole(8, 40),
        filters: whole(8, 40),
        height: whole(taps, 14),
        width: whole(taps, 14),
        taps,
        padding: whole(0, taps - 1),
      };
      atSeed(seed, () => check(shape, random));
    }
  });

  it('one infinity or NaN stays where it is', () => {
    const shape = { examples: 2, channels: 16, filters: 16, height: 12, width: 12, taps: 3, padding: 1 };
    for (const [special, where] of [
      [Number.NaN, 'x'],
      [Number.POSITIVE_INFINITY, 'x'],
      [Number.NEGATIVE_INFINITY, 'g'],
      [Number.NaN, 'w'],
      [3e38, 'x'],
    ] as const) {
      const given = arrays(shape, seededRandom(3));
      given[where][given[where].length >> 1] = special;
      const kinds = [one, two, separate, direct].map((backend) => {
        use(backend);
        return compute(shape, given).map((array) =>
          // Whether it is finite, and which infinity it is otherwise.
          Array.from(array, (value) => (Number.isFinite(value) ? 0 : value)),
        );
      });
      for (const kind of kinds) expect(kind).toEqual(kinds[3]);
    }
  });

  it('the same bits whatever follows, fused or not: a factor for each channel', () => {
    const shape = { examples: 3, channels: 16, filters: 20, height: 12, width: 12, taps: 3, padding: 1 };
    const { x, w, g } = arrays(shape, seededRandom(11));
    const scaled = (fusion: boolean) => {
      setFusion(fusion);
      const [image, weight] = [tensor(x).reshape([3, 16, 12, 12]), tensor(w).reshape([20, 16, 3, 3])];
      const seed = tensor(g).reshape([3, 20, 12, 12]);
      const [gradient] = gradients(conv2d(image, weight, { padding: 1 }), [weight], seed);
      const factors = tensor(Float32Array.from({ length: 16 }, (_, i) => 1 + i / 7)).reshape([16, 1, 1]);
      return gradient.mul(factors).dataSync();
    };
    use(one);
    const before = setFusion(false);
    try {
      let alone: unknown;
      const tiled = counted(() => {
        alone = scaled(false);
      });
      expect(tiled).toBeGreaterThan(0);
      expect(scaled(true)).toEqual(alone);
    } finally {
      setFusion(before);
    }
  });

  it('a filter of few channels is not worth it', () => {
    const shape = { examples: 2, channels: 3, filters: 32, height: 16, width: 16, taps: 3, padding: 1 };
    expect(counted(() => check(shape, seededRandom(7)))).toBe(0);
  });
});
