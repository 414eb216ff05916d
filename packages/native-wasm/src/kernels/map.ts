/**
 * Map kernels: one expression for every element, two vectors a pass. A unit of work is a run of 64 elements in row-major
 * order of the merged axes, so any piece of the work can begin in the middle of a row; in a band it is a row of the band.
 */

import { bytesPerElement, kernelKey, type Launch, type MapKernel } from '@ag/tensor';
import {
  count,
  keepsFirstAxis,
  type LaunchAxes,
  mergeLaunchAxes,
  sortAxes,
  splitLast,
} from '@ag/tensor/engine';
import {
  ArgumentBlock,
  argument,
  kernelParameters,
  type LowerContext,
  type Stage,
  type Target,
} from '../abi.ts';
import { cost, emitExpression, isHeavy, type Lanes, lanesFor } from '../arithmetic/expression.ts';
import { loadVector, type Pattern, type Place, patternOf, splat, storeVector } from '../arithmetic/lanes.ts';
import { type LiteralFields, literalFields } from '../arithmetic/literals.ts';
import { sourcesAt } from '../arithmetic/sources.ts';
import { type Vector, VectorCode } from '../arithmetic/vector.ts';
import { type I32, type I32Variable, i32, i32Parameters } from '../assembler/values.ts';
import { type Access, addressField, elementBytes } from './access.ts';
import { PointerWalk, walkFields } from './pointerWalk.ts';

/** Elements of a unit of work, unless it is a row. */
const unitElements = 64;

/** Expressions longer than this are not repeated for a second vector in each pass. */
const maxRepeated = 80;

export function lowerMap({ program, launch, rows }: LowerContext, kernel: MapKernel): Stage[] {
  const accesses: Access[] = launch.operands.map((operand) => ({
    operand,
    dtype: operand.buffer < 0 ? 'int32' : program.buffers[operand.buffer].dtype,
    strides: operand.strides,
  }));
  const outputs = kernel.outputs.map((_, i) => kernel.inputs.length + i);
  const given: LaunchAxes = { sizes: launch.dims, strides: accesses.map((access) => access.strides) };
  const axes = mergeLaunchAxes(sortAxes(given, outputs));
  const row = rowOfPairs(axes, accesses, kernel) ?? rowOf(axes, launch, accesses);
  const rowwise = rows !== undefined && keepsFirstAxis(given, outputs) && innerAxis(axes) !== 0;
  return [mapStage(kernel, launch, row, accesses, rowwise ? rows : null)];
}

/** What vectors run along: `size` elements, and how each operand lies there; `outer` are the other axes. */
interface Row {
  readonly outer: LaunchAxes;
  readonly size: number;
  readonly steps: readonly number[];
  readonly patterns: readonly Pattern[];
}

function rowOf(axes: LaunchAxes, launch: Launch, accesses: readonly Access[]): Row {
  const { outer, size, steps } = splitLast(
    axes.sizes.length > 0 ? innerFirst(axes) : single(launch, accesses),
  );
  const patterns = steps.map((step, i) => (accesses[i].operand!.buffer < 0 ? 'strided' : patternOf(step)));
  return { outer, size, steps, patterns };
}

/**
 * The two last axes as one, where the last has two elements and results lie side by side: windows of two, and what is
 * repeated twice. Null where an operand lies in another way.
 */
function rowOfPairs(axes: LaunchAxes, accesses: readonly Access[], kernel: MapKernel): Row | null {
  const rank = axes.sizes.length;
  if (rank < 2 || axes.sizes[rank - 1] !== 2 || axes.sizes[rank - 2] < 4) return null;
  if (
    lanesFor(
      accesses.map(({ dtype }) => dtype),
      kernel.expression,
    ) !== 4
  )
    return null;
  const steps: number[] = [];
  const patterns: Pattern[] = [];
  for (const [i, { operand, dtype }] of accesses.entries()) {
    const [far, near] = axes.strides[i].slice(rank - 2);
    const pairs = `${far} ${near}`;
    const input = i < kernel.inputs.length;
    if (operand!.buffer < 0 && pairs === '0 1') {
      steps.push(0);
      patterns.push('parity');
    } else if (operand!.buffer >= 0 && pairs === '2 1') {
      steps.push(1);
      patterns.push('contiguous');
    } else if (operand!.buffer >= 0 && input && pairs === '0 0') {
      steps.push(0);
      patterns.push('constant');
    } else if (operand!.buffer >= 0 && input && pairs === '1 0' && bytesPerElement(dtype) === 4) {
      steps.push(0.5);
      patterns.push('twice');
    } else return null;
  }
  return {
    outer: { sizes: axes.sizes.slice(0, -2), strides: axes.strides.map((own) => own.slice(0, -2)) },
    size: 2 * axes.sizes[rank - 2],
    steps,
    patterns,
  };
}

