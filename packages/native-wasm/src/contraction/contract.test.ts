/**
 * Contractions against plain loops in float64 over the launch's own strides. The stages run in a memory of their own, so
 * that these tests need neither the driver nor a program.
 */
import { setFlagsFromString } from 'node:v8';
import { atSeed, testSeeds } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { Case, contiguous, kernelOf, Machine, type Numbers } from '../testing/contractCase.ts';
import { randomCase } from '../testing/contractRandom.ts';
import { Random } from '../testing/randomLayout.ts';
import { lowerContract } from './contract.ts';

// Node 20 has relaxed SIMD behind a flag, which may be set while running.
const relaxedModule = new ModuleBuilder();
relaxedModule.function('f', [w.v128], [w.v128]).get(0).get(0).get(0).op(w.f32x4_relaxed_madd);
if (!WebAssembly.validate(relaxedModule.bytes())) setFlagsFromString('--experimental-wasm-relaxed-simd');
const variants = [
  { relaxedSimd: false, tallTiles: false, pairedVectors: false, threads: 1 },
  {
    relaxedSimd: WebAssembly.validate(relaxedModule.bytes()),
    tallTiles: true,
    pairedVectors: false,
    threads: 1,
  },
  { relaxedSimd: true, tallTiles: false, pairedVectors: false, threads: 1 },
  { relaxedSimd: true, tallTiles: true, pairedVectors: true, threads: 1 },
];

/** The plainest and the richest, and all of them in the full run; the last test has them all in any case. */
const tried = process.env.AG_TEST === 'full' ? variants : [variants[0], variants[3]];

