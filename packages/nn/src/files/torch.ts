/**
 * Reads `.pt` and `.pth`, the files of PyTorch's `torch.save`. They are zip archives since 1.6, and a format of their own
 * before. What lies in them are pickles, which are taken as data (pickle.ts): tensors, containers, numbers and texts.
 * (Formats: PyTorch's `torch/serialization.py` and `torch/_utils.py`.)
 */

import type { Tensor } from '@ag/tensor';
import { checkOptions, codedError } from '@ag/tensor/engine';
import { type Element, elementsFromBytes, tensorFromElements } from './elements.ts';
import { PickledDict, PickledName, type PickleRules, unpickle } from './pickle.ts';
import { readZip, type UnpackOptions } from './zip.ts';

/** What a file of PyTorch can hold. Dictionaries are objects without a prototype; tuples and sets are arrays. */
export type TorchContent =
  | Tensor
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly TorchContent[]
  | { readonly [name: string]: TorchContent };

/** What a file held. */
export interface LoadedTorch {
  /**
   * All tensors by their paths: those of a `state_dict` by its names, those deeper in the file with the names on the way
   * to them, joined by points. It has no prototype, so a name that is not there is undefined.
   */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The names of the tensors in the order of the file; objects list those that look like numbers first. */
  readonly names: readonly string[];
  /** The file as it is: numbers and texts too, such as epochs and settings. */
  readonly content: TorchContent;
}

/** Numbers in a file, of which tensors are views. */
class Storage {
  readonly element: Element;
  /** Undefined until its bytes are found. */
  bytes: Uint8Array | undefined;
  readonly count: number;
  /** By offset, shape and strides. */
  readonly tensors = new Map<string, Tensor>();

  constructor(element: Element, count: number, bytes?: Uint8Array) {
    this.element = element;
    this.count = count;
    this.bytes = bytes;
  }
}

/** A part of a storage that begins somewhere in it, as old files have them. */
interface StoragePart {
  readonly storage: Storage;
  readonly start: number;
}

/** A tensor as a file says it. */
class TensorView {
  readonly storage: Storage;
  readonly start: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly element: Element;

  constructor(
    storage: Storage,
    start: number,
    shape: readonly number[],
    strides: readonly number[],
    element = storage.element,
  ) {
    this.storage = storage;
    this.start = start;
    this.shape = shape;
    this.strides = strides;
    this.element = element;
  }
}

type Fail = (what: string) => never;

const storages: Readonly<Record<string, Element>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
  // Bytes, of which each tensor says what they are.
  'torch.storage.UntypedStorage': 'U8',
};

const dtypes: Readonly<Record<string, Element>> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint64': 'U64',
  'torch.uint32': 'U32',
  'torch.uint16': 'U16',
  'torch.uint8': 'U8',
  'torch.bool': 'BOOL',
};

/** What may be called, with what it makes of its arguments. */
const functions: Readonly<Record<string, (args: readonly unknown[], fail: Fail) => unknown>> = {
  'collections.OrderedDict': (args, fail) =>
    args.length === 0 ? new PickledDict() : fail('an ordered dictionary is made in a way that is not known'),
  'builtins.set': listOf,
  '__builtin__.set': listOf,
  'builtins.frozenset': listOf,
  '__builtin__.frozenset': listOf,
  'torch.Size': listOf,
  'torch.device': ([kind, index], fail) =>
    typeof kind !== 'string'
      ? fail('a device has no name')
      : typeof index === 'number'
        ? `${kind}:${index}`
        : kind,
  'torch._utils._rebuild_parameter': ([view], fail) =>
    view instanceof TensorView ? view : fail('a parameter is made of what is no tensor'),
  'torch._utils._rebuild_tensor': viewOf,
  'torch._utils._rebuild_tensor_v2': viewOf,
  'torch._utils._rebuild_tensor_v3': (args, fail) => {
    const dtype = args[6];
    return typeof dtype === 'string' && Object.hasOwn(dtypes, dtype)
      ? viewOf(args, fail, dtypes[dtype])
      : fail('a tensor has no dtype');
  },
};

