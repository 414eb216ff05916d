/**
 * A model in one file: what it is made of, its weights, and texts that belong to it. The file is a safetensors file like any
 * other; the architecture stands in its metadata, as data and not as code.
 */
import { checkOptions, codedError, valueError } from '@ag/tensor/engine';
import { fromJSON, type Layers } from '../architecture.ts';
import type { ModuleDescription } from '../description.ts';
import type { AnyModule } from '../module.ts';
import { loadSafetensors, type SaveSafetensorsOptions, saveSafetensors } from './safetensors.ts';

/** Options of {@link saveModel}. */
export type SaveModelOptions = Omit<SaveSafetensorsOptions, 'names'>;

/** What a file of {@link saveModel} held. */
export interface LoadedModel {
  /** The network with its weights, in training mode like a new one. */
  readonly model: AnyModule;
  /** The texts stored beside it. It has no prototype, so a name that is not there is undefined. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The name in the metadata. */
const key = 'architecture';

/**
 * The bytes of a file that holds a model whole: its architecture and its weights, with texts such as fitted preprocessing.
 *
 * ```ts
 * const preprocessing = '{}'; // such as JSON.stringify of what fitPreprocessing of @ag/datasets gives
 * const bytes = await saveModel(model, { metadata: { preprocessing } });
 * ```
 *
 * @throws RangeError for a model whose architecture is no data, such as one written as a class; its weights alone can be saved
 *   by `saveSafetensors(model.stateDict())`
 */
export async function saveModel(model: AnyModule, options: SaveModelOptions = {}): Promise<Uint8Array> {
  checkOptions('saveModel', options, 'metadata floats');
  const architecture = architectureOf(model);
  if (architecture === null) {
    throw valueError(
      `saveModel: ${model.constructor.name} holds modules of its own, which data cannot describe; save its weights by saveSafetensors(model.stateDict()), and make the model by your program`,
    );
  }
  return saveSafetensors(model.stateDict(), {
    ...options,
    metadata: { ...options.metadata, [key]: architecture },
  });
}

/**
 * The model of a file that `saveModel` or `agrad train` wrote. Nothing in the file is run: layers are found by their names.
 *
 * ```ts
 * const { model, metadata } = loadModel(bytes);
 * const preprocessing = preprocessingFromJSON(metadata.preprocessing);
 * ```
 *
 * @param own factories of yours by the names that their layers' `describe` gives
 * @throws RangeError for a file without an architecture, with one that is not known, or whose weights do not fit it
 */
export function loadModel(bytes: Uint8Array, own: Layers = {}): LoadedModel {
  const { tensors, metadata } = loadSafetensors(bytes);
  const architecture = metadata[key];
  if (architecture === undefined) {
    throw codedError(
      RangeError,
      'AG_FILE_FORMAT',
      'loadModel: the file holds weights without an architecture; make the model and give it loadStateDict(loadSafetensors(bytes).tensors)',
    );
  }
  let description: ModuleDescription;
  try {
    description = JSON.parse(architecture);
  } catch (cause) {
    throw codedError(
      RangeError,
      'AG_FILE_FORMAT',
      `loadModel: the architecture is no JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  const model = fromJSON(description, own);
  model.loadStateDict(tensors);
  return { model, metadata };
}

/** The architecture of a model as text, for the metadata of a file; null where data cannot describe it. */
export function architectureOf(model: AnyModule): string | null {
  const description = model.toJSON();
  return describable(description) ? JSON.stringify(description) : null;
}

/** Whether each module is a layer that has been made by a factory. */
function describable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if ('children' in value) return false;
  return Object.values(value).every(describable);
}
