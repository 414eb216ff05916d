// biome-ignore-all format: a line of instructions is a line of thought
/** The code of a reduce kernel: loops over results and over what is reduced, by rows or by columns. */
import type { ReduceKernel } from '@ag/tensor';
import { parameter } from '../abi.ts';
import { cost, emitExpression, type Lanes, type Sources } from '../arithmetic/expression.ts';
import {
  coordinates,
  loadPartial,
  loadVector,
  type Place,
  splat,
  storeFirst,
  storePartial,
  storeVector,
} from '../arithmetic/lanes.ts';
import { type literalFields, literalVector } from '../arithmetic/literals.ts';
import type { Vector, VectorCode } from '../arithmetic/vector.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
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
    const pointers = this.#accesses.map((_, i) => this.#load(this.#fields.addresses[i]));
    const walk = new PointerWalk(f, this.#fields.outer, pointers);
    if (columns) this.#emitColumns(pointers, walk);
    else this.#emitRows(pointers, walk);
    return f;
  }

  #load(at: number): Local {
    return this.#f.load(w.i32_load, parameter.argumentBlock, at).let(w.i32);
  }

  /** The state of a combination that runs along rows or columns: `vectors` of them. */
  #accumulator(vectors: number, joined: boolean): Accumulator {
    return new Accumulator(this.#v, this.#lanes, this.#kernel.combine, this.#kernel.dtype, vectors, joined);
  }

  /** Each unit is one result. */
  #emitRows(pointers: readonly Local[], walk: PointerWalk): void {
    const f = this.#f;
    const v = this.#v;
    const { begin, end } = parameter;
    const lanes = this.#lanes;
    const steps = this.#fields.rowSteps.map((at) => this.#load(at));
    const starts = steps.map(() => f.local(w.i32));
    const cursors = steps.map(() => f.local(w.i32));
    const inner = new PointerWalk(f, this.#fields.reduced, starts);
    const places = steps.map((step, i): Place => this.#place(i, cursors[i], step));
    const heavy = cost(this.#kernel.prologue) > 0.7;
    const vectors = isArg(this.#kernel.combine) ? 1 : heavy ? 2 : 4;
    const accumulator = this.#accumulator(vectors, true);
    const pass = vectors * lanes;
    const position = f.get(begin).let(w.i32);
    const left = f.local(w.i32);
    const rows = f.local(w.i32);
    const chunk = f.local(w.i32);
    const part = f.local(w.i32);
    const place = f.local(w.i32);
    walk.seek(position);
    f.loop((again) => {
      accumulator.reset();
      starts.forEach((start, i) => f.get(pointers[i]).set(start));
      inner.reset();
      f.i32(0).set(place);
      f.load(w.i32_load, parameter.argumentBlock, this.#fields.rows).set(rows);
      f.while(
        () => f.get(rows),
        () => {
          cursors.forEach((cursor, i) => f.get(starts[i]).set(cursor));
          f.load(w.i32_load, parameter.argumentBlock, this.#fields.length).set(left);
          f.while(
            () => f.get(left).i32(pass).op(w.i32_ge_u),
            () => {
              f.get(left)
                .i32(foldSteps * pass)
                .get(left)
                .i32(foldSteps * pass)
                .op(w.i32_lt_u)
                .op(w.select);
              f.i32(-pass).op(w.i32_and).set(chunk);
              f.get(left).get(chunk).op(w.i32_sub).set(left);
              f.loop((more) => {
                for (let i = 0; i < vectors; i++) {
                  accumulator.add(i, this.#value(places, i, null, true), this.#indices(place, i), null);
                }
                this.#advance(places, pass);
                f.increment(place, pass).increment(chunk, -pass).get(chunk).branchIf(more);
              });
              accumulator.fold();
            },
          );
          f.get(left).if(() => {
            f.loop((more) => {
              f.get(left).i32(lanes).get(left).i32(lanes).op(w.i32_lt_u).op(w.select).set(part);
              accumulator.add(0, this.#value(places, 0, part, false), this.#indices(place, 0), part);
              this.#advance(places, lanes);
              f.get(place).get(part).op(w.i32_add).set(place);
              f.get(left).get(part).op(w.i32_sub).tee(left).branchIf(more);
            });
            accumulator.fold();
          });
          inner.next();
          f.increment(rows, -1);
        },
      );
      const result = accumulator.across();
      this.#finish(
        result,
        (operand) => splat(v, this.#accesses[operand].dtype, pointers[operand]),
        (operand) => {
          f.get(pointers[operand]).op(w.i32x4_splat);
          return v.keep();
        },
        (operand, x, accumulate) =>
          storeFirst(v, this.#place(operand, pointers[operand], begin), x, accumulate),
      );
      walk.next();
      f.increment(begin, 1).get(begin).get(end).op(w.i32_lt_u).branchIf(again);
    });
  }

  /** Each unit is a block of neighboring results; a lane for each. */
  #emitColumns(rowPointers: readonly Local[], walk: PointerWalk): void {
    const f = this.#f;
    const { begin, end } = parameter;
    const lanes = this.#lanes;
    const vectors = columnVectors(this.#kernel);
    const width = vectors[0] * lanes;
    const columns = this.#load(this.#fields.columns);
    const steps = this.#fields.columnSteps.map((at) => this.#load(at));
    const rowSteps = this.#fields.rowSteps.map((at) => this.#load(at));
    const blocks = f
      .get(columns)
      .i32(width - 1)
      .op(w.i32_add)
      .i32(width)
      .op(w.i32_div_u)
      .let(w.i32);
    // begin = row · blocks + block
    const row = f.get(begin).get(blocks).op(w.i32_div_u).let(w.i32);
    const column = f
      .get(begin)
      .get(row)
      .get(blocks)
      .op(w.i32_mul)
      .op(w.i32_sub)
      .i32(width)
      .op(w.i32_mul)
      .let(w.i32);
    walk.seek(row);
    const at = rowPointers.map(() => f.local(w.i32));
    const left = f.local(w.i32);
    const part = f.local(w.i32);
    f.loop((again) => {
      at.forEach((pointer, i) => {
        f.get(rowPointers[i]).get(column).get(steps[i]).op(w.i32_mul).op(w.i32_add).set(pointer);
      });
      f.get(columns).get(column).op(w.i32_sub).set(left);
      f.get(left).i32(width).get(left).i32(width).op(w.i32_lt_u).op(w.select).set(left);
      // As many columns at once as there are left, in steps: two cache lines, one, a vector, a part of one.
      const take = (sizes: readonly number[]) => {
        const [vectors, ...smaller] = sizes;
        if (vectors === undefined) {
          f.get(left).set(part);
          this.#columnBlock(1, at, steps, rowSteps, part);
          return;
        }
        f.get(left)
          .i32(vectors * lanes)
          .op(w.i32_ge_u);
        f.if(
          () => {
            f.i32(vectors * lanes).set(part);
            this.#columnBlock(vectors, at, steps, rowSteps, null);
          },
          () => take(smaller),
        );
      };
      f.loop((more) => {
        take(vectors);
        at.forEach((pointer, i) => {
          f.get(pointer).get(steps[i]).get(part).op(w.i32_mul).op(w.i32_add).set(pointer);
        });
        f.get(left).get(part).op(w.i32_sub).tee(left).branchIf(more);
      });
      f.increment(column, width).get(column).get(columns).op(w.i32_ge_u);
      f.if(() => {
        f.i32(0).set(column);
        walk.next();
      });
      f.increment(begin, 1).get(begin).get(end).op(w.i32_lt_u).branchIf(again);
    });
  }

  #columnBlock(
    vectors: number,
    at: readonly Local[],
    steps: readonly Local[],
    rowSteps: readonly Local[],
    part: Local | null,
  ): void {
    const f = this.#f;
    const v = this.#v;
    const accumulator = this.#accumulator(vectors, false);
    const starts = rowSteps.map((_, i) => f.get(at[i]).let(w.i32));
    const cursors = rowSteps.map(() => f.local(w.i32));
    const inner = new PointerWalk(f, this.#fields.reduced, starts);
    const places = rowSteps.map((_, i): Place => this.#place(i, cursors[i], steps[i]));
    const rows = this.#load(this.#fields.rows);
    const left = f.local(w.i32);
    const chunk = f.local(w.i32);
    const index = f.i32(0).let(w.i32);
    accumulator.reset();
    inner.reset();
    f.while(
      () => f.get(rows),
      () => {
        cursors.forEach((cursor, i) => f.get(starts[i]).set(cursor));
        f.load(w.i32_load, parameter.argumentBlock, this.#fields.length).set(left);
        f.while(
          () => f.get(left),
          () => {
            f.get(left).i32(foldSteps).get(left).i32(foldSteps).op(w.i32_lt_u).op(w.select).set(chunk);
            f.get(left).get(chunk).op(w.i32_sub).set(left);
            f.loop((more) => {
              for (let i = 0; i < vectors; i++) {
                accumulator.add(
                  i,
                  this.#value(places, i, part, vectors > 1 && part === null),
                  () => {
                    f.get(index).op(w.i32x4_splat);
                    return v.keep();
                  },
                  null,
                );
              }
              cursors.forEach((cursor, i) => f.get(cursor).get(rowSteps[i]).op(w.i32_add).set(cursor));
              f.increment(index, 1).increment(chunk, -1).get(chunk).branchIf(more);
            });
            accumulator.fold();
          },
        );
        inner.next();
        f.increment(rows, -1);
      },
    );
    for (let i = 0; i < vectors; i++) {
      const place = (operand: number) => this.#place(operand, at[operand], steps[operand]);
      this.#finish(
        accumulator.lanesOf(i),
        (operand) =>
          part === null
            ? loadVector(v, this.#lanes, place(operand), i)
            : loadPartial(v, this.#lanes, place(operand), part),
        (operand) => coordinates(v, place(operand), this.#lanes, i),
        (operand, x, accumulate) => {
          if (part === null) storeVector(v, this.#lanes, place(operand), x, accumulate, i);
          else storePartial(v, this.#lanes, place(operand), x, accumulate, part);
        },
      );
    }
  }

  #place(i: number, pointer: Local, step: Local): Place {
    return { dtype: this.#accesses[i].dtype, pattern: this.#patterns[i] ?? 'constant', pointer, step };
  }

  /** The prologue's value for the vector `ahead` of the cursors. */
  #value(places: readonly Place[], ahead: number, part: Local | null, inline: boolean): Vector {
    const v = this.#v;
    const lanes = this.#lanes;
    const sources: Sources = {
      load: (operand) =>
        part === null
          ? loadVector(v, lanes, places[operand], ahead)
          : loadPartial(v, lanes, places[operand], part),
      coordinate: (operand) => coordinates(v, places[operand], lanes, ahead),
      literal: (literal, dtype) => literalVector(this.#v, this.#fields.literals, literal, dtype),
    };
    return emitExpression(v, lanes, this.#kernel.prologue, sources, inline)[0];
  }

  /** Positions of the lanes within the reduced axes, for arg-reductions; emitted only when asked for. */
  #indices(place: Local, ahead: number): () => Vector {
    return () => {
      const v = this.#v;
      const first = ahead * this.#lanes;
      this.#f.get(place).op(w.i32x4_splat);
      this.#f.v128(new Uint8Array(new Int32Array([0, 1, 2, 3].map((i) => i + first)).buffer)).op(w.i32x4_add);
      return v.keep();
    };
  }

  #advance(places: readonly Place[], elements: number): void {
    for (const { pointer, step } of places) {
      this.#f.get(pointer).get(step).i32(elements).op(w.i32_mul).op(w.i32_add).set(pointer);
    }
  }

  /** The epilogue over a vector of results, and its stores. */
  #finish(
    result: Vector,
    load: (operand: number) => Vector,
    coordinate: (operand: number) => Vector,
    store: (operand: number, x: Vector, accumulate: boolean) => void,
  ): void {
    const { epilogue, outputs, extras } = this.#kernel;
    const sources: Sources = {
      load,
      coordinate,
      literal: (literal, dtype) => literalVector(this.#v, this.#fields.literals, literal, dtype),
      accumulator: () => result,
    };
    const values = emitExpression(this.#v, this.#lanes, epilogue, sources, false);
    outputs.forEach(({ accumulate }, i) => {
      store(this.#inputs + extras.length + i, values[i], accumulate);
    });
  }
}