/**
 * A last axis of a few elements wastes most of each vector: the nearest longer one is then walked in its place. The
 * nearest, because its elements share cache lines with those of the last axis.
 */
function innerFirst(axes: LaunchAxes): LaunchAxes {
  const chosen = innerAxis(axes);
  if (chosen === null) return axes;
  const order = axes.sizes.map((_, axis) => axis).filter((axis) => axis !== chosen);
  return {
    sizes: [...order, chosen].map((axis) => axes.sizes[axis]),
    strides: axes.strides.map((own) => [...order, chosen].map((axis) => own[axis])),
  };
}

/** The axis that is walked in place of the last one, if any. */
function innerAxis({ sizes }: LaunchAxes): number | null {
  const rank = sizes.length;
  if (rank < 2 || sizes[rank - 1] >= 4) return null;
  let chosen = rank - 2;
  while (chosen > 0 && sizes[chosen] < 4) chosen--;
  return sizes[chosen] < 2 * sizes[rank - 1] ? null : chosen;
}

/** One element as an axis of size 1 that keeps the strides it was given: then it needs no kernel of its own. */
function single(launch: Launch, accesses: readonly Access[]): LaunchAxes {
  const rank = launch.dims.length;
  return { sizes: [1], strides: accesses.map(({ strides }) => [rank === 0 ? 1 : strides[rank - 1]]) };
}

/** With `rows`, of which there are so many, a unit is one row. */
function mapStage(
  kernel: MapKernel,
  launch: Launch,
  row: Row,
  accesses: readonly Access[],
  rows: number | null,
): Stage {
  const { outer, size, steps, patterns } = row;
  const rank = outer.sizes.length;
  const argumentBlock = new ArgumentBlock();
  const total = size * count(outer.sizes);
  const unit = rows === null ? unitElements : total / rows;
  const unitAt = argumentBlock.i32(unit);
  const totalAt = argumentBlock.i32(total);
  const sizeAt = argumentBlock.i32(size);
  const addresses = accesses.map((access) => addressField(argumentBlock, access));
  const stepsAt = steps.map((step, i) => argumentBlock.i32(step * elementBytes(accesses[i])));
  const walk = walkFields(argumentBlock, outer, accesses);
  const literals = literalFields(argumentBlock, launch, [kernel.expression]);
  const lanes = lanesFor(
    accesses.map((access) => access.dtype),
    kernel.expression,
  );
  const emit = (target: Target) => {
    const f = target.module.function(null, kernelParameters, []);
    const v = new VectorCode(f, target);
    const [, begin, end] = i32Parameters(f);
    const rows = addresses.map((at) => argument(f, at).let());
    const steps = stepsAt.map((at) => argument(f, at).let());
    const position = begin.mul(argument(f, unitAt)).let();
    end.set(end.mul(argument(f, unitAt)));
    const remaining = end.minU(argument(f, totalAt)).sub(position).let();
    const pointers = rank === 0 ? rows : rows.map(() => i32(f));
    const places = accesses.map(
      ({ dtype }, i): Place => ({ dtype, pattern: patterns[i], pointer: pointers[i], step: steps[i] }),
    );
    const loop = new MapLoop(v, kernel, lanes, places, accesses, literals);
    const enter = (column: I32) => {
      pointers.forEach((pointer, i) => {
        pointer.set(patterns[i] === 'constant' ? rows[i] : rows[i].add(column.mul(steps[i])));
      });
    };
    if (rank === 0) {
      position.if(() => enter(position));
      loop.emit(remaining);
      return f;
    }
    const size = argument(f, sizeAt);
    const walker = new PointerWalk(f, walk, rows);
    const column = i32(f);
    position.if(() => {
      const row = position.divU(size).let();
      column.set(position.sub(row.mul(size)));
      walker.seek(row);
    });
    const length = i32(f);
    f.loop((again) => {
      length.set(length.ltU(remaining).select(length.tee(size.sub(column)), remaining));
      remaining.set(remaining.sub(length));
      enter(column);
      column.set(0);
      loop.emit(length);
      walker.next();
      remaining.branchIf(again);
    });
    return f;
  };
  return {
    key: `map ${rank} ${patterns.join()} ${kernelKey({ ...kernel, rank: 0 })}`,
    argumentBlock,
    units: Math.ceil(total / unit),
    grain: Math.max(1, Math.ceil(3000 / (cost(kernel.expression) + 0.1 * accesses.length) / unit)),
    emit,
    ...(rows === null ? {} : { unitsPerRow: 1 }),
  };
}

