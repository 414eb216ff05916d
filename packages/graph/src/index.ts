/**
 * `@ag/graph`: differentiation, placeholder graphs and compiled functions for @ag/tensor.
 */
export {
  type Anomaly,
  AnomalyError,
  type AnomalyOptions,
  detectAnomaly,
  startAnomalyDetection,
} from './anomaly.ts';
export { type BackwardOptions, backward } from './backward.ts';
export { type CheckOptions, type CheckResult, checkGradients, numericalGradient } from './check.ts';
export { type CompileOptions, compile } from './compile.ts';
export { checkpoint, customGradient, type GradientTree } from './custom.ts';
export { type Formula, formula } from './formula.ts';
export { type Differentiable, gradients } from './gradients.ts';
export { type Feed, type Feeds, Graph, type GraphOptions, placeholder } from './graph.ts';
export {
  Inspection,
  type InspectOptions,
  inspect,
} from './inspect.ts';
export type { InspectedEdge, InspectedNode, InspectedValue, NodeKind } from './inspected.ts';
export {
  checkNumerics,
  type DigitLoss,
  type NumericsOptions,
  type NumericsReport,
} from './numerics/checkNumerics.ts';
export {
  type CaptureOptions,
  type Creation,
  captureCreation,
  creationOf,
  type ModuleTree,
  startCapture,
} from './provenance.ts';
export { topologicalSort } from './topological.ts';
export {
  type ArgumentNumbers,
  grad,
  hessian,
  hvp,
  type JacobianTree,
  jacobian,
  jvp,
  type TensorTree,
  valueAndGrad,
  vjp,
} from './transforms.ts';
export { type Mapped, type MappedAxis, vmap } from './vmap.ts';
