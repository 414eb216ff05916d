/**
 * How contractions find elements: offset tables of groups of axes, and panels that hold a block in the order of use.
 *
 * Every group of axes, whatever its strides, becomes a table of byte offsets; an element of a matrix is then at
 * `base + rowTable[i] + kTable[k]`. Tables end with a few extra entries that run on contiguously, so that edges may be
 * read in whole vectors: what is read there never reaches a result, but the memory must have 64 bytes to spare.
 */
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
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
  return module.shared('contract table', [int, int, int, int], [int], (f) => {
    const [group, start, count, destination] = [0, 1, 2, 3] as const;
    const to = f.local(int);
    const position = f.local(int);
    const rest = f.local(int);
    const axis = f.local(int);
    const last = f.local(int);
    const offset = f.local(int);
    const run = f.local(int);
    f.load(w.i32_load, group).if(() => {
      f.get(group).load(w.i32_load, group).op(w.i32_add);
      f.get(start).i32(4).op(w.i32_mul).op(w.i32_add).op(w.return_);
    });
    f.get(count).op(w.i32_eqz);
    f.if(() => f.get(destination).op(w.return_));
    f.get(destination).set(to);
    f.get(group).i32(12).op(w.i32_add);
    f.load(w.i32_load, group, 8).i32(8).op(w.i32_mul).op(w.i32_add).set(last);
    // One pass for each run along the innermost axis; the outer axes are worked out anew for each.
    f.loop((again) => {
      f.get(start).load(w.i32_load, group, 12).op(w.i32_rem_u).set(position);
      f.get(start).load(w.i32_load, group, 12).op(w.i32_div_u).set(rest);
      f.get(position).load(w.i32_load, group, 16).op(w.i32_mul).set(offset);
      f.get(group).i32(20).op(w.i32_add).set(axis);
      f.while(
        () => f.get(axis).get(last).op(w.i32_lt_u),
        () => {
          f.get(rest).load(w.i32_load, axis).op(w.i32_rem_u).load(w.i32_load, axis, 4).op(w.i32_mul);
          f.get(offset).op(w.i32_add).set(offset);
          f.get(rest).load(w.i32_load, axis).op(w.i32_div_u).set(rest);
          f.increment(axis, 8);
        },
      );
      f.load(w.i32_load, group, 12).get(position).op(w.i32_sub).tee(run).get(count);
      f.get(run).get(count).op(w.i32_lt_u).op(w.select).set(run);
      f.get(start).get(run).op(w.i32_add).set(start);
      f.get(count).get(run).op(w.i32_sub).set(count);
      f.loop((next) => {
        f.get(to).get(offset).memory(w.i32_store);
        f.increment(to, 4);
        f.get(offset).load(w.i32_load, group, 16).op(w.i32_add).set(offset);
        f.get(run).i32(1).op(w.i32_sub).tee(run).branchIf(next);
      });
      f.get(count).branchIf(again);
    });
    f.get(to).i32(4).op(w.i32_sub).memory(w.i32_load).set(offset);
    for (let i = 1; i <= tableSlack; i++) {
      f.get(to).get(offset).load(w.i32_load, group, 4).op(w.i32_add).tee(offset);
      f.memory(w.i32_store, 4 * (i - 1));
    }
    f.get(destination);
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
  return module.shared(`pack ${arithmetic.name}`, new Array(9).fill(int), [], (f) => {
    const [destination, base, rows, kTable, k, count, height, higher, kStep] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ] as const;
    const local = () => f.local(int);
    const done = local();
    const part = local();
    const to = local();
    const at = local();
    const row = local();
    const left = local();
    const tall = local();
    const h = local();
    // Some k of all panels, then the next: rows side by side in memory share cache lines.
    f.while(
      () => f.get(done).get(k).op(w.i32_lt_s),
      () => {
        f.get(k).get(done).op(w.i32_sub).tee(part).i32(packedAtATime);
        f.get(part).i32(packedAtATime).op(w.i32_lt_s).op(w.select).set(part);
        f.get(destination).set(to).get(rows).set(row).get(count).set(left).get(higher).set(tall);
        f.loop((again) => {
          f.get(height).get(tall).i32(0).op(w.i32_gt_s).op(w.i32_add).i32(size).op(w.i32_mul).set(h);
          f.increment(tall, -1);
          f.get(to).get(done).get(h).op(w.i32_mul).op(w.i32_add).tee(at);
          f.get(base).get(row).get(kTable).get(part).get(h).get(kStep).call(panel);
          if (stripRow > 32) {
            // Rows of B are twice as wide.
            f.get(h).i32(32).op(w.i32_gt_u);
            f.if(() => {
              f.increment(at, 32).get(at).get(base);
              f.get(row).i32(8 * lanes).op(w.i32_add); // biome-ignore format: short
              f.get(kTable).get(part).get(h).get(kStep).call(panel);
            });
          }
          f.get(row).get(h).i32(size / 4).op(w.i32_div_u).op(w.i32_add).set(row); // biome-ignore format: short
          f.get(to).get(h).get(k).op(w.i32_mul).op(w.i32_add).i32(stripRow).op(w.i32_add).set(to);
          f.increment(left, -1).get(left).branchIf(again);
        });
        f.get(done).get(part).op(w.i32_add).set(done);
        f.get(kTable).get(part).i32(4).op(w.i32_mul).op(w.i32_add).set(kTable);
      },
    );
  });
}

