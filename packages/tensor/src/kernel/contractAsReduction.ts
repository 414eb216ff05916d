/** A contraction said as the reduction of a product, for uint8 and bool, which have no micro-kernel. */
import type { ContractKernel, Launch, ReduceKernel } from './kernel.ts';

/** The launch of the reduction, with the operands of the product repeated along the axes they lack. */
export function contractAsReduction(
  launch: Launch,
  kernel: ContractKernel,
): { launch: Launch; kernel: ReduceKernel } {
  const { dtype, batchRank, mRank, nRank, kRank } = kernel;
  const zeros = (n: number) => new Array<number>(n).fill(0);
  const [a, b, ...others] = launch.operands;
  const afterBatch = batchRank + mRank;
  const operands = [
    { ...a, strides: [...a.strides.slice(0, afterBatch), ...zeros(nRank), ...a.strides.slice(afterBatch)] },
    {
      ...b,
      strides: [
        ...b.strides.slice(0, batchRank),
        ...zeros(mRank),
        ...b.strides.slice(batchRank + kRank),
        ...b.strides.slice(batchRank, batchRank + kRank),
      ],
    },
    ...others,
  ];
  const product: ReduceKernel = {
    form: 'reduce',
    outerRank: batchRank + mRank + nRank,
    reducedRank: kRank,
    combine: 'sum',
    dtype,
    inputs: [dtype, dtype],
    extras: kernel.extras,
    outputs: kernel.outputs,
    prologue: {
      instructions: [
        { op: 'load', operand: 0, dtype },
        { op: 'load', operand: 1, dtype },
        { op: 'mul', a: 0, b: 1, dtype },
      ],
      results: [2],
    },
    epilogue: kernel.epilogue,
  };
  return { launch: { ...launch, operands }, kernel: product };
}
