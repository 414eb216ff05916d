/**
 * Reads and writes the header of a `.npy` file. It has a mark, a version, a length, and a dictionary as Python writes
 * it, read by the grammar of such literals and never evaluated (format description: NumPy's `numpy.lib.format`,
 * versions 1.0 to 3.0).
 */
import type { Element } from './elements.ts';

/** What a header says. */
export interface NpyHeader {
  readonly element: Element;
  readonly bigEndian: boolean;
  /** Whether the first axis runs fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the numbers begin. */
  readonly start: number;
  /** The bytes that the whole file has by this header. */
  readonly length: number;
}

const mark = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy itself reads no header beyond 10,000 bytes. */
const longestHeader = 0xffff;

const elements: ReadonlyMap<string, readonly [Element, width: number]> = /* @__PURE__ */ new Map([
  ['f8', ['F64', 8]],
  ['f4', ['F32', 4]],
  ['f2', ['F16', 2]],
  ['i8', ['I64', 8]],
  ['i4', ['I32', 4]],
  ['i2', ['I16', 2]],
  ['i1', ['I8', 1]],
  ['u8', ['U64', 8]],
  ['u4', ['U32', 4]],
  ['u2', ['U16', 2]],
  ['u1', ['U8', 1]],
  ['b1', ['BOOL', 1]],
] as const);

/** Kinds of elements that no tensor holds, by NumPy's letters. */
const otherKinds: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ['O', 'Python objects, which are programs and are never read; save the array with a dtype of numbers'],
  ['c', 'complex numbers; save the real and the imaginary part as arrays of their own'],
  ['U', 'texts'],
  ['S', 'texts'],
  ['a', 'texts'],
  ['M', 'dates'],
  ['m', 'durations'],
  ['V', 'raw bytes'],
]);

/**
 * Reads the header at the start of `bytes`; undefined where they end within it.
 *
 * @param fail throws, with what is wrong
 */
export function readNpyHeader(bytes: Uint8Array, fail: (what: string) => never): NpyHeader | undefined {
  if (mark.some((byte, i) => i < bytes.length && bytes[i] !== byte))
    fail('does not begin with the mark of NumPy files');
  if (bytes.length < 10) return undefined;
  const version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] !== 0)
    fail(`has format version ${version}.${bytes[7]}; known are 1.0 to 3.0`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = version === 1 ? 10 : 12;
  if (bytes.length < begin) return undefined;
  const size = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (size > longestHeader) fail(`has a header of ${size} bytes; at most ${longestHeader} are read`);
  const start = begin + size;
  if (start > bytes.length) return undefined;
  const text = decoded(bytes.subarray(begin, start), version, fail);
  const notUnderstood = (): never => fail(`has a header that is not understood: ${shortened(text)}`);
  const dictionary = parseLiteral(text);
  if (!(dictionary instanceof Map) || dictionary.size !== 3) return notUnderstood();
  const description = dictionary.get('descr');
  const order = dictionary.get('fortran_order');
  const shape = dictionary.get('shape');
  if (description === undefined || typeof order !== 'boolean' || !isShape(shape)) return notUnderstood();
  const { element, width, bigEndian } = elementOf(description, fail, notUnderstood);
  const length = start + width * shape.reduce((product, axis) => product * axis, 1);
  return { element, bigEndian, fortranOrder: order, shape, start, length };
}

function decoded(bytes: Uint8Array, version: number, fail: (what: string) => never): string {
  try {
    return new TextDecoder(version === 3 ? 'utf-8' : 'latin1', { fatal: true }).decode(bytes);
  } catch {
    return fail('has a header that is not UTF-8');
  }
}

function elementOf(
  description: Literal,
  fail: (what: string) => never,
  notUnderstood: () => never,
): { element: Element; width: number; bigEndian: boolean } {
  if (Array.isArray(description))
    return fail('holds records of several fields; save each field as an array of its own');
  const parts = typeof description === 'string' ? /^([<>|=])?([A-Za-z])(.*)$/s.exec(description) : null;
  if (!parts) return notUnderstood();
  const name = parts[2] + parts[3];
  const known = elements.get(name);
  if (!known) {
    const kind = otherKinds.get(parts[2]);
    return fail(
      `holds elements of type ${shortened(name)}; known are ${[...elements.keys()].join(', ')}${kind === undefined ? '' : `. These are ${kind}`}`,
    );
  }
  return { element: known[0], width: known[1], bigEndian: parts[1] === '>' };
}

function isShape(value: Literal | undefined): value is number[] {
  return (
    Array.isArray(value) &&
    value.every((axis) => typeof axis === 'number') &&
    Number.isSafeInteger(value.reduce<number>((product, axis) => product * Math.max(1, axis as number), 1))
  );
}

function shortened(text: string): string {
  const plain = JSON.stringify(text.trim()).slice(1, -1);
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}

/** What literals of Python become; tuples and lists are arrays, dictionaries maps. */
type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

/** Beyond this nothing that NumPy writes is nested. */
const deepest = 16;

const token =
  /[ \t\n]*(?:'((?:[^'\\\n]|\\[\\'])*)'|"((?:[^"\\\n]|\\[\\"])*)"|(\d+)L?(?![\w.])|(True|False|None)(?!\w)|([{}()[\],:]))/y;

/** The literal that the whole text is, undefined where it is none. */
function parseLiteral(text: string): Literal | undefined {
  token.lastIndex = 0;
  let next = read();
  const value = literal(0);
  return value !== undefined && next === null && text.slice(token.lastIndex).trim() === ''
    ? value
    : undefined;

  function read(): RegExpExecArray | null {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (found === null) token.lastIndex = at;
    return found;
  }

  function accept(mark: string): boolean {
    if (next?.[5] !== mark) return false;
    next = read();
    return true;
  }

  function literal(depth: number): Literal | undefined {
    if (next === null || depth > deepest) return undefined;
    const [, single, double, digits, word] = next;
    if (single !== undefined || double !== undefined || digits !== undefined || word !== undefined) {
      next = read();
      if (digits !== undefined) return Number(digits);
      if (word !== undefined) return word === 'None' ? null : word === 'True';
      return (single ?? double).replace(/\\(.)/g, '$1');
    }
    if (accept('{')) return entries(depth);
    if (accept('(')) return items(')', depth);
    return accept('[') ? items(']', depth) : undefined;
  }

  function items(end: string, depth: number): Literal[] | undefined {
    const list: Literal[] = [];
    while (!accept(end)) {
      const item = literal(depth + 1);
      if (item === undefined) return undefined;
      list.push(item);
      if (!accept(',')) return accept(end) ? list : undefined;
    }
    return list;
  }

  function entries(depth: number): Map<string, Literal> | undefined {
    const map = new Map<string, Literal>();
    while (!accept('}')) {
      const key = literal(depth + 1);
      if (typeof key !== 'string' || map.has(key) || !accept(':')) return undefined;
      const value = literal(depth + 1);
      if (value === undefined) return undefined;
      map.set(key, value);
      if (!accept(',')) return accept('}') ? map : undefined;
    }
    return map;
  }
}
