// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Reduce kernels: combine over some axes, with the expression before and the one after fused in.
 *
 * Vectors run along the reduced axis ("rows") or along an outer axis ("columns"), whichever the inputs lie along. Sums of
 * float32 are gathered in several vectors for at most 64 steps and then added up in float64, so that
 * the error does not grow with the length. A long reduction with few results is cut into blocks of a size that
 * depends on nothing but its shape, so the result has the same bits for any number of threads.
 */
import { bytesPerElement, type Expression, kernelKey, type ReduceKernel } from '@ag/tensor'; // biome-ignore format: one list
import { ArgumentBlock, type LowerContext, parameter, type Scratch, type Stage, type Target } from '../abi.ts';
import { cost, emitExpression, type Lanes, lanesFor, type Sources } from '../arithmetic/expression.ts';
import { coordinates, loadPartial, loadVector, type Place, patternOf, splat, storeFirst, storePartial, storeVector } from '../arithmetic/lanes.ts';
import { literalFields, literalVector } from '../arithmetic/literals.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type Access, addressField, elementBytes } from './access.ts';
import { type Axes, count, keepsFirstAxis, mergeAxes, sortAxes, splitLast } from './axes.ts';
import { Accumulator, isArg } from './combine.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

/** Elements of a block when a reduction is cut, and what makes cutting worth it. */
const blockElements = 32768;
/**
 * Vectors of a full column block, and of those that what is left of a row is cut into. A long expression is not repeated
 * for as many: the gradient of a bias that ends in Adam would be 9 kB of code.
 */
function columnVectors({ prologue, epilogue }: ReduceKernel): readonly number[] {
  return prologue.instructions.length + epilogue.instructions.length > 16 ? [4, 1] : [8, 4, 1];
}
/** Steps before float32 sums move to float64. */
const foldSteps = 64;

/** A reduction whose operands need not be those of a launch. */
interface Reduction {
  readonly kernel: ReduceKernel;
  /** Over the outer axes, then the reduced ones. */
  readonly inputs: readonly Access[];
  /** Extras and outputs, over the outer axes. */
  readonly results: readonly Access[];
  readonly outer: readonly number[];
  readonly reduced: readonly number[];
}

export function lowerReduce(context: LowerContext, kernel: ReduceKernel): Stage[] {
  const { program, launch } = context;
  if (kernel.dtype === 'bool' && kernel.combine === 'sum') {
    throw new TypeError(`${launch.label}: the sum of bool is not defined; cast to int32 first`);
  }
  const access = (i: number): Access => ({
    operand: launch.operands[i],
    dtype: launch.operands[i].buffer < 0 ? 'int32' : program.buffers[launch.operands[i].buffer].dtype,
    strides: launch.operands[i].strides,
  });
  const operands = launch.operands.map((_, i) => access(i));
  // Coordinates may stand among the inputs or the extras: they have strides over all axes or the outer ones.
  return splitReduction(context, {
    kernel,
    inputs: operands.slice(0, kernel.inputs.length),
    results: operands.slice(kernel.inputs.length),
    outer: launch.dims.slice(0, kernel.outerRank),
    reduced: launch.dims.slice(kernel.outerRank),
  });
}

