/**
 * Leaving zeros out of contractions: for images, counts and one-hot rows, whole tiles of a factor are zero at most k.
 *
 * A factor that is copied or read strip by strip is looked through: for each of its strips (or tiles), a list says at which k
 * anything is not zero, and the tile loops walk the list instead of all k. A few k are tried first, so that a dense
 * factor costs next to nothing. Results are those of the full sum, to the bit:
 *
 * - 0·b is left out only where all of the other factor is finite (0·∞ is NaN).
 * - Adding ±0 changes nothing but the sign of a zero sum. So where lists may be used, a sum that is zero is +0 in either case.
 */
import { type Callable, type FunctionBuilder, type Local, lanes32, type ModuleBuilder } from './assembler.ts';
import type { Arithmetic } from './contractMicro.ts';
import * as w from './opcodes.ts';

const int = w.i32;

/** One of so many k is tried before a list is made. */
export const sampleEvery = 16;

/** Bytes before the entries of a list: how many there are, and whether to use it. */
export const listHeader = { bytes: 8, count: 0, used: 4 } as const;

/** Bytes of an entry: where k is found in A and in B. */
export const entryBytes = 8;

/** Bytes of a list for so many k. */
export function listBytes(k: number): number {
  return (listHeader.bytes + entryBytes * k + 15) & ~15;
}

/**
 * `list(address, step, aTable, bStep, lanes, k, to) → kept`: looks at `lanes` elements at `address + k·step` for each k and
 * lists those k that have any but zeros. An entry's first word is from `aTable`, or `k·step` without; its second is `k·bStep`.
 */
export function listFunction(module: ModuleBuilder, { stripRow }: Arithmetic): Callable {
  return module.shared('zeros list', new Array(7).fill(int), [int], (f) => {
    const [address, step, aTable, bStep, lanes, k, to] = [0, 1, 2, 3, 4, 5, 6] as const;
    const masks = Array.from({ length: stripRow / 16 }, (_, i) => {
      f.get(lanes).op(w.i32x4_splat).v128(lanes32(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3)).op(w.i32x4_gt_s); // biome-ignore format: short
      return f.let(w.v128);
    });
    const inA = f.local(int);
    const inB = f.local(int);
    const entry = f.local(int);
    f.get(to).i32(listHeader.bytes).op(w.i32_add).set(entry);
    f.loop((again) => {
      f.get(entry).get(aTable).if(() => f.load(w.i32_load, aTable), () => f.get(inA), int).memory(w.i32_store); // biome-ignore format: short
      f.get(entry).get(inB).memory(w.i32_store, 4);
      masks.forEach((mask, i) => {
        f.get(address)
          .get(inA)
          .op(w.i32_add)
          .memory(w.v128_load, 16 * i)
          .get(mask)
          .op(w.v128_and);
        if (i > 0) f.op(w.v128_or);
      });
      // Without the sign: −0 is zero as well.
      f.i32(1).op(w.i32x4_shl).op(w.v128_any_true).i32(3).op(w.i32_shl).get(entry).op(w.i32_add).set(entry);
      f.get(inA).get(step).op(w.i32_add).set(inA);
      f.get(inB).get(bStep).op(w.i32_add).set(inB);
      f.get(aTable).get(aTable).i32(0).op(w.i32_ne).i32(2).op(w.i32_shl).op(w.i32_add).set(aTable);
      f.get(k).i32(1).op(w.i32_sub).tee(k).branchIf(again);
    });
    emitCount(f, entry, to);
  });
}

/**
 * `listRows(rows, base, aTable, every, bStep, h, k, to) → kept`: the same for `h` rows that lie anywhere, at
 * `base + rows[i] + aTable[k]`. One of `every` k is looked at, `k` of them.
 */