/** The loop over one row: pointers stand at its first element. */
class MapLoop {
  readonly #v: VectorCode;
  readonly #kernel: MapKernel;
  readonly #lanes: Lanes;
  readonly #places: readonly Place[];
  readonly #accesses: readonly Access[];
  readonly #literals: LiteralFields;

  constructor(
    v: VectorCode,
    kernel: MapKernel,
    lanes: Lanes,
    places: readonly Place[],
    accesses: readonly Access[],
    literals: LiteralFields,
  ) {
    this.#v = v;
    this.#kernel = kernel;
    this.#lanes = lanes;
    this.#places = places;
    this.#accesses = accesses;
    this.#literals = literals;
  }

  /** `length` elements, which is overwritten. */
  emit(length: I32Variable): void {
    const { f } = this.#v;
    const { instructions } = this.#kernel.expression;
    const vectors = instructions.length > maxRepeated ? 1 : 2;
    const pass = vectors * this.#lanes;
    // What does not change along the row.
    const constants = this.#places.map((place, i) =>
      place.pattern === 'constant' && this.#accesses[i].operand!.buffer >= 0 && i < this.#kernel.inputs.length
        ? splat(this.#v, place.dtype, place.pointer)
        : -1,
    );
    f.block((exit) => {
      length.ltU(pass).branchIf(exit);
      f.loop((again) => {
        // All loads before all stores, and those to one array side by side: V8 pairs neighboring vectors to 256-bit ones only
        // then. An input that is also the output is read at the same places that are written, so nothing is read too early.
        const results = Array.from({ length: vectors }, (_, i) => this.#compute(constants, i, null, true));
        this.#store(results, null);
        this.#advance(pass);
        length.increase(-pass);
        length.geU(pass).branchIf(again);
      });
    });
    // Of a short row this may be most. Not with functions: their calls would slow down the loop above.
    if (vectors === 2 && !instructions.some(({ op }) => isHeavy(op))) {
      length.geU(this.#lanes).if(() => {
        this.#store([this.#compute(constants, 0, null, false)], null);
        this.#advance(this.#lanes);
        length.increase(-this.#lanes);
      });
    }
    const part = i32(f);
    f.while(length, () => {
      part.set(length.minU(this.#lanes));
      this.#store([this.#compute(constants, 0, part, false)], part);
      this.#advance(this.#lanes);
      length.set(length.sub(part));
    });
  }

  #advance(elements: number): void {
    this.#places.forEach(({ dtype, pattern, pointer, step }, i) => {
      if (pattern === 'constant') return;
      const inMemory = this.#accesses[i].operand!.buffer >= 0;
      const known = pattern === 'contiguous' && inMemory;
      pointer.increase(known ? elements * bytesPerElement(dtype) : step.mul(elements));
    });
  }

  #compute(constants: readonly Vector[], ahead: number, part: I32 | null, inline: boolean): Vector[] {
    const v = this.#v;
    const lanes = this.#lanes;
    const sources = sourcesAt(v, lanes, (operand) => this.#places[operand], this.#literals, ahead, part);
    const load = (operand: number) => {
      if (constants[operand] >= 0) return constants[operand];
      const place = this.#places[operand];
      // What lies beyond the row is computed too, but not stored.
      return loadVector(v, lanes, place, ahead, place.pattern === 'contiguous' ? null : part);
    };
    return emitExpression(v, lanes, this.#kernel.expression, { ...sources, load }, inline);
  }

  /** The results of neighboring vectors. */
  #store(vectors: readonly (readonly Vector[])[], part: I32 | null): void {
    const v = this.#v;
    const lanes = this.#lanes;
    this.#kernel.outputs.forEach((output, i) => {
      const place = this.#places[this.#kernel.inputs.length + i];
      vectors.forEach((results, ahead) => {
        storeVector(v, lanes, place, results[i], output.accumulate, ahead, part);
      });
    });
  }
}
