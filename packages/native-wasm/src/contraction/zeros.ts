/**
 * Leaving zeros out of contractions: in images, counts and one-hot rows, many tiles of a factor are zero at most k.
 *
 * A list says at which k a strip of B, or a tile's rows of A, have anything but zeros, and the tile loops walk the list
 * instead of all k. A few k are tried first, so that a dense factor costs little. Results are those of the full
 * sum, to the bit:
 *
 * - 0·b is left out only where all of the other factor is finite (0·∞ is NaN).
 * - Adding ±0 changes nothing but the sign of a zero sum. So where lists may be used, a sum that is zero is +0 in either case.
 */

import { type Callable, type FunctionBuilder, type Local, lanes32 } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
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
  return module.shared(`zeros strips ${aLayout}`, new Array(9).fill(int), [int], (f) => {
    const [address, distance, step, columns, aTable, k, to, bytes, chain] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ] as const;
    const used = f.local(int);
    const worth = f.local(int);
    const pushKept = (every: number) => {
      f.get(address).get(step).i32(every).op(w.i32_mul).get(step).i32(0);
      f.get(k).i32(every).op(w.i32_div_u).get(to).get(aTable).get(chain).call(list);
    };
    f.while(
      () => f.get(columns).i32(0).op(w.i32_gt_s),
      () => {
        pushKept(sampleEvery);
        pushWorthwhile(f, () => f.get(k).i32(sampleEvery).op(w.i32_div_u));
        f.tee(worth).if(() => {
          pushKept(1);
          pushWorthwhile(f, () => f.get(k));
          f.set(worth);
        });
        f.get(to).get(worth).memory(w.i32_store, listHeader.used);
        f.get(used).get(worth).op(w.i32_add).set(used);
        f.get(address).get(distance).op(w.i32_add).set(address);
        f.get(to).get(bytes).op(w.i32_add).set(to);
        f.increment(columns, -strip);
      },
    );
    f.get(used);
  });
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
  const kept = module.shared(`zeros kept ${aLayout}`, new Array(12).fill(int), [int], (f) => {
    const [a, base, aTable, k, bStep, to, bytes, count, height, higher, chain, every] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ] as const;
    const h = f.local(int);
    const sum = f.local(int);
    f.loop((again) => {
      f.get(height).get(higher).i32(0).op(w.i32_gt_s).op(w.i32_add).set(h);
      f.increment(higher, -1);
      if (panels) f.get(a).get(h).i32(size).op(w.i32_mul).get(every).op(w.i32_mul).get(bStep).get(h);
      else f.get(a).get(every).get(bStep).get(h);
      f.get(k).get(every).op(w.i32_div_u).get(to);
      if (panels) f.i32(0);
      else f.get(aTable).get(base);
      f.get(chain);
      f.call(list).get(sum).op(w.i32_add).set(sum);
      f.get(a).get(h);
      if (panels) f.get(k).op(w.i32_mul).i32(size).op(w.i32_mul).i32(stripRow).op(w.i32_add);
      else f.i32(4).op(w.i32_mul);
      f.op(w.i32_add).set(a);
      f.get(to).get(bytes).op(w.i32_add).set(to);
      f.increment(count, -1).get(count).branchIf(again);
    });
    f.get(sum);
  });
  return module.shared(`zeros tiles ${aLayout}`, new Array(11).fill(int), [int], (f) => {
    const [k, count] = [3, 7] as const;
    const pushKept = (every: number) => {
      for (const argument of f.parameters) f.get(argument);
      f.i32(every).call(kept);
    };
    pushKept(sampleEvery);
    pushWorthwhile(f, () => f.get(k).i32(sampleEvery).op(w.i32_div_u).get(count).op(w.i32_mul));
    f.if(
      () => {
        pushKept(1);
        pushWorthwhile(f, () => f.get(k).get(count).op(w.i32_mul));
      },
      () => f.i32(0),
      int,
    );
  });
}

