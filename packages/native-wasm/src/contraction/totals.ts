/**
 * How the sums of contractions stay accurate where k is long. Adding k products one after another in float32 is off by
 * up to k roundings of Σ|a·b| (N. Higham, "Accuracy and Stability of Numerical Algorithms", 3.1), which for a million equal terms
 * is a hundredth of the result. So there are three levels, as in blocked summation (4.2 there):
 *
 * - chains: tiles add up some hundred products in registers, always from zero;
 * - sums: the results of up to `blocksOfTotal` blocks of k, a few chains each, are added to one another in memory, in float32;
 * - totals: sums are added in float64, where k has more blocks than that.
 *
 * A result is off by at most a chain + 64 + 1 roundings then, whatever k is. Where one level ends follows from k alone, so
 * neither threads nor zeros that are left out change a bit. Elements of other types have no totals: float64 needs none, integers wrap.
 */

import type { Callable } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { sharedFunction, v128 } from '../assembler/values.ts';
import type { Arithmetic } from './elements.ts';

/** Most k of a block. */
export const maxK = 512;
/** Most chains of a block. */
export const maxChains = 4;
/** Blocks of which a total takes the sum at a time; a power of two. */
export const blocksOfTotal = 16;

/**
 * Products of a chain. Ending one costs a tile some 20 cycles, a branch that is predicted wrongly, so chains are longer where k is
 * short anyway.
 */
export function chainOf(k: number, kBlock: number): number {
  return k <= 2 * maxK ? Math.ceil(kBlock / Math.ceil(kBlock / 256)) : maxK / maxChains;
}

/** Whether sums of this type go to totals where k has many blocks. */
export function hasTotals({ name }: Arithmetic): boolean {
  return name === 'f32';
}

/** Bytes of the totals of one row of a strip. */
export function totalRow({ stripRow }: Arithmetic): number {
  return 2 * stripRow;
}

/**
 * `total(sums, totals, rows, first, last)`: adds `rows` rows of sums to their totals, which are set if these are the `first`.
 * After the `last`, the totals stand in the place of the sums, rounded.
 */
export function totalFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const { stripRow } = arithmetic;
  return sharedFunction(module, 'contract total', [], (f, sums, totals, rows, first, last) => {
    const x = v128(f);
    f.loop((again) => {
      for (let pair = 0; pair < stripRow / 8; pair++) {
        x.set(sums.loadVector(8 * pair, w.v128_load64_zero).op(w.f64x2_promote_low_f32x4));
        first.isZero().if(() => x.set(totals.loadVector(16 * pair).op(w.f64x2_add, x)));
        totals.store(x, 16 * pair);
        last.if(() => {
          sums.storeLane(x.op(w.f32x4_demote_f64x2_zero), w.v128_store64_lane, 8 * pair, 0);
        });
      }
      sums.increase(stripRow);
      totals.increase(totalRow(arithmetic));
      rows.countDown(again);
    });
  });
}
