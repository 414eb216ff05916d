/** A contraction with its axes by what they do. */
import type { ContractKernel, Expression, Launch, Operand } from '@ag/tensor';

export interface Product {
  readonly launch: Launch;
  readonly kernel: ContractKernel;
  /** Sizes. */
  readonly batch: readonly number[];
  readonly m: readonly number[];
  readonly n: readonly number[];
  readonly k: readonly number[];
  /** Extras and outputs. */
  readonly others: readonly Operand[];
  /** Position of the first of them among the operands. */
  readonly firstOther: number;
  readonly epilogue: Expression;
}

export function productOf(launch: Launch): Product | null {
  const { kernel, dims } = launch;
  if (kernel.form !== 'contract') return null;
  const { batchRank, mRank, nRank } = kernel;
  const ends = [batchRank, batchRank + mRank, batchRank + mRank + nRank] as const;
  return {
    launch,
    kernel,
    batch: dims.slice(0, ends[0]),
    m: dims.slice(ends[0], ends[1]),
    n: dims.slice(ends[1], ends[2]),
    k: dims.slice(ends[2]),
    others: launch.operands.slice(2),
    firstOther: 2,
    epilogue: kernel.epilogue,
  };
}
