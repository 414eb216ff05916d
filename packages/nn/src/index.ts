/**
 * `@ag/nn`: layers, losses, initializers, metrics and saved state for `@ag/tensor`.
 */
export * from './activations.ts';
export { fromJSON, type Layers } from './architecture.ts';
export * from './attention.ts';
export {
  Conv1d,
  Conv2d,
  type ConvOptions,
  ConvTranspose2d,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose2d,
} from './conv.ts';
export type { Json, ModuleDescription } from './description.ts';
export { Dropout, dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions, embedding } from './embedding.ts';
export { loadNpy, loadNpz, saveNpy, saveNpz } from './files/numpy.ts';
export {
  type LoadedSafetensors,
  loadSafetensors,
  type SafetensorsFile,
  type SaveSafetensorsOptions,
  saveSafetensors,
} from './files/safetensors.ts';
export type { UnpackOptions } from './files/zip.ts';
export type { ForwardHook, GradientHook } from './hooks.ts';
export type { Initializer, InitOptions } from './init.ts';
export * as init from './init.ts';
export { Linear, type LinearOptions, linear } from './linear.ts';
export * from './losses/crossEntropy.ts';
export * from './losses/probability.ts';
export type { LossOptions, Reduction } from './losses/reduction.ts';
export * from './losses/regression.ts';
export * from './metrics.ts';
export { type AnyModule, buffer, Module } from './module.ts';
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormOptions,
  batchNorm1d,
  batchNorm2d,
  GroupNorm,
  groupNorm,
  LayerNorm,
  layerNorm,
  type NormOptions,
  RmsNorm,
  rmsNorm,
} from './norm.ts';
export {
  AdaptiveAvgPool2d,
  AvgPool2d,
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  MaxPool2d,
  maxPool2d,
} from './pool.ts';
export {
  Gru,
  gru,
  Lstm,
  lstm,
  Recurrent,
  type RecurrentOptions,
  type RecurrentState,
  Rnn,
  type RnnOptions,
  rnn,
} from './recurrent.ts';
export { Flatten, flatten, Residual, residual, Sequential, type Step, sequential } from './sequential.ts';
export type { LoadOptions, StateDict } from './state.ts';
export { type Summary, type SummaryRow, summary } from './summary.ts';
export {
  TransformerEncoderLayer,
  type TransformerEncoderLayerOptions,
  transformerEncoderLayer,
} from './transformer.ts';
