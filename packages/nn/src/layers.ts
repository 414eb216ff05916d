/**
 * Exports every layer. The name of a factory here is the name under which `fromJSON` knows it.
 */
export * from './activations.ts';
export {
  type AttentionInputs,
  type AttentionMask,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  multiHeadAttention,
} from './attention.ts';
export * from './conv.ts';
export {
  CrossAttention,
  type CrossAttentionOptions,
  crossAttention,
  type DecoderInputs,
  TransformerDecoder,
  TransformerDecoderLayer,
  type TransformerDecoderLayerOptions,
  type TransformerDecoderOptions,
  transformerDecoder,
  transformerDecoderLayer,
} from './decoder.ts';
export {
  AlphaDropout,
  alphaDropout,
  Dropout,
  Dropout2d,
  dropout,
  dropout2d,
} from './dropout.ts';
export { Embedding, type EmbeddingOptions, embedding } from './embedding.ts';
export * from './instanceNorm.ts';
export * from './linear.ts';
export * from './norm.ts';
export * from './pool.ts';
export * from './recurrent.ts';
export * from './recurrentCells.ts';
export * from './reparameterize.ts';
export * from './resample.ts';
export * from './sequential.ts';
export {
  TransformerEncoderLayer,
  type TransformerEncoderLayerOptions,
  transformerEncoderLayer,
} from './transformer.ts';