/**
 * Reads a file that `torch.save` wrote: a `state_dict`, or a checkpoint with one in it. Nothing in the file is run. Tensors
 * that share numbers in the file each get their own. float16 and bfloat16 become float32; I64, I16, I8, U16 become int32.
 *
 * ```ts
 * const { tensors } = await loadTorch(bytes);
 * model.loadStateDict(tensors);
 * // A checkpoint such as {'epoch': 3, 'model': model.state_dict()}:
 * model.loadStateDict(tensors, { rename: (name) => /^model\.(.*)/.exec(name)?.[1] ?? null });
 * ```
 *
 * Needs the package @zip.js/zip.js, which is loaded when the first archive is read. PyTorch does not compress; an archive
 * that somebody else compressed is read with the option `maxBytes`, which is 0 here.
 *
 * @throws RangeError saying what is wrong with the file, or which function or class it asks for beyond data, as files do
 *   that hold a whole model
 */
export async function loadTorch(bytes: Uint8Array, options: UnpackOptions = {}): Promise<LoadedTorch> {
  checkOptions('loadTorch', options, 'maxBytes');
  const fail: Fail = (what) => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `loadTorch: ${what}`);
  };
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readArchive(bytes, options, fail);
  if (bytes[0] === 0x80) return readLegacy(bytes, fail);
  return fail('this is no file of torch.save: it begins neither as a zip archive nor as a pickle');
}

async function readArchive(bytes: Uint8Array, options: UnpackOptions, fail: Fail): Promise<LoadedTorch> {
  const members = new Map<string, Uint8Array>();
  for await (const [name, content] of readZip(bytes, { maxBytes: 0, ...options, operation: 'loadTorch' }))
    members.set(name, content);
  // All lie in one folder, which is called as the file was.
  const main = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (main === undefined) return fail("the archive holds no 'data.pkl'; is it a file of torch.save?");
  const folder = main.slice(0, -'data.pkl'.length);
  if (members.has(`${folder}constants.pkl`))
    fail('this is a TorchScript program; save the state_dict() of the module by torch.save');
  const order = members.get(`${folder}byteorder`);
  const bigEndian = order !== undefined && new TextDecoder().decode(order) === 'big';
  const known = new Map<string, Storage>();
  const { value } = unpickle(
    members.get(main)!,
    0,
    rules(
      fail,
      known,
      (key) => members.get(`${folder}data/${key}`) ?? fail(`the archive has no storage '${shortened(key)}'`),
    ),
  );
  return content(value, fail, known, bigEndian);
}

