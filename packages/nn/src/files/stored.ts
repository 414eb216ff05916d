/**
 * Tensors of files to be looked at: names, types and shapes at once, numbers part by part.
 *
 * So a safetensors file is never in memory as a whole, however large it is.
 */
import type { Tensor } from '@ag/tensor';
import { storedElement } from './elements.ts';
import { inspectSafetensors, type RandomAccess } from './safetensors.ts';
import { dtypeNames, numbersOf, widthOf } from './storedNumbers.ts';

/** A tensor in a file. */
export interface StoredTensor {
  readonly name: string;
  /** What its numbers are in the file, such as `float16`; a tensor here may hold them as something wider. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly bytes: number;
  /** Its numbers in order, part by part. */
  parts(): AsyncIterable<ArrayLike<number>>;
}

/** Bytes that are read at a time. */
const partSize = 2 ** 22;

/**
 * The tensors of a safetensors file, of which only the header is read; `parts` reads a few megabytes at a time.
 *
 * @throws Error for bytes that are no safetensors file
 */
export async function storedSafetensors(
  file: RandomAccess,
): Promise<{ readonly tensors: StoredTensor[]; readonly metadata: Readonly<Record<string, string>> }> {
  const { tensors, metadata } = await inspectSafetensors(file);
  return {
    metadata,
    tensors: tensors.map(({ name, element, shape, start, end }) => ({
      name,
      dtype: dtypeNames[element],
      shape,
      size: shape.reduce((product, axis) => product * axis, 1),
      bytes: end - start,
      async *parts() {
        for (let at = start; at < end; at += partSize)
          yield numbersOf(await file.read(at, Math.min(end, at + partSize)), element);
      },
    })),
  };
}

/** Tensors that are in memory, as those of a file. */
export function storedTensors(
  tensors: Readonly<Record<string, Tensor>>,
  names: readonly string[] = Object.keys(tensors),
): StoredTensor[] {
  return names.map((name) => {
    const t = tensors[name];
    const element = storedElement(t);
    const dtype = element === undefined ? t.dtype : dtypeNames[element];
    return {
      name,
      dtype,
      shape: t.shape,
      size: t.size,
      bytes: t.size * widthOf(dtype),
      async *parts() {
        yield await t.data();
      },
    };
  });
}
