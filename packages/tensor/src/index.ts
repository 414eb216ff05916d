/**
 * `@ag/tensor`: lazy n-dimensional tensors, run as cached plans of fused kernels.
 */

export { sumGradients, sumToShape } from './accumulate.ts';
export {
  type Backend,
  type BackendStats,
  type Binding,
  type Executable,
  type Memory,
  OutOfMemoryError,
} from './backend.ts';
export { checkFinite, checkInteger, checkNumber, describeValue } from './check.ts';
export {
  avgPool2d,
  type ConvolutionOptions,
  conv1d,
  conv2d,
  convTranspose2d,
  maxPool2d,
  type Padding,
  type PerAxis,
  type PoolOptions,
  type TransposedConvolutionOptions,
} from './convolution.ts';
export {
  arange,
  eye,
  full,
  linspace,
  liveScalar,
  type NestedNumbers,
  ones,
  onesLike,
  placeholderLeaf,
  scalar,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './create.ts';
export { asOneCall, currentCall, listenToCreation, watchCreation } from './creation.ts';
export { type Decisions, noteHolder, noteHook } from './decisions.ts';
export {
  bytesPerElement,
  type DType,
  dtypes,
  isFloat,
  isTypedArray,
  type OtherTypedArray,
  promote,
  type TypedArray,
  toDType,
} from './dtype.ts';
export { einsum, tensordot } from './einsum.ts';
export { builder, ExpressionBuilder, type Scalar, s } from './expression.ts';
export * from './functions.ts';
export * from './kernel.ts';
export {
  cholesky,
  det,
  inverse,
  logdet,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
} from './linearAlgebra.ts';
export {
  type AnyOp,
  broadcastFloatType,
  broadcastType,
  type ContractionLabels,
  defineOp,
  type Lowering,
  map,
  type Op,
  type OpDefinition,
  type Placement,
  type TensorType,
  type VectorJacobianProduct,
  type ViewContext,
  view,
} from './op.ts';
export { openSize } from './ops/movement.ts';
export { capturedNodes } from './plan/carried.ts';
export { commitAssignments, commitUpdates, evaluate } from './plan/evaluate.ts';
export { dropGradients, type EvaluationGroup, type TieOptions, tie } from './plan/group.ts';
export { setChainBound, withoutGrowth } from './plan/growth.ts';
export { isForgotten, isSourceOfForgotten } from './plan/history.ts';
export { noteAssignments, refusingAssignments } from './plan/pending.ts';
export { PreparedGraph } from './plan/prepared.ts';
export { nextMark, sameSignature, type Traversal, traverse, type Update } from './plan/signature.ts';
export {
  type EvaluationWatch,
  evaluationWatch,
  type PlaceNames,
  setEvaluationWatch,
  setPlaceNames,
} from './plan/watch.ts';
export type { NestedArray } from './print.ts';
export {
  bernoulli,
  categorical,
  exponential,
  type Key,
  key,
  manualSeed,
  normal,
  permutation,
  type RandomOptions,
  randint,
  randomState,
  restoreRandomState,
  splitKey,
  truncatedNormal,
  uniform,
  withRunKeys,
} from './random.ts';
export { reference } from './reference/index.ts';
export { backend, type Stats, setFusion, stats, use } from './runtime.ts';
export type { IndexItem, PadOptions, PadWidths, Range } from './select.ts';
export { type Axes, broadcastShapes, formatShape, type Shape, sizeOf } from './shape.ts';
export { synchronous } from './synchronous.ts';
export {
  apply,
  checkTensor,
  type Leaf,
  nextSerial,
  type Origin,
  type ReduceOptions,
  Tensor,
  type TensorLike,
} from './tensor.ts';
export {
  activeTrace,
  atRun,
  type HostWork,
  readFlag,
  recordTrace,
  type Trace,
  variableOf,
  writeFlag,
} from './tracing.ts';
export { launchTraffic } from './traffic.ts';
export { userLine } from './userLine.ts';
export { Variable, type VariableOptions } from './variable.ts';
export type { DynamicOffset, View } from './view.ts';
