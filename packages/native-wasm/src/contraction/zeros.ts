/**
 * Leaves zeros out of contractions.
 *
 * In images, counts and one-hot rows, many tiles of a factor are zero at most k. A list says at which k a strip of B, or a tile's rows of A, have anything but zeros, and the tile loops walk the list
 * instead of all k. A few k are tried first, so that a dense factor costs little. Results are those of the full
 * sum, to the bit:
 *
 * - 0·b is left out only where all of the other factor is finite (0·∞ is NaN).
 * - Adding ±0 changes nothing but the sign of a zero sum. So where lists may be used, a sum that is zero is +0 in either case.
 */

import { type Callable, type FunctionBuilder, lanes32 } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  call,
  I32,
  type I32Variable,
  i32,
  i32Constant,
  i32Parameters,
  i32s,
  sharedFunction,
  V128,
  v128Constant,
  v128s,
} from '../assembler/values.ts';
import type { ALayout, Arithmetic } from './elements.ts';
import { listHeader } from './zeroList.ts';

const int = w.i32;

/** One of so many k is tried before a list is made. */
export const sampleEvery = 16;

/**
 * `listStrips(address, distance, step, columns, aTable, k, to, listBytes, chain) → used`: lists for the strips of `columns` columns of
 * B, `distance` bytes apart, whose rows are `step` bytes apart. `aTable`: offsets of k in A, for rows in place. Returns how
 * many lists are worth using.
 */
export function listStripsFunction(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
  aLayout: ALayout,
): Callable {
  const list = listFunction(module, arithmetic, { masked: false, table: aLayout !== 'panels' });
  const strip = arithmetic.stripRow / arithmetic.size;
  return sharedFunction(
    module,
    `zeros strips ${aLayout}`,
    [int],
    (f, address, distance, step, columns, aTable, k, to, bytes, chain) => {
      const used = i32(f);
      const worth = i32(f);
      const kept = (every: number) =>
        call(f, list, address, step.mul(every), step, 0, k.divU(every), to, aTable, chain);
      f.while(columns.gtS(0), () => {
        worth.tee(isWorthwhile(kept(sampleEvery), k.divU(sampleEvery))).if(() => {
          worth.set(isWorthwhile(kept(1), k));
        });
        to.store(worth, listHeader.used);
        used.increase(worth);
        address.increase(distance);
        to.increase(bytes);
        columns.increase(-strip);
      });
      used.write();
    },
  );
}

/**
 * `listTiles(a, base, aTable, k, bStep, to, listBytes, count, height, higher, chain) → used`: lists for the tiles of a block of rows.
 * `a` is the row table or, with `panels`, the first panel that `pack` has made. Returns whether they are worth using.
 */
export function listTilesFunction(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
  aLayout: 'rows' | 'panels',
): Callable {
  const panels = aLayout === 'panels';
  const list = panels
    ? listFunction(module, arithmetic, { masked: true, table: false })
    : listRowsFunction(module, arithmetic);
  const { size, stripRow } = arithmetic;
  const kept = sharedFunction(
    module,
    `zeros kept ${aLayout}`,
    [int],
    (f, a, base, aTable, k, bStep, to, bytes, count, height, higher, chain, every) => {
      const h = i32(f);
      const sum = i32(f);
      f.loop((again) => {
        h.set(height.add(higher.gtS(0)));
        higher.increase(-1);
        const sampled = k.divU(every);
        const listed = panels
          ? call(f, list, a, h.mul(size).mul(every), bStep, h, sampled, to, 0, chain)
          : call(f, list, a, every, bStep, h, sampled, to, aTable, base, chain);
        sum.set(listed.add(sum));
        a.increase(panels ? h.mul(k).mul(size).add(stripRow) : h.mul(4));
        to.increase(bytes);
        count.countDown(again);
      });
      sum.write();
    },
  );
  return module.shared(`zeros tiles ${aLayout}`, new Array(11).fill(int), [int], (f) => {
    const parameters = i32Parameters(f);
    const k = parameters[3];
    const count = parameters[7];
    const keptOf = (every: number) => call(f, kept, ...parameters, every);
    isWorthwhile(keptOf(sampleEvery), k.divU(sampleEvery).mul(count))
      .ifElse(
        () => isWorthwhile(keptOf(1), k.mul(count)),
        () => 0,
      )
      .write();
  });
}

/** Of how many were kept and how many there were, whether at least an eighth was left out. */
function isWorthwhile(kept: I32, all: I32): I32 {
  return kept.mul(8).leS(all.mul(7));
}

/**
 * `list(address, step, bStep, lanes, k, to, aTable, chain) → kept`: looks at what lies at `address + k·step` for each k and lists those
 * k that have anything but zeros there: a whole row of a strip, as it may be that of the last strip, which is then taken for
 * more than it is, or, if `masked`, the first `lanes` elements. `aTable` is read only if `table`.
 */
function listFunction(
  module: ModuleBuilder,
  { size, stripRow }: Arithmetic,
  { masked, table }: { readonly masked: boolean; readonly table: boolean },
): Callable {
  return sharedFunction(
    module,
    `zeros list ${masked} ${table}`,
    [int],
    (f, address, step, bStep, lanes, k, to, aTable, chain) => {
      const vectors = Array.from({ length: stripRow / 16 }, (_, i) => i);
      const masks = (masked ? vectors : []).map((i) => {
        const numbers = lanes32(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3);
        return lanes.splat().op(w.i32x4_gt_s, v128Constant(f, numbers)).let();
      });
      const inA = i32(f);
      emitEntries(f, { k, bStep, to, chain }, (entry) => {
        entry.store(table ? aTable.load() : inA);
        const found = vectors.map((i) => {
          const x = address.loadVector(16 * i);
          return masked ? x.and(masks[i]) : x;
        });
        // Without the sign: −0 is zero as well.
        const all = found.reduce((any, x) => any.or(x));
        all.op(w.i32x4_shl, 1).any().write();
        address.increase(step);
        (table ? aTable : inA).increase(table ? 4 : size);
      });
    },
  );
}

