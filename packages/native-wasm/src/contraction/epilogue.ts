/**
 * What happens to finished sums: the epilogue expression, and where results lie.
 *
 * Sums arrive as strips, rows of two vectors. The epilogue goes along their rows or, through a transposition, along
 * their columns, whichever way results lie side by side (`EpilogueMode`); the other axis is found through tables.
 * Rows and columns beyond the end are computed but not stored.
 */

import { type ContractKernel, type DType, kernelKey, type Launch } from '@ag/tensor';
import { type ArgumentBlock, parameter, type Target } from '../abi.ts';
import { emitExpression, lanesFor } from '../arithmetic/expression.ts';
import {
  coordinates,
  loadPartial,
  loadVector,
  type Pattern,
  type Place,
  patternOf,
  storeFirst,
  storePartial,
  storeVector,
} from '../arithmetic/lanes.ts';
import { type LiteralFields, literalFields, literalVector } from '../arithmetic/literals.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import type { Callable, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { v128 } from '../assembler/values.ts';
import type { Arithmetic } from './elements.ts';
import { transpose } from './panels.ts';
import type { Factor } from './roles.ts';
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
  plan: ContractPlan,
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

/** Everything about a kernel but the numbers of its axes, which make no difference to the code. */
function structureKey(kernel: ContractKernel): string {
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
  const [, scratch, c, rows, column, columns] = f.parameters as readonly [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const lanes = lanesFor([kernel.dtype, ...dtypes], kernel.epilogue);
  const inputs = kernel.extras.length;
  const words = (i: number, word: number) =>
    f.load(w.i32_load, scratch, operands + operandWords.bytes * i + word);
  const places = dtypes.map((dtype, i): Place => {
    const step = f.load(w.i32_load, parameter.argumentBlock, steps[i]).let(int);
    return { dtype, pattern: patterns[i], pointer: f.local(int), step };
  });
  /** Where each operand stands but for the axis that is looked up. */
  const bases = dtypes.map(() => f.local(int));
  const tables = dtypes.map(() => f.local(int));

  /** One vector of sums, `ahead` vectors after the pointers, of which `part` are valid (all when null). */
  const finish = (accumulator: Vector, ahead: number, part: Local | null) => {
    const results = emitExpression(
      v,
      lanes,
      kernel.epilogue,
      {
        load: (operand) => {
          const place = places[operand - 2];
          return part === null ? loadVector(v, lanes, place, ahead) : loadPartial(v, lanes, place, part);
        },
        coordinate: (operand) => coordinates(v, places[operand - 2], lanes, ahead),
        literal: (literal, dtype) => literalVector(v, epilogue.literals, literal, dtype),
        accumulator: () => accumulator,
      },
      part === null,
    );
    kernel.outputs.forEach(({ accumulate }, i) => {
      const place = places[inputs + i];
      if (mode === 'elements') storeFirst(v, place, results[i], accumulate);
      else if (part === null) storeVector(v, lanes, place, results[i], accumulate, ahead);
      else storePartial(v, lanes, place, results[i], accumulate, part);
    });
  };
  const sums = (at: Local, offset: number) => f.load(w.v128_load, at, offset).let(w.v128);
  /** Pointers to the next position of the axis that is looked up. */
  const look = () => {
    places.forEach(({ pointer }, i) => {
      f.get(bases[i]).load(w.i32_load, tables[i]).op(w.i32_add).set(pointer);
      f.increment(tables[i], 4);
    });
  };
  const countDown = (count: Local, again: number) => f.increment(count, -1).get(count).branchIf(again);

  if (mode === 'columns') alongColumns();
  else if (mode === 'elements') eachElement();
  else alongRows();
  return f;

  function alongRows(): void {
    const strip = stripRow / arithmetic.size;
    const at = f.local(int);
    const part = f.local(int);
    places.forEach((_, i) => {
      words(i, operandWords.columns).get(column).i32(4).op(w.i32_mul).op(w.i32_add).memory(w.i32_load);
      words(i, operandWords.address).op(w.i32_add).set(bases[i]);
      words(i, operandWords.rows).set(tables[i]);
    });
    /** Moves all pointers on by `count` columns. */
    const advance = (count: number) => {
      for (const { pointer, step } of places) {
        f.get(pointer).get(step).i32(count).op(w.i32_mul).op(w.i32_add).set(pointer);
      }
    };
    const whole = () => {
      for (let i = 0; i < strip / lanes; i++) finish(sums(at, i * lanes * arithmetic.size), i, null);
    };
    const rest = () =>
      f.loop((next) => {
        finish(sums(at, 0), 0, part);
        advance(lanes);
        f.increment(at, lanes * arithmetic.size);
        f.increment(part, -lanes).get(part).i32(0).op(w.i32_gt_s).branchIf(next);
      });
    f.loop((again) => {
      look();
      f.get(c).set(at);
      f.get(columns).set(part);
      if (mode === 'rows') {
        f.while(
          () => f.get(part).i32(strip).op(w.i32_ge_s),
          () => {
            whole();
            advance(strip);
            f.get(at).load(w.i32_load, parameter.argumentBlock, sumStrip).op(w.i32_add).set(at);
            f.increment(part, -strip);
          },
        );
        f.get(part).if(() => rest());
      } else {
        f.get(part).i32(strip).op(w.i32_eq);
        f.if(whole, () => rest());
      }
      f.increment(c, stripRow);
      countDown(rows, again);
    });
  }

  function alongColumns(): void {
    const high = arithmetic.lanes;
    const vectors = Array.from({ length: high }, () => v128(f));
    const mixed = Array.from({ length: high }, () => v128(f));
    const at = f.local(int);
    const count = f.local(int);
    places.forEach((_, i) => {
      words(i, operandWords.rows).memory(w.i32_load);
      words(i, operandWords.address).op(w.i32_add).set(bases[i]);
    });
    const down = (part: Local | null) => {
      for (let i = 0; i < high; i += lanes) {
        f.get(columns).set(count);
        f.get(scratch)
          .i32(i * arithmetic.size)
          .op(w.i32_add)
          .set(at);
        places.forEach((_, i) => {
          words(i, operandWords.columns).get(column).i32(4).op(w.i32_mul).op(w.i32_add).set(tables[i]);
        });
        f.loop((again) => {
          look();
          finish(sums(at, 0), 0, part);
          f.increment(at, 16);
          countDown(count, again);
        });
        places.forEach(({ step }, i) => {
          f.get(bases[i]).get(step).i32(lanes).op(w.i32_mul).op(w.i32_add).set(bases[i]);
        });
        f.increment(rows, -lanes);
        if (part !== null && i + lanes < high)
          f.get(part)
            .i32(0)
            .op(w.i32_le_s)
            .if(() => f.op(w.return_));
      }
    };
    f.loop((again) => {
      let to = 0;
      for (let part = 0; part < stripRow; part += 16) {
        vectors.forEach((vector, i) => {
          f.load(w.v128_load, c, stripRow * i + part).set(vector.local);
        });
        transpose(vectors, mixed, (row) => {
          f.get(scratch);
          row.write();
          f.memory(w.v128_store, to);
          to += 16;
        });
      }
      f.get(rows).i32(high).op(w.i32_ge_s);
      f.if(() => down(null), () => down(rows)); // biome-ignore format: short
      f.increment(c, stripRow * high);
      f.get(rows).i32(0).op(w.i32_gt_s).branchIf(again);
    });
  }

  /** One element in every lane, the first of which is stored. */
  function eachElement(): void {
    const at = f.local(int);
    const count = f.local(int);
    const rowTables = places.map((_, i) => words(i, operandWords.rows).let(int));
    f.loop((nextRow) => {
      f.get(columns).set(count);
      f.get(c).set(at);
      places.forEach((_, i) => {
        f.load(w.i32_load, rowTables[i]);
        words(i, operandWords.address).op(w.i32_add).set(bases[i]);
        f.increment(rowTables[i], 4);
        words(i, operandWords.columns).get(column).i32(4).op(w.i32_mul).op(w.i32_add).set(tables[i]);
      });
      f.loop((again) => {
        look();
        finish(sums(at, 0), 0, null);
        f.increment(at, arithmetic.size);
        countDown(count, again);
      });
      f.increment(c, stripRow);
      countDown(rows, nextRow);
    });
  }
}
