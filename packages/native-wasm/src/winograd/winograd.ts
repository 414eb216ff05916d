/** Convolutions that minimal filtering computes, and the stages that they become. */
import type { LowerContext, Stage } from '../abi.ts';
import { lowerForward } from './forward.ts';
import { lowerGradient } from './gradient.ts';
import { convolutionOf } from './shapes.ts';

/** The stages of a contraction that is such a convolution, else null. */
export function lowerWinograd(context: LowerContext): Stage[] | null {
  const convolution = context.winograd ? convolutionOf(context.launch) : null;
  if (convolution === null) return null;
  return convolution.outputs ? lowerGradient(context, convolution) : lowerForward(context, convolution);
}
