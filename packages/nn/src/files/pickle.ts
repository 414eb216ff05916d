/**
 * Reads Python's pickles as data (protocols 2 to 5, those of `pickletools`). A pickle is a program for a small machine
 * that may name any function of Python and call it; here only what the caller knows by name is taken, all else is refused
 * by its name, and nothing is looked up or run.
 */

/** A function or class that a pickle names. */
export class PickledName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A dictionary, in the order in which it was filled. */
export class PickledDict {
  /** Null while empty: a byte of a pickle makes one, and a map has hundreds. */
  entries: Map<unknown, unknown> | null = null;
}

/** What the caller knows. */
export interface PickleRules {
  /** Throws, with what is wrong. */
  readonly fail: (what: string) => never;
  /** The value of a name, such as a {@link PickledName} for what may be called. It throws for an unknown one. */
  readonly named: (name: string) => unknown;
  /** The value that a known name gives for its arguments. */
  readonly call: (name: string, args: readonly unknown[]) => unknown;
  /** The value of a reference to what lies outside of the pickle. */
  readonly reference: (id: unknown) => unknown;
}

/** Lists, dictionaries and remembered values together. Each needs more memory than the byte that asks for it. */
const mostValues = 1_000_000;

const nothing: readonly unknown[] = [];

/** @returns the value, and where the pickle ends */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  rules: PickleRules,
): { value: unknown; end: number } {
  const { fail } = rules;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = start;
  let values = 0;

  /** Moves on by `count` bytes and gives where they begin. */
  const skip = (count: number): number => {
    if (count > bytes.length - at) fail('the pickle ends too early');
    at += count;
    return at - count;
  };
  const made = <T>(value: T): T => {
    values++;
    if (values > mostValues) fail(`the pickle makes more than ${mostValues} values`);
    return value;
  };
  const floor = (): number => marks[marks.length - 1] ?? 0;
  const top = (): unknown => {
    if (stack.length <= floor()) fail('the pickle takes a value that is not there');
    return stack[stack.length - 1];
  };
  const pop = (): unknown => {
    top();
    return stack.pop();
  };
  const popMark = (): unknown[] => {
    const mark = marks.pop() ?? fail('the pickle takes a mark that is not there');
    return stack.splice(mark);
  };
  const tuple = (count: number): void => {
    if (stack.length - floor() < count) fail('the pickle takes a value that is not there');
    stack.push(made(stack.splice(stack.length - count)));
  };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const text = (length: number): string => {
    const from = skip(length);
    try {
      return decoder.decode(bytes.subarray(from, from + length));
    } catch {
      return fail('a text of the pickle is not UTF-8');
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0 || end - at > 1000) fail('the pickle ends within a name');
    const found = text(end - at);
    at++;
    return found;
  };
  const long64 = (): number => Number(view.getBigUint64(skip(8), true));
  const raw = (length: number): Uint8Array => {
    const from = skip(length);
    return made(new Uint8Array(bytes.subarray(from, from + length)));
  };
  const remember = (index: number): void => {
    memo.set(index, made(top()));
  };
  const recall = (index: number): void => {
    if (!memo.has(index)) fail('the pickle takes a remembered value that is not there');
    stack.push(memo.get(index));
  };
  const append = (items: readonly unknown[]): void => {
    const list = top();
    if (!Array.isArray(list) || list === nothing) fail('the pickle adds to what is no list');
    else for (const item of items) list.push(item);
  };
  const setItems = (items: readonly unknown[]): void => {
    const dict = top();
    if (dict instanceof PickledDict) fillDict(dict, items, fail);
    else fail('the pickle sets an item of what is no dictionary');
  };

  for (;;) {
    const code = bytes[skip(1)];
    switch (code) {
      case 0x80: // PROTO
        if (bytes[skip(1)] > 5) fail('the pickle has a protocol beyond 5');
        break;
      case 0x95: // FRAME
        skip(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x30: // POP
        pop();
        break;
      case 0x31: // POP_MARK
        popMark();
        break;
      case 0x32: // DUP
        stack.push(top());
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4b: // BININT1
        stack.push(bytes[skip(1)]);
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(skip(2), true));
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(skip(4), true));
        break;
      case 0x8a: {
        // LONG1
        const length = bytes[skip(1)];
        stack.push(wholeNumber(bytes.subarray(skip(length), at)));
        break;
      }
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(skip(8)));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(view.getUint32(skip(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(bytes[skip(1)]));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(long64()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(raw(bytes[skip(1)]));
        break;
      case 0x42: // BINBYTES
        stack.push(raw(view.getUint32(skip(4), true)));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(raw(long64()));
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push(nothing);
        break;
      case 0x85: // TUPLE1
        tuple(1);
        break;
      case 0x86: // TUPLE2
        tuple(2);
        break;
      case 0x87: // TUPLE3
        tuple(3);
        break;
      case 0x74: // TUPLE
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        stack.push(made(popMark()));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        stack.push(made([]));
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        append(popMark());
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(made(new PickledDict()));
        break;
      case 0x64: // DICT
        stack.push(made(fillDict(new PickledDict(), popMark(), fail)));
        break;
      case 0x73: {
        // SETITEM
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        setItems(popMark());
        break;
      case 0x71: // BINPUT
        remember(bytes[skip(1)]);
        break;
      case 0x72: // LONG_BINPUT
        remember(view.getUint32(skip(4), true));
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        recall(bytes[skip(1)]);
        break;
      case 0x6a: // LONG_BINGET
        recall(view.getUint32(skip(4), true));
        break;
      case 0x63: // GLOBAL
        stack.push(rules.named(`${line()}.${line()}`));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        const module = pop();
        if (typeof name !== 'string' || typeof module !== 'string')
          fail('the pickle has a name that is no text');
        stack.push(rules.named(`${module}.${name}`));
        break;
      }
      case 0x52: {
        // REDUCE
        const args = pop();
        const called = pop();
        if (!(called instanceof PickledName) || !Array.isArray(args))
          return fail('the pickle calls what is no function');
        stack.push(made(rules.call(called.name, args)));
        break;
      }
      case 0x62: {
        // BUILD: attributes of an ordered dictionary, such as the versions of modules, are left out.
        pop();
        if (!(top() instanceof PickledDict)) fail('the pickle gives attributes to what has none');
        break;
      }
      case 0x51: // BINPERSID
        stack.push(made(rules.reference(pop())));
        break;
      default:
        fail(`the pickle has the instruction 0x${code.toString(16).padStart(2, '0')}, which data need not`);
    }
  }
}

/** Takes keys and values in turns. */
export function fillDict(
  dict: PickledDict,
  items: readonly unknown[],
  fail: (what: string) => never,
): PickledDict {
  if (items.length === 0) return dict;
  if (items.length % 2 === 1) fail('the pickle has a key without a value');
  dict.entries ??= new Map();
  for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i], items[i + 1]);
  return dict;
}

/** Little-endian, in two's complement. A bigint where a number would not be exact. */
function wholeNumber(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  value = BigInt.asIntN(8 * bytes.length, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
