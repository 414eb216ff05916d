/** The code of a reduce kernel: loops over results and over what is reduced, by rows or by columns. */

import type { ReduceKernel } from '@ag/tensor';
import { argument } from '../abi.ts';
import { cost, emitExpression, type Lanes, type Sources } from '../arithmetic/expression.ts';
import { type Place, splat, storeFirst, storeVector } from '../arithmetic/lanes.ts';
import { type literalFields, literalVector } from '../arithmetic/literals.ts';
import { sourcesAt } from '../arithmetic/sources.ts';
import type { Vector, VectorCode } from '../arithmetic/vector.ts';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import { lanes32 } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  type I32,
  type I32Variable,
  i32,
  i32Constant,
  i32Parameters,
  i32s,
  v128Constant,
} from '../assembler/values.ts';
import type { Access } from './access.ts';
import { Accumulator, isArg } from './combine.ts';
import { PointerWalk, type walkFields } from './pointerWalk.ts';

/** Steps before float32 sums move to float64. */
const foldSteps = 64;

/**
 * Vectors of a full column block, and of those that what is left of a row is cut into. A long expression is not repeated
 * for as many: the gradient of a bias that ends in Adam would be 9 kB of code.
 */
export function columnVectors({ prologue, epilogue }: ReduceKernel): readonly number[] {
  return prologue.instructions.length + epilogue.instructions.length > 16 ? [4, 1] : [8, 4, 1];
}

/** Where the argument block holds what. */
export interface ReduceFields {
  readonly addresses: readonly number[];
  readonly columnSteps: readonly number[];
  readonly columns: number;
  readonly outer: ReturnType<typeof walkFields>;
  readonly length: number;
  readonly rowSteps: readonly number[];
  readonly rows: number;
  readonly reduced: ReturnType<typeof walkFields>;
  readonly literals: ReturnType<typeof literalFields>;
}

/** How the operands of an epilogue are reached. */
interface Operands extends Sources {
  store(operand: number, x: Vector, accumulate: boolean): void;
}

export class ReduceCode {
  readonly #v: VectorCode;
  readonly #f: FunctionBuilder;
  readonly #lanes: Lanes;
  readonly #kernel: ReduceKernel;
  readonly #accesses: readonly Access[];
  readonly #patterns: readonly Place['pattern'][];
  readonly #fields: ReduceFields;
  readonly #inputs: number;

  constructor(
    v: VectorCode,
    lanes: Lanes,
    kernel: ReduceKernel,
    accesses: readonly Access[],
    patterns: readonly Place['pattern'][],
    fields: ReduceFields,
  ) {
    this.#v = v;
    this.#f = v.f;
    this.#lanes = lanes;
    this.#kernel = kernel;
    this.#accesses = accesses;
    this.#patterns = patterns;
    this.#fields = fields;
    this.#inputs = kernel.inputs.length;
  }

