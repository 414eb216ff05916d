/**
 * What happens to finished sums: the epilogue expression, and where results lie.
 *
 * Sums arrive as strips, rows of two vectors. The epilogue goes along their rows or, through a transposition, along
 * their columns, whichever way results lie side by side (`EpilogueMode`); the other axis is found through tables.
 * Rows and columns beyond the end are computed but not stored.
 */

import { type ContractKernel, type DType, kernelKey, type Launch } from '@ag/tensor';
import type { Factor } from '@ag/tensor/engine';
import { type ArgumentBlock, argument, type Target } from '../abi.ts';
import { emitExpression, lanesFor } from '../arithmetic/expression.ts';
import { type Pattern, type Place, patternOf, storeFirst, storeVector } from '../arithmetic/lanes.ts';
import { type LiteralFields, literalFields } from '../arithmetic/literals.ts';
import { sourcesAt } from '../arithmetic/sources.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type I32, type I32Variable, i32, i32Parameters, v128s } from '../assembler/values.ts';
import type { Arithmetic } from './elements.ts';
import { transpose } from './panels.ts';
import type { ContractPlan, EpilogueMode } from './tiling.ts';

const int = w.i32;

/** Words of each operand in the thread's working memory: its address in the batch, the tables of rows and columns. */
export const operandWords = { bytes: 16, address: 0, rows: 4, columns: 8 } as const;

/** An epilogue's structure and where its arguments stand. */
export interface Epilogue {
  readonly key: string;
  readonly kernel: ContractKernel;
  readonly mode: EpilogueMode;
  readonly dtypes: readonly DType[];
  readonly patterns: readonly Pattern[];
  /** Fields: bytes from one lane to the next. */
  readonly steps: readonly number[];
  readonly literals: LiteralFields;
}

/** Appends an epilogue's arguments to the argument block of a launch. */
export function epilogueArguments(
  argumentBlock: ArgumentBlock,
  launch: Launch,
  kernel: ContractKernel,
  plan: Pick<ContractPlan, 'mode' | 'others'>,
): Epilogue {
  const { mode, others } = plan;
  const step = ({ rows, columns }: Factor) =>
    mode === 'elements' ? 0 : (mode === 'columns' ? rows : columns).axes[0][1];
  const patterns = others.map((other): Pattern => {
    return other.operand.buffer < 0 ? 'strided' : patternOf(step(other) / other.rows.size);
  });
  return {
    key: `contract ${mode} ${patterns.join()} ${structureKey(kernel)}`,
    kernel,
    mode,
    dtypes: others.map((other) => other.dtype),
    patterns,
    steps: others.map((other) => argumentBlock.i32(step(other))),
    literals: literalFields(argumentBlock, launch, [kernel.epilogue]),
  };
}

/** Appends where the operands of an epilogue are. */
export function epilogueOperands(argumentBlock: ArgumentBlock, others: readonly Factor[]): number[] {
  return others.map(({ operand, dtype }) =>
    operand.buffer < 0 ? argumentBlock.coordinate(operand) : argumentBlock.address(operand, dtype),
  );
}

/** Everything about a kernel but the numbers of its axes, which make no difference to the code. */
export function structureKey(kernel: ContractKernel): string {
  return kernelKey({ ...kernel, batchRank: 0, mRank: 0, nRank: 0, kRank: 0 });
}

/**
 * `epilogue(argumentBlock, scratch, c, rows, column, columns)`: finishes `rows` × `columns` sums at `c`, which begin at the start
 * of the row tables and at `column` of the column tables: strips, as far apart as the field `sumStrip` says, in mode `rows`, one
 * strip else. The operands' words stand at `scratch + operands`; the first 256 bytes of scratch are free.
 */
