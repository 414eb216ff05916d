/**
 * Reads and writes NumPy's files: `.npy`, one array, and `.npz`, a zip archive of them. (Format description: NumPy's
 * `numpy.lib.format`, versions 1.0 to 3.0).
 */

import type { DType, Tensor } from '@ag/tensor';
import { checkOptions, codedError } from '@ag/tensor/engine';
import { type Element, elementsFromBytes, from, littleEndianBytes, tensorFromElements } from './elements.ts';
import { readNpyHeader } from './npyHeader.ts';
import type { LoadNumbersOptions } from './safetensors.ts';
import { readZip, type UnpackOptions } from './zip.ts';
import { writeZip } from './zipWriter.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const written: Readonly<Record<DType, readonly [string, Element]>> = {
  float32: ['<f4', 'F32'],
  float64: ['<f8', 'F64'],
  int32: ['<i4', 'I32'],
  uint32: ['<u4', 'U32'],
  uint8: ['|u1', 'U8'],
  bool: ['|b1', 'BOOL'],
  int8: ['|i1', 'I8'],
  int16: ['<i2', 'I16'],
  float16: ['<f2', 'F16'],
  // NumPy has no such numbers: a float32 holds each.
  bfloat16: ['<f4', 'F32'],
};

/** Options of `saveNpy` and `saveNpz`. */
export interface SaveNumpyOptions {
  /** Store floats with 16 bits: half the size, and no longer bit-exact. */
  readonly floats?: 'F16';
}

/** The bytes of a `.npy` file, which `numpy.load` reads. */
export async function saveNpy(t: Tensor, options: SaveNumpyOptions = {}): Promise<Uint8Array> {
  checkOptions('saveNpy', options, 'floats');
  const isHalf = options.floats === 'F16' && (t.dtype === 'float32' || t.dtype === 'float64');
  const [description, element] = isHalf ? (['<f2', 'F16'] as const) : written[t.dtype];
  const shape = t.shape.length === 1 ? `(${t.shape[0]},)` : `(${t.shape.join(', ')})`;
  const dictionary = `{'descr': '${description}', 'fortran_order': False, 'shape': ${shape}, }`;
  // The data begins at a multiple of 64 bytes; the header ends with a line break.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const data = littleEndianBytes(await t.data(), element);
  const file = new Uint8Array(10 + length + data.length);
  file.set([...magic, 1, 0, length & 0xff, length >>> 8]);
  file.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  file.set(data, 10 + length);
  return file;
}

/**
 * Reads a `.npy` file. float16 becomes float32; 64-bit and short integers become 32-bit ones (`stored` keeps those of 8 and 16 bits); both byte orders and both
 * orders of axes are understood. Arrays of records, texts, dates, complex numbers and Python objects are refused by name.
 *
 * @param name what error messages call the file
 * @throws RangeError saying what is wrong with the file
 */
export function loadNpy(bytes: Uint8Array, name = 'the file', options: LoadNumbersOptions = {}): Tensor {
  checkOptions('loadNpy', options, 'stored');
  const fail = (what: string): never => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `loadNpy: ${name} ${what}`);
  };
  const header = readNpyHeader(bytes, fail) ?? fail('ends within its header');
  const { element, shape, start } = header;
  if (bytes.length !== header.length) {
    fail(
      `of shape [${shape.join(', ')}] ${element} needs ${header.length - start} bytes of data and has ${bytes.length - start}`,
    );
  }
  const elements = elementsFromBytes(
    bytes.subarray(start),
    element,
    `loadNpy: ${name}`,
    header.bigEndian,
    options.stored,
  );
  if (!header.fortranOrder || shape.length < 2) return tensorFromElements(elements, shape);
  // First axis fastest: the same numbers with the axes in reverse order.
  return from(tensorFromElements(elements, [...shape].reverse()).permute(), element);
}

/** The bytes of a `.npz` file, uncompressed as `numpy.savez` writes it. */
export async function saveNpz(
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveNumpyOptions = {},
): Promise<Uint8Array> {
  checkOptions('saveNpz', options, 'floats');
  const files = new Map<string, Uint8Array>();
  for (const [name, t] of Object.entries(tensors)) files.set(`${name}.npy`, await saveNpy(t, options));
  return writeZip(files);
}

/**
 * Reads a `.npz` file, compressed or not. Each array is unpacked as far as its own header says and no further, all
 * together as far as `maxBytes`. Needs the package @zip.js/zip.js, which is loaded when the first such file is read.
 *
 * @throws RangeError saying what is wrong with the file
 *
 * @example
 * const response = await fetch('weights.npz');
 * const { weight } = await loadNpz(new Uint8Array(await response.arrayBuffer()));
 */
export async function loadNpz(
  bytes: Uint8Array,
  options: UnpackOptions & LoadNumbersOptions = {},
): Promise<Record<string, Tensor>> {
  checkOptions('loadNpz', options, 'maxBytes stored');
  const own = (member: string): string => member.replace(/\.npy$/, '');
  const lengthOf = (start: Uint8Array, member: string): number | undefined =>
    readNpyHeader(start, (what) => {
      throw codedError(RangeError, 'AG_FILE_FORMAT', `loadNpy: '${own(member)}' ${what}`);
    })?.length;
  const tensors = new Map<string, Tensor>();
  for await (const [member, file] of readZip(bytes, { ...options, operation: 'loadNpz', lengthOf })) {
    const name = own(member);
    if (tensors.has(name))
      throw codedError(RangeError, 'AG_FILE_FORMAT', `loadNpz: there are two arrays '${name}'`);
    tensors.set(name, loadNpy(file, `'${name}'`, { stored: options.stored ?? false }));
  }
  // Not by assignment: a name like __proto__ would be none.
  return Object.fromEntries(tensors);
}