/** Of how many were kept (on the stack) and how many there were, makes whether at least an eighth was left out. */
function pushWorthwhile(f: FunctionBuilder, all: () => void): void {
  f.i32(8).op(w.i32_mul);
  all();
  f.i32(7).op(w.i32_mul).op(w.i32_le_s);
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
  return module.shared(`zeros list ${masked} ${table}`, new Array(8).fill(int), [int], (f) => {
    const [address, step, bStep, lanes, k, to, aTable, chain] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
    const vectors = Array.from({ length: stripRow / 16 }, (_, i) => i);
    const masks = (masked ? vectors : []).map((i) => {
      const numbers = [0, 1, 2, 3].map((lane) => 4 * i + lane) as [number, number, number, number];
      f.get(lanes).op(w.i32x4_splat).v128(lanes32(...numbers)).op(w.i32x4_gt_s); // biome-ignore format: short
      return f.let(w.v128);
    });
    const inA = f.local(int);
    emitEntries(f, { k, bStep, to, chain }, (entry) => {
      f.get(entry);
      if (table) f.load(w.i32_load, aTable);
      else f.get(inA);
      f.memory(w.i32_store);
      vectors.forEach((i) => {
        f.load(w.v128_load, address, 16 * i);
        if (masked) f.get(masks[i]).op(w.v128_and);
        if (i > 0) f.op(w.v128_or);
      });
      // Without the sign: −0 is zero as well.
      f.i32(1).op(w.i32x4_shl).op(w.v128_any_true);
      f.get(address).get(step).op(w.i32_add).set(address);
      f.increment(table ? aTable : inA, table ? 4 : size);
    });
  });
}

/**
 * `listRows(rows, every, bStep, h, k, to, aTable, base, chain) → kept`: the same for `h` rows that lie anywhere, at
 * `base + rows[i] + aTable[k]`. One of `every` k is looked at, `k` of them.
 */
function listRowsFunction(module: ModuleBuilder, { tileRows }: Arithmetic): Callable {
  return module.shared('zeros rows', new Array(9).fill(int), [int], (f) => {
    const [rows, every, bStep, h, k, to, aTable, base, chain] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
    // Rows beyond the last are the first once more.
    const pointers = Array.from({ length: tileRows }, (_, i) => {
      f.load(w.i32_load, rows, 4 * i)
        .load(w.i32_load, rows)
        .i32(i)
        .get(h)
        .op(w.i32_lt_s)
        .op(w.select);
      return f.get(base).op(w.i32_add).let(int);
    });
    const at = f.local(int);
    emitEntries(f, { k, bStep, to, chain }, (entry) => {
      f.get(entry).load(w.i32_load, aTable).tee(at).memory(w.i32_store);
      pointers.forEach((pointer, i) => {
        f.get(pointer).get(at).op(w.i32_add).memory(w.i32_load);
        if (i > 0) f.op(w.i32_or);
      });
      f.i32(1).op(w.i32_shl).i32(0).op(w.i32_ne);
      f.get(aTable).get(every).i32(4).op(w.i32_mul).op(w.i32_add).set(aTable);
    });
  });
}

/**
 * Goes through `k` positions and pushes how many got an entry in the list at `to`. `look` writes the first word of the entry, goes
 * on to the next k and leaves on the stack whether this one is kept: an entry that is not is written over.
 */
function emitEntries(
  f: FunctionBuilder,
  { k, bStep, to, chain }: Record<'k' | 'bStep' | 'to' | 'chain', Local>,
  look: (entry: Local) => void,
): void {
  const inB = f.local(int);
  const entry = f.local(int);
  const left = f.local(int);
  const ends = f.local(int);
  f.get(to).i32(listHeader.bytes).op(w.i32_add).set(entry);
  f.get(to).set(ends);
  // Of a short block of k none may be tried.
  f.while(
    () => f.get(k),
    () => {
      f.get(k).get(chain).get(k).get(chain).op(w.i32_lt_u).op(w.select).set(left);
      f.get(k).get(left).op(w.i32_sub).set(k);
      f.loop((again) => {
        f.get(entry).get(inB).memory(w.i32_store, 4);
        f.get(entry);
        look(entry);
        f.i32(3).op(w.i32_shl).op(w.i32_add).set(entry);
        f.get(inB).get(bStep).op(w.i32_add).set(inB);
        f.increment(left, -1).get(left).branchIf(again);
      });
      f.get(ends).get(entry).memory(w.i32_store, listHeader.ends);
      f.increment(ends, 4);
    },
  );
  f.get(to).get(entry).get(to).op(w.i32_sub).i32(listHeader.bytes).op(w.i32_sub);
  f.i32(3).op(w.i32_shr_u).memory(w.i32_store, listHeader.count);
  f.load(w.i32_load, to, listHeader.count);
}