/**
 * `listRows(rows, every, bStep, h, k, to, aTable, base, chain) → kept`: the same for `h` rows that lie anywhere, at
 * `base + rows[i] + aTable[k]`. One of `every` k is looked at, `k` of them.
 */
function listRowsFunction(module: ModuleBuilder, { tileRows }: Arithmetic): Callable {
  return sharedFunction(
    module,
    'zeros rows',
    [int],
    (f, rows, every, bStep, h, k, to, aTable, base, chain) => {
      // Rows beyond the last are the first once more.
      const pointers = Array.from({ length: tileRows }, (_, i) =>
        i32Constant(f, i)
          .ltS(h)
          .select(rows.load(4 * i), rows.load())
          .add(base)
          .let(),
      );
      const at = i32(f);
      emitEntries(f, { k, bStep, to, chain }, (entry) => {
        entry.store(at.tee(aTable.load()));
        const all = pointers.map((pointer) => pointer.add(at).load()).reduce((any, x) => any.or(x));
        all.shl(1).ne(0).write();
        aTable.increase(every.mul(4));
      });
    },
  );
}

/**
 * Goes through `k` positions and pushes how many got an entry in the list at `to`. `look` writes the first word of the entry, goes
 * on to the next k and leaves on the stack whether this one is kept: an entry that is not is written over.
 */
function emitEntries(
  f: FunctionBuilder,
  { k, bStep, to, chain }: Record<'k' | 'bStep' | 'to' | 'chain', I32Variable>,
  look: (entry: I32Variable) => void,
): void {
  const [inB, entry, left, ends] = i32s(f, 4);
  entry.set(to.add(listHeader.bytes));
  ends.set(to);
  // Of a short block of k none may be tried.
  f.while(k, () => {
    left.set(k.minU(chain));
    k.set(k.sub(left));
    f.loop((again) => {
      entry.store(inB, 4);
      const kept = new I32(f, () => look(entry));
      entry.increase(kept.shl(3));
      inB.increase(bStep);
      left.countDown(again);
    });
    ends.store(entry, listHeader.ends);
    ends.increase(4);
  });
  to.store(entry.sub(to).sub(listHeader.bytes).shrU(3), listHeader.count);
  to.load(listHeader.count).write();
}

/** `finite(address, step, width, k) → 1 or 0`: whether `width` elements at `address + k·step` for each k are all finite. */
export function finiteFunction(module: ModuleBuilder): Callable {
  return sharedFunction(module, 'zeros finite', [int], (f, address, step, width, k) => {
    const at = i32(f);
    const left = i32(f);
    const [found, exponent, tail] = v128s(f, 3);
    exponent.set(new V128(f, () => f.i32x4(0x7f800000)));
    tail.set(
      width
        .and(3)
        .splat()
        .op(w.i32x4_gt_s, v128Constant(f, lanes32(0, 1, 2, 3))),
    );
    /** Lanes whose exponent is that of infinity and NaN. */
    const notFinite = () => at.loadVector().and(exponent).op(w.i32x4_eq, exponent);
    f.loop((again) => {
      at.set(address);
      left.set(width);
      f.while(left.geS(4), () => {
        found.set(notFinite().or(found));
        at.increase(16);
        left.increase(-4);
      });
      left.if(() => found.set(notFinite().and(tail).or(found)));
      address.increase(step);
      k.tee(k.sub(1)).branchIf(again);
    });
    found.any().isZero().write();
  });
}

/** `finiteStrips(address, distance, columns, k) → 1 or 0`: the same for panels of `columns` columns of B. */
export function finiteStripsFunction(module: ModuleBuilder, { size, stripRow }: Arithmetic): Callable {
  const finite = finiteFunction(module);
  const strip = stripRow / size;
  return sharedFunction(module, 'zeros finite strips', [int], (f, address, distance, columns, k) => {
    f.while(columns.gtS(0), () => {
      call(f, finite, address, stripRow, columns.minS(strip), k)
        .isZero()
        .if(() => returnNo(f));
      address.increase(distance);
      columns.increase(-strip);
    });
    f.i32(1);
  });
}

/** `finiteTiles(a, k, count, height, higher) → 1 or 0`: the same for the panels of a block of rows. */
export function finiteTilesFunction(module: ModuleBuilder, { size, stripRow }: Arithmetic): Callable {
  const finite = finiteFunction(module);
  return sharedFunction(module, 'zeros finite tiles', [int], (f, a, k, count, height, higher) => {
    const elements = i32(f);
    f.loop((again) => {
      elements.set(height.add(higher.gtS(0)).mul(k));
      higher.increase(-1);
      call(f, finite, a, 0, elements, 1)
        .isZero()
        .if(() => returnNo(f));
      a.set(a.add(elements.mul(size)).add(stripRow));
      count.countDown(again);
    });
    f.i32(1);
  });
}

function returnNo(f: FunctionBuilder): void {
  f.i32(0).op(w.return_);
}