/**
 * One panel of up to two vectors' width, rows `step` bytes apart. Both vectors are always written: what is too much is
 * overwritten by the next k. Three ways: rows side by side in memory are copied by vectors, k side by side is
 * transposed, the rest is gathered.
 */
function panelFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const { lanes, size } = arithmetic;
  const element = size === 4 ? w.i32_load : w.i64_load;
  const store = size === 4 ? w.i32_store : w.i64_store;
  const transposed = transposedFunction(module, arithmetic);
  return module.shared(`panel ${arithmetic.name}`, new Array(7).fill(int), [], (f) => {
    const [destination, base, rows, kTable, k, step, kStep] = [0, 1, 2, 3, 4, 5, 6] as const;
    const pointers = Array.from({ length: 2 * lanes }, (_, i) => {
      f.load(w.i32_load, rows, 4 * i);
      return f.get(base).op(w.i32_add).let(int);
    });
    const halves = [pointers.slice(0, lanes), pointers.slice(lanes)];
    const sideBySide = halves.map((half) => {
      emitContiguous(f, half, size);
      return f.let(int);
    });
    const offset = f.local(int);
    const even = f.local(int);
    f.get(pointers[0]).i32(size * lanes).op(w.i32_add).get(pointers[lanes]).op(w.i32_eq); // biome-ignore format: short
    f.get(sideBySide[0]).get(sideBySide[1]).op(w.i32_and).op(w.i32_and).set(even);

    f.get(kStep).if(() => {
      f.get(pointers[0]).load(w.i32_load, kTable).op(w.i32_add).set(offset);
      f.get(even).if(() => {
        f.loop((again) => {
          f.get(destination).load(w.v128_load, offset).memory(w.v128_store);
          f.get(destination).load(w.v128_load, offset, 16).memory(w.v128_store, 16);
          f.get(offset).get(kStep).op(w.i32_add).set(offset);
          f.get(destination).get(step).op(w.i32_add).set(destination);
          f.get(k).i32(1).op(w.i32_sub).tee(k).branchIf(again);
        });
        f.op(w.return_);
      });
      f.get(kStep).i32(size).op(w.i32_eq);
      f.if(() => {
        // The second half first: what it writes beyond its rows belongs to the first half of later k.
        f.get(step).i32(size * lanes).op(w.i32_gt_u); // biome-ignore format: short
        f.if(() => {
          f.get(destination).i32(16).op(w.i32_add);
          for (let i = lanes; i < 2 * lanes; i++) f.get(pointers[i]).load(w.i32_load, kTable).op(w.i32_add);
          f.get(k).get(step).call(transposed);
        });
        f.get(destination);
        for (let i = 0; i < lanes; i++) f.get(pointers[i]).load(w.i32_load, kTable).op(w.i32_add);
        f.get(k).get(step).call(transposed);
        f.op(w.return_);
      });
    });
    const at = (pointer: number) => f.get(pointer).get(offset).op(w.i32_add);
    f.loop((again) => {
      f.load(w.i32_load, kTable).set(offset);
      halves.forEach((half, j) => {
        f.get(sideBySide[j]).if(
          () => {
            f.get(destination);
            at(half[0]).memory(w.v128_load);
            f.memory(w.v128_store, 16 * j);
          },
          () => {
            half.forEach((pointer, i) => {
              f.get(destination);
              at(pointer).memory(element);
              f.memory(store, 16 * j + size * i);
            });
          },
        );
      });
      f.get(destination).get(step).op(w.i32_add).set(destination);
      f.increment(kTable, 4);
      f.get(k).i32(1).op(w.i32_sub).tee(k).branchIf(again);
    });
  });
}

