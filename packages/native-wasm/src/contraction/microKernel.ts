/**
 * The inner loops of contractions: tiles of the result, whose sums stay in registers.
 *
 * `tiles` runs down one strip of the result and multiplies tile after tile. A tile is `h` rows by two vectors; its accumulators stay in registers while k goes by. Tile height, loop shape and
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
import {
  type I32,
  type I32Variable,
  i32,
  i32Parameters,
  perform,
  sharedFunction,
  v128,
  v128Constant,
  v128s,
} from '../assembler/values.ts';
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
  return sharedFunction(
    module,
    `tiles ${name} ${aLayout} ${listed}`,
    [],
    (f, a, base, kTable, b, bStep, k, c, state, count, height, higher) => {
      const h = i32(f);
      const dispatch = (rows: number) => {
        const tile = () =>
          perform(
            f,
            tileFunction(module, arithmetic, rows, aLayout, listed),
            ...[a, base, kTable, b, bStep, k, c, state],
          );
        if (rows === 1) tile();
        else h.eq(rows).if(tile, () => dispatch(rows - 1));
      };
      f.loop((again) => {
        h.set(height.add(higher.gtS(0)));
        higher.increase(-1);
        dispatch(maxTileRows(arithmetic, aLayout));
        a.increase(aLayout === 'panels' ? h.mul(k).mul(size).add(stripRow) : h.mul(4));
        c.increase(h.mul(stripRow));
        if (listed) kTable.increase(bStep);
        count.countDown(again);
      });
    },
  );
}

/**
 * `runs(a, base, kTable, b, bStep, k, c, state, rows, position, run)`: the same for `rows` rows in runs of `run` that lie side by
 * side, of which the first row has the number `position` in its run.
 */
export function runsFunction(module: ModuleBuilder, arithmetic: Arithmetic, listed = false): Callable {
  const tiles = tilesFunction(module, arithmetic, 'runs', listed);
  return sharedFunction(
    module,
    `runs ${arithmetic.name} ${listed}`,
    [],
    (f, a, base, kTable, b, bStep, k, c, state, rows, position, run) => {
      const here = i32(f);
      const count = i32(f);
      f.loop((again) => {
        here.set(here.ltS(rows).select(here.tee(run.sub(position)), rows));
        count.set(here.ceilDiv(maxTileRows(arithmetic, 'runs')));
        perform(
          f,
          tiles,
          ...[a, base, kTable, b, bStep, k, c, state, count, here.divU(count), here.remU(count)],
        );
        position.set(0);
        a.increase(here.mul(4));
        c.increase(here.mul(arithmetic.stripRow));
        rows.tee(rows.sub(here)).branchIf(again);
      });
    },
  );
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
  const [a, base, kTable, b, bStep, k, c, state] = i32Parameters(f);
  const panel = aLayout === 'panels';
  const apart = aLayout === 'rows';
  const pointers: I32Variable[] = [];
  for (let i = 0; i < (panel ? 0 : apart ? rows : 1); i++)
    pointers.push(
      a
        .load(4 * i)
        .add(base)
        .let(),
    );
  /** Where the rows' elements for this k are; with a pointer for each row, what is added to it. */
  const at = panel && !listed ? a : i32(f);
  /** Where the row of B for this k is. */
  const row = listed ? i32(f) : b;
  const right = v128s(f, vectors);
  const element = v128(f);
  /** Four rows with one load: V8 11 makes all loads of a pass first, each of which holds a register until it is used. */
  const four = !apart && rows === 5 ? v128(f) : null;
  const sums = v128s(f, rows * vectors);

  const zero = v128Constant(f, new Uint8Array(16)).let();
  /** How many k are left of this chain or, in a list, where its entries end; where the ends of the next chains are. */
  const left = i32(f);
  /** The products of a chain: not kept, since the loop below needs the registers. */
  const chain = state.shrU(tileState.chain);
  const ends = listed ? kTable.let() : kTable;
  if (listed) kTable.increase(listHeader.bytes);
  f.loop((nextChain) => {
    for (const sum of sums) sum.set(zero);
    let any: I32;
    if (listed) {
      left.set(ends.load(listHeader.ends));
      ends.increase(4);
      any = left.ne(kTable);
    } else any = left.tee(k.ltS(left).select(k, left.tee(chain)));
    any.if(() => f.loop(emitStep));
    if (zerosOf(arithmetic)) {
      state.and(tileState.positive).if(() => {
        for (const sum of sums) sum.set(sum.op(add, zero));
      });
    }
    state.and(tileState.resume).if(() => {
      sums.forEach((sum, i) => sum.set(c.loadVector(16 * i).op(add, sum)));
    });
    sums.forEach((sum, i) => c.store(sum, 16 * i));
    state.set(state.or(tileState.resume));
    k.tee(k.sub(chain)).gtS(0).branchIf(nextChain);
  });

  function emitStep(again: Label): void {
    if (!panel || listed) {
      const offset = panel ? kTable.load().mul(rows) : kTable.load();
      at.set(apart ? offset : offset.add(panel ? a : pointers[0]));
    }
    if (listed) row.set(kTable.load(4).add(b));
    if (!panel || listed) kTable.increase(listed ? entryBytes : 4);
    right.forEach((vector, j) => vector.set(row.loadVector(16 * j)));
    four?.set(at.loadVector());
    for (let i = 0; i < rows; i++) {
      if (four !== null && i < 4) element.set(four.shuffle32(four, i, i, i, i));
      else if (apart) element.set(pointers[i].add(at).loadVector(0, splat));
      else element.set(at.loadVector(size * i, splat));
      for (let j = 0; j < vectors; j++) {
        const sum = sums[i * vectors + j];
        if (fused === null) sum.set(element.op(multiply, right[j]).op(add, sum));
        else sum.set(element.op(fused, right[j], sum));
      }
    }
    if (listed) kTable.ne(left).branchIf(again);
    else {
      if (panel) a.increase(rows * size);
      b.increase(bStep);
      left.tee(left.sub(1)).branchIf(again);
    }
  }
}
