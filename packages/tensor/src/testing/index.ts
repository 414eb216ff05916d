/**
 * `@ag/tensor/testing`: what tests need that run on backends or look at plans.
 */

export { toText } from '../kernel/programText.ts';
export { type Closeness, expectClose, expectCloseData, seededRandom } from './compare.ts';
export { type ConformanceOptions, conformance, type TestHooks } from './conformance.ts';
export { casesOfElementwise, type ElementwiseRow, elementwiseRows } from './elementwise.ts';
export {
  type Convention,
  checkGradientCase,
  convention,
  type Differentiation,
  type GradientCase,
  gradientCase,
  numbers,
  positions,
  sample,
} from './gradientCase.ts';
export { gradientCases, gradientGroups, structuralRows, withoutGradient } from './gradients.ts';
export { type LaterBackend, laterBackend } from './laterBackend.ts';
export { type NullBackend, nullBackend, type Traffic } from './nullBackend.ts';
export { type LaunchOptions, type OperandSpec, oneLaunch, runOnce } from './programs.ts';
export { evaluateGraph, expectAgreement, type RandomGraph, randomGraph } from './randomGraphs.ts';
export { type ReductionRow, reductionRows } from './reductions.ts';
export { atSeed, testSeeds } from './seeds.ts';
export type { StructuralRow } from './structural.ts';