/** `finite(address, step, width, k) → 1 or 0`: whether `width` elements at `address + k·step` for each k are all finite. */
export function finiteFunction(module: ModuleBuilder): Callable {
  return module.shared('zeros finite', new Array(4).fill(int), [int], (f) => {
    const [address, step, width, k] = [0, 1, 2, 3] as const;
    const at = f.local(int);
    const left = f.local(int);
    const found = f.local(w.v128);
    const exponent = f.local(w.v128);
    const tail = f.local(w.v128);
    f.i32x4(0x7f800000).set(exponent);
    f.get(width).i32(3).op(w.i32_and).op(w.i32x4_splat).v128(lanes32(0, 1, 2, 3)).op(w.i32x4_gt_s).set(tail); // biome-ignore format: short
    const look = () => f.load(w.v128_load, at).get(exponent).op(w.v128_and).get(exponent).op(w.i32x4_eq);
    const note = () => f.get(found).op(w.v128_or).set(found);
    f.loop((again) => {
      f.get(address).set(at);
      f.get(width).set(left);
      f.while(
        () => f.get(left).i32(4).op(w.i32_ge_s),
        () => {
          look();
          note();
          f.increment(at, 16);
          f.increment(left, -4);
        },
      );
      f.get(left).if(() => {
        look().get(tail).op(w.v128_and);
        note();
      });
      f.get(address).get(step).op(w.i32_add).set(address);
      f.get(k).i32(1).op(w.i32_sub).tee(k).branchIf(again);
    });
    f.get(found).op(w.v128_any_true).op(w.i32_eqz);
  });
}

/** `finiteStrips(address, distance, columns, k) → 1 or 0`: the same for panels of `columns` columns of B. */
export function finiteStripsFunction(module: ModuleBuilder, { size, stripRow }: Arithmetic): Callable {
  const finite = finiteFunction(module);
  const strip = stripRow / size;
  return module.shared('zeros finite strips', new Array(4).fill(int), [int], (f) => {
    const [address, distance, columns, k] = [0, 1, 2, 3] as const;
    f.while(
      () => f.get(columns).i32(0).op(w.i32_gt_s),
      () => {
        f.get(address).i32(stripRow).get(columns).i32(strip).get(columns).i32(strip).op(w.i32_lt_s).op(w.select); // biome-ignore format: short
        f.get(k).call(finite).op(w.i32_eqz);
        f.if(() => f.i32(0).op(w.return_));
        f.get(address).get(distance).op(w.i32_add).set(address);
        f.increment(columns, -strip);
      },
    );
    f.i32(1);
  });
}

/** `finiteTiles(a, k, count, height, higher) → 1 or 0`: the same for the panels of a block of rows. */
export function finiteTilesFunction(module: ModuleBuilder, { size, stripRow }: Arithmetic): Callable {
  const finite = finiteFunction(module);
  return module.shared('zeros finite tiles', new Array(5).fill(int), [int], (f) => {
    const [a, k, count, height, higher] = [0, 1, 2, 3, 4] as const;
    const elements = f.local(int);
    f.loop((again) => {
      f.get(height).get(higher).i32(0).op(w.i32_gt_s).op(w.i32_add).get(k).op(w.i32_mul).set(elements);
      f.increment(higher, -1);
      f.get(a).i32(0).get(elements).i32(1).call(finite).op(w.i32_eqz);
      f.if(() => f.i32(0).op(w.return_));
      f.get(a).get(elements).i32(size).op(w.i32_mul).op(w.i32_add).i32(stripRow).op(w.i32_add).set(a);
      f.increment(count, -1).get(count).branchIf(again);
    });
    f.i32(1);
  });
}
