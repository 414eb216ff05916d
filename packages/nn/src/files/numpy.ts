/**
 * NumPy's files: `.npy`, one array, and `.npz`, a zip archive of them (format description: NumPy's
 * `numpy.lib.format`, versions 1.0 to 3.0).
 */
import type { DType, Tensor } from '@ag/tensor';
import { type Element, elementsFromBytes, littleEndianBytes, tensorFromElements } from './elements.ts';
import { readZip, writeZip } from './zip.ts';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const written: Readonly<Record<DType, readonly [string, Element]>> = {
  float32: ['<f4', 'F32'],
  float64: ['<f8', 'F64'],
  int32: ['<i4', 'I32'],
  uint32: ['<u4', 'U32'],
  uint8: ['|u1', 'U8'],
  bool: ['|b1', 'BOOL'],
};

const known: Readonly<Record<string, Element>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u8: 'U64',
  u4: 'U32',
  u2: 'U16',
  u1: 'U8',
  b1: 'BOOL',
};

/** The bytes of a `.npy` file, which `numpy.load` reads. */
export async function saveNpy(t: Tensor): Promise<Uint8Array> {
  const [description, element] = written[t.dtype];
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
 * Reads a `.npy` file. float16 becomes float32; 64-bit and short integers become 32-bit ones; both byte orders and both
 * orders of axes are understood.
 *
 * @throws RangeError saying what is wrong with the file
 */
export function loadNpy(bytes: Uint8Array, name = 'the file'): Tensor {
  const fail = (what: string): never => {
    throw new RangeError(`loadNpy: ${name} ${what}`);
  };
  if (magic.some((byte, i) => bytes[i] !== byte)) fail('does not begin with the mark of NumPy files');
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`has format version ${version}; known are 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) fail('ends within its header');
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) fail('ends within its header');
  const header = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, end));
  const description = /'descr'\s*:\s*'([<>|=])?([a-z]\d+)'/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const sizes = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(header);
  if (!description || !order || !sizes) return fail(`has a header that is not understood: ${header.trim()}`);
  const element = known[description[2]!];
  if (!element)
    return fail(`holds elements of type ${description[2]}; known are ${Object.keys(known).join(', ')}`);
  const shape = [...sizes[1]!.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  const count = shape.reduce((product, size) => product * size, 1);
  const width = element === 'BOOL' ? 1 : Number(element.replace(/\D+/, '')) / 8;
  const data = bytes.subarray(end);
  if (data.length !== count * width) {
    fail(
      `of shape [${shape.join(', ')}] ${description[2]} needs ${count * width} bytes of data and has ${data.length}`,
    );
  }
  const elements = elementsFromBytes(data, element, `loadNpy: ${name}`, description[1] === '>');
  if (order[1] === 'False' || shape.length < 2) return tensorFromElements(elements, shape);
  // First axis fastest: the same numbers with the axes in reverse order.
  return tensorFromElements(elements, [...shape].reverse()).permute();
}

/** The bytes of a `.npz` file, uncompressed as `numpy.savez` writes it. */
export async function saveNpz(tensors: Readonly<Record<string, Tensor>>): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [name, t] of Object.entries(tensors)) files.set(`${name}.npy`, await saveNpy(t));
  return writeZip(files);
}

/**
 * Reads a `.npz` file, compressed or not.
 *
 * @throws RangeError saying what is wrong with the file
 */
export async function loadNpz(bytes: Uint8Array): Promise<Record<string, Tensor>> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, file] of await readZip(bytes)) {
    const own = name.replace(/\.npy$/, '');
    tensors[own] = loadNpy(file, `'${own}'`);
  }
  return tensors;
}
