/**
 * `run(batch)`: all kernels of a plan in order, in a module that runs by itself.
 *
 * Before them it brings argument blocks up to date: for the size of the batch, for the number of the step, for random keys. Behind
 * them it puts new values in the place of the old ones and counts. Whatever fails does so before anything is counted.
 */
import type { Target } from '../abi.ts';
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { I32, i32, i32Constant, i32Parameters, perform, sharedFunction } from '../assembler/values.ts';
import * as control from '../control.ts';
import * as header from '../header.ts';
import type { Image, Variant } from './image.ts';
import type { Table } from './table.ts';

/** What `run` answers. */
export const status = { done: 0, index: 1, batch: 2, steps: 3 } as const;

/** Counters, from `Image.cells` on. */
export const cell = { batch: 0, step: 4, drawn: 8, key: 16, words: 24 } as const;

/** Writes `run`. `kernelOf` gives the function of a stage's key; `steps`: how many are prepared, null where any. */
export function writeRun(
  target: Target,
  image: Image,
  steps: number | null,
  keys: number,
  kernelOf: (key: string) => Callable,
): void {
  const { module } = target;
  const { variants, cells } = image;
  const f = module.function('run', [w.i32], [w.i32]);
  const [batch] = i32Parameters(f);
  const answer = (code: number): void => {
    f.i32(code).op(w.return_);
  };
  const state = i32Constant(f, cells);
  const step = state.load(cell.step);
  i32Constant(f, 0).store(0, control.fault);
  const first = variants[0].first;
  const { last } = variants[variants.length - 1];
  batch
    .sub(first)
    .gtU(last - first)
    .if(() => answer(status.batch));
  if (steps !== null) step.geU(steps).if(() => answer(status.steps));
  const apply = (table: Table, row: I32): void => {
    if (table.count === 0) return;
    const from = row.mul(table.rowBytes).add(table.rows);
    perform(f, applyFunction(target), i32Constant(f, table.pairs), table.count, from);
  };
  const isOf = (variant: Variant): I32 =>
    batch
      .sub(variant.first)
      .gtU(variant.last - variant.first)
      .isZero();
  if (last > first) {
    state
      .load(cell.batch)
      .ne(batch)
      .if(() => {
        for (const variant of variants)
          isOf(variant).if(() => apply(variant.table, batch.sub(variant.first)));
        state.store(batch, cell.batch);
      });
  }
  if (image.steps !== null) apply(image.steps, step);
  for (let key = 0; key < keys; key++) {
    perform(f, drawFunction(target, cells), key);
    for (const [address, of, word] of image.keyWords)
      if (of === key) i32Constant(f, address).store(state.load(cell.words + 4 * word));
  }
  for (const variant of variants) {
    const body = () => {
      for (const { stage, launch, address } of variant.calls) {
        const units = i32Constant(f, address).load(header.units);
        perform(f, kernelOf(stage.key), address, 0, units);
        const { form } = launch.kernel;
        if (form === 'gather' || form === 'scatter')
          i32Constant(f, 0)
            .load(control.fault)
            .if(() => answer(status.index));
      }
      for (const [from, to, bytes] of variant.copies) f.i32(to).i32(from).i32(bytes).memoryCopy();
    };
    if (variants.length === 1) body();
    else isOf(variant).if(body);
  }
  if (steps !== null) state.store(step.add(1), cell.step);
  if (keys > 0) {
    const low = state.load(cell.drawn).add(keys);
    state.store(low, cell.drawn);
    const carry = state.load(cell.drawn).ltU(keys);
    state.store(state.load(cell.drawn + 4).add(carry), cell.drawn + 4);
  }
  f.i32(status.done);
}

/** `apply(pairs, count, row)`: writes a row of a table where its words belong. */
function applyFunction({ module }: Target): Callable {
  return sharedFunction(module, 'apply', [], (f, pairs, count, row) => {
    f.loop((again) => {
      pairs.load().store(row.add(pairs.load(4)).load());
      pairs.increase(8);
      count.countDown(again);
    });
  });
}

/**
 * `draw(i)`: the two words of the key that is drawn as number i of this run, by Threefry-2x32 with 20 rounds (Salmon et al. 2011): the same
 * as `threefry` of `@ag/tensor`, of the sequence's words and the count.
 */
function drawFunction({ module }: Target, cells: number): Callable {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  return sharedFunction(module, 'draw', [], (f, i) => {
    const state = i32Constant(f, cells);
    const [a, b] = [i32(f), i32(f)];
    const words = [state.load(cell.key), state.load(cell.key + 4)];
    const third = i32(f);
    third.set(xor(f, xor(f, i32Constant(f, 0x1bd11bda), words[0]), words[1]));
    const k = [...words, third];
    a.set(state.load(cell.drawn).add(i));
    b.set(
      state
        .load(cell.drawn + 4)
        .add(a.ltU(i))
        .add(k[1]),
    );
    a.set(a.add(k[0]));
    for (let round = 0; round < 20; round++) {
      const r = rotations[round % 8];
      a.set(a.add(b));
      b.set(xor(f, b.shl(r).or(b.shrU(32 - r)), a));
      if (round % 4 !== 3) continue;
      const turn = (round + 1) / 4;
      a.set(a.add(k[turn % 3]));
      b.set(b.add(k[(turn + 1) % 3]).add(turn));
    }
    state.store(a, cell.words);
    state.store(b, cell.words + 4);
  });
}

function xor(f: FunctionBuilder, left: I32, right: I32): I32 {
  return new I32(f, () => {
    left.write();
    right.write();
    f.op(w.i32_xor);
  });
}
