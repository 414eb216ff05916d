/**
 * The inner loops of contractions: `tiles` runs down one strip of the result and multiplies tile after tile.
 *
 * A tile is `h` rows by two vectors; its accumulators stay in registers while k goes by. Tile height, loop shape and
 * instruction order were measured (16 vector registers, one of which V8 keeps): k is never unrolled, loads come row
 * by row. Rows of a strip are shared out evenly (7 = 4 + 3), so no tile is so low that latency decides.
 *
 * No chain of additions is long: the accumulators are added to what lies in memory now and then and start anew from zero, so that the
 * error of a sum does not grow with k (`totals.ts`).
 *
 * A is read in place, element (i, k) at `base + rowTable[i] + kTable[k]` (so any strides, convolution windows
 * included, need no copy), or from panels that `panels.ts` made. Rows that lie side by side, as pixels do, are found by
 * one pointer.
 */

import type { Callable, FunctionBuilder, Label } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type ALayout, type Arithmetic, maxTileRows, zerosOf } from './elements.ts';
import { entryBytes, listHeader } from './zeroList.ts';

const int = w.i32;

/** Flags of the parameter `state`: C is added to; a sum that is zero becomes +0. The bits from `chain` on: products of a chain. */
export const tileState = { resume: 1, positive: 2, chain: 2 } as const;

/**
 * `tiles(a, base, kTable, b, bStep, k, c, state, count, height, higher)`: multiplies `count` tiles below one
 * another, the first `higher` of them `height + 1` rows high, the others `height`. `a` is the row table or, with
 * `panels`, the first panel; row r of B is one row of a strip at `b + r·bStep`; C lies at `c` row after row.
 *
 * `listed`: k goes through a list of `zeros.ts`, which stands in the place of `kTable`; the next tile's list lies
 * `bStep` bytes further on.
 */
export function tilesFunction(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
  aLayout: ALayout,
  listed = false,
): Callable {
  const { name, size, stripRow } = arithmetic;
  return module.shared(`tiles ${name} ${aLayout} ${listed}`, new Array(11).fill(int), [], (f) => {
    const [a, base, kTable, b, bStep, k, c, state, count, height, higher] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ] as const;
    const h = f.local(int);
    const dispatch = (rows: number) => {
      const call = () => {
        for (const argument of [a, base, kTable, b, bStep, k, c, state]) f.get(argument);
        f.call(tileFunction(module, arithmetic, rows, aLayout, listed));
      };
      if (rows === 1) call();
      else {
        f.get(h).i32(rows).op(w.i32_eq);
        f.if(call, () => dispatch(rows - 1));
      }
    };
    f.loop((again) => {
      f.get(height).get(higher).i32(0).op(w.i32_gt_s).op(w.i32_add).set(h);
      f.increment(higher, -1);
      dispatch(maxTileRows(arithmetic, aLayout));
      f.get(a).get(h);
      if (aLayout === 'panels') f.get(k).op(w.i32_mul).i32(size).op(w.i32_mul).i32(stripRow).op(w.i32_add);
      else f.i32(4).op(w.i32_mul);
      f.op(w.i32_add).set(a);
      f.get(c).get(h).i32(stripRow).op(w.i32_mul).op(w.i32_add).set(c);
      if (listed) f.get(kTable).get(bStep).op(w.i32_add).set(kTable);
      f.increment(count, -1).get(count).branchIf(again);
    });
  });
}

/**
 * `runs(a, base, kTable, b, bStep, k, c, state, rows, position, run)`: the same for `rows` rows in runs of `run` that lie side by
 * side, of which the first row has the number `position` in its run.
 */
export function runsFunction(module: ModuleBuilder, arithmetic: Arithmetic, listed = false): Callable {
  const tiles = tilesFunction(module, arithmetic, 'runs', listed);
  const highest = maxTileRows(arithmetic, 'runs');
  return module.shared(`runs ${arithmetic.name} ${listed}`, new Array(11).fill(int), [], (f) => {
    const [a, base, kTable, b, bStep, k, c, state, rows, position, run] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ] as const;
    const here = f.local(int);
    const count = f.local(int);
    f.loop((again) => {
      f.get(run).get(position).op(w.i32_sub).tee(here).get(rows);
      f.get(here).get(rows).op(w.i32_lt_s).op(w.select).set(here);
      f.get(here)
        .i32(highest - 1)
        .op(w.i32_add)
        .i32(highest)
        .op(w.i32_div_u)
        .set(count);
      for (const argument of [a, base, kTable, b, bStep, k, c, state, count]) f.get(argument);
      f.get(here).get(count).op(w.i32_div_u).get(here).get(count).op(w.i32_rem_u).call(tiles);
      f.i32(0).set(position);
      f.get(a).get(here).i32(4).op(w.i32_mul).op(w.i32_add).set(a);
      f.get(c).get(here).i32(arithmetic.stripRow).op(w.i32_mul).op(w.i32_add).set(c);
      f.get(rows).get(here).op(w.i32_sub).tee(rows).branchIf(again);
    });
  });
}

