/**
 * The reduce form: combines the prologue's values over the reduced axes, then computes the epilogue.
 *
 * Each output element is combined in the row-major order of the reduced axes, whatever the layout, so the bits do not
 * depend on strides. float32 is summed and multiplied in float64 and rounded once; integers wrap.
 * Over no elements: sum 0, prod 1, max and min the lowest and highest value of the dtype, argmax and argmin 0.
 */
import { allocateArray, type TypedArray } from '../dtype.ts';
import { codedError, dtypeError } from '../errors.ts';
import type { Combine, ReduceKernel } from '../kernel/kernel.ts';
import { sizeOf } from '../shape.ts';
import { BoundExpression, compileExpression } from './expression.ts';
import { bindStores, type CompiledKernel, checkOutputs } from './form.ts';
import { blockSize, type Register, type RegisterFile } from './registers.ts';
import { limits } from './scalarMath.ts';

/** The state of up to a block of outputs: the combination so far and, for arg…, where the extreme was. */
interface State {
  readonly values: TypedArray;
  readonly positions: Int32Array;
}

interface Combiner {
  readonly initial: number;
  /** Combines `n` consecutive values, the first at position `r` of the reduced axes, into output `o`. */
  row(state: State, o: number, x: TypedArray, p: number, n: number, r: number): void;
  /** Combines one value, at position `r`, into each of the outputs `o … o + n − 1`. */
  column(state: State, o: number, x: TypedArray, p: number, n: number, r: number): void;
}

export function compileReduce(kernel: ReduceKernel, file: RegisterFile): CompiledKernel {
  const { combine, dtype, outerRank } = kernel;
  const finds = combine === 'argmax' || combine === 'argmin';
  const combiner = combinerFor(combine, kernel.dtype);
  const prologue = compileExpression(kernel.prologue, file, dtype);
  if (prologue.resultDTypes[0] !== dtype) {
    throw codedError(
      TypeError,
      'AG_INTERNAL',
      `the prologue gives ${prologue.resultDTypes[0]}, the reduction takes ${dtype}; insert a cast`,
    );
  }
  const epilogue = compileExpression(kernel.epilogue, file, finds ? 'int32' : dtype);
  checkOutputs(epilogue, kernel.outputs);
  const state: State = {
    values: allocateArray(dtype === 'float32' ? 'float64' : dtype, blockSize),
    positions: new Int32Array(finds ? blockSize : 0),
  };
  const combined = finds ? state.positions : state.values;

  return (launch) => {
    const outerSizes = launch.dims.slice(0, outerRank);
    const reducedSizes = launch.dims.slice(outerRank);
    const outer = sizeOf(outerSizes);
    const reduced = sizeOf(reducedSizes);
    const inputs = launch.operands.slice(0, kernel.inputs.length);
    const byColumns = prefersColumns(
      outerSizes,
      reducedSizes,
      inputs.map((operand) => operand.strides),
    );
    const values = new BoundExpression(
      prologue,
      launch,
      byColumns ? [...reducedSizes, ...outerSizes] : launch.dims,
      ({ strides }) => (byColumns ? [...strides.slice(outerRank), ...strides.slice(0, outerRank)] : strides),
    );
    const results = new BoundExpression(epilogue, launch, outerSizes, (operand) => operand.strides);
    const stores = bindStores(
      epilogue,
      kernel.outputs,
      launch,
      launch.operands.length - kernel.outputs.length,
      outerSizes,
    );
    const value = prologue.results[0];
    const accumulator = epilogue.accumulator.array;

    return (arrays, scalars) => {
      for (let start = 0; start < outer; start += blockSize) {
        const count = Math.min(blockSize, outer - start);
        state.values.fill(combiner.initial, 0, count);
        if (finds) state.positions.fill(0, 0, count);
        // The two expressions share registers, so each is made ready again before its turn.
        values.start(arrays, scalars, outer * reduced);
        if (byColumns) combineColumns(values, value, combiner, state, outer, reduced, start, count);
        else combineRows(values, value, combiner, state, reduced, start, count);
        values.finish();
        results.start(arrays, scalars, count);
        for (let i = 0; i < count; i++) accumulator[i] = combined[i];
        results.evaluate(start, count);
        for (const store of stores) {
          store.start(arrays, scalars);
          store.store(start, count);
          store.finish();
        }
        results.finish();
      }
    };
  };
}

/** Outputs `start … start + count − 1` from values that lie output by output. */
function combineRows(
  values: BoundExpression,
  value: Register,
  combiner: Combiner,
  state: State,
  reduced: number,
  start: number,
  count: number,
): void {
  const end = (start + count) * reduced;
  let o = 0;
  let r = 0;
  for (let position = start * reduced; position < end; position += blockSize) {
    const n = Math.min(blockSize, end - position);
    values.evaluate(position, n);
    for (let done = 0; done < n; ) {
      const run = Math.min(reduced - r, n - done);
      combiner.row(state, o, value.array, value.base + done, run, r);
      done += run;
      r += run;
      if (r === reduced) {
        r = 0;
        o++;
      }
    }
  }
}

/** The same from values of which all outputs' first come first. */
function combineColumns(
  values: BoundExpression,
  value: Register,
  combiner: Combiner,
  state: State,
  outer: number,
  reduced: number,
  start: number,
  count: number,
): void {
  if (count < outer) {
    for (let r = 0; r < reduced; r++) {
      values.evaluate(r * outer + start, count);
      combiner.column(state, 0, value.array, value.base, count, r);
    }
    return;
  }
  let o = 0;
  let r = 0;
  for (let position = 0; position < outer * reduced; position += blockSize) {
    const n = Math.min(blockSize, outer * reduced - position);
    values.evaluate(position, n);
    for (let done = 0; done < n; ) {
      const run = Math.min(outer - o, n - done);
      combiner.column(state, o, value.array, value.base + done, run, r);
      done += run;
      o += run;
      if (o === outer) {
        o = 0;
        r++;
      }
    }
  }
}