/** One stage, or three: full blocks, the shorter last block, and the combination of the blocks' results. */
function splitReduction(context: LowerContext, reduction: Reduction): Stage[] {
  const { kernel, reduced, outer } = reduction;
  const outerCount = count(outer);
  const merged = mergeAxes({ sizes: reduced, strides: reduction.inputs.map((a) => a.strides.slice(outer.length)) });
  const length = count(reduced);
  const first = merged.sizes[0] ?? 1;
  const rest = length / first;
  const block = Math.max(64, Math.floor(blockElements / Math.max(rest, Math.min(outerCount, 1024))));
  const tooFew = outerCount * 64 > length || outerCount > 512;
  if (isArg(kernel.combine) || tooFew || length * outerCount < 4 * blockElements || first < 2 * block) {
    return [reduceStage(context, reduction)];
  }
  const full = Math.floor(first / block);
  const last = first - full * block;
  const blocks = full + (last > 0 ? 1 : 0);
  const scratch: Scratch = { bytes: blocks * outerCount * bytesPerElement(kernel.dtype), perThread: false };
  const outerStrides = outer.map((_, axis) => count(outer.slice(axis + 1)));
  const partial = (from: number, blocks: number, length: number): Reduction => ({
    kernel: {
      ...kernel,
      outerRank: outer.length + 1,
      reducedRank: merged.sizes.length,
      extras: [],
      outputs: [{ dtype: kernel.dtype, accumulate: false }],
      epilogue: { instructions: [{ op: 'accumulator', dtype: kernel.dtype }], results: [0] },
    },
    inputs: reduction.inputs.map((input, i) => {
      const [step, ...others] = merged.strides[i];
      const operand = { ...input.operand!, offset: input.operand!.offset + from * block * step };
      return { ...input, operand, strides: [step * block, ...input.strides.slice(0, outer.length), step, ...others] };
    }),
    results: [{ operand: null, scratch, dtype: kernel.dtype, strides: [outerCount, ...outerStrides], first: from * outerCount }],
    outer: [blocks, ...outer],
    reduced: [length, ...merged.sizes.slice(1)],
  });
  const stages = [reduceStage(context, partial(0, full, block))];
  if (last > 0) stages.push(reduceStage(context, partial(full, 1, last)));
  const { dtype } = kernel;
  stages.push(
    reduceStage(context, {
      kernel: {
        ...kernel,
        reducedRank: 1,
        inputs: [dtype],
        prologue: { instructions: [{ op: 'load', operand: 0, dtype }], results: [0] },
        epilogue: renumber(kernel.epilogue, 1 - kernel.inputs.length),
      },
      inputs: [{ operand: null, scratch, dtype, strides: [...outerStrides, outerCount] }],
      results: reduction.results,
      outer,
      reduced: [blocks],
    }),
  );
  return stages;
}

/** The expression with its operand numbers moved. */
function renumber(expression: Expression, by: number): Expression {
  return {
    ...expression,
    instructions: expression.instructions.map((instruction) =>
      'operand' in instruction ? { ...instruction, operand: instruction.operand + by } : instruction,
    ),
  };
}

/** Axes of a reduction in the form that is compiled, and along which kind of axis vectors run. */
interface Shape {
  readonly columns: boolean;
  readonly outer: Axes;
  readonly reduced: Axes;
  /** Whether the first outer axis as it was given is the first still. */
  readonly firstKept: boolean;
}

function arrange({ kernel, inputs, results, outer, reduced }: Reduction): Shape {
  const n = outer.length;
  const outerAxes: Axes = {
    sizes: outer,
    strides: [...inputs.map((a) => a.strides.slice(0, n)), ...results.map((a) => a.strides)],
  };
  const reducedAxes: Axes = { sizes: reduced, strides: inputs.map((a) => a.strides.slice(n)) };
  const all = inputs.map((_, i) => i);
  const outputs = kernel.outputs.map((_, i) => inputs.length + kernel.extras.length + i);
  // Positions of extremes count in the order given; other combinations may go as memory does.
  const inner = mergeAxes(isArg(kernel.combine) ? reducedAxes : sortAxes(reducedAxes, all));
  const votes = (axes: Axes) =>
    all.filter((i) => axes.sizes.length > 0 && axes.strides[i][axes.sizes.length - 1] === 1).length;
  const byInputs = mergeAxes(sortAxes(outerAxes, all));
  const byOutputs = mergeAxes(sortAxes(outerAxes, outputs));
  const reducedLength = count(reduced);
  const lastOuter = byInputs.sizes[byInputs.sizes.length - 1] ?? 1;
  let columns = votes(byInputs) > votes(inner);
  if (votes(byInputs) === votes(inner)) columns = lastOuter > (inner.sizes[inner.sizes.length - 1] ?? 1);
  // Short rows leave vectors half empty.
  if (!columns && reducedLength < 8 && lastOuter >= 4) columns = true;
  if (columns && lastOuter < 4 && reducedLength >= 16) columns = false;
  const firstKept = keepsFirstAxis(outerAxes, columns ? all : outputs);
  return { columns, outer: columns ? byInputs : byOutputs, reduced: inner, firstKept };
}

