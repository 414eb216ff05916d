/**
 * What happens to finished sums: the epilogue expression, and where results lie.
 *
 * Sums arrive as strips, rows of two vectors. The epilogue goes through a strip in lines of vectors: down the rows
 * where results lie side by side along n, and along the columns, through a transposition, where they do along m (the
 * pixels of an image, say). Extras and results are reached through offset tables, so they may lie anyhow.
 */
import type { ContractKernel } from '@ag/tensor';
import type { Target } from './abi.ts';
import type { Callable, FunctionBuilder } from './assembler.ts';
import { type Arithmetic, stripRow } from './contractMicro.ts';
import { emitContiguous, emitTranspose } from './contractPack.ts';
import * as w from './opcodes.ts';

const int = w.i32;
const load = w.i32_load;

/** What the epilogue finds in the thread's working memory: 256 bytes, then for each operand three words. */
export const operandWords = { bytes: 16, address: 0, rows: 4, columns: 8 } as const;

/** `epilogue(record, scratch, c, rows, column, columns)`: finishes `rows` × `columns` sums at `c`; `columnMajor` as in the plan. */
export function emitEpilogue(
  { module }: Target,
  kernel: ContractKernel,
  arithmetic: Arithmetic,
  columnMajor: number,
  operands: number,
): Callable {
  const { lanes } = arithmetic;
  const line = module.function(null, new Array(9).fill(int), []);
  emitLine(line, kernel, arithmetic, operands);
  const f = module.function(null, new Array(6).fill(int), []);
  const [record, scratch, c, rows, column, columns] = [0, 1, 2, 3, 4, 5] as const;
  const row = f.local(int);
  const vectors = Array.from({ length: lanes }, () => f.local(w.v128));
  const mixed = Array.from({ length: lanes }, () => f.local(w.v128));
  f.load(load, record, columnMajor).if(
    () => {
      f.loop((again) => {
        for (let half = 0; half < 2; half++) {
          vectors.forEach((vector, i) => {
            f.load(w.v128_load, c, stripRow * i + 16 * half).set(vector);
          });
          let to = 16 * lanes * half;
          emitTranspose(f, vectors, mixed, (push) => {
            f.get(scratch);
            push();
            f.memory(w.v128_store, to);
            to += 16;
          });
        }
        f.get(record).get(scratch).get(scratch).i32(16).get(columns);
        f.get(row);
        f.get(rows).get(row).op(w.i32_sub);
        f.get(column).i32(operandWords.rows).call(line);
        f.increment(c, stripRow * lanes);
        f.get(row).i32(lanes).op(w.i32_add).tee(row).get(rows).op(w.i32_lt_s).branchIf(again);
      });
    },
    () => {
      for (let half = 0; half < 2; half++) {
        f.get(columns)
          .i32(half * lanes)
          .op(w.i32_gt_s);
        f.if(() => {
          f.get(record).get(scratch);
          f.get(c)
            .i32(16 * half)
            .op(w.i32_add)
            .i32(stripRow)
            .get(rows);
          f.get(column)
            .i32(half * lanes)
            .op(w.i32_add);
          f.get(columns)
            .i32(half * lanes)
            .op(w.i32_sub);
          f.i32(0).i32(operandWords.columns).call(line);
        });
      }
    },
  );
  return f;
}

/**
 * `line(record, scratch, source, step, count, lane, valid, position, lanesTable)`: `count` vectors of sums, `step` bytes
 * apart. Lanes are positions `lane` … of the axis whose tables stand at `lanesTable` of the operands' words (only the
 * first `valid` count), vectors are positions `position` … of the other axis.
 */
function emitLine(
  f: FunctionBuilder,
  kernel: ContractKernel,
  { lanes, size }: Arithmetic,
  operands: number,
): void {
  const [, scratch, source, step, count, lane, valid, position, lanesTable] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ] as const;
  const all = kernel.extras.length + kernel.outputs.length;
  const places = Array.from({ length: all }, (_, i) => {
    const words = f.local(int);
    f.get(scratch)
      .i32(operands + operandWords.bytes * i)
      .op(w.i32_add)
      .set(words);
    const table = f.local(int);
    f.get(words)
      .get(lanesTable)
      .op(w.i32_add)
      .memory(load)
      .get(lane)
      .i32(4)
      .op(w.i32_mul)
      .op(w.i32_add)
      .set(table);
    const base = f.local(int);
    const offsets = Array.from({ length: lanes }, (_, i) => {
      f.load(load, table, 4 * i);
      return f.let(int);
    });
    emitContiguous(f, offsets, size);
    const dense = f.let(int);
    f.load(load, words).set(base);
    // The word of the other axis: rows and columns stand at 4 and 8.
    f.get(words)
      .i32(operandWords.rows + operandWords.columns)
      .get(lanesTable)
      .op(w.i32_sub)
      .op(w.i32_add)
      .memory(load);
    f.get(position).i32(4).op(w.i32_mul).op(w.i32_add).set(table);
    return { base, table, offsets, dense, address: f.local(int) };
  });
  const outputs = places.slice(kernel.extras.length);
  const accumulator = f.local(w.v128);
  f.loop((again) => {
    f.load(w.v128_load, source).set(accumulator);
    for (const { base, table, address } of places) {
      f.load(load, table).get(base).op(w.i32_add).set(address);
      f.increment(table, 4);
    }
    for (const { address, offsets, dense } of outputs) {
      f.get(dense)
        .get(valid)
        .i32(lanes)
        .op(w.i32_ge_s)
        .op(w.i32_and)
        .if(
          () => f.get(address).get(offsets[0]!).op(w.i32_add).get(accumulator).memory(w.v128_store),
          () => {
            f.block((done) => {
              offsets.forEach((offset, i) => {
                if (i > 0) f.get(valid).i32(i).op(w.i32_le_s).branchIf(done);
                f.get(address).get(offset).op(w.i32_add).get(accumulator);
                f.memoryLane(size === 4 ? w.v128_store32_lane : w.v128_store64_lane, 0, i);
              });
            });
          },
        );
    }
    f.get(source).get(step).op(w.i32_add).set(source);
    f.get(count).i32(1).op(w.i32_sub).tee(count).branchIf(again);
  });
}