function tileFunction(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
  rows: number,
  aLayout: ALayout,
  listed: boolean,
): Callable {
  const name = `tile ${arithmetic.name} ${rows} ${aLayout} ${listed}`;
  return module.shared(name, new Array(8).fill(int), [], (f) =>
    emitTile(f, arithmetic, rows, aLayout, listed),
  );
}

function emitTile(
  f: FunctionBuilder,
  arithmetic: Arithmetic,
  rows: number,
  aLayout: ALayout,
  listed: boolean,
): void {
  const { size, splat, multiply, add, fused, stripRow } = arithmetic;
  const vectors = stripRow / 16;
  const [a, base, kTable, b, bStep, k, c, state] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
  const panel = aLayout === 'panels';
  const apart = aLayout === 'rows';
  const pointers: number[] = [];
  for (let i = 0; i < (panel ? 0 : apart ? rows : 1); i++) {
    f.load(w.i32_load, a, 4 * i)
      .get(base)
      .op(w.i32_add);
    pointers.push(f.let(int));
  }
  /** Where the rows' elements for this k are; with a pointer for each row, what is added to it. */
  const at = panel && !listed ? a : f.local(int);
  /** Where the row of B for this k is. */
  const row = listed ? f.local(int) : b;
  const right = Array.from({ length: vectors }, () => f.local(w.v128));
  const element = f.local(w.v128);
  /** Four rows with one load: V8 11 makes all loads of a pass first, each of which holds a register until it is used. */
  const four = !apart && rows === 5 ? f.local(w.v128) : null;
  const sums = Array.from({ length: rows * vectors }, () => f.local(w.v128));

  const zero = f.v128(new Uint8Array(16)).let(w.v128);
  /** How many k are left of this chain or, in a list, where its entries end; where the ends of the next chains are. */
  const left = f.local(int);
  /** Pushes the products of a chain: not kept, since the loop below needs the registers. */
  const pushChain = () => f.get(state).i32(tileState.chain).op(w.i32_shr_u);
  const ends = listed ? f.get(kTable).let(int) : 0;
  if (listed) f.increment(kTable, listHeader.bytes);
  f.loop((nextChain) => {
    for (const sum of sums) f.get(zero).set(sum);
    if (listed) {
      f.load(w.i32_load, ends, listHeader.ends).set(left);
      f.increment(ends, 4);
      f.get(left).get(kTable).op(w.i32_ne);
    } else {
      f.get(k);
      pushChain().tee(left).get(k).get(left).op(w.i32_lt_s).op(w.select).tee(left);
    }
    f.if(() => f.loop(emitStep));
    if (zerosOf(arithmetic)) {
      f.get(state).i32(tileState.positive).op(w.i32_and);
      f.if(() => {
        for (const sum of sums) f.get(sum).get(zero).op(add).set(sum);
      });
    }
    f.get(state).i32(tileState.resume).op(w.i32_and);
    f.if(() => {
      sums.forEach((sum, i) =>
        f
          .load(w.v128_load, c, 16 * i)
          .get(sum)
          .op(add)
          .set(sum),
      );
    });
    sums.forEach((sum, i) => f.get(c).get(sum).memory(w.v128_store, 16 * i)); // biome-ignore format: short
    f.get(state).i32(tileState.resume).op(w.i32_or).set(state);
    f.get(k);
    pushChain().op(w.i32_sub).tee(k).i32(0).op(w.i32_gt_s).branchIf(nextChain);
  });

  function emitStep(again: Label): void {
    if (!panel || listed) {
      f.load(w.i32_load, kTable);
      if (panel) f.i32(rows).op(w.i32_mul);
      if (!apart) f.get(panel ? a : pointers[0]).op(w.i32_add);
      f.set(at);
    }
    if (listed) f.load(w.i32_load, kTable, 4).get(b).op(w.i32_add).set(row);
    if (!panel || listed) f.increment(kTable, listed ? entryBytes : 4);
    right.forEach((vector, j) => f.load(w.v128_load, row, 16 * j).set(vector));
    if (four !== null) f.load(w.v128_load, at).set(four);
    for (let i = 0; i < rows; i++) {
      if (four !== null && i < 4) f.get(four).get(four).shuffle32(i, i, i, i).set(element);
      else if (apart) f.get(pointers[i]).get(at).op(w.i32_add).memory(splat).set(element);
      else f.load(splat, at, size * i).set(element);
      for (let j = 0; j < vectors; j++) {
        const sum = sums[i * vectors + j];
        if (fused === null) f.get(element).get(right[j]).op(multiply).get(sum).op(add).set(sum);
        else f.get(element).get(right[j]).get(sum).op(fused).set(sum);
      }
    }
    if (listed) f.get(kTable).get(left).op(w.i32_ne).branchIf(again);
    else {
      if (panel) f.increment(a, rows * size);
      f.get(b).get(bStep).op(w.i32_add).set(b);
      f.get(left).i32(1).op(w.i32_sub).tee(left).branchIf(again);
    }
  }
}