function listRowsFunction(module: ModuleBuilder, { tileRows }: Arithmetic): Callable {
  return module.shared('zeros rows', new Array(8).fill(int), [int], (f) => {
    const [rows, base, aTable, every, bStep, h, k, to] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
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
    const inB = f.local(int);
    const entry = f.local(int);
    f.get(to).i32(listHeader.bytes).op(w.i32_add).set(entry);
    f.loop((again) => {
      f.get(entry).load(w.i32_load, aTable).tee(at).memory(w.i32_store);
      f.get(entry).get(inB).memory(w.i32_store, 4);
      f.get(entry);
      pointers.forEach((pointer, i) => {
        f.get(pointer).get(at).op(w.i32_add).memory(w.i32_load);
        if (i > 0) f.op(w.i32_or);
      });
      f.i32(1).op(w.i32_shl).i32(0).op(w.i32_ne).i32(3).op(w.i32_shl).op(w.i32_add).set(entry);
      f.get(inB).get(bStep).op(w.i32_add).set(inB);
      f.get(aTable).get(every).i32(4).op(w.i32_mul).op(w.i32_add).set(aTable);
      f.get(k).i32(1).op(w.i32_sub).tee(k).branchIf(again);
    });
    emitCount(f, entry, to);
  });
}

/** Stores how many entries a list has got and pushes their number. */
function emitCount(f: FunctionBuilder, end: Local, list: Local): void {
  f.get(list).get(end).get(list).op(w.i32_sub).i32(listHeader.bytes).op(w.i32_sub);
  f.i32(3).op(w.i32_shr_u).memory(w.i32_store, listHeader.count);
  f.load(w.i32_load, list, listHeader.count);
}

/**
 * `listTiles(a, base, aTable, k, every, bStep, to, listBytes, count, height, higher) → kept`: lists for the tiles of a block of
 * rows. `a` is the row table or, with `panels`, the first panel that `pack` has made; `k` is that of the block, one of
 * `every` k is looked at.
 */
export function listTilesFunction(
  module: ModuleBuilder,
  arithmetic: Arithmetic,
  reading: 'rows' | 'panels',
): Callable {
  const panels = reading === 'panels';
  const list = panels ? listFunction(module, arithmetic) : listRowsFunction(module, arithmetic);
  const { size, stripRow } = arithmetic;
  return module.shared(`zeros tiles ${reading}`, new Array(11).fill(int), [int], (f) => {
    const [a, base, aTable, k, every, bStep, to, bytes, count, height, higher] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ] as const;
    const h = f.local(int);
    const kept = f.local(int);
    f.loop((again) => {
      f.get(height).get(higher).i32(0).op(w.i32_gt_s).op(w.i32_add).set(h);
      f.increment(higher, -1);
      if (panels) f.get(a).get(h).i32(size).op(w.i32_mul).get(every).op(w.i32_mul).i32(0).get(bStep).get(h);
      else f.get(a).get(base).get(aTable).get(every).get(bStep).get(h);
      f.get(k).get(every).op(w.i32_div_u).get(to).call(list);
      f.get(kept).op(w.i32_add).set(kept);
      f.get(a).get(h);
      if (panels) f.get(k).op(w.i32_mul).i32(size).op(w.i32_mul).i32(stripRow).op(w.i32_add);
      else f.i32(4).op(w.i32_mul);
      f.op(w.i32_add).set(a);
      f.get(to).get(bytes).op(w.i32_add).set(to);
      f.increment(count, -1).get(count).branchIf(again);
    });
    f.get(kept);
  });
}

/**
 * `finite(address, aTable, step, width, k) → 1 or 0`: whether `width` elements for each k are all finite, at
 * `address + aTable[k]` or, without a table, at `address + k·step`.
 */
export function finiteFunction(module: ModuleBuilder): Callable {
  return module.shared('zeros finite', new Array(5).fill(int), [int], (f) => {
    const [address, aTable, step, width, k] = [0, 1, 2, 3, 4] as const;
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
      f.get(aTable).if(() => {
        f.get(at).load(w.i32_load, aTable).op(w.i32_add).set(at);
        f.increment(aTable, 4);
      });
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
