/**
 * What tests need that plan or run on backends: see each file.
 */

export { toText } from '../programText.ts';
export { type Closeness, expectClose, expectCloseData, seededRandom } from './compare.ts';
export { type ConformanceOptions, conformance, type Differentiation, type TestHooks } from './conformance.ts';
export { elementwiseCases } from './elementwiseGradients.ts';
export { convention, type GradientCase, gradientCase, numbers, positions, sample } from './gradientCase.ts';
export { type NullBackend, nullBackend, type Traffic } from './nullBackend.ts';
export { type LaunchOptions, type OperandSpec, oneLaunch, runOnce } from './programs.ts';
export { evaluateGraph, expectAgreement, type RandomGraph, randomGraph } from './randomGraphs.ts';
export { atSeed, testSeeds } from './seeds.ts';
export {
  indexingCases,
  linearAlgebraCases,
  movementCases,
  productCases,
  reductionCases,
} from './structural.ts';
export { type ElementwiseRow, elementwiseRows, type ReductionRow, reductionRows } from './table.ts';
