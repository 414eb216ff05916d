/**
 * The contract form: sums of products over a group of axes, in blocks that fit the caches.
 *
 * Every strided layout is reduced to tables of offsets, one per group of axes, so matrix products, transpositions and
 * convolutions take the same path. Floats are packed into panels of four lines and multiplied in 4×4 tiles held in
 * local variables (after K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34,
 * 2008). Products are summed in float64 in the order of k and rounded once at the end, so packing, blocking and small
 * sizes that skip both give the same bits. Integers are multiplied and summed modulo 2³².
 */
import { isFloat, type TypedArray } from '../dtype.ts';
import { dtypeError } from '../errors.ts';
import type { ContractKernel, Launch, Operand } from '../kernel/kernel.ts';
import { contiguousStrides, sizeOf } from '../shape.ts';
import { BoundExpression, compileExpression } from './expression.ts';
import { bindStores, type CompiledKernel, checkOutputs } from './form.ts';
import { blockSize, type RegisterFile } from './registers.ts';
import { baseOf } from './walk.ts';

/** Lines of a panel, rows and columns of a tile. */
const tile = 4;
/** Block sizes: a panel of kBlock lies in the first-level cache, the packed blocks of A and B in the second. */
const mBlock = 64;
const nBlock = 256;
const kBlock = 256;
/** Below so many products packing costs more than it saves. */
const packingPays = 2048;

/** Working memory, shared by all contractions of a backend. `sums` is a block of the result, row after row. */
export class ContractScratch {
  #packedA: Float64Array | undefined;
  #packedB: Float64Array | undefined;
  #sums: Float64Array | undefined;
  #integerSums: Int32Array | undefined;

  get packedA(): Float64Array {
    this.#packedA ??= new Float64Array(mBlock * kBlock);
    return this.#packedA;
  }

  get packedB(): Float64Array {
    this.#packedB ??= new Float64Array(nBlock * kBlock);
    return this.#packedB;
  }

  get sums(): Float64Array {
    this.#sums ??= new Float64Array(mBlock * nBlock);
    return this.#sums;
  }

  get integerSums(): Int32Array {
    this.#integerSums ??= new Int32Array(mBlock * nBlock);
    return this.#integerSums;
  }
}

export function compileContract(
  kernel: ContractKernel,
  file: RegisterFile,
  scratch: ContractScratch,
): CompiledKernel {
  const epilogue = compileExpression(kernel.epilogue, file, kernel.dtype);
  checkOutputs(epilogue, kernel.outputs);
  if (kernel.dtype === 'bool') throw dtypeError('products of bool are not summed; cast to int32 first');
  const float = isFloat(kernel.dtype);

  return (launch) => {
    const { batches, m, n, k, a, b } = factors(kernel, launch);
    const outerSizes = launch.dims.slice(0, launch.dims.length - kernel.kRank);
    const results = new BoundExpression(epilogue, launch, outerSizes, (operand) => operand.strides);
    const stores = bindStores(epilogue, kernel.outputs, launch, 2 + kernel.extras.length, outerSizes);
    const accumulator = epilogue.accumulator.array;
    const packs = float && Math.min(m, n) > 1 && m * n * k >= packingPays;
    const sums = float ? scratch.sums : scratch.integerSums;

    /** The epilogue of `count` outputs from number `position` on, whose sums lie in a row from `from` on. */
    const finish = (position: number, count: number, from: number): void => {
      for (let done = 0; done < count; done += blockSize) {
        const size = Math.min(blockSize, count - done);
        for (let i = 0; i < size; i++) accumulator[i] = sums[from + done + i];
        results.evaluate(position + done, size);
        for (const store of stores) store.store(position + done, size);
      }
    };

    return (arrays, scalars) => {
      if (batches * m * n === 0) return;
      const baseA = baseOf(a.operand, scalars);
      const baseB = baseOf(b.operand, scalars);
      a.source = arrays[a.operand.buffer];
      b.source = arrays[b.operand.buffer];
      results.start(arrays, scalars, batches * m * n);
      for (const store of stores) store.start(arrays, scalars);
      for (let batch = 0; batch < batches; batch++) {
        a.start = baseA + a.batch[batch];
        b.start = baseB + b.batch[batch];
        for (let j = 0; j < n; j += nBlock) {
          const columns = Math.min(nBlock, n - j);
          const width = packs ? Math.ceil(columns / tile) * tile : columns;
          for (let i = 0; i < m; i += mBlock) {
            const rows = Math.min(mBlock, m - i);
            sums.fill(0, 0, Math.ceil(rows / tile) * tile * width);
            for (let l = 0; l < k; l += kBlock) {
              const depth = Math.min(kBlock, k - l);
              if (packs) {
                // B's block is packed again only when the loops around have changed it.
                if (i === 0 || k > kBlock) packPanels(scratch.packedB, b, j, columns, l, depth);
                packPanels(scratch.packedA, a, i, rows, l, depth);
                multiplyPanels(scratch.packedA, scratch.packedB, scratch.sums, rows, columns, depth, width);
              } else if (float) {
                multiply(a, i, rows, b, j, columns, l, depth, scratch.sums);
              } else {
                multiplyIntegers(a, i, rows, b, j, columns, l, depth, scratch.integerSums);
              }
            }
            const first = (batch * m + i) * n + j;
            if (width === n) finish(first, rows * n, 0);
            else for (let row = 0; row < rows; row++) finish(first + row * n, columns, row * width);
          }
        }
      }
      a.source = b.source = released;
      results.finish();
      for (const store of stores) store.finish();
    };
  };
}

