/**
 * Lowers contractions: matrix products, batches of them, einsum, convolution.
 *
 * All arrive as sums over k of A[m, k]·B[k, n] with groups of axes for m, n and k (`roles.ts`). `tiling.ts` decides how the
 * product is cut up. One function per structure (`blocks.ts`, `strips.ts`) goes through the blocks, lets shared helpers
 * make offset tables and panels (`panels.ts`), find what need not be multiplied (`lists.ts`, `zeros.ts`) and run tiles
 * (`microKernel.ts`), and hands each finished strip of results to an epilogue (`epilogue.ts`). A unit of work is a few
 * rows by some columns of one batch; neighboring units that are called together share their panels.
 */

import type { ContractKernel } from '@ag/tensor';
import { ArgumentBlock, type LowerContext, type Stage } from '../abi.ts';
import { contractArguments } from './argumentBlock.ts';
import { emitContract } from './blocks.ts';
import { arithmeticOf } from './elements.ts';
import { planContract } from './tiling.ts';

/** Lowers a launch of a `ContractKernel`. The element type must be float32, float64, int32 or uint32. */
export function lowerContract(context: LowerContext): Stage[] {
  const kernel = context.launch.kernel as ContractKernel;
  const arithmetic = arithmeticOf(kernel.dtype, context);
  const plan = planContract(context.launch, arithmetic, context.threads);
  const argumentBlock = new ArgumentBlock();
  const fields = contractArguments(argumentBlock, context.launch, plan, arithmetic);
  const flops = 2 * plan.mUnit * plan.nUnit * plan.k;
  return [
    {
      key: `${fields.epilogue.key} ${plan.aLayout}`,
      argumentBlock,
      units: plan.batch * plan.mUnits * plan.nUnits,
      // Some 1.6 µs of work: joining a thread that spins costs 0.3 µs.
      grain: Math.max(1, Math.round(80_000 / (flops + 1))),
      pieces: 1,
      emit: (target) => emitContract(target, arithmetic, fields),
    },
  ];
}