  emit(columns: boolean): FunctionBuilder {
    const f = this.#f;
    const pointers = this.#loadAll(this.#fields.addresses);
    const walk = new PointerWalk(f, this.#fields.outer, pointers);
    if (columns) this.#emitColumns(pointers, walk);
    else this.#emitRows(pointers, walk);
    return f;
  }

  /** Arguments, each in a variable. */
  #loadAll(fields: readonly number[]): I32Variable[] {
    return fields.map((at) => argument(this.#f, at).let());
  }

  /** The state of a combination that runs along rows or columns: `vectors` of them. */
  #accumulator(vectors: number, joined: boolean): Accumulator {
    return new Accumulator(this.#v, this.#lanes, this.#kernel.combine, this.#kernel.dtype, vectors, joined);
  }

  /** Each unit is one result. */
  #emitRows(pointers: readonly I32Variable[], walk: PointerWalk): void {
    const f = this.#f;
    const v = this.#v;
    const [, begin, end] = i32Parameters(f);
    const lanes = this.#lanes;
    const steps = this.#loadAll(this.#fields.rowSteps);
    const starts = steps.map(() => i32(f));
    const cursors = steps.map(() => i32(f));
    const inner = new PointerWalk(f, this.#fields.reduced, starts);
    const places = steps.map((step, i): Place => this.#place(i, cursors[i], step));
    const heavy = cost(this.#kernel.prologue) > 0.7;
    const vectors = isArg(this.#kernel.combine) ? 1 : heavy ? 2 : 4;
    const accumulator = this.#accumulator(vectors, true);
    const pass = vectors * lanes;
    const position = begin.let();
    const [left, rows, chunk, part, index] = i32s(f, 5);
    walk.seek(position);
    f.loop((again) => {
      accumulator.reset();
      starts.forEach((start, i) => start.set(pointers[i]));
      inner.reset();
      index.set(0);
      rows.set(argument(f, this.#fields.rows));
      f.while(rows, () => {
        cursors.forEach((cursor, i) => cursor.set(starts[i]));
        left.set(argument(f, this.#fields.length));
        f.while(left.geU(pass), () => {
          chunk.set(left.minU(foldSteps * pass).and(-pass));
          left.set(left.sub(chunk));
          f.loop((more) => {
            for (let i = 0; i < vectors; i++) {
              accumulator.add(i, this.#value(places, i, null, true), this.#indices(index, i), null);
            }
            this.#advance(places, pass);
            index.increase(pass);
            chunk.increase(-pass);
            chunk.branchIf(more);
          });
          accumulator.fold();
        });
        left.if(() => {
          f.loop((more) => {
            part.set(left.minU(lanes));
            accumulator.add(0, this.#value(places, 0, part, false), this.#indices(index, 0), part);
            this.#advance(places, lanes);
            index.increase(part);
            left.tee(left.sub(part)).branchIf(more);
          });
          accumulator.fold();
        });
        inner.next();
        rows.increase(-1);
      });
      this.#finish(accumulator.across(), {
        load: (operand) => splat(v, this.#accesses[operand].dtype, pointers[operand]),
        coordinate: (operand) => v.let(pointers[operand].splat()),
        literal: (literal, dtype) => literalVector(v, this.#fields.literals, literal, dtype),
        store: (operand, x, accumulate) =>
          storeFirst(v, this.#place(operand, pointers[operand], begin), x, accumulate),
      });
      walk.next();
      begin.increase(1);
      begin.ltU(end).branchIf(again);
    });
  }

  /** Each unit is a block of neighboring results; a lane for each. */
  #emitColumns(rowPointers: readonly I32Variable[], walk: PointerWalk): void {
    const f = this.#f;
    const [, begin, end] = i32Parameters(f);
    const lanes = this.#lanes;
    const sizes = columnVectors(this.#kernel);
    const width = sizes[0] * lanes;
    const columns = argument(f, this.#fields.columns).let();
    const steps = this.#loadAll(this.#fields.columnSteps);
    const rowSteps = this.#loadAll(this.#fields.rowSteps);
    const blocks = columns.ceilDiv(width).let();
    // begin = row · blocks + block
    const row = begin.divU(blocks).let();
    const column = begin.sub(row.mul(blocks)).mul(width).let();
    walk.seek(row);
    const at = rowPointers.map(() => i32(f));
    const left = i32(f);
    const part = i32(f);
    /** As many columns at once as there are left, in steps: two cache lines, one, a vector, a part of one. */
    const take = ([vectors, ...smaller]: readonly number[]) => {
      if (vectors === undefined) {
        part.set(left);
        this.#columnBlock(1, at, steps, rowSteps, part);
        return;
      }
      left.geU(vectors * lanes).if(
        () => {
          part.set(vectors * lanes);
          this.#columnBlock(vectors, at, steps, rowSteps, null);
        },
        () => take(smaller),
      );
    };
    f.loop((again) => {
      at.forEach((pointer, i) => pointer.set(rowPointers[i].add(column.mul(steps[i]))));
      left.set(columns.sub(column));
      left.set(left.minU(width));
      f.loop((more) => {
        take(sizes);
        at.forEach((pointer, i) => pointer.increase(steps[i].mul(part)));
        left.tee(left.sub(part)).branchIf(more);
      });
      column.increase(width);
      column.geU(columns).if(() => {
        column.set(0);
        walk.next();
      });
      begin.increase(1);
      begin.ltU(end).branchIf(again);
    });
  }

  #columnBlock(
    vectors: number,
    at: readonly I32Variable[],
    steps: readonly I32Variable[],
    rowSteps: readonly I32Variable[],
    part: I32 | null,
  ): void {
    const f = this.#f;
    const v = this.#v;
    const lanes = this.#lanes;
    const accumulator = this.#accumulator(vectors, false);
    const starts = rowSteps.map((_, i) => at[i].let());
    const cursors = rowSteps.map(() => i32(f));
    const inner = new PointerWalk(f, this.#fields.reduced, starts);
    const places = rowSteps.map((_, i): Place => this.#place(i, cursors[i], steps[i]));
    const rows = argument(f, this.#fields.rows).let();
    const left = i32(f);
    const chunk = i32(f);
    const index = i32Constant(f, 0).let();
    const inline = vectors > 1 && part === null;
    accumulator.reset();
    inner.reset();
    f.while(rows, () => {
      cursors.forEach((cursor, i) => cursor.set(starts[i]));
      left.set(argument(f, this.#fields.length));
      f.while(left, () => {
        chunk.set(left.minU(foldSteps));
        left.set(left.sub(chunk));
        f.loop((more) => {
          for (let i = 0; i < vectors; i++) {
            accumulator.add(i, this.#value(places, i, part, inline), () => v.let(index.splat()), null);
          }
          cursors.forEach((cursor, i) => cursor.increase(rowSteps[i]));
          index.increase(1);
          chunk.countDown(more);
        });
        accumulator.fold();
      });
      inner.next();
      rows.increase(-1);
    });
    for (let i = 0; i < vectors; i++) {
      const place = (operand: number) => this.#place(operand, at[operand], steps[operand]);
      this.#finish(accumulator.lanesOf(i), {
        ...sourcesAt(v, lanes, place, this.#fields.literals, i, part),
        store: (operand, x, accumulate) => {
          storeVector(v, lanes, place(operand), x, accumulate, i, part);
        },
      });
    }
  }

  #place(i: number, pointer: I32Variable, step: I32Variable): Place {
    return { dtype: this.#accesses[i].dtype, pattern: this.#patterns[i] ?? 'constant', pointer, step };
  }

  /** The prologue's value for the vector `ahead` of the cursors. */
  #value(places: readonly Place[], ahead: number, part: I32 | null, inline: boolean): Vector {
    const v = this.#v;
    const lanes = this.#lanes;
    const { literals } = this.#fields;
    const sources = sourcesAt(v, lanes, (operand) => places[operand], literals, ahead, part);
    return emitExpression(v, lanes, this.#kernel.prologue, sources, inline)[0];
  }

  /** Positions of the lanes within the reduced axes, for arg-reductions; emitted only when asked for. */
  #indices(index: I32, ahead: number): () => Vector {
    return () => {
      const first = ahead * this.#lanes;
      const numbers = v128Constant(this.#f, lanes32(first, first + 1, first + 2, first + 3));
      return this.#v.let(index.splat().op(w.i32x4_add, numbers));
    };
  }

  #advance(places: readonly Place[], elements: number): void {
    for (const { pointer, step } of places) pointer.increase(step.mul(elements));
  }

  /** The epilogue over a vector of results, and its stores. */
  #finish(result: Vector, { store, ...operands }: Operands): void {
    const { epilogue, outputs, extras } = this.#kernel;
    const sources: Sources = { ...operands, accumulator: () => result };
    const values = emitExpression(this.#v, this.#lanes, epilogue, sources, false);
    outputs.forEach(({ accumulate }, i) => {
      store(this.#inputs + extras.length + i, values[i], accumulate);
    });
  }
}