/** A or B: its element lies at start + lines[i] + k[l], in `source`. */
interface Factor {
  readonly operand: Operand;
  /** Offsets along each group of axes; lines run along m in A and along n in B. */
  readonly batch: Int32Array;
  readonly lines: Int32Array;
  readonly k: Int32Array;
  source: TypedArray;
  start: number;
}

/** Stands for the source between runs, so that a plan does not keep old arrays alive. */
const released = new Float32Array(0);

function factors(
  kernel: ContractKernel,
  launch: Launch,
): { batches: number; m: number; n: number; k: number; a: Factor; b: Factor } {
  const { batchRank, mRank, nRank } = kernel;
  const { dims } = launch;
  const batchSizes = dims.slice(0, batchRank);
  const mSizes = dims.slice(batchRank, batchRank + mRank);
  const nSizes = dims.slice(batchRank + mRank, batchRank + mRank + nRank);
  const kSizes = dims.slice(batchRank + mRank + nRank);
  const factor = (operand: Operand, lineSizes: readonly number[], linesAt: number, kAt: number): Factor => ({
    operand,
    batch: offsets(batchSizes, operand.strides),
    lines: offsets(lineSizes, operand.strides.slice(linesAt)),
    k: offsets(kSizes, operand.strides.slice(kAt)),
    source: released,
    start: 0,
  });
  return {
    batches: sizeOf(batchSizes),
    m: sizeOf(mSizes),
    n: sizeOf(nSizes),
    k: sizeOf(kSizes),
    a: factor(launch.operands[0], mSizes, batchRank, batchRank + mRank),
    b: factor(launch.operands[1], nSizes, batchRank + kSizes.length, batchRank),
  };
}

/** Σ coordinateₐ·strides[a] of every position, in row-major order; strides beyond the sizes are not looked at. */
function offsets(sizes: readonly number[], strides: readonly number[]): Int32Array {
  const table = new Int32Array(sizeOf(sizes));
  const steps = contiguousStrides(sizes);
  for (let position = 0; position < table.length; position++) {
    let offset = 0;
    for (let axis = 0; axis < sizes.length; axis++) {
      offset += (Math.floor(position / steps[axis]) % sizes[axis]) * strides[axis];
    }
    table[position] = offset;
  }
  return table;
}

/**
 * Copies `count` lines from `first` on, `depth` deep from `l` on, into panels of four lines: the four elements of equal
 * k lie side by side. The places of lines that the last panel lacks keep what they held: their sums are never read.
 */
function packPanels(
  target: Float64Array,
  { source, start, lines, k: ks }: Factor,
  first: number,
  count: number,
  l: number,
  depth: number,
): void {
  let at = 0;
  for (let line = 0; line < count; line += tile) {
    const given = Math.min(tile, count - line);
    if (given === tile) {
      const line0 = start + lines[first + line];
      const line1 = start + lines[first + line + 1];
      const line2 = start + lines[first + line + 2];
      const line3 = start + lines[first + line + 3];
      for (let i = 0; i < depth; i++) {
        const k = ks[l + i];
        target[at] = source[line0 + k];
        target[at + 1] = source[line1 + k];
        target[at + 2] = source[line2 + k];
        target[at + 3] = source[line3 + k];
        at += tile;
      }
    } else {
      for (let r = 0; r < given; r++) {
        const begin = start + lines[first + line + r];
        for (let i = 0; i < depth; i++) target[at + i * tile + r] = source[begin + ks[l + i]];
      }
      at += depth * tile;
    }
  }
}

