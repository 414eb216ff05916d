/**
 * `exportOnnx`: the graph of a forward pass as an ONNX file.
 */
import type { AnyModule } from '@ag/nn';
import { checkOptions } from '@ag/tensor/engine';
import type { ExportOnnxOptions } from './options.ts';

/**
 * A network as an ONNX file, in evaluation mode, with its weights under their names in `stateDict()`.
 *
 * ```ts
 * const file = await exportOnnx(model, { inputs: { x: placeholder([null, 784]) } });
 * ```
 *
 * A network made of layers of `@ag/nn` has its architecture in the metadata, by which `loadOnnxLayers` makes layers again.
 *
 * Recurrent layers become `RNN`, `GRU` and `LSTM`, normalization the operators that there are, nodes of an imported model what they were;
 * everything else is written operation by operation, and dropout is not in the file. Nodes are named by the modules that they come from,
 * and parameters and buffers come back as what they are. The model and its mode stay as they are.
 *
 * @throws Error for an operation that ONNX has no operator for, naming it
 */
export async function exportOnnx(model: AnyModule, options: ExportOnnxOptions): Promise<Uint8Array> {
  checkOptions('exportOnnx', options, 'inputs opset outputs rules metadata fold');
  // Loaded when it is asked for: most programs only read files.
  const { writeOnnx } = await import('./write.ts');
  return writeOnnx(model, options);
}
