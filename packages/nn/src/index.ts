/**
 * `@ag/nn`: layers, losses, initializers, metrics and saved state for `@ag/tensor`.
 */
export { fromJSON, type Layers } from './architecture.ts';
export { scaledDotProductAttention } from './attention.ts';
export { KeyValueCache, type KeyValues } from './cache.ts';
export type { Json, ModuleDescription } from './description.ts';
export { type Element, storedElement } from './files/elements.ts';
export {
  architectureOf,
  type LoadedModel,
  loadModel,
  type SaveModelOptions,
  saveModel,
} from './files/model.ts';
export { loadNpy, loadNpz, type SaveNumpyOptions, saveNpy, saveNpz } from './files/numpy.ts';
export {
  inspectSafetensors,
  type LoadedSafetensors,
  loadSafetensors,
  type RandomAccess,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsHeader,
  type SaveSafetensorsOptions,
  saveSafetensors,
} from './files/safetensors.ts';
export {
  loadShardedSafetensors,
  type ReadShard,
  type SaveShardedOptions,
  saveShardedSafetensors,
} from './files/sharded.ts';
export {
  binsOf,
  type Distance,
  distanceOf,
  pairTensors,
  type Statistics,
  statisticsOf,
  type TensorPair,
} from './files/statistics.ts';
export { type StoredTensor, storedSafetensors, storedTensors } from './files/stored.ts';
export { widthOf } from './files/storedNumbers.ts';
export { type LoadedTorch, loadTorch, type TorchContent } from './files/torch.ts';
export { type SaveTorchOptions, saveTorch, torchStateDict } from './files/torchWrite.ts';
export type { UnpackOptions } from './files/zip.ts';
export { functionalCall } from './functionalCall.ts';
export { type GenerateOptions, Generation, generate } from './generate/generate.ts';
export type { LanguageModel } from './generate/reader.ts';
export type { SamplingOptions } from './generate/sampling.ts';
export type { Initializer, InitOptions } from './init.ts';
export * as init from './init.ts';
export * from './layers.ts';
export {
  type AdapterOptions,
  type LoadAdapterOptions,
  Lora,
  type LoraOptions,
  lora,
} from './lora/lora.ts';
export type { AdapterFiles } from './lora/peft.ts';
export type { LoraTargets } from './lora/sites.ts';
export * from './losses/crossEntropy.ts';
export { type CtcOptions, ctcLoss } from './losses/ctc.ts';
export * from './losses/focal.ts';
export * from './losses/pairs.ts';
export * from './losses/probability.ts';
export type { LossOptions, Reduction } from './losses/reduction.ts';
export * from './losses/regression.ts';
export * from './losses/robust.ts';
export {
  type AverageOptions,
  type AxisOptions,
  accuracy,
  type ClassOptions,
  confusionMatrix,
  f1,
  meanAbsoluteError,
  precision,
  r2,
  recall,
  topKAccuracy,
} from './metrics.ts';
export { type AnyModule, buffer, type ForwardHook, type GradientHook, Module } from './module.ts';
export { alibi, type RotaryOptions, rotaryEmbedding, sinusoidalPositions } from './positions.ts';
export * from './ranking.ts';
export type { LoadOptions, StateDict } from './state.ts';
export { storeWeights } from './storeWeights.ts';
export * from './streams.ts';
export { type Summary, type SummaryInput, type SummaryRow, summary } from './summary.ts';
export { loadTokenizer } from './tokenizers/huggingFace.ts';
export { byteTokenizer, characterTokenizer, type Tokenizer } from './tokenizers/tokenizer.ts';
export { type BytePairOptions, bytePairTokenizer } from './tokenizers/trained.ts';
