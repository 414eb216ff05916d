/**
 * Contractions: matrix products in every transposition, batches of them, einsum and convolution, which all arrive as
 * sums over k of A[m, k]·B[k, n] with groups of axes for m, n and k.
 *
 * One function per structure (`blocks.ts`) cuts the product into blocks (`tiling.ts`), lets shared helpers make offset tables
 * and panels (`panels.ts`), find what need not be multiplied (`zeros.ts`) and run tiles (`microKernel.ts`), and
 * hands each finished strip of results to an epilogue (`epilogue.ts`). A unit of work is a few rows by some columns of one batch; neighboring units
 * that are called together share their panels.
 */
import type { ContractKernel, DType } from '@ag/tensor';
import { ArgumentBlock, type Features, type LowerContext, type Stage } from '../abi.ts';
import * as w from '../assembler/opcodes.ts';
import { contractArguments } from './argumentBlock.ts';
import { emitContract } from './blocks.ts';
import type { Arithmetic } from './microKernel.ts';
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

/** What multiplies and adds elements of a type, and the tiles that suit the engine. */
export function arithmeticOf(dtype: DType, features: Features): Arithmetic {
  const tileRows = features.tallTiles ? 6 : 4;
  // Higher without 6 × 8: see `emitTile`. Without fused products, 4 × 8 is at the limit of the processor.
  const panelRows = features.tallTiles ? 6 : features.relaxedSimd ? 5 : 4;
  const stripRow = features.pairedVectors ? 64 : 32;
  if (dtype === 'float32') {
    return {
      name: 'f32',
      size: 4,
      lanes: 4,
      splat: w.v128_load32_splat,
      multiply: w.f32x4_mul,
      add: w.f32x4_add,
      fused: features.relaxedSimd ? w.f32x4_relaxed_madd : null,
      tileRows,
      panelRows,
      stripRow,
    };
  }
  if (dtype === 'float64') {
    return {
      name: 'f64',
      size: 8,
      lanes: 2,
      splat: w.v128_load64_splat,
      multiply: w.f64x2_mul,
      add: w.f64x2_add,
      fused: features.relaxedSimd ? w.f64x2_relaxed_madd : null,
      tileRows: 4,
      panelRows: 4,
      stripRow,
    };
  }
  if (dtype === 'int32' || dtype === 'uint32') {
    const splat = w.v128_load32_splat;
    return {
      name: 'i32',
      size: 4,
      lanes: 4,
      splat,
      multiply: w.i32x4_mul,
      add: w.i32x4_add,
      fused: null,
      tileRows: 4,
      panelRows: 4,
      stripRow,
    };
  }
  throw new TypeError(
    `contract: products of ${dtype} are not summed as ${dtype}; cast the operands to int32 first`,
  );
}
