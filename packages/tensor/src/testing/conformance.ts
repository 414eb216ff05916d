/**
 * The conformance suite, which every backend has to pass. It compares the tables of operations against plain
 * JavaScript arithmetic, on contiguous and strided operands, all dtypes, empty and 0-d shapes, special values, and
 * the derivatives.
 *
 * It knows no test runner: the functions that make tests are handed in.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * import * as graph from '@ag/graph';
 * import { conformance } from '@ag/tensor/testing';
 *
 * conformance(() => wasm({ threads: 2 }), { describe, it }, { name: 'wasm, 2 threads', gradients: graph });
 * ```
 */
import { type Backend, backend as backendInUse, type DType, gather, sizeOf, tensor, use } from '../index.ts';
import { setFusion } from '../run/planCache.ts';
import {
  elementwiseValues,
  reductionValues,
  specialValues,
  strayWrites,
  structuralValues,
} from './checks.ts';
import { type Closeness, expectClose } from './compare.ts';
import { convolutions } from './convolutions.ts';
import { edgeCases } from './edges.ts';
import { elementwiseRows, titleOf } from './elementwise.ts';
import { checkGradientCase, type Differentiation } from './gradientCase.ts';
import { gradientCases, structuralRows } from './gradients.ts';
import { longSums } from './longSums.ts';
import { reductionRows } from './reductions.ts';
import { storage } from './storage.ts';

/** How tests are made: those of vitest, jest, node:test and the like fit. */
export interface TestHooks {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void): void;
}

export interface ConformanceOptions {
  /** Stands in the names of the tests. Default: the backend's own. */
  readonly name?: string;
  /** The module `@ag/graph`; without it derivatives are not checked. */
  readonly gradients?: Differentiation;
  /** Relative error allowed in float32 where a row says nothing else. Default 1e-5. */
  readonly float32?: number;
  /** The same for float64. Default 1e-12. */
  readonly float64?: number;
  /** False: one kernel for each operation. Default true. */
  readonly fusion?: boolean;
}

/** Makes the tests of the suite for a backend. While one of them runs the backend is the one in use. */
export function conformance(
  make: () => Backend | Promise<Backend>,
  { describe, it }: TestHooks,
  options: ConformanceOptions = {},
): void {
  let made: Promise<Backend> | null = null;
  const test = (name: string, body: () => Promise<void> | void): void => {
    it(name, async () => {
      const before = backendInUse();
      made ??= Promise.resolve(make());
      use(await made);
      const fusion = setFusion(options.fusion ?? true);
      try {
        await body();
      } finally {
        setFusion(fusion);
        use(before);
      }
    });
  };
  const tolerance = (dtype: DType, own?: number): Closeness => ({
    relative:
      dtype === 'float32'
        ? Math.max(own ?? 0, options.float32 ?? 1e-5)
        : dtype === 'float64'
          ? (options.float64 ?? 1e-12)
          : 0,
  });

  describe(`conformance${options.name ? ` of ${options.name}` : ''}`, () => {
    describe('elementwise', () => {
      for (const row of elementwiseRows) {
        const title = titleOf(row);
        test(`${title}: values, dtypes, broadcasting, views`, () => elementwiseValues(row, tolerance));
        if (row.special !== false && !row.whole)
          test(`${title}: NaN, infinities, zeros`, () => specialValues(row, tolerance));
      }
    });
    describe('reductions', () => {
      for (const row of reductionRows)
        test(`${row.name}: values, axes, dtypes, views`, () => reductionValues(row, tolerance));
    });
    describe('movement, products, indexing', () => {
      for (const row of structuralRows)
        test(`${row.operation}, ${row.variant}`, () => structuralValues(row, tolerance));
    });
    const graph = options.gradients;
    if (graph) {
      describe('derivatives', () => {
        for (const operation of new Set(gradientCases.map((one) => one.operation))) {
          test(operation, () => {
            for (const one of gradientCases) {
              if (one.operation === operation) checkGradientCase(one, graph);
            }
          });
        }
      });
    }
    describe('no elements, no axes', () => {
      for (const [name, make, shape, value] of edgeCases()) {
        test(name, async () => {
          const expected = { shape, data: new Array<number>(sizeOf(shape)).fill(value) };
          await expectClose(make(), expected, {}, name);
          // As a part of something larger, too.
          await expectClose(
            make().cast('float64').mul(2).sum(),
            { shape: [], data: [sizeOf(shape) === 0 ? 0 : 2 * value * sizeOf(shape)] },
            {},
            `sum of ${name}`,
          );
        });
      }
    });
    describe('convolutions of many channels', () => convolutions(test, graph));
    describe('long sums', () => longSums(test));
    describe('storage dtypes', () => storage(test, graph));
    describe('plans', () => {
      test('write no element twice and none beside their target', () => strayWrites(tolerance));
      test('fail with a RangeError for an index outside, and work again afterwards', async () => {
        const x = tensor([1, 2, 3]);
        for (const index of [3, -4]) {
          await gather(x, tensor([index], { dtype: 'int32' }), 0)
            .data()
            .then(
              () => {
                throw new Error(`index ${index} of 3 elements was accepted`);
              },
              (error: unknown) => {
                if (!(error instanceof RangeError)) throw error;
              },
            );
        }
        await expectClose(x.add(1), { shape: [3], data: [2, 3, 4] });
      });
    });
  });
}
