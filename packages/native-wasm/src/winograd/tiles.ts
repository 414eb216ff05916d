/** Transformations of tiles in both axes, four tiles (or one tile of four channels) in the lanes of vectors. */
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  type I32,
  type I32Variable,
  i32,
  i32s,
  sharedFunction,
  type V128Variable,
  v128,
  v128s,
} from '../assembler/values.ts';
import { transpose } from '../contraction/panels.ts';
import { Lanes, ofInputs, ofOutputs, ofTaps, points, type Transformation } from './points.ts';

const int = w.i32;

/** Bytes of the values between the two axes of a transformation: `points` rows of as many vectors. */
export const betweenBytes = 16 * points * points;

/** Bytes of a row of them. */
const betweenRow = 16 * points;

/** Where the masks of tiles at an edge stand: of columns, of rows, then how far each row of each lane lies from its tile. */
export const edge = { columns: 0, rows: 16 * points, offsets: 32 * points, bytes: 48 * points } as const;

/** What is transformed: tiles of inputs, or of as many outputs (of which the gradient of filters makes taps). */
function transformationOf(size: number): Transformation {
  return size === points ? ofInputs : ofTaps(size);
}

/**
 * `gather(p0, p1, p2, p3, rowStep, between, to, toStep, edges)`: transforms the `size` × `size` tiles at four addresses to vectors at
 * `to`, `toStep` bytes apart. With `edges`, elements beyond an edge count as 0 and are not read from where they would lie.
 */
export function gatherFunction(
  module: ModuleBuilder,
  fused: boolean,
  size: number,
  edges: boolean,
): Callable {
  return sharedFunction(
    module,
    `winograd gather ${size} ${edges}`,
    [],
    (f, p0, p1, p2, p3, rowStep, between, to, toStep, masks) => {
      const lanes = new Lanes(f, fused);
      const transformation = transformationOf(size);
      const bases = [p0, p1, p2, p3];
      const at = edges ? bases.map(() => i32(f)) : bases;
      const [here, row, left] = i32s(f, 3);
      const loaded = bases.map(() => v128(f));
      const mixed = bases.map(() => v128(f));
      const x = v128s(f, size);
      here.set(between);
      row.set(masks);
      left.set(size);
      f.loop((again) => {
        if (edges) at.forEach((pointer, i) => pointer.set(bases[i].add(row.load(edge.offsets + 4 * i))));
        if (size >= 4) {
          loaded.forEach((vector, i) => vector.set(at[i].loadVector()));
          let next = 0;
          transpose(loaded, mixed, (column) => x[next++].set(column));
        }
        if (size % 4 === 2) {
          const offset = 4 * (size - 2);
          loaded.forEach((vector, i) => vector.set(at[i].loadVector(offset, w.v128_load64_zero)));
          mixed[0].set(loaded[0].shuffle32(loaded[1], 0, 4, 1, 5));
          mixed[1].set(loaded[2].shuffle32(loaded[3], 0, 4, 1, 5));
          x[size - 2].set(mixed[0].shuffle32(mixed[1], 0, 1, 4, 5));
          x[size - 1].set(mixed[0].shuffle32(mixed[1], 2, 3, 6, 7));
        }
        if (edges) {
          const mask = loaded[0];
          mask.set(row.loadVector(edge.rows));
          x.forEach((vector, j) => vector.set(vector.and(mask.and(masks.loadVector(edge.columns + 16 * j)))));
          row.increase(16);
        } else for (const pointer of at) pointer.increase(rowStep);
        transformation(lanes, x, (j, value) => here.store(value, 16 * j));
        here.increase(betweenRow);
        left.countDown(again);
      });
      alongRows(f, lanes, transformation, size, between, to, toStep, (pointer, value) =>
        pointer.store(value),
      );
    },
  );
}

/** The second axis: from rows of `between` to vectors at `to`, `toStep` apart. */
function alongRows(
  f: FunctionBuilder,
  lanes: Lanes,
  transformation: Transformation,
  size: number,
  between: I32Variable,
  to: I32Variable,
  toStep: I32,
  write: (pointer: I32, value: Parameters<Parameters<Transformation>[2]>[1]) => void,
): void {
  const left = i32(f);
  const pointers = i32s(f, points);
  const x = v128s(f, size);
  pointers.forEach((pointer, i) => pointer.set(i === 0 ? to : pointers[i - 1].add(toStep.mul(points))));
  left.set(points);
  f.loop((again) => {
    x.forEach((vector, i) => vector.set(between.loadVector(betweenRow * i)));
    transformation(lanes, x, (i, value) => write(pointers[i], value));
    for (const pointer of pointers) pointer.increase(toStep);
    between.increase(16);
    left.countDown(again);
  });
}

/**
 * `filter(at, rowStep, columnStep, between, to, toStep)`: transforms one filter of `taps` × `taps` to elements `toStep` bytes apart.
 */