/** The format before 1.6: a mark, a version, facts of the machine, the value, the names of the storages, their numbers. */
function readLegacy(bytes: Uint8Array, fail: Fail): LoadedTorch {
  const known = new Map<string, Storage>();
  const plain = rules(fail, known);
  const magic = unpickle(bytes, 0, plain);
  if (magic.value !== 0x1950a86a20f9469cfc6cn)
    fail('this is a pickle, but none of torch.save; only its files are read');
  const version = unpickle(bytes, magic.end, plain);
  if (version.value !== 1001) fail('the file has another protocol version than 1001');
  const machine = unpickle(bytes, version.end, plain);
  const facts = machine.value instanceof PickledDict ? machine.value.entries : null;
  const bigEndian = facts?.get('little_endian') === false;
  const main = unpickle(bytes, machine.end, plain);
  const keys = unpickle(bytes, main.end, plain);
  if (!Array.isArray(keys.value)) return fail('the list of storages is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = keys.end;
  for (const key of keys.value) {
    const storage = typeof key === 'string' ? known.get(key) : undefined;
    if (storage === undefined || storage.bytes !== undefined)
      return fail('the list of storages names one that no tensor uses, or one twice');
    if (at + 8 > bytes.length) fail('the file is cut off');
    const count = Number(view.getBigInt64(at, !bigEndian));
    const size = storage.count * widthOf(storage.element);
    if (count !== storage.count)
      fail(`storage '${shortened(key as string)}' has ${count} elements and should have ${storage.count}`);
    at += 8;
    if (at + size > bytes.length) fail('the file is cut off');
    storage.bytes = bytes.subarray(at, at + size);
    at += size;
  }
  if (at !== bytes.length) fail(`${bytes.length - at} bytes after the last storage belong to none`);
  return content(main.value, fail, known, bigEndian);
}

/** What pickles of PyTorch may say. `find` gives a storage's bytes; without it they come later. */
function rules(fail: Fail, known: Map<string, Storage>, find?: (key: string) => Uint8Array): PickleRules {
  return {
    fail,
    named: (name) => {
      if (Object.hasOwn(functions, name) || Object.hasOwn(storages, name)) return new PickledName(name);
      if (Object.hasOwn(dtypes, name)) return name;
      return fail(
        `the file asks for ${shortened(name)}, which is a program and no data, and is not run; save tensors in dictionaries and lists, such as torch.save(model.state_dict(), …)`,
      );
    },
    call: (name, args) =>
      Object.hasOwn(functions, name) ? functions[name](args, fail) : fail(`the file calls ${name}`),
    reference: (id) => {
      const [kind, type, key, , count, part] = Array.isArray(id) ? id : [];
      if (
        kind !== 'storage' ||
        !(type instanceof PickledName) ||
        !Object.hasOwn(storages, type.name) ||
        typeof key !== 'string' ||
        !isCount(count)
      )
        return fail('a reference is to no storage');
      const element = storages[type.name];
      let storage = known.get(key);
      if (storage === undefined) {
        const bytes = find?.(key);
        const size = count * widthOf(element);
        if (bytes !== undefined && bytes.length < size)
          fail(`storage '${shortened(key)}' needs ${size} bytes and has ${bytes.length}`);
        storage = new Storage(element, count, bytes);
        known.set(key, storage);
      } else if (storage.element !== element || storage.count !== count)
        fail(`storage '${shortened(key)}' is of two kinds`);
      const start = Array.isArray(part) ? part[1] : 0;
      if (!isCount(start)) return fail(`a part of storage '${shortened(key)}' begins nowhere`);
      return { storage, start } satisfies StoragePart;
    },
  };
}

function viewOf(args: readonly unknown[], fail: Fail, element?: Element): TensorView {
  const [part, start, shape, strides] = args as [Partial<StoragePart> | null, unknown, unknown, unknown];
  if (
    !(part?.storage instanceof Storage) ||
    !isCount(start) ||
    !isCounts(shape) ||
    !isCounts(strides) ||
    shape.length !== strides.length
  )
    return fail('a tensor has no storage, or no valid offset, shape or strides');
  return new TensorView(part.storage, part.start! + start, [...shape], [...strides], element);
}

/** Not a copy: a few bytes could ask for many of a long one. */
function listOf([items = []]: readonly unknown[], fail: Fail): unknown {
  return Array.isArray(items) ? items : fail('a set or a shape is made of what is no list');
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** PyTorch has at most 64 axes. */
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 64 && value.every(isCount);

/** Beyond this nothing is nested that anybody writes. */
const deepest = 100;

/** Characters that the names of all tensors may have: they repeat those of what is around them. */
const longestNames = 20_000_000;

/** What the caller gets, made from the pickle's value. */
function content(
  value: unknown,
  fail: Fail,
  known: ReadonlyMap<string, Storage>,
  bigEndian: boolean,
): LoadedTorch {
  const names: string[] = [];
  const tensors = Object.create(null) as Record<string, Tensor>;
  const done = new Map<object, TorchContent>();
  const open = new Set<object>();
  let characters = 0;
  // Views may overlap, and say much more than there is: as tensors all of them have four times the file's numbers at most.
  let left = 2 ** 20;
  for (const { bytes } of known.values()) left += 4 * (bytes?.length ?? 0);

  const tensorOf = (view: TensorView, path: string): Tensor => {
    const what = path === '' ? 'the tensor' : `'${shortened(path)}'`;
    const made = view.storage.tensors;
    const key = [view.start, view.shape, view.strides, view.element].join(';');
    const known = made.get(key);
    if (known) return known;
    const bytes = view.storage.bytes ?? fail(`${what} has no numbers in the file`);
    const count = view.shape.includes(0) ? 0 : view.shape.reduce((product, size) => product * size, 1);
    const width = widthOf(view.element);
    const last = view.shape.reduce((sum, size, i) => sum + (size - 1) * view.strides[i], view.start);
    if (count > 0 && !((last + 1) * width <= view.storage.count * widthOf(view.storage.element)))
      fail(`${what} reaches beyond its storage`);
    left -= count * width;
    if (!(left >= 0))
      fail(
        `${what} of shape [${view.shape.join(', ')}] repeats the numbers of the file too often; save it by clone()`,
      );
    const elements = elementsFromBytes(
      strided(bytes, view, count, width),
      view.element,
      `loadTorch: ${what}`,
      bigEndian,
    );
    const result = tensorFromElements(elements, view.shape);
    made.set(key, result);
    return result;
  };

  const entry = (inner: unknown, prefix: string, name: string, depth: number): TorchContent =>
    walk(inner, prefix === '' ? name : `${prefix}.${name}`, depth + 1);

  const walk = (inner: unknown, path: string, depth: number): TorchContent => {
    if (inner instanceof TensorView) {
      characters += path.length;
      if (characters > longestNames) fail('the names of the tensors are too long');
      if (path in tensors) fail(`there are two tensors '${shortened(path)}'`);
      names.push(path);
      tensors[path] = tensorOf(inner, path);
      return tensors[path];
    }
    if (inner instanceof PickledName) return inner.name;
    if (typeof inner !== 'object' || inner === null || inner instanceof Uint8Array)
      return inner as TorchContent;
    if (open.has(inner)) fail('a container holds itself');
    const before = done.get(inner);
    if (before !== undefined) return before;
    if (depth > deepest) fail(`containers lie in one another more than ${deepest} deep`);
    open.add(inner);
    let result: TorchContent;
    if (Array.isArray(inner)) result = inner.map((item, i) => entry(item, path, String(i), depth));
    else if (inner instanceof PickledDict) {
      const object = Object.create(null) as Record<string, TorchContent>;
      for (const [key, item] of inner.entries ?? []) {
        if (typeof key === 'object' && key !== null)
          fail('a dictionary has a key that is neither a text nor a number');
        const name = String(key);
        if (name in object) fail(`a dictionary has the key '${shortened(name)}' twice`);
        object[name] = entry(item, path, name, depth);
      }
      result = object;
    } else return fail('a storage is used without a tensor');
    open.delete(inner);
    done.set(inner, result);
    return result;
  };

  const all = walk(value, '', 0);
  return { tensors, names, content: all };
}

/** The bytes of a view in order. */
function strided(bytes: Uint8Array, view: TensorView, count: number, width: number): Uint8Array {
  const { start, shape, strides } = view;
  if (count === 0) return new Uint8Array(0);
  let expected = 1;
  let inOrder = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) inOrder = false;
    expected *= shape[axis];
  }
  if (inOrder) return bytes.subarray(start * width, (start + count) * width);
  const out = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = start;
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) out[i * width + k] = bytes[from * width + k];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return out;
}

function widthOf(element: Element): number {
  return /8|BOOL/.test(element) ? 1 : Number(element.replace(/\D/g, '')) / 8;
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