describe.each(tried)('contract, relaxed $relaxedSimd, tall $tallTiles, paired $pairedVectors', (features) => {
  const machine = new Machine(features);

  it.each([
    [1, 1, 1],
    [4, 2, 2],
    [3, 5, 7],
    [50, 50, 50],
    [100, 10, 100],
    [10, 100, 3],
    [1, 200, 130],
    [200, 1, 130],
    [13, 1100, 9],
    [260, 70, 20],
    [70, 130, 1100],
    [300, 120, 130],
  ])('multiplies [%i, k] by [k, %i] with k = %i in every transposition', (m, n, k) => {
    for (const aStrides of [
      [k, 1],
      [1, m],
    ]) {
      for (const bStrides of [
        [n, 1],
        [1, k],
      ]) {
        for (const cStrides of [
          [n, 1],
          [1, m],
        ]) {
          const c = new Case(machine, kernelOf('float32'), [m, n, k], [
            { sizes: [m, k], strides: aStrides },
            { sizes: [k, n], strides: bStrides },
            { sizes: [m, n], strides: cStrides },
          ]); // biome-ignore format: a table
          c.check();
        }
      }
    }
  });

  it('computes convolutions, forward and both gradients', () => {
    const [images, channels, size, filters, window] = [3, 2, 9, 5, 3];
    const padded = size + window - 1;
    const image = {
      sizes: [images, channels, padded, padded],
      strides: [channels * padded * padded, padded * padded, padded, 1],
    };
    const windows = [...image.strides.slice(0, 1), padded, 1, padded * padded, padded, 1];
    const dense = (...sizes: number[]) => ({ sizes, strides: contiguous(sizes) });
    const area = window * window;
    // m = (image, y, x), n = filter, k = (channel, y, x); results lie filter before pixel.
    new Case(machine, kernelOf('float32', 3, 1, 3), [images, size, size, filters, channels, window, window], [
      { ...image, strides: windows, sizes: [images, size, size, channels, window, window] },
      { sizes: [channels, window, window, filters], strides: [area, window, 1, channels * area] },
      { sizes: [images, size, size, filters], strides: [filters * size * size, size, 1, size * size] },
    ]).check(); // biome-ignore format: a table
    // The weights' gradient: m = filter, n = (channel, y, x), k = (image, y, x).
    new Case(machine, kernelOf('float32', 1, 3, 3), [filters, channels, window, window, images, size, size], [
      { sizes: [filters, images, size, size], strides: [size * size, filters * size * size, size, 1] },
      {
        sizes: [images, size, size, channels, window, window],
        strides: [channels * padded * padded, padded, 1, padded * padded, padded, 1],
      },
      dense(filters, channels, window, window),
    ]).check(); // biome-ignore format: a table
    // The input's gradient: windows of the padded gradient and turned weights, whose strides are negative.
    const g = [filters * padded * padded, padded * padded];
    new Case(machine, kernelOf('float32', 3, 1, 3), [images, size, size, channels, filters, window, window], [
      { sizes: [images, size, size, filters, window, window], strides: [g[0], padded, 1, g[1], padded, 1] },
      { sizes: [filters, window, window, channels], strides: [channels * area, -window, -1, area] },
      { sizes: [images, size, size, channels], strides: [channels * size * size, size, 1, size * size] },
    ]).check(); // biome-ignore format: a table
  });

  it('agrees on random shapes, strides, groups, dtypes and epilogues, in pieces as in one', () => {
    for (const seed of testSeeds(120, 4_000)) {
      atSeed(seed, () => randomCase(machine, new Random(seed)).check());
    }
  });

  it('sums nothing to epilogue(0) and computes nothing without results', () => {
    const c = new Case(machine, kernelOf('float32'), [3, 10, 0], [
      { sizes: [3, 0], strides: [0, 1] },
      { sizes: [0, 10], strides: [10, 1] },
      { sizes: [3, 10], strides: [10, 1] },
    ]); // biome-ignore format: a table
    c.run();
    expect(c.results(0)).toEqual(new Array(30).fill(0));
    for (const [m, n] of [
      [0, 10],
      [3, 0],
    ] as const) {
      const empty = new Case(machine, kernelOf('float32'), [m, n, 4], [
        { sizes: [m, 4], strides: [4, 1] },
        { sizes: [4, n], strides: [n, 1] },
        { sizes: [m, n], strides: [n, 1] },
      ]); // biome-ignore format: a table
      expect(empty.stage.units).toBe(0);
    }
  });

  describe.each([
    // Images by a weight, the weight's gradient, both ways round; [m, n, k] and whether A and B are transposed.
    ['batch · weight', [100, 50, 392], false, false],
    ['batchᵀ · gradient', [203, 50, 100], true, false],
    ['gradientᵀ · batch', [50, 203, 100], true, false],
    ['wide batch · weight', [120, 130, 700], false, false],
    ['wide batchᵀ · gradient', [210, 140, 70], true, false],
  ] as const)('%s with zeros', (_, [m, n, k], aTurned, bTurned) => {
    const make = () =>
        new Case(machine, kernelOf('float32'), [m, n, k], [
        { sizes: [m, k], strides: aTurned ? [1, m] : [k, 1] },
        { sizes: [k, n], strides: bTurned ? [1, k] : [n, 1] },
        { sizes: [m, n], strides: [n, 1] },
      ]); // biome-ignore format: a table
    /** Zeros, some of them negative, in patches of a row by 20 in memory, which the same patch above shares. */
    const empty = (array: Numbers, row: number) =>
      array.forEach((_, i) => {
        const patch = Math.floor((i % row) / 20);
        if ((patch * 7 + Math.floor(i / row / 30)) % 3 > 0) array[i] = i % 2 ? -0 : 0;
      });
    const rowOf = { a: aTurned ? m : k, b: bTurned ? k : n };

    it.each([
      ['neither factor', []],
      ['A', [0]],
      ['B', [1]],
      ['both', [0, 1]],
    ] as const)('sums what is left, zeros in %s', (_, operands) => {
      const c = make();
      for (const i of operands) empty(c.array(i), i === 0 ? rowOf.a : rowOf.b);
      c.check();
      // Zeros in one factor are found: see `ContractPlan.zeros`.
      if (operands.length === 2) expect(c.lists().filter(({ used }) => used).length).toBeGreaterThan(0);
      if (operands.length === 0) expect(c.lists().filter(({ used }) => used)).toEqual([]);
    });

    it('makes NaN of zero times infinity', () => {
      for (const [zeros, others] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const c = make();
        empty(c.array(zeros), zeros === 0 ? rowOf.a : rowOf.b);
        // One infinity in each of a few rows or columns, the last among them.
        const infinite = c.array(others);
        const row = others === 0 ? rowOf.a : rowOf.b;
        for (const i of [3, row * 40 + 17, infinite.length - 1]) infinite[i] = Number.POSITIVE_INFINITY;
        c.run();
        const results = c.results(0);
        const [a, b] = [c.array(0), c.array(1)];
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let want = 0;
            for (let t = 0; t < k; t++)
              want += a[aTurned ? t * m + i : i * k + t] * b[bTurned ? j * k + t : t * n + j];
            if (!Number.isFinite(want) || !Number.isFinite(results[i * n + j])) {
              expect(results[i * n + j]).toBe(want);
            }
          }
        }
      }
    });

    it('gives the same zero whether or not products that vanish are summed', () => {
      // −10⁻⁶⁰ is −0 where product and sum are rounded at once.
      for (const dense of [true, false]) {
        const c = make();
        c.array(0).fill(1e-30);
        c.array(1).fill(-1e-30);
        if (!dense) for (const [i, row] of [rowOf.a, rowOf.b].entries()) empty(c.array(i), row);
        c.run();
        expect(c.results(0).every((x) => Object.is(x, 0))).toBe(true);
      }
    });
  });

  it('looks for zeros in sums whose last block is a single term', () => {
    // 131 blocks: 130 of 512, and one.
    const [m, n, k] = [40, 36, 130 * 512 + 1];
    const c = new Case(machine, kernelOf('float32'), [m, n, k], [
      { sizes: [m, k], strides: [1, m] },
      { sizes: [k, n], strides: [n, 1] },
      { sizes: [m, n], strides: [n, 1] },
    ]); // biome-ignore format: a table
    const b = c.array(1);
    for (let i = 0; i < b.length; i += 3) b.fill(0, i * n, (i + 2) * n);
    c.check();
    expect(c.lists().length).toBeGreaterThan(0);
  });

  it.each([
    [1, 1, 20_001],
    [7, 5, 9001],
    [40, 36, 8200],
    [3, 300, 1025],
  ])('keeps sums of equal terms accurate, [%i, k] by [k, %i] with k = %i', (m, n, k) => {
    for (const accumulate of [false, true]) {
      for (const aStrides of [
        [k, 1],
        [1, m],
      ]) {
        const kernel = { ...kernelOf('float32'), outputs: [{ dtype: 'float32', accumulate } as const] };
        const c = new Case(machine, kernel, [m, n, k], [
          { sizes: [m, k], strides: aStrides },
          { sizes: [k, n], strides: [n, 1] },
          { sizes: [m, n], strides: [n, 1] },
        ]); // biome-ignore format: a table
        c.array(0).fill(0.1);
        c.array(1).fill(0.7);
        c.check();
      }
    }
  });

  it("leaves zeros out of a filter's gradient, read in place through overlapping windows", () => {
    const [images, channels, size, filters, window] = [3, 4, 9, 32, 5];
    const padded = size + window - 1;
    const make = () =>
        new Case(machine, kernelOf('float32', 1, 3, 3), [filters, channels, window, window, images, size, size], [
        { sizes: [filters, images, size, size], strides: [size * size, filters * size * size, size, 1] },
        {
          sizes: [images, size, size, channels, window, window],
          strides: [channels * padded * padded, padded, 1, padded * padded, padded, 1],
        },
        { sizes: [filters, channels, window, window], strides: contiguous([filters, channels, window, window]) },
      ]); // biome-ignore format: a table
    // As after max-pooling: of each pixel pair one has no gradient, whatever the filter.
    const c = make();
    c.array(0).forEach((_, i, g) => {
      if ((i % (size * size)) % 2) g[i] = 0;
    });
    c.check();
    expect(c.lists().some(({ used }) => used)).toBe(true);
    // An infinite pixel in the middle meets every weight of its channel, and makes NaN of the zeros among them.
    c.array(1)[6 * padded + 6] = Number.POSITIVE_INFINITY;
    c.run();
    const results = c.results(0);
    results.forEach((x, i) => {
      const channel = Math.floor(i / (window * window)) % channels;
      expect(Number.isFinite(x)).toBe(channel !== 0);
    });
  });

  it('lets NaN and infinities through, and only to their rows and columns', () => {
    const c = new Case(machine, kernelOf('float32'), [30, 21, 17], [
      { sizes: [30, 17], strides: [17, 1] },
      { sizes: [17, 21], strides: [21, 1] },
      { sizes: [30, 21], strides: [21, 1] },
    ]); // biome-ignore format: a table
    const a = c.array(0);
    const b = c.array(1);
    a.fill(1);
    b.fill(1);
    a[2 * 17 + 16] = Number.NaN;
    a[29 * 17] = Number.POSITIVE_INFINITY;
    b[16 * 21 + 20] = Number.NEGATIVE_INFINITY;
    c.run();
    const results = c.results(0);
    for (let i = 0; i < 30; i++) {
      for (let j = 0; j < 21; j++) {
        const last = j === 20;
        const want =
          i === 2
            ? Number.NaN
            : i === 29
              ? last
                ? Number.NaN
                : Number.POSITIVE_INFINITY
              : last
                ? Number.NEGATIVE_INFINITY
                : 17;
        expect(results[i * 21 + j]).toBe(want);
      }
    }
  });
});

it('rounds in the same way with tiles of every size', () => {
  const fused = variants.filter(({ relaxedSimd }) => relaxedSimd).map((features) => new Machine(features));
  for (const [m, n, k] of [
    [1, 1, 20_001],
    [50, 37, 700],
    [33, 90, 8200],
    [70, 20, 1025],
  ] as const) {
    const [first, ...others] = fused.map((machine) => {
      const c = new Case(machine, kernelOf('float32'), [m, n, k], [
      { sizes: [m, k], strides: [k, 1] },
      { sizes: [k, n], strides: [n, 1] },
      { sizes: [m, n], strides: [n, 1] },
    ]); // biome-ignore format: a table
      c.run();
      return c.results(0);
    });
    for (const other of others) expect(other).toEqual(first);
  }
});

it('refuses dtypes whose products are not summed', () => {
  const launch = { kernel: kernelOf('bool'), dims: [1, 1, 1], operands: [], literals: [], label: '' };
  const context = { launch, program: null as never, relaxedSimd: false, tallTiles: false, threads: 1 };
  expect(() => lowerContract(context)).toThrow(/bool.*cast the operands to int32/);
});
