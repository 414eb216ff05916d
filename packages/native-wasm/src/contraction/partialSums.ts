/**
 * Products in two launches: those with long sums and few results, so that threads share k, and some convolutions.
 *
 * Long sums are the first layer of a network and the gradient of a filter. First come the sums over each half of k, then their
 * total and the epilogue. Threads then share k, and each reads half of both
 * operands, not all of one; it is also the half of a weight that it wrote in the last step. The halves do not depend
 * on the number of threads, so neither do the bits of the result.
 *
 * A convolution that is computed by tiles, but for what follows it lying otherwise than tiles know, is computed by tiles and what follows
 * comes after it: its bits are those that it has alone.
 */
import {
  type BufferSpec,
  bytesPerElement,
  type ContractKernel,
  type DType,
  type Expression,
  type Instruction,
  type Launch,
  type Operand,
  type Program,
} from '@ag/tensor';
import { count, mergeLaunchAxes } from '@ag/tensor/engine';
import { sizesOf } from './sizes.ts';
import { isVectorProduct } from './vectorProduct.ts';

/** So many times longer than either side of the result, k is halved: partial sums have to be written and read. */
const minRatio = 6;

/** Fewest multiplications that are worth a launch more. */
const minProducts = 1 << 20;

/** The program with such products in two launches. `isTiled` says which are computed by tiles. */
export function withPartialSums(
  program: Program,
  isTiled: (launch: Launch) => boolean = () => false,
): Program {
  /** In how many parts the first launch sums; 0 when there is one launch. */
  const partsOf = (launch: Launch): number => {
    if (launch.kernel.form !== 'contract' || isTiled(launch)) return 0;
    return isTiled({ ...launch, operands: launch.operands.slice(0, 2) }) ? 1 : isLong(launch) ? 2 : 0;
  };
  if (!program.launches.some(partsOf)) return program;
  const slots = [...program.slots];
  const buffers = [...program.buffers];
  const slot = slots.length;
  // One slot for all: each is used up by the next launch.
  slots.push(0);
  const launches = program.launches.flatMap((launch) => {
    const parts = partsOf(launch);
    if (parts === 0) return [launch];
    const { dtype } = launch.kernel as ContractKernel;
    const length = parts * count(resultDims(launch));
    slots[slot] = Math.max(slots[slot], length * bytesPerElement(dtype));
    buffers.push({ kind: 'slot', slot, dtype, length } satisfies BufferSpec);
    return inTwo(launch, parts === 2, buffers.length - 1, dtype);
  });
  return { ...program, slots, buffers, launches };
}

function isLong(launch: Launch): boolean {
  const { kernel } = launch;
  if (kernel.form !== 'contract' || (kernel.dtype !== 'float32' && kernel.dtype !== 'float64')) return false;
  const { batch, k, ...sides } = sizesOf(launch);
  const [m, n] = [count(sides.m), count(sides.n)];
  return (
    count(batch) === 1 &&
    k.length > 0 &&
    k[0] % 2 === 0 &&
    count(k) >= minRatio * Math.max(m, n) &&
    m * n * count(k) >= minProducts &&
    !isVectorProduct(launch)
  );
}

/** Sizes of the batch, of m and of n. */
function resultDims({ kernel, dims }: Launch): readonly number[] {
  const { kRank } = kernel as ContractKernel;
  return dims.slice(0, dims.length - kRank);
}

function inTwo(launch: Launch, halved: boolean, buffer: number, dtype: DType): Launch[] {
  const kernel = launch.kernel as ContractKernel;
  const { batchRank, mRank, nRank, kRank } = kernel;
  const result = resultDims(launch);
  const size = count(result);
  const half = launch.dims[result.length] / 2;
  const [a, b, ...others] = launch.operands as readonly [Operand, Operand, ...Operand[]];
  /** The halves of k as a batch of two. */
  const halves = (operand: Operand, k: number): Operand => ({
    ...operand,
    strides: [operand.strides[k] * half, ...operand.strides],
  });
  const dense = contiguous(result);
  const partial = (offset: number, strides: readonly number[]): Operand => ({
    buffer,
    offset,
    dynamic: [],
    strides,
  });
  const product: Launch = {
    ...launch,
    kernel: {
      form: 'contract',
      batchRank: batchRank + Number(halved),
      mRank,
      nRank,
      kRank,
      dtype,
      extras: [],
      outputs: [{ dtype, accumulate: false }],
      epilogue: { instructions: [{ op: 'accumulator', dtype }], results: [0] },
    },
    dims: halved ? [2, ...result, half, ...launch.dims.slice(result.length + 1)] : launch.dims,
    operands: halved
      ? [halves(a, batchRank + mRank), halves(b, batchRank), partial(0, [size, ...dense])]
      : [a, b, partial(0, dense)],
    literals: [],
  };
  // The second stands for nothing where there is one part, so that extras keep their numbers.
  const operands = [partial(0, dense), partial(halved ? size : 0, dense), ...others];
  const merged = mergeLaunchAxes({ sizes: result, strides: operands.map(({ strides }) => strides) });
  const total: Launch = {
    ...launch,
    kernel: {
      form: 'map',
      rank: merged.sizes.length,
      inputs: [dtype, dtype, ...kernel.extras],
      outputs: kernel.outputs,
      expression: ofTotal(kernel.epilogue, halved, dtype),
    },
    dims: merged.sizes,
    operands: operands.map((operand, i) => ({ ...operand, strides: merged.strides[i] })),
  };
  return [product, total];
}

/** Strides of neighbors in row-major order. */
function contiguous(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis];
  }
  return strides;
}

/** The epilogue with operand 0, or the sum of operands 0 and 1, for what is accumulated. Extras keep their numbers. */
function ofTotal({ instructions, results }: Expression, halved: boolean, dtype: DType): Expression {
  const added: Instruction[] = [{ op: 'load', operand: 0, dtype }];
  if (halved) added.push({ op: 'load', operand: 1, dtype }, { op: 'add', a: 0, b: 1, dtype });
  const total = added.length - 1;
  const places = instructions.map(({ op }, i) => (op === 'accumulator' ? total : total + 1 + i));
  const moved = instructions.map((instruction): Instruction => {
    // Its place in the row is kept; nothing refers to it any more.
    if (instruction.op === 'accumulator') return { op: 'load', operand: 0, dtype };
    const references = (['a', 'b', 'c'] as const).filter((name) => name in instruction);
    return Object.assign(
      { ...instruction },
      ...references.map((name) => ({
        [name]: places[(instruction as Record<'a' | 'b' | 'c', number>)[name]],
      })),
    );
  });
  return { instructions: [...added, ...moved], results: results.map((i) => places[i]) };
}