/** sums += A·B of packed blocks, tile by tile; `sums` has rows of `width`. */
function multiplyPanels(
  a: Float64Array,
  b: Float64Array,
  sums: Float64Array,
  rows: number,
  columns: number,
  depth: number,
  width: number,
): void {
  for (let j = 0; j < columns; j += tile) {
    for (let i = 0; i < rows; i += tile)
      multiplyTile(a, i * depth, b, j * depth, depth, sums, i * width + j, width);
  }
}

/** One tile of `multiplyPanels`: sixteen sums in local variables, two panels read in order. */
function multiplyTile(
  a: Float64Array,
  p: number,
  b: Float64Array,
  q: number,
  depth: number,
  sums: Float64Array,
  row0: number,
  width: number,
): void {
  const row1 = row0 + width;
  const row2 = row1 + width;
  const row3 = row2 + width;
  let s00 = sums[row0];
  let s01 = sums[row0 + 1];
  let s02 = sums[row0 + 2];
  let s03 = sums[row0 + 3];
  let s10 = sums[row1];
  let s11 = sums[row1 + 1];
  let s12 = sums[row1 + 2];
  let s13 = sums[row1 + 3];
  let s20 = sums[row2];
  let s21 = sums[row2 + 1];
  let s22 = sums[row2 + 2];
  let s23 = sums[row2 + 3];
  let s30 = sums[row3];
  let s31 = sums[row3 + 1];
  let s32 = sums[row3 + 2];
  let s33 = sums[row3 + 3];
  for (let k = 0; k < depth; k++) {
    const b0 = b[q];
    const b1 = b[q + 1];
    const b2 = b[q + 2];
    const b3 = b[q + 3];
    const a0 = a[p];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = a[p + 1];
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    const a2 = a[p + 2];
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    const a3 = a[p + 3];
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
    p += tile;
    q += tile;
  }
  sums[row0] = s00;
  sums[row0 + 1] = s01;
  sums[row0 + 2] = s02;
  sums[row0 + 3] = s03;
  sums[row1] = s10;
  sums[row1 + 1] = s11;
  sums[row1 + 2] = s12;
  sums[row1 + 3] = s13;
  sums[row2] = s20;
  sums[row2 + 1] = s21;
  sums[row2 + 2] = s22;
  sums[row2 + 3] = s23;
  sums[row3] = s30;
  sums[row3 + 1] = s31;
  sums[row3 + 2] = s32;
  sums[row3 + 3] = s33;
}

/** The same without packing: small products and products with a vector. `sums` has rows of `columns`. */
function multiply(
  a: Factor,
  i0: number,
  rows: number,
  b: Factor,
  j0: number,
  columns: number,
  l: number,
  depth: number,
  sums: Float64Array,
): void {
  const x = a.source;
  const y = b.source;
  const xk = a.k;
  const yk = b.k;
  for (let i = 0; i < rows; i++) {
    const lineA = a.start + a.lines[i0 + i];
    for (let j = 0; j < columns; j++) {
      const lineB = b.start + b.lines[j0 + j];
      let sum = sums[i * columns + j];
      for (let k = l; k < l + depth; k++) sum += x[lineA + xk[k]] * y[lineB + yk[k]];
      sums[i * columns + j] = sum;
    }
  }
}

/** `multiply` for integers, modulo 2³². */
function multiplyIntegers(
  a: Factor,
  i0: number,
  rows: number,
  b: Factor,
  j0: number,
  columns: number,
  l: number,
  depth: number,
  sums: Int32Array,
): void {
  const x = a.source;
  const y = b.source;
  const xk = a.k;
  const yk = b.k;
  for (let i = 0; i < rows; i++) {
    const lineA = a.start + a.lines[i0 + i];
    for (let j = 0; j < columns; j++) {
      const lineB = b.start + b.lines[j0 + j];
      let sum = sums[i * columns + j];
      for (let k = l; k < l + depth; k++) sum = (sum + Math.imul(x[lineA + xk[k]], y[lineB + yk[k]])) | 0;
      sums[i * columns + j] = sum;
    }
  }
}
