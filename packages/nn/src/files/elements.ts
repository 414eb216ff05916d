/**
 * Numbers as files hold them, with 8 to 64 bits, to and from the element types that tensors have. Written byte by byte
 * where the machine or the alignment does not allow a plain copy.
 */
import { type DType, fromBits, type Shape, type Tensor, type TypedArray, tensor } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import { exponentOf } from '@ag/tensor/math';

/** Element types of files, by the names of safetensors. */
export type Element =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/** Elements read from a file, and the dtype that holds them. */
export interface Elements {
  readonly data: TypedArray;
  readonly dtype: DType;
  /** What they were in the file. */
  readonly element?: Element;
}

/** What tensors were in the file that they come from. */
const origins = /* @__PURE__ */ new WeakMap<Tensor, Element>();

/**
 * The element type that a tensor of a file had there, by the names of safetensors (`F16`, `I64`), which tensors widen or narrow;
 * undefined for a tensor that `loadSafetensors`, `loadNpy`, `loadNpz` or `loadTorch` did not give.
 *
 * ```ts
 * const { weight } = await loadNpz(bytes);
 * console.log(storedElement(weight)); // 'F16', while weight.dtype is 'float32'
 * ```
 */
export function storedElement(t: Tensor): Element | undefined {
  return origins.get(t);
}

const littleEndianMachine = /* @__PURE__ */ isLittleEndian();

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

/** Takes over the array. */
export function tensorFromElements({ data, dtype, element }: Elements, shape: Shape): Tensor {
  const isHalf = dtype === 'float16' || dtype === 'bfloat16';
  const t = isHalf
    ? fromBits(data as Uint16Array, { shape, dtype, copy: false })
    : tensor(data, { shape, dtype, copy: false });
  return from(t, element);
}

/** Remembers what a tensor was in its file. */
export function from(t: Tensor, element: Element | undefined): Tensor {
  if (element !== undefined) origins.set(t, element);
  return t;
}

/** The bytes of numbers in a file, lowest first. */
export function littleEndianBytes(data: TypedArray, element: Element): Uint8Array {
  if (element === 'F16' || element === 'BF16') {
    const encode = element === 'F16' ? halfFromFloat : bfloatFromFloat;
    const out = new Uint8Array(2 * data.length);
    for (let i = 0; i < data.length; i++) {
      const bits = encode(data[i]);
      out[2 * i] = bits & 0xff;
      out[2 * i + 1] = bits >>> 8;
    }
    return out;
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (!littleEndianMachine) reverseEach(bytes, data.BYTES_PER_ELEMENT);
  return bytes;
}

/**
 * Elements from bytes of any alignment.
 *
 * @param what begins error messages
 * @param stored keep numbers of 8 and 16 bits as they are
 * @throws RangeError for integers that 32 bits do not hold
 */
export function elementsFromBytes(
  source: Uint8Array,
  element: Element,
  what: string,
  bigEndian = false,
  stored = false,
): Elements {
  return { ...numbersFromBytes(source, element, what, bigEndian, stored), element };
}

function numbersFromBytes(
  source: Uint8Array,
  element: Element,
  what: string,
  bigEndian: boolean,
  stored: boolean,
): Elements {
  // A copy, so that it is aligned and the file's memory can go. Not slice(): that of Node's Buffer copies nothing.
  const bytes = new Uint8Array(source);
  const width = {
    F64: 8,
    I64: 8,
    U64: 8,
    F32: 4,
    I32: 4,
    U32: 4,
    F16: 2,
    BF16: 2,
    I16: 2,
    U16: 2,
    I8: 1,
    U8: 1,
    BOOL: 1,
  }[element];
  if (bigEndian === littleEndianMachine) reverseEach(bytes, width);
  const { buffer } = bytes;
  if (stored) {
    if (element === 'F16') return { data: new Uint16Array(buffer), dtype: 'float16' };
    if (element === 'BF16') return { data: new Uint16Array(buffer), dtype: 'bfloat16' };
    if (element === 'I16') return { data: new Int16Array(buffer), dtype: 'int16' };
    if (element === 'I8') return { data: new Int8Array(buffer), dtype: 'int8' };
  }
  switch (element) {
    case 'F64':
      return { data: new Float64Array(buffer), dtype: 'float64' };
    case 'F32':
      return { data: new Float32Array(buffer), dtype: 'float32' };
    case 'F16':
      return { data: Float32Array.from(new Uint16Array(buffer), floatFromHalf), dtype: 'float32' };
    case 'BF16':
      return { data: floatsFromBfloats(new Uint16Array(buffer)), dtype: 'float32' };
    case 'I64':
      return {
        data: narrowed(new BigInt64Array(buffer), new Int32Array(bytes.length / 8), what),
        dtype: 'int32',
      };
    case 'U64':
      return {
        data: narrowed(new BigUint64Array(buffer), new Uint32Array(bytes.length / 8), what),
        dtype: 'uint32',
      };
    case 'I32':
      return { data: new Int32Array(buffer), dtype: 'int32' };
    case 'U32':
      return { data: new Uint32Array(buffer), dtype: 'uint32' };
    case 'I16':
      return { data: Int32Array.from(new Int16Array(buffer)), dtype: 'int32' };
    case 'U16':
      return { data: Int32Array.from(new Uint16Array(buffer)), dtype: 'int32' };
    case 'I8':
      return { data: Int32Array.from(new Int8Array(buffer)), dtype: 'int32' };
    case 'U8':
      return { data: bytes, dtype: 'uint8' };
    case 'BOOL':
      return { data: bytes.map((byte) => (byte ? 1 : 0)), dtype: 'bool' };
  }
}

/** IEEE 754 half precision to a number. */
export function floatFromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest half-precision number, halves to the even one. */
export function halfFromFloat(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  // Below 2⁻¹⁴ steps are 2⁻²⁴; above, 2^(exponent − 10).
  const exponent = size === 0 ? -14 : Math.max(-14, exponentOf(size));
  // Rounding may carry into the next exponent.
  for (let e = exponent; ; e++) {
    const steps = roundToEven(size * 2 ** (10 - e));
    if (steps < 2048) return sign | (steps < 1024 ? steps : ((e + 15) << 10) | (steps - 1024));
  }
}

/** The upper half of a float32, rounded to the nearest, halves to the even one. */
export function bfloatFromFloat(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  floatBuffer[0] = value;
  const bits = wordBuffer[0];
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

const floatBuffer = /* @__PURE__ */ new Float32Array(1);
const wordBuffer = /* @__PURE__ */ new Uint32Array(floatBuffer.buffer);

function floatsFromBfloats(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => (half << 16) >>> 0).buffer);
}

function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function narrowed<T extends Int32Array | Uint32Array>(
  wide: BigInt64Array | BigUint64Array,
  into: T,
  what: string,
): T {
  for (let i = 0; i < wide.length; i++) {
    into[i] = Number(wide[i]);
    if (BigInt(into[i]) !== wide[i]) {
      throw codedError(
        RangeError,
        'AG_FILE_FORMAT',
        `${what}: element ${i} is ${wide[i]}, beyond the 32 bits that tensors have for integers`,
      );
    }
  }
  return into;
}

function reverseEach(bytes: Uint8Array, width: number): void {
  if (width > 1) for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}
