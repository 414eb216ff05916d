/**
 * Reading the elements of a tensor, wherever they lie: in a host array, on a device, in a variable, in the code.
 */
import { convertElements, type DType, type TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import { decodeAll } from '../halves.ts';
import { OutOfMemoryError } from '../kernel/backend.ts';
import type { Tensor } from '../tensor.ts';
import { spillLater } from './deviceValue.ts';
import { evaluate } from './evaluate.ts';
import { backend } from './runtime.ts';

/** What readers get of elements in memory: the numbers of those that lie there as bits. */
export function numbersOf(elements: TypedArray, dtype: DType): TypedArray {
  return dtype === 'float16' || dtype === 'bfloat16' ? decodeAll(elements, dtype) : elements;
}

/** The elements, when they can be read at once and nothing needs to be computed for it. */
export function readyValue(tensor: Tensor): TypedArray | null {
  const { leaf } = tensor;
  if (leaf === null) return null;
  switch (leaf.kind) {
    case 'host':
      return leaf.data;
    case 'device':
      return leaf.device.readyValue();
    case 'variable':
      return leaf.variable.readyValue(leaf.version);
    case 'literal':
      return convertElements([leaf.value], tensor.dtype);
    case 'placeholder':
      return null;
  }
}

/** Implements `Tensor.data`; few promises, as small steps feel each. */
export async function readTensor(tensor: Tensor): Promise<TypedArray> {
  if (tensor.op !== null) {
    try {
      evaluate([tensor], { toHost: true });
    } catch (error) {
      await makeRoomOrThrow(error);
      evaluate([tensor], { toHost: true });
    }
  }
  const leaf = tensor.leaf!;
  const elements =
    leaf.kind === 'device'
      ? await leaf.device.read()
      : leaf.kind === 'variable'
        ? await leaf.variable.read(leaf.version)
        : readLeafSync(tensor);
  return numbersOf(elements, tensor.dtype);
}

/**
 * Runs work that may fail for want of memory once more when a device that answers later has given some back: results
 * nobody has read are then on the host.
 */
export async function withRoom<T>(work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    await makeRoomOrThrow(error);
    return work();
  }
}

/** After a failure: resolves when memory has become free, throws `error` where none did or it was another failure. */
async function makeRoomOrThrow(error: unknown): Promise<void> {
  if (!(error instanceof OutOfMemoryError) || !(await spillLater(backend()))) throw error;
}

/** Implements `Tensor.dataSync`. */
export function readTensorSync(tensor: Tensor): TypedArray {
  if (tensor.op !== null) evaluate([tensor], { toHost: true });
  return readLeafSync(tensor);
}

function readLeafSync(tensor: Tensor): TypedArray {
  const leaf = tensor.leaf!;
  switch (leaf.kind) {
    case 'host':
      return leaf.data.slice();
    case 'device':
      return leaf.device.readSync();
    case 'variable':
      return leaf.variable.readSync(leaf.version);
    case 'literal':
      return convertElements([leaf.value], tensor.dtype);
    case 'placeholder':
      throw codedError(
        Error,
        'AG_NOT_FED',
        `placeholder '${leaf.name}' has no value here; feed it with new Graph({ inputs, outputs }).run(feeds)`,
      );
  }
}