export function emitEpilogue(
  target: Target,
  epilogue: Epilogue,
  arithmetic: Arithmetic,
  operands: number,
  sumStrip: number,
): Callable {
  const { kernel, mode, dtypes, patterns, steps } = epilogue;
  const { stripRow } = arithmetic;
  const f = target.module.function(null, new Array(6).fill(int), []);
  const v = new VectorCode(f, target);
  const [, scratch, c, rows, column, columns] = i32Parameters(f);
  const lanes = lanesFor([kernel.dtype, ...dtypes], kernel.epilogue);
  const inputs = kernel.extras.length;
  const word = (i: number, at: number) => scratch.load(operands + operandWords.bytes * i + at);
  const places = dtypes.map((dtype, i): Place => {
    const step = argument(f, steps[i]).let();
    return { dtype, pattern: patterns[i], pointer: i32(f), step };
  });
  /** Where each operand stands but for the axis that is looked up. */
  const bases = dtypes.map(() => i32(f));
  const tables = dtypes.map(() => i32(f));

  /** The results of one vector of sums, `ahead` vectors after the pointers, of which `part` are valid (all when null). */
  const compute = (accumulator: Vector, ahead: number, part: I32 | null) =>
    emitExpression(
      v,
      lanes,
      kernel.epilogue,
      {
        ...sourcesAt(v, lanes, (operand) => places[operand - 2], epilogue.literals, ahead, part),
        accumulator: () => accumulator,
      },
      part === null,
    );
  /** Stores the results of vectors from `ahead` on. */
  const store = (vectors: readonly (readonly Vector[])[], ahead: number, part: I32 | null) => {
    kernel.outputs.forEach(({ accumulate }, i) => {
      const place = places[inputs + i];
      vectors.forEach((results, j) => {
        if (mode === 'elements') storeFirst(v, place, results[i], accumulate);
        else storeVector(v, lanes, place, results[i], accumulate, ahead + j, part);
      });
    });
  };
  const finish = (accumulator: Vector, part: I32 | null) => store([compute(accumulator, 0, part)], 0, part);
  const sums = (at: I32, offset = 0) => v.let(at.loadVector(offset));
  /** Pointers to the next position of the axis that is looked up. */
  const look = () => {
    places.forEach(({ pointer }, i) => {
      pointer.set(bases[i].add(tables[i].load()));
      tables[i].increase(4);
    });
  };
  /** Where the offset of the first column stands in an operand's table. */
  const columnEntry = (i: number) => word(i, operandWords.columns).add(column.mul(4));

  if (mode === 'columns') alongColumns();
  else if (mode === 'elements') eachElement();
  else alongRows();
  return f;

  /** Vectors along the rows of sums: whole rows of a block, or those of one strip. */
  function alongRows(): void {
    const strip = stripRow / arithmetic.size;
    const at = i32(f);
    const part = i32(f);
    places.forEach((_, i) => {
      bases[i].set(columnEntry(i).load().add(word(i, operandWords.address)));
      tables[i].set(word(i, operandWords.rows));
    });
    f.loop((again) => {
      look();
      at.set(c);
      part.set(columns);
      if (mode === 'rows') {
        f.while(part.geS(strip), () => {
          wholeStrip(at);
          advance(strip);
          at.increase(argument(f, sumStrip));
          part.increase(-strip);
        });
        part.if(() => restOfRow(at, part));
      } else {
        part.eq(strip).if(
          () => wholeStrip(at),
          () => restOfRow(at, part),
        );
      }
      c.increase(stripRow);
      rows.countDown(again);
    });
  }

  function wholeStrip(at: I32): void {
    const count = stripRow / arithmetic.size / lanes;
    // Where the engine pairs vectors, no store may stand between the two to one array.
    const together = target.pairedVectors && count % 2 === 0 ? 2 : 1;
    for (let i = 0; i < count; i += together) {
      const vectors = Array.from({ length: together }, (_, j) =>
        compute(sums(at, (i + j) * lanes * arithmetic.size), i + j, null),
      );
      store(vectors, i, null);
    }
  }

  /** Fewer columns than a strip has, vector by vector. */
  function restOfRow(at: I32Variable, part: I32Variable): void {
    f.loop((next) => {
      finish(sums(at), part);
      advance(lanes);
      at.increase(lanes * arithmetic.size);
      part.increase(-lanes);
      part.gtS(0).branchIf(next);
    });
  }

  /** Moves all pointers on by `count` columns. */
  function advance(count: number): void {
    for (const { pointer, step } of places) pointer.increase(step.mul(count));
  }

  /** Vectors down the columns of sums, which are transposed into working memory first: as many rows as a vector has lanes. */
  function alongColumns(): void {
    const high = arithmetic.lanes;
    const vectors = v128s(f, high);
    const mixed = v128s(f, high);
    const at = i32(f);
    const count = i32(f);
    places.forEach((_, i) => {
      bases[i].set(word(i, operandWords.rows).load().add(word(i, operandWords.address)));
    });
    f.loop((again) => {
      let to = 0;
      for (let part = 0; part < stripRow; part += 16) {
        vectors.forEach((vector, i) => vector.set(c.loadVector(stripRow * i + part)));
        transpose(vectors, mixed, (row) => {
          scratch.store(row, to);
          to += 16;
        });
      }
      rows.geS(high).if(
        () => downColumns(at, count, null),
        () => downColumns(at, count, rows),
      );
      c.increase(stripRow * high);
      rows.gtS(0).branchIf(again);
    });
  }

  /** All columns of the transposed rows, of which `part` are valid (all when null). */
  function downColumns(at: I32Variable, count: I32Variable, part: I32 | null): void {
    const high = arithmetic.lanes;
    for (let i = 0; i < high; i += lanes) {
      count.set(columns);
      at.set(scratch.add(i * arithmetic.size));
      tables.forEach((table, operand) => table.set(columnEntry(operand)));
      f.loop((again) => {
        look();
        finish(sums(at), part);
        at.increase(16);
        count.countDown(again);
      });
      places.forEach(({ step }, operand) => bases[operand].increase(step.mul(lanes)));
      rows.increase(-lanes);
      if (part !== null && i + lanes < high) part.leS(0).if(() => f.op(w.return_));
    }
  }

  /** One element in every lane, the first of which is stored. */
  function eachElement(): void {
    const at = i32(f);
    const count = i32(f);
    const rowTables = places.map((_, i) => word(i, operandWords.rows).let());
    f.loop((nextRow) => {
      count.set(columns);
      at.set(c);
      rowTables.forEach((rowTable, i) => {
        bases[i].set(rowTable.load().add(word(i, operandWords.address)));
        rowTable.increase(4);
        tables[i].set(columnEntry(i));
      });
      f.loop((again) => {
        look();
        finish(sums(at), null);
        at.increase(arithmetic.size);
        count.countDown(again);
      });
      c.increase(stripRow);
      rows.countDown(nextRow);
    });
  }
}
