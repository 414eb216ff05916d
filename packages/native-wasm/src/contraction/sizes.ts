/** Sizes of the axes of a contraction, group by group. */
import type { ContractKernel, Launch } from '@ag/tensor';

export function sizesOf({ kernel, dims }: Launch) {
  const { batchRank, mRank, nRank } = kernel as ContractKernel;
  const mEnd = batchRank + mRank;
  return {
    batch: dims.slice(0, batchRank),
    m: dims.slice(batchRank, mEnd),
    n: dims.slice(mEnd, mEnd + nRank),
    k: dims.slice(mEnd + nRank),
  };
}