/** Whether most inputs lie closer together along the outer axes than along the reduced ones. */
function prefersColumns(
  outerSizes: readonly number[],
  reducedSizes: readonly number[],
  strides: readonly (readonly number[])[],
): boolean {
  let votes = 0;
  for (const own of strides) {
    const outer = smallestStride(outerSizes, own.slice(0, outerSizes.length));
    const reduced = smallestStride(reducedSizes, own.slice(outerSizes.length));
    votes += Math.sign(reduced - outer);
  }
  return votes > 0;
}

function smallestStride(sizes: readonly number[], strides: readonly number[]): number {
  let smallest = 2 ** 31;
  sizes.forEach((size, axis) => {
    if (size > 1 && strides[axis] !== 0) smallest = Math.min(smallest, Math.abs(strides[axis]));
  });
  return smallest;
}

function combinerFor(combine: Combine, dtype: ReduceKernel['dtype']): Combiner {
  if (dtype === 'bool' && combine === 'sum')
    throw dtypeError('the sum of bool is not defined; cast to int32 first');
  const [lowest, highest] = limits(dtype);
  switch (combine) {
    case 'sum':
      return sum;
    case 'prod':
      return dtype === 'float32' || dtype === 'float64' ? product : integerProduct;
    case 'max':
      return { initial: lowest, row: maxRow, column: maxColumn };
    case 'min':
      return { initial: highest, row: minRow, column: minColumn };
    case 'argmax':
      return { initial: lowest, row: argmaxRow, column: argmaxColumn };
    case 'argmin':
      return { initial: highest, row: argminRow, column: argminColumn };
  }
}

const sum: Combiner = {
  initial: 0,
  row({ values }, o, x, p, n) {
    // Integers: a block's sum stays below 2⁵³, and storing it wraps.
    let total = values[o];
    for (let i = 0; i < n; i++) total += x[p + i];
    values[o] = total;
  },
  column({ values }, o, x, p, n) {
    for (let i = 0; i < n; i++) values[o + i] += x[p + i];
  },
};

const product: Combiner = {
  initial: 1,
  row({ values }, o, x, p, n) {
    let total = values[o];
    for (let i = 0; i < n; i++) total *= x[p + i];
    values[o] = total;
  },
  column({ values }, o, x, p, n) {
    for (let i = 0; i < n; i++) values[o + i] *= x[p + i];
  },
};

const integerProduct: Combiner = {
  initial: 1,
  row({ values }, o, x, p, n) {
    let total = values[o];
    for (let i = 0; i < n; i++) total = Math.imul(total, x[p + i]);
    values[o] = total;
  },
  column({ values }, o, x, p, n) {
    for (let i = 0; i < n; i++) values[o + i] = Math.imul(values[o + i], x[p + i]);
  },
};

// Math.max and Math.min give NaN when either operand is NaN.

function maxRow({ values }: State, o: number, x: TypedArray, p: number, n: number): void {
  let extreme = values[o];
  for (let i = 0; i < n; i++) extreme = Math.max(extreme, x[p + i]);
  values[o] = extreme;
}

function maxColumn({ values }: State, o: number, x: TypedArray, p: number, n: number): void {
  for (let i = 0; i < n; i++) values[o + i] = Math.max(values[o + i], x[p + i]);
}

function minRow({ values }: State, o: number, x: TypedArray, p: number, n: number): void {
  let extreme = values[o];
  for (let i = 0; i < n; i++) extreme = Math.min(extreme, x[p + i]);
  values[o] = extreme;
}

function minColumn({ values }: State, o: number, x: TypedArray, p: number, n: number): void {
  for (let i = 0; i < n; i++) values[o + i] = Math.min(values[o + i], x[p + i]);
}

// The first extreme wins: a later value replaces it only when it is strictly beyond, or the first NaN.

function argmaxRow(
  { values, positions }: State,
  o: number,
  x: TypedArray,
  p: number,
  n: number,
  r: number,
): void {
  let extreme = values[o];
  for (let i = 0; i < n; i++) {
    const value = x[p + i];
    if (value > extreme || (Number.isNaN(value) && !Number.isNaN(extreme))) {
      extreme = value;
      positions[o] = r + i;
    }
  }
  values[o] = extreme;
}

function argmaxColumn(
  { values, positions }: State,
  o: number,
  x: TypedArray,
  p: number,
  n: number,
  r: number,
): void {
  for (let i = 0; i < n; i++) {
    const value = x[p + i];
    if (value > values[o + i] || (Number.isNaN(value) && !Number.isNaN(values[o + i]))) {
      values[o + i] = value;
      positions[o + i] = r;
    }
  }
}

function argminRow(
  { values, positions }: State,
  o: number,
  x: TypedArray,
  p: number,
  n: number,
  r: number,
): void {
  let extreme = values[o];
  for (let i = 0; i < n; i++) {
    const value = x[p + i];
    if (value < extreme || (Number.isNaN(value) && !Number.isNaN(extreme))) {
      extreme = value;
      positions[o] = r + i;
    }
  }
  values[o] = extreme;
}

function argminColumn(
  { values, positions }: State,
  o: number,
  x: TypedArray,
  p: number,
  n: number,
  r: number,
): void {
  for (let i = 0; i < n; i++) {
    const value = x[p + i];
    if (value < values[o + i] || (Number.isNaN(value) && !Number.isNaN(values[o + i]))) {
      values[o + i] = value;
      positions[o + i] = r;
    }
  }
}
