/**
 * Offset tables and packed panels: how contractions find their elements.
 *
 * Every group of axes, whatever its strides, becomes a table of byte offsets; an element of a matrix is then at
 * `base + rowTable[i] + kTable[k]`. Tables end with a few extra entries that run on contiguously, so that edges may be
 * read in whole vectors: what is read there never reaches a result, but the memory must have 64 bytes to spare.
 */

import type { Callable } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  type I32,
  i32,
  i32Parameters,
  i32s,
  perform,
  sharedFunction,
  type V128,
  type V128Variable,
  v128s,
} from '../assembler/values.ts';
import type { Arithmetic } from './elements.ts';

const int = w.i32;

const packedAtATime = 64;

/** Entries that a table needs beyond its length. */
export const tableSlack = 16;

/**
 * `table(group, start, count, destination) → address`: byte offsets of `count` positions of a group from `start` on.
 * Words of a group: distance to its finished table or 0, element size, rank, then (size, stride in bytes) from the
 * innermost axis outwards.
 */
export function tableFunction(module: ModuleBuilder): Callable {
  return sharedFunction(module, 'contract table', [int], (f, group, start, count, destination) => {
    const [to, position, rest, axis, last, offset, run] = i32s(f, 7);
    const leave = (address: I32) => {
      address.write();
      f.op(w.return_);
    };
    const elementSize = group.load(4);
    const innerSize = group.load(12);
    const innerStride = group.load(16);
    group.load().if(() => leave(group.add(group.load()).add(start.mul(4))));
    count.isZero().if(() => leave(destination));
    to.set(destination);
    last.set(group.add(12).add(group.load(8).mul(8)));
    // One pass for each run along the innermost axis; the outer axes are worked out anew for each.
    f.loop((again) => {
      position.set(start.remU(innerSize));
      rest.set(start.divU(innerSize));
      offset.set(position.mul(innerStride));
      axis.set(group.add(20));
      f.while(axis.ltU(last), () => {
        offset.set(rest.remU(axis.load()).mul(axis.load(4)).add(offset));
        rest.set(rest.divU(axis.load()));
        axis.increase(8);
      });
      run.set(run.ltU(count).select(run.tee(innerSize.sub(position)), count));
      start.increase(run);
      count.set(count.sub(run));
      f.loop((next) => {
        to.store(offset);
        to.increase(4);
        offset.increase(innerStride);
        run.tee(run.sub(1)).branchIf(next);
      });
      count.branchIf(again);
    });
    offset.set(to.sub(4).load());
    for (let i = 1; i <= tableSlack; i++) to.store(offset.tee(offset.add(elementSize)), 4 * (i - 1));
    destination.write();
  });
}

/**
 * `pack(destination, base, rows, kTable, k, count, height, higher, kStep)`: copies `count` panels, the first `higher` of them
 * `height + 1` wide, the others `height`. A panel holds, for each k, its rows' elements side by side; after it follows a gap of
 * one row of a strip, which may be written as well. `kStep`: bytes from one k to the next, 0 where only the table knows.
 */
export function packFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const panel = panelFunction(module, arithmetic);
  const { size, lanes, stripRow } = arithmetic;
  return sharedFunction(
    module,
    `pack ${arithmetic.name}`,
    [],
    (f, destination, base, rows, kTable, k, count, height, higher, kStep) => {
      const [done, part, to, at, row, left, tall, h] = i32s(f, 8);
      // Some k of all panels, then the next: rows side by side in memory share cache lines.
      f.while(done.ltS(k), () => {
        part.set(part.ltS(packedAtATime).select(part.tee(k.sub(done)), packedAtATime));
        to.set(destination);
        row.set(rows);
        left.set(count);
        tall.set(higher);
        f.loop((again) => {
          h.set(height.add(tall.gtS(0)).mul(size));
          tall.increase(-1);
          perform(f, panel, at.tee(to.add(done.mul(h))), base, row, kTable, part, h, kStep);
          if (stripRow > 32) {
            // Rows of B are twice as wide.
            h.gtU(32).if(() => {
              at.increase(32);
              perform(f, panel, at, base, row.add(8 * lanes), kTable, part, h, kStep);
            });
          }
          row.increase(h.divU(size / 4));
          to.set(to.add(h.mul(k)).add(stripRow));
          left.countDown(again);
        });
        done.increase(part);
        kTable.increase(part.mul(4));
      });
    },
  );
}

/**
 * One panel of up to two vectors' width, rows `step` bytes apart. Both vectors are always written: what is too much is
 * overwritten by the next k. Three ways: rows side by side in memory are copied by vectors, k side by side is
 * transposed, the rest is gathered.
 */
function panelFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const { lanes, size } = arithmetic;
  const transposed = transposedFunction(module, arithmetic);
  return sharedFunction(
    module,
    `panel ${arithmetic.name}`,
    [],
    (f, destination, base, rows, kTable, k, step, kStep) => {
      const pointers = Array.from({ length: 2 * lanes }, (_, i) =>
        rows
          .load(4 * i)
          .add(base)
          .let(),
      );
      const halves = [pointers.slice(0, lanes), pointers.slice(lanes)];
      const sideBySide = halves.map((half) => areContiguous(half, size).let());
      const offset = i32(f);
      const even = i32(f);
      const joined = pointers[0].add(size * lanes).eq(pointers[lanes]);
      even.set(joined.and(sideBySide[0].and(sideBySide[1])));

      kStep.if(() => {
        offset.set(pointers[0].add(kTable.load()));
        even.if(() => {
          f.loop((again) => {
            destination.store(offset.loadVector());
            destination.store(offset.loadVector(16), 16);
            offset.increase(kStep);
            destination.increase(step);
            k.tee(k.sub(1)).branchIf(again);
          });
          f.op(w.return_);
        });
        kStep.eq(size).if(() => {
          const transpose = (to: I32, half: readonly I32[]) => {
            perform(f, transposed, to, ...half.map((pointer) => pointer.add(kTable.load())), k, step);
          };
          // The second half first: what it writes beyond its rows belongs to the first half of later k.
          step.gtU(size * lanes).if(() => transpose(destination.add(16), halves[1]));
          transpose(destination, halves[0]);
          f.op(w.return_);
        });
      });
      f.loop((again) => {
        offset.set(kTable.load());
        halves.forEach((half, j) => {
          sideBySide[j].if(
            () => destination.store(half[0].add(offset).loadVector(), 16 * j),
            () =>
              half.forEach((pointer, i) =>
                copyElement(destination, 16 * j + size * i, pointer.add(offset), size),
              ),
          );
        });
        destination.increase(step);
        kTable.increase(4);
        k.tee(k.sub(1)).branchIf(again);
      });
    },
  );
}

/** Copies an element of so many bytes. */
function copyElement(to: I32, offset: number, from: I32, size: 4 | 8): void {
  to.store(
    from.load(0, size === 4 ? w.i32_load : w.i64_load),
    offset,
    size === 4 ? w.i32_store : w.i64_store,
  );
}

/** `transposed(destination, row0 … , k, step)`: one half of a panel, where k lies side by side. Whole vectors are written. */
function transposedFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const { lanes, size } = arithmetic;
  return module.shared(`transposed ${arithmetic.name}`, new Array(lanes + 3).fill(int), [], (f) => {
    const [destination, ...others] = i32Parameters(f);
    const pointers = others.slice(0, lanes);
    const [k, step] = others.slice(lanes);
    const vectors = v128s(f, lanes);
    const mixed = v128s(f, lanes);
    k.geS(lanes).if(() => {
      f.loop((again) => {
        pointers.forEach((pointer, i) => {
          vectors[i].set(pointer.loadVector());
          pointer.increase(16);
        });
        transpose(vectors, mixed, (row) => {
          destination.store(row);
          destination.increase(step);
        });
        k.tee(k.sub(lanes)).geS(lanes).branchIf(again);
      });
    });
    // The last few, one by one.
    f.while(k, () => {
      pointers.forEach((pointer, i) => {
        copyElement(destination, size * i, pointer, size);
        pointer.increase(size);
      });
      destination.increase(step);
      k.increase(-1);
    });
  });
}

/** Whether the addresses lie `size` bytes apart, in order. */
function areContiguous(pointers: readonly I32[], size: number): I32 {
  const distances = pointers.slice(1).map((pointer, i) => pointer.sub(pointers[0]).eq((i + 1) * size));
  return distances.reduce((all, next) => all.and(next));
}

/** Transposes as many vectors as each has lanes; `each` is given the results in order, to be used once. */
export function transpose(
  vectors: readonly V128Variable[],
  mixed: readonly V128Variable[],
  each: (row: V128) => void,
): void {
  const halves = (a: V128, b: V128) => {
    each(a.shuffle32(b, 0, 1, 4, 5));
    each(a.shuffle32(b, 2, 3, 6, 7));
  };
  const [p, q, r, s] = vectors;
  if (vectors.length === 2) {
    halves(p, q);
    return;
  }
  const [t, u, v, x] = mixed;
  t.set(p.shuffle32(q, 0, 4, 1, 5));
  u.set(p.shuffle32(q, 2, 6, 3, 7));
  v.set(r.shuffle32(s, 0, 4, 1, 5));
  x.set(r.shuffle32(s, 2, 6, 3, 7));
  halves(t, v);
  halves(u, x);
}
