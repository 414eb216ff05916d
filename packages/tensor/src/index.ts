/**
 * `@ag/tensor`: lazy n-dimensional tensors, run as cached plans of fused kernels.
 */

export {
  bytesPerElement,
  type ComputedDType,
  computedDType,
  type DType,
  dtypes,
  isFloat,
  type OtherTypedArray,
  promote,
  type StorageDType,
  storageDTypes,
  type TypedArray,
  toDType,
  viewArray,
} from './dtype.ts';
export type { Coded, ErrorCode } from './errors.ts';
export type { Selection } from './functions/at.ts';
export {
  type ConvolutionOptions,
  conv1d,
  conv2d,
  convTranspose2d,
  type TransposedConvolutionOptions,
} from './functions/convolution.ts';
export {
  arange,
  eye,
  fromBits,
  full,
  linspace,
  type NestedNumbers,
  ones,
  onesLike,
  scalar,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './functions/create.ts';
export {
  beta,
  dirichlet,
  gamma,
  gumbel,
  laplace,
  multinomial,
  multivariateNormal,
  type Parameter,
  poisson,
} from './functions/distributions.ts';
export { rearrange, reduce, repeat } from './functions/einops.ts';
export { einsum, tensordot } from './functions/einsum.ts';
export * from './functions/elementwise/index.ts';
export * from './functions/free.ts';
export { affineGrid, type GridSampleOptions, gridSample } from './functions/gridSample.ts';
export {
  cholesky,
  det,
  inverse,
  logdet,
  qr,
  slogdet,
  solve,
  solveTriangular,
  solveTriangular as triangularSolve,
  svd,
} from './functions/linearAlgebra.ts';
export {
  bernoulliLogProb,
  betaLogProb,
  categoricalLogProb,
  dirichletLogProb,
  exponentialLogProb,
  gammaLogProb,
  gumbelLogProb,
  laplaceLogProb,
  multinomialLogProb,
  multivariateNormalLogProb,
  normalLogProb,
  poissonLogProb,
  truncatedNormalLogProb,
  uniformLogProb,
} from './functions/logProbabilities.ts';
export {
  eigh,
  eigvals,
  expm,
  kron,
  lstsq,
  lu,
  matrixNorm,
  matrixRank,
  pinv,
} from './functions/matrixFunctions.ts';
export {
  type BincountOptions,
  bincount,
  type HistogramOptions,
  histogram,
  type SearchSortedOptions,
  searchSorted,
  type Unique,
  type UniqueOptions,
  unique,
} from './functions/order.ts';
export { crop, fold, type PatchOptions, pixelShuffle, pixelUnshuffle, unfold } from './functions/patches.ts';
export { avgPool2d, maxPool2d, type PoolOptions } from './functions/pooling.ts';
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
export {
  countNonzero,
  cummax,
  cummin,
  logCumsumExp,
  median,
  nanMean,
  nanSum,
  type QuantileOptions,
  quantile,
} from './functions/reductions.ts';
export { type ResizeOptions, resize } from './functions/resize.ts';
export {
  type ScatterOptions,
  scatter,
  segmentMax,
  segmentMean,
  segmentMin,
  segmentSum,
} from './functions/scatter.ts';
export type { IndexItem, PadOptions, PadWidths, Range } from './functions/select.ts';
export { istft, type ShortTimeOptions, stft } from './functions/shortTimeSpectra.ts';
export {
  adaptiveAvgPool,
  adaptiveMaxPool,
  avgPool1d,
  avgPool3d,
  conv3d,
  convTranspose1d,
  convTranspose3d,
  maxPool1d,
  maxPool3d,
  maxPoolIndices,
  maxUnpool,
  type PooledIndices,
} from './functions/spaces.ts';
export {
  fft,
  fft2,
  ifft,
  ifft2,
  irfft,
  rfft,
  type SpectrumNorm,
  type SpectrumOptions,
} from './functions/spectra.ts';
export type { Padding, PerAxis } from './functions/windowGeometry.ts';
export {
  bartlettWindow,
  blackmanWindow,
  hammingWindow,
  hannWindow,
  kaiserWindow,
  type WindowOptions,
} from './functions/windows.ts';
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
export type * from './kernel/loopSchedule.ts';
export * from './loops/index.ts';
export * from './movedNames.ts';
export {
  type AnyOp,
  broadcastFloatType,
  broadcastType,
  type ContractionLabels,
  defineOp,
  type Lane,
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
export type { NestedArray } from './print.ts';
export { reference } from './reference/index.ts';
export { evaluate } from './run/evaluate.ts';
export { type HoldsVariables, type Movable, moveTo } from './run/moveTo.ts';
export { type Stats, stats } from './run/planCache.ts';
export { type Key, key, manualSeed, randomState, restoreRandomState, splitKey } from './run/randomKeys.ts';
export { backend, use } from './run/runtime.ts';
export { synchronize } from './run/synchronize.ts';
export { type Axes, broadcastShapes, formatShape, type Shape, sizeOf } from './shape.ts';
export type { Broadcasted, Flattened, ShapeOf, ShapeType } from './shapeTypes.ts';
export {
  apply,
  type ExtremeOptions,
  type ReduceOptions,
  type ScanOptions,
  Tensor,
  type TensorLike,
  type ValuesAndIndices,
} from './tensor.ts';
export { Variable, type VariableOptions } from './variable.ts';
export type { DynamicOffset, View } from './view.ts';
export { onWarning, silenceWarnings, type Warning, type WarningCode } from './warn.ts';
