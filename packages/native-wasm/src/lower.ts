/** From launches to stages: which file knows how to compile a kernel form. */

import type { ContractKernel } from '@ag/tensor';
import { contractAsReduction } from '@ag/tensor/engine';
import type { LowerContext, Stage } from './abi.ts';
import { lowerContract } from './contraction/contract.ts';
import { lowerThin } from './contraction/thin.ts';
import { isVectorProduct } from './contraction/vectorProduct.ts';
import { lowerGather, lowerScatter } from './kernels/indexed.ts';
import { lowerMap } from './kernels/map.ts';
import { lowerReduce } from './kernels/reduce.ts';
import { lowerScan } from './kernels/scan.ts';
import { lowerSort } from './kernels/sort.ts';
import { lowerWinograd } from './winograd/winograd.ts';

/** The stages of a launch; none for host routines, loops and launches over no elements. */
export function lower(context: LowerContext): readonly Stage[] {
  const { kernel } = context.launch;
  switch (kernel.form) {
    case 'map':
      return lowerMap(context, kernel);
    case 'reduce':
      return lowerReduce(context, kernel);
    case 'contract':
      return lowerProduct(context, kernel);
    case 'gather':
      return lowerGather(context, kernel);
    case 'scatter':
      return lowerScatter(context, kernel);
    case 'scan':
      return lowerScan(context, kernel);
    case 'sort':
      return lowerSort(context, kernel);
    case 'host':
    case 'loop':
      return [];
  }
}

function lowerProduct(context: LowerContext, kernel: ContractKernel): readonly Stage[] {
  if (kernel.dtype === 'bool' || kernel.dtype === 'uint8') return lowerAsReduction(context, kernel);
  const convolution = lowerWinograd(context) ?? lowerThin(context);
  if (convolution) return convolution;
  return isVectorProduct(context.launch) ? lowerAsReduction(context, kernel) : lowerContract(context);
}

/** Vectors, and dtypes without a micro-kernel, are multiplied and summed as any others. */
function lowerAsReduction(context: LowerContext, contract: ContractKernel): readonly Stage[] {
  const { launch, kernel } = contractAsReduction(context.launch, contract);
  return lowerReduce({ ...context, launch }, kernel);
}
