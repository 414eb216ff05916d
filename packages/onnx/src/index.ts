/**
 * `@ag/onnx`: networks from ONNX files and into them, and what such files hold.
 */
export { exportOnnx } from './export/exportOnnx.ts';
export type { ExportOnnxOptions } from './export/options.ts';
export type { ExportRule, Writer } from './export/writer.ts';
export type { FileOptions } from './file/decode.ts';
export type { ElementType, ReadExternal } from './file/tensors.ts';
export { type ReplacedHead, replaceHead } from './head.ts';
export { type LoadOnnxOptions, loadOnnx, OnnxModel } from './import/model.ts';
export type { Host, HostType } from './import/value.ts';
export { inspectOnnx, type OnnxNode, type OnnxSummary, type OnnxTensor, type OnnxValue } from './inspect.ts';
export { type LoadOnnxLayersOptions, loadOnnxLayers } from './layers.ts';
export { type OnnxTracedNode, traceOnnx } from './trace.ts';
export { type OnnxStoredTensor, onnxTensors } from './weights.ts';