export function filterFunction(module: ModuleBuilder, fused: boolean, taps: number): Callable {
  return sharedFunction(
    module,
    `winograd filter ${taps}`,
    [],
    (f, at, rowStep, columnStep, between, to, toStep) => {
      const lanes = new Lanes(f, fused);
      const transformation = ofTaps(taps);
      const [element, here, left] = i32s(f, 3);
      const x = v128s(f, taps);
      here.set(between);
      left.set(taps);
      f.loop((again) => {
        element.set(at);
        for (const vector of x) {
          vector.set(element.loadVector(0, w.v128_load32_splat));
          element.increase(columnStep);
        }
        transformation(lanes, x, (j, value) => here.store(value, 16 * j));
        at.increase(rowStep);
        here.increase(betweenRow);
        left.countDown(again);
      });
      alongRows(f, lanes, transformation, taps, between, to, toStep, (pointer, value) =>
        pointer.storeLane(value, w.v128_store32_lane, 0, 0),
      );
    },
  );
}

/** The first axis of sums at the points: `load` gives those of row i at the pointers. */
export function betweenOutputs(
  f: FunctionBuilder,
  lanes: Lanes,
  count: number,
  between: I32,
  from: I32,
  fromStep: I32,
  load: (vector: V128Variable, pointer: I32Variable) => void,
): void {
  const left = i32(f);
  const here = i32(f);
  const pointers = i32s(f, points);
  const x = v128s(f, points);
  pointers.forEach((pointer, i) => pointer.set(i === 0 ? from : pointers[i - 1].add(fromStep.mul(points))));
  here.set(between);
  left.set(points);
  f.loop((again) => {
    x.forEach((vector, i) => load(vector, pointers[i]));
    ofOutputs(count)(lanes, x, (i, value) => here.store(value, betweenRow * i));
    for (const pointer of pointers) pointer.increase(fromStep);
    here.increase(16);
    left.countDown(again);
  });
}

/** The second: `write` is given the outputs of each row, and a vector that has been added 0 times each of them: NaN where one is not finite. */
export function outputsOfRows(
  f: FunctionBuilder,
  lanes: Lanes,
  count: number,
  between: I32Variable,
  write: (outputs: readonly V128Variable[]) => void,
): V128Variable {
  const left = i32(f);
  const x = v128s(f, points);
  const outputs = v128s(f, count);
  const finite = v128(f);
  left.set(count);
  f.loop((again) => {
    x.forEach((vector, j) => vector.set(between.loadVector(16 * j)));
    ofOutputs(count)(lanes, x, (j, value) => outputs[j].set(value));
    for (const output of outputs) finite.set(lanes.multiplyAdd(output, 0, finite));
    write(outputs);
    between.increase(betweenRow);
    left.countDown(again);
  });
  return finite;
}

/**
 * `scatter(from, fromStep, between, places, column, rowStep)` → whether all is finite: transforms sums at the points, vectors `fromStep` apart, to the
 * `count` × `count` outputs of four tiles. Row i of tile t goes to `places[t] + column + i · rowStep`.
 */
export function scatterFunction(module: ModuleBuilder, fused: boolean, count: number): Callable {
  return sharedFunction(
    module,
    `winograd scatter ${count}`,
    [int],
    (f, from, fromStep, between, places, column, rowStep) => {
      const lanes = new Lanes(f, fused);
      betweenOutputs(f, lanes, count, between, from, fromStep, (vector, pointer) =>
        vector.set(pointer.loadVector()),
      );
      const to = [0, 1, 2, 3].map((t) =>
        places
          .load(4 * t)
          .add(column)
          .let(),
      );
      const mixed = to.map(() => v128(f));
      const finite = outputsOfRows(f, lanes, count, between, (outputs) => {
        if (count === 4) {
          let t = 0;
          transpose(outputs, mixed, (tile) => to[t++].store(tile));
        } else {
          mixed[0].set(outputs[0].shuffle32(outputs[1], 0, 4, 1, 5));
          mixed[1].set(outputs[0].shuffle32(outputs[1], 2, 6, 3, 7));
          to.forEach((pointer, t) => pointer.storeLane(mixed[t >> 1], w.v128_store64_lane, 0, t & 1));
        }
        for (const pointer of to) pointer.increase(rowStep);
      });
      finite.op(w.f32x4_ne, finite).any().isZero().write();
    },
  );
}

/**
 * `total(from, fromStep, part, parts, between, to)` → whether all is finite: adds up sums at the points over all parts, and transforms them to the
 * `taps` × `taps` filters of four channels, one after another at `to`.
 */
export function totalFunction(module: ModuleBuilder, fused: boolean, taps: number): Callable {
  return sharedFunction(
    module,
    `winograd total ${taps}`,
    [int],
    (f, from, fromStep, part, parts, between, to) => {
      const lanes = new Lanes(f, fused);
      const at = i32(f);
      const left = i32(f);
      betweenOutputs(f, lanes, taps, between, from, fromStep, (vector, pointer) => {
        at.set(pointer);
        vector.set(at.loadVector());
        left.set(parts.sub(1));
        f.while(left, () => {
          vector.set(at.tee(at.add(part)).loadVector().op(w.f32x4_add, vector));
          left.increase(-1);
        });
      });
      const finite = outputsOfRows(f, lanes, taps, between, (outputs) => {
        outputs.forEach((output, j) => {
          for (let lane = 0; lane < 4; lane++)
            to.storeLane(output, w.v128_store32_lane, 4 * (lane * taps ** 2 + j), lane);
        });
        to.increase(4 * taps);
      });
      finite.op(w.f32x4_ne, finite).any().isZero().write();
    },
  );
}
