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
import { ArgumentBlock, type LowerContext, type Scratch, type Stage } from '../abi.ts';
import { contractArguments } from './argumentBlock.ts';
import { emitContract } from './blocks.ts';
import { arithmeticOf } from './elements.ts';
import { planContract } from './tiling.ts';

/** Lowers a launch of a `ContractKernel`. The element type must be float32, float64, int32 or uint32. */
export function lowerContract(context: LowerContext): Stage[] {
  const { launch, rows } = context;
  const kernel = launch.kernel as ContractKernel;
  const arithmetic = arithmeticOf(kernel.dtype, context);
  const plan = planContract(launch, arithmetic, context);
  const { batch, mUnits, nUnits, nUnit, k } = plan;
  const flops = 2 * plan.mUnit * nUnit * k;
  const stage = (made: boolean, panels: Scratch | null): Stage => {
    const argumentBlock = new ArgumentBlock();
    const own = made ? { ...plan, m: 1, mUnit: 1, mUnits: 1 } : plan;
    const fields = contractArguments(
      argumentBlock,
      launch,
      own,
      arithmetic,
      panels && { scratch: panels, made },
    );
    const units = made ? nUnits : batch * mUnits * nUnits;
    const perRow = rows === undefined ? 0 : batch > 1 ? units / rows : mUnits / rows;
    return {
      // Code for zeros and for totals is as much as the rest, and small products need neither.
      key: `${fields.epilogue.key} ${plan.aLayout} ${fields.looksForZeros} ${fields.hasTotals}`,
      argumentBlock,
      units,
      // Some 1.6 µs of work: joining a thread that spins costs 0.3 µs.
      grain: made ? 1 : Math.max(1, Math.round(80_000 / (flops + 1))),
      pieces: 1,
      emit: (target) => emitContract(target, arithmetic, fields),
      ...(made ? { once: true } : {}),
      ...(perRow > 0 && Number.isInteger(perRow)
        ? { unitsPerRow: perRow, sections: batch > 1 ? 1 : nUnits }
        : {}),
    };
  };
  if (!plan.given) return [stage(false, null)];
  const bytes = nUnits * nUnit * (k + Math.ceil(k / plan.kBlock)) * arithmetic.size;
  const panels = { bytes: (bytes + 127) & ~63, perThread: false, kept: true };
  return [stage(true, panels), stage(false, panels)];
}
