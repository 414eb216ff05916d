/**
 * `loadOnnxLayers`: the layers that a file was exported from, by the architecture in its metadata.
 */
import { type AnyModule, fromJSON, type Layers, type ModuleDescription } from '@ag/nn';
import { checkOptions } from '@ag/tensor/engine';
import { fileError } from './errors.ts';
import { architectureKey } from './export/options.ts';
import type { FileOptions } from './file/decode.ts';
import { tensorOf } from './import/value.ts';
import { inspectOnnx } from './inspect.ts';
import { onnxTensors } from './weights.ts';

/** Options of `loadOnnxLayers`. */
export interface LoadOnnxLayersOptions extends FileOptions {
  /** Factories of yours by the names that their layers' `describe` gives. */
  readonly layers?: Layers;
}

/**
 * The network of layers of `@ag/nn` that a file of `exportOnnx` was made from, with its weights, in training mode like a new
 * one: what the graph of the file no longer has is there again, such as dropout and running statistics. The graph itself is
 * not looked at; `loadOnnx` takes it as it stands, from any file.
 *
 * ```ts
 * const model = loadOnnxLayers(bytes) as Sequential;
 * ```
 *
 * @throws RangeError for a file without an architecture, with one that is not known, or whose weights do not fit it
 */
export function loadOnnxLayers(bytes: Uint8Array, options: LoadOnnxLayersOptions = {}): AnyModule {
  checkOptions('loadOnnxLayers', options, 'external layers');
  const architecture = inspectOnnx(bytes).metadata[architectureKey];
  if (architecture === undefined) {
    throw fileError(
      'loadOnnxLayers: the file holds a graph without an architecture of layers; loadOnnx(bytes) makes a module of any graph',
    );
  }
  let description: ModuleDescription;
  try {
    description = JSON.parse(architecture) as ModuleDescription;
  } catch (cause) {
    throw fileError(`loadOnnxLayers: the architecture is no JSON: ${(cause as Error).message}`, { cause });
  }
  const model = fromJSON(description, options.layers);
  const own = new Set(Object.keys(model.stateDict()));
  const weights = onnxTensors(bytes, options.external === undefined ? {} : { external: options.external });
  // Constants that the graph needs lie beside the weights.
  const state = weights.flatMap((weight) =>
    own.has(weight.name) ? [[weight.name, tensorOf(weight.read())] as const] : [],
  );
  model.loadStateDict(Object.fromEntries(state));
  return model;
}
