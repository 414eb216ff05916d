/**
 * The safetensors format (version 0.4 of its specification): a length, a JSON header that says where each tensor lies,
 * and the elements. Files of other programs are not trusted: every number in the header is checked before it is used.
 */
import { type DType, sizeOf, type Tensor, type TypedArray, tensor } from '@ag/tensor';
import { TrainingError } from './errors.ts';

/** Tensors by name, with notes. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const formats: Readonly<Record<DType, string>> = {
  float64: 'F64',
  float32: 'F32',
  int32: 'I32',
  uint32: 'U32',
  uint8: 'U8',
  bool: 'BOOL',
};

/** What the format's types become here: an array type, or a conversion of elements that have none. */
const readers: Readonly<
  Record<string, { dtype: DType; bytes: number; read: (bytes: ArrayBuffer) => TypedArray }>
> = {
  F64: { dtype: 'float64', bytes: 8, read: (bytes) => new Float64Array(bytes) },
  F32: { dtype: 'float32', bytes: 4, read: (bytes) => new Float32Array(bytes) },
  F16: {
    dtype: 'float32',
    bytes: 2,
    read: (bytes) => Float32Array.from(new Uint16Array(bytes), halfToNumber),
  },
  BF16: { dtype: 'float32', bytes: 2, read: (bytes) => brainFloats(new Uint16Array(bytes)) },
  I64: { dtype: 'int32', bytes: 8, read: (bytes) => Int32Array.from(new BigInt64Array(bytes), Number) },
  I32: { dtype: 'int32', bytes: 4, read: (bytes) => new Int32Array(bytes) },
  U32: { dtype: 'uint32', bytes: 4, read: (bytes) => new Uint32Array(bytes) },
  U8: { dtype: 'uint8', bytes: 1, read: (bytes) => new Uint8Array(bytes) },
  BOOL: { dtype: 'bool', bytes: 1, read: (bytes) => new Uint8Array(bytes) },
};

/**
 * The bytes of a file with these tensors.
 *
 * ```ts
 * const bytes = await encodeSafetensors(model.stateDict(), { note: 'epoch 5' });
 * ```
 *
 * @param metadata strings that are kept with them
 */
export async function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const names = Object.keys(tensors);
  // Wide elements first: every tensor is then aligned to its elements.
  const ordered = [...names].sort(
    (a, b) => elementBytes(tensors[b]!) - elementBytes(tensors[a]!) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: TypedArray[] = [];
  let offset = 0;
  for (const name of ordered) {
    const value = tensors[name]!;
    const data = await value.data();
    header[name] = {
      dtype: formats[value.dtype],
      shape: value.shape,
      data_offsets: [offset, offset + data.byteLength],
    };
    parts.push(data);
    offset += data.byteLength;
  }
  let text = JSON.stringify(header);
  const encoder = new TextEncoder();
  text += ' '.repeat((8 - (encoder.encode(text).length % 8)) % 8);
  const head = encoder.encode(text);
  const file = new Uint8Array(8 + head.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let at = 8 + head.length;
  for (const part of parts) {
    file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return file;
}

/**
 * The tensors of a file. 16-bit floats become float32, 64-bit integers int32.
 *
 * @param file its name, for messages
 * @throws TrainingError `checkpoint` saying what is wrong with the file
 */
export function decodeSafetensors(bytes: Uint8Array, file = 'safetensors'): Safetensors {
  const fail = (problem: string): never => {
    throw new TrainingError(`${file}: ${problem}`, { code: 'checkpoint', file });
  };
  if (bytes.length < 8) fail(`no safetensors file: ${bytes.length} bytes, expected at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(0, true));
  if (size > bytes.length - 8) {
    fail(
      `no safetensors file, or a truncated one: its header should have ${size} bytes, ${bytes.length - 8} follow`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + size)));
  } catch (error) {
    fail(`the header is no JSON: ${(error as Error).message}`);
  }
  if (!isRecord(header)) return fail('the header is no JSON object');
  const tensors: Record<string, Tensor> = {};
  const metadata: Record<string, string> = {};
  const rest = bytes.length - 8 - size;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isRecord(entry)) fail('__metadata__ is no object');
      for (const [key, value] of Object.entries(entry as object)) metadata[key] = String(value);
      continue;
    }
    if (!isRecord(entry)) return fail(`the entry of '${name}' is no object`);
    const reader = Object.hasOwn(readers, String(entry.dtype)) ? readers[String(entry.dtype)]! : undefined;
    if (!reader)
      return fail(
        `'${name}' has the type ${JSON.stringify(entry.dtype)}; known are ${Object.keys(readers).join(', ')}`,
      );
    const shape = entry.shape;
    const offsets = entry.data_offsets;
    if (!isCounts(shape)) return fail(`the shape of '${name}' is ${JSON.stringify(shape)}`);
    if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]! || offsets[1]! > rest) {
      return fail(
        `'${name}' should lie at ${JSON.stringify(offsets)} of ${rest} bytes; the file is damaged or truncated`,
      );
    }
    const expected = sizeOf(shape) * reader.bytes;
    if (offsets[1]! - offsets[0]! !== expected) {
      return fail(
        `'${name}' of shape [${shape.join(', ')}] needs ${expected} bytes, the header gives it ${offsets[1]! - offsets[0]!}`,
      );
    }
    const start = 8 + size + offsets[0]!;
    // A copy of these bytes alone, aligned: slice() of Node's Buffer is no copy.
    const own = new Uint8Array(bytes.subarray(start, start + expected)).buffer;
    if (name === '__proto__') fail("a tensor is named '__proto__'");
    tensors[name] = tensor(reader.read(own), { shape, dtype: reader.dtype, copy: false });
  }
  return { tensors, metadata };
}

function elementBytes(value: Tensor): number {
  return readers[formats[value.dtype]]!.bytes;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && (one as number) >= 0);
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The upper half of a float32 each. */
function brainFloats(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}