function reduceStage(context: LowerContext, reduction: Reduction): Stage {
  const { kernel, inputs, results } = reduction;
  const shape = arrange(reduction);
  const accesses = [...inputs, ...results];
  const lanes = lanesFor(
    [...accesses.map((a) => a.dtype), kernel.dtype],
    kernel.prologue,
    kernel.epilogue,
  );
  const argumentBlock = new ArgumentBlock();
  const outer = shape.columns ? splitLast(shape.outer) : null;
  const inner = splitLast(shape.reduced);
  const walked = outer ? outer.outer : shape.outer;
  const columnSteps = outer ? outer.steps : accesses.map(() => 0);
  const fields = {
    addresses: accesses.map((access) => addressField(argumentBlock, access)),
    /** Bytes to the next element along the vectors of columns. */
    columnSteps: columnSteps.map((step, i) => argumentBlock.i32(step * elementBytes(accesses[i]))),
    columns: argumentBlock.i32(outer?.size ?? 1),
    outer: walkFields(argumentBlock, walked, accesses),
    length: argumentBlock.i32(inner.size),
    rowSteps: inner.steps.map((step, i) => argumentBlock.i32(step * elementBytes(inputs[i]))),
    rows: argumentBlock.i32(count(inner.outer.sizes)),
    reduced: walkFields(argumentBlock, inner.outer, inputs),
    literals: literalFields(argumentBlock, context.launch, [kernel.prologue, kernel.epilogue]),
  };
  const pattern = (step: number, i: number) => (accesses[i].operand?.buffer === -1 ? 'strided' : patternOf(step));
  const patterns = (outer ? columnSteps : inner.steps).map(pattern);
  const blockSize = columnVectors(kernel)[0] * lanes;
  const outerCount = count(shape.outer.sizes);
  const units = outer ? count(walked.sizes) * Math.ceil(outer.size / blockSize) : outerCount;
  // Columns run across rows where the first axis is also the last.
  const rows = context.rows !== undefined && shape.firstKept && (!outer || walked.sizes.length > 0) ? context.rows : null;
  const each = (cost(kernel.prologue) + 0.03) * count(reduction.reduced) + cost(kernel.epilogue) + 5;
  const emit = (target: Target) => {
    const f = target.module.function(null, [w.i32, w.i32, w.i32], []);
    return new ReduceCode(new VectorCode(f, target), lanes, kernel, accesses, patterns, fields).emit(shape.columns);
  };
  const form = `${shape.columns ? 'columns' : 'rows'} ${walked.sizes.length} ${inner.outer.sizes.length} ${patterns.join()}`;
  return {
    key: `reduce ${form} ${kernelKey({ ...kernel, outerRank: 0, reducedRank: 0 })}`,
    argumentBlock,
    units: outerCount === 0 ? 0 : units,
    grain: Math.max(1, Math.ceil(3000 / (each * (outer ? Math.min(blockSize, outer.size) : 1)))),
    emit,
    ...(rows === null ? {} : { unitsPerRow: units / rows }),
  };
}

interface Fields {
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

class ReduceCode {
  readonly #v: VectorCode;
  readonly #f: FunctionBuilder;
  readonly #lanes: Lanes;
  readonly #kernel: ReduceKernel;
  readonly #accesses: readonly Access[];
  readonly #patterns: readonly Place['pattern'][];
  readonly #fields: Fields;
  readonly #inputs: number;

  constructor(
    v: VectorCode,
    lanes: Lanes,
    kernel: ReduceKernel,
    accesses: readonly Access[],
    patterns: readonly Place['pattern'][],
    fields: Fields,
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
              f.get(left).i32(foldSteps * pass).get(left).i32(foldSteps * pass).op(w.i32_lt_u).op(w.select);
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
        (operand, x, accumulate) => storeFirst(v, this.#place(operand, pointers[operand], begin), x, accumulate),
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
    const blocks = f.get(columns).i32(width - 1).op(w.i32_add).i32(width).op(w.i32_div_u).let(w.i32);
    // begin = row · blocks + block
    const row = f.get(begin).get(blocks).op(w.i32_div_u).let(w.i32);
    const column = f.get(begin).get(row).get(blocks).op(w.i32_mul).op(w.i32_sub).i32(width).op(w.i32_mul).let(w.i32);
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
        f.get(left).i32(vectors * lanes).op(w.i32_ge_u);
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
                accumulator.add(i, this.#value(places, i, part, vectors > 1 && part === null), () => {
                  f.get(index).op(w.i32x4_splat);
                  return v.keep();
                }, null);
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
          part === null ? loadVector(v, this.#lanes, place(operand), i) : loadPartial(v, this.#lanes, place(operand), part),
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
        part === null ? loadVector(v, lanes, places[operand], ahead) : loadPartial(v, lanes, places[operand], part),
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
