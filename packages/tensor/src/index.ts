/**
 * `@ag/tensor`: lazy n-dimensional tensors, run as cached plans of fused kernels.
 */

export { sumGradients, sumToShape } from './accumulate.ts';
export { checkFinite, checkInteger, checkNumber, describeValue } from './check.ts';
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
} from './functions/convolution.ts';
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
} from './functions/create.ts';
export { einsum, tensordot } from './functions/einsum.ts';
export * from './functions/free.ts';
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
} from './functions/linearAlgebra.ts';
export {
  bernoulli,
  categorical,
  exponential,
  normal,
  permutation,
  type RandomOptions,
  randint,
  truncatedNormal,
  uniform,
} from './functions/random.ts';
export type { IndexItem, PadOptions, PadWidths, Range } from './functions/select.ts';
export {
  type Backend,
  type BackendStats,
  type Binding,
  type Executable,
  type Memory,
  OutOfMemoryError,
} from './kernel/backend.ts';
export { builder, ExpressionBuilder, type Scalar, s } from './kernel/expression.ts';
export * from './kernel/kernel.ts';
export { launchTraffic } from './kernel/traffic.ts';
export type { Leaf, Origin } from './node.ts';
export { openSize } from './ops/movement.ts';
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
} from './ops/op.ts';
export { nextMark, sameSignature, type Traversal, traverse } from './plan/signature.ts';
export type { NestedArray } from './print.ts';
export { reference } from './reference/index.ts';
export { capturedNodes } from './run/carried.ts';
export { type Decisions, noteHolder, noteHook } from './run/decisions.ts';
export { commitAssignments, commitUpdates, evaluate } from './run/evaluate.ts';
export { dropGradients, type EvaluationGroup, type TieOptions, tie } from './run/group.ts';
export { setChainBound, withoutGrowth } from './run/growth.ts';
export { isForgotten, isSourceOfForgotten } from './run/history.ts';
export { asOneCall, currentCall, listenToCreation, watchCreation } from './run/observe.ts';
export { noteAssignments, refusingAssignments } from './run/pending.ts';
export { type Stats, setFusion, stats } from './run/planCache.ts';
export { PreparedGraph } from './run/prepared.ts';
export {
  type Key,
  key,
  manualSeed,
  randomState,
  restoreRandomState,
  splitKey,
  withRunKeys,
} from './run/randomKeys.ts';
export { backend, use } from './run/runtime.ts';
export {
  activeTrace,
  atRun,
  type HostWork,
  readFlag,
  recordTrace,
  type Trace,
  variableOf,
  writeFlag,
} from './run/tracing.ts';
export {
  type EvaluationWatch,
  evaluationWatch,
  type PlaceNames,
  setEvaluationWatch,
  setPlaceNames,
} from './run/watch.ts';
export { type Axes, broadcastShapes, formatShape, type Shape, sizeOf } from './shape.ts';
export { synchronous } from './synchronous.ts';
export { apply, checkTensor, nextSerial, type ReduceOptions, Tensor, type TensorLike } from './tensor.ts';
export { userLine } from './userLine.ts';
export { type Update, Variable, type VariableOptions } from './variable.ts';
export type { DynamicOffset, View } from './view.ts';