/** `transposed(destination, row0 … , k, step)`: one half of a panel, where k lies side by side. Whole vectors are written. */
function transposedFunction(module: ModuleBuilder, arithmetic: Arithmetic): Callable {
  const { lanes, size } = arithmetic;
  return module.shared(`transposed ${arithmetic.name}`, new Array(lanes + 3).fill(int), [], (f) => {
    const destination = 0;
    const pointers = Array.from({ length: lanes }, (_, i) => i + 1);
    const [k, step] = [lanes + 1, lanes + 2];
    const vectors = Array.from({ length: lanes }, () => f.local(w.v128));
    const mixed = Array.from({ length: lanes }, () => f.local(w.v128));
    const load = () => {
      pointers.forEach((pointer, i) => {
        f.load(w.v128_load, pointer).set(vectors[i]);
        f.increment(pointer, 16);
      });
    };
    f.get(k)
      .i32(lanes)
      .op(w.i32_ge_s)
      .if(() => {
        f.loop((again) => {
          load();
          emitTranspose(f, vectors, mixed, (push) => {
            f.get(destination);
            push();
            f.memory(w.v128_store);
            f.get(destination).get(step).op(w.i32_add).set(destination);
          });
          f.get(k).i32(lanes).op(w.i32_sub).tee(k).i32(lanes).op(w.i32_ge_s).branchIf(again);
        });
      });
    // The last few, one by one.
    f.while(
      () => f.get(k),
      () => {
        pointers.forEach((pointer, i) => {
          f.get(destination)
            .load(size === 4 ? w.i32_load : w.i64_load, pointer)
            .memory(size === 4 ? w.i32_store : w.i64_store, size * i);
          f.increment(pointer, size);
        });
        f.get(destination).get(step).op(w.i32_add).set(destination);
        f.increment(k, -1);
      },
    );
  });
}

/** Pushes an i32: whether the addresses lie `size` bytes apart, in order. */
export function emitContiguous(f: FunctionBuilder, pointers: readonly number[], size: number): void {
  for (let i = 1; i < pointers.length; i++) {
    f.get(pointers[i]).get(pointers[0]).op(w.i32_sub);
    f.i32(i * size).op(w.i32_eq);
    if (i > 1) f.op(w.i32_and);
  }
}

/** Transposes as many vectors as each has lanes; `each(push)` is called for the results in order and must call `push` once. */
export function emitTranspose(
  f: FunctionBuilder,
  vectors: readonly number[],
  mixed: readonly number[],
  each: (push: () => void) => void,
): void {
  const [p, q, r, s] = vectors as [number, number, number, number];
  const halves = (a: number, b: number) => {
    each(() => f.get(a).get(b).shuffle32(0, 1, 4, 5));
    each(() => f.get(a).get(b).shuffle32(2, 3, 6, 7));
  };
  if (vectors.length === 2) {
    halves(p, q);
    return;
  }
  const [t, u, v, x] = mixed as [number, number, number, number];
  f.get(p).get(q).shuffle32(0, 4, 1, 5).set(t);
  f.get(p).get(q).shuffle32(2, 6, 3, 7).set(u);
  f.get(r).get(s).shuffle32(0, 4, 1, 5).set(v);
  f.get(r).get(s).shuffle32(2, 6, 3, 7).set(x);
  halves(t, v);
  halves(u, x);
}
