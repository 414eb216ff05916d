/**
 * Writes files for PyTorch's `torch.load`, with the names that its modules have. (Format: the zip
 * archives of PyTorch's `torch/serialization.py`, a pickle of protocol 2 and a member for the numbers of each tensor.)
 */
import { type DType, type Tensor, zeros } from '@ag/tensor';
import { checkOptions, typeError, valueError } from '@ag/tensor/engine';
import { type AnyModule, Module, modelOf } from '../module.ts';
import type { StateDict } from '../state.ts';
import { snakeCase } from '../state.ts';
import { type Element, littleEndianBytes } from './elements.ts';
import { writeZip } from './zipWriter.ts';

/**
 * The variables of a model with the names that PyTorch's modules give them: `running_mean`, `weight_ih_l0`,
 * `in_proj_weight`; modules of your own in snake case, `encoderBlock` as `encoder_block`. `num_batches_tracked` is there
 * where PyTorch has it, so that `load_state_dict(strict=True)` takes all; it is 0 where nothing here counts batches.
 *
 * ```ts
 * const bytes = await saveSafetensors(torchStateDict(model)); // or saveSafetensors(model.stateDict(), { names: 'pytorch' })
 * ```
 *
 * @throws RangeError when two variables would have the same name
 */
export function torchStateDict(model: AnyModule): StateDict {
  return renamed(model.stateDict(), model);
}

/**
 * What `stateDict()` of a model gave, with PyTorch's names.
 *
 * @param operation for messages
 * @throws TypeError for tensors that came from somewhere else: their names say nothing of modules
 */
export function inTorchNames(state: StateDict, operation: string): StateDict {
  const model = modelOf(state);
  if (model) return renamed(state, model);
  throw typeError(
    `${operation}: { names: 'pytorch' } needs what model.stateDict() gave, as other names say nothing of modules`,
  );
}

function renamed(given: StateDict, model: AnyModule): StateDict {
  const own = Object.entries(given);
  const state = new Map<string, Tensor>();
  const { names, extra } = torchNames(model, new Set(own.map(([path]) => path)));
  for (const name of extra) state.set(name, zeros([], { dtype: 'int32' }));
  for (const [path, value] of own) {
    const name = names.get(path) ?? snakeCase(path);
    if (state.has(name)) throw valueError(`torchStateDict: two variables would be '${name}'`);
    state.set(name, value);
  }
  return Object.fromEntries(state);
}

/**
 * PyTorch's names of variables, by path; those that are not there are in snake case.
 *
 * @param paths of the variables that there are
 * @returns also the names of what PyTorch has and is not needed here
 */
export function torchNames(
  model: AnyModule,
  paths: ReadonlySet<string>,
): { readonly names: ReadonlyMap<string, string>; readonly extra: readonly string[] } {
  const found = new Map<string, string>();
  const extra: string[] = [];
  // Outer modules come first: what they say of names inside of them holds.
  for (const [path, module] of model.namedModules()) {
    const prefix = path === '' ? '' : `${path}.`;
    const names = Object.entries(module.foreignNames());
    const used = names.some(([, name]) => name !== null && paths.has(prefix + name));
    for (const [theirs, name] of names) {
      const target = snakeCase(prefix) + theirs;
      if (name === null) {
        if (used) extra.push(target);
      } else if (!found.has(prefix + name)) found.set(prefix + name, target);
    }
  }
  return { names: found, extra };
}

/** What PyTorch calls the storage of each dtype, and how its numbers are stored. It has none for uint32. */
const storages: Readonly<Record<Exclude<DType, 'uint32'>, readonly [string, Element]>> = {
  float32: ['FloatStorage', 'F32'],
  float64: ['DoubleStorage', 'F64'],
  int32: ['IntStorage', 'I32'],
  uint8: ['ByteStorage', 'U8'],
  bool: ['BoolStorage', 'BOOL'],
  int8: ['CharStorage', 'I8'],
  int16: ['ShortStorage', 'I16'],
  float16: ['HalfStorage', 'F16'],
  bfloat16: ['BFloat16Storage', 'BF16'],
};

/** Options of `saveTorch`. */
export interface SaveTorchOptions {
  /** Store floats with 16 bits: half the size, and no longer bit-exact. */
  readonly floats?: 'F16' | 'BF16';
}

/** A storage for a tensor. @returns undefined for uint32 */
function storageOf(dtype: DType, { floats }: SaveTorchOptions): readonly [string, Element] | undefined {
  if (floats && (dtype === 'float32' || dtype === 'float64'))
    return [floats === 'F16' ? 'HalfStorage' : 'BFloat16Storage', floats];
  return dtype === 'uint32' ? undefined : storages[dtype];
}

/**
 * The bytes of a `.pt` file: a `state_dict` for `torch.load`, of a model with PyTorch's names (see
 * {@link torchStateDict}), or of tensors with the names that they have.
 *
 * ```ts
 * const bytes = await saveTorch(model);
 * // In Python: model.load_state_dict(torch.load('model.pt'))
 * ```
 *
 * @throws RangeError for uint32, for which PyTorch has no storage
 */
export async function saveTorch(
  state: AnyModule | StateDict,
  options: SaveTorchOptions = {},
): Promise<Uint8Array> {
  checkOptions('saveTorch', options, 'floats');
  const tensors = Object.entries(state instanceof Module ? torchStateDict(state) : state);
  const folder = 'archive/';
  const files = new Map<string, Uint8Array>();
  files.set(`${folder}data.pkl`, pickleOf(tensors, options));
  files.set(`${folder}byteorder`, new TextEncoder().encode('little'));
  for (const [i, [, t]] of tensors.entries()) {
    const [, element] = storageOf(t.dtype, options)!;
    files.set(`${folder}data/${i}`, littleEndianBytes(await t.data(), element));
  }
  files.set(`${folder}version`, new TextEncoder().encode('3\n'));
  return writeZip(files);
}

/** Each tensor as PyTorch's function that makes one of a storage, an offset, a shape and strides. */
function pickleOf(tensors: readonly (readonly [string, Tensor])[], options: SaveTorchOptions): Uint8Array {
  const bytes: number[] = [];
  const put = (...some: readonly number[]): void => {
    bytes.push(...some);
  };
  const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  const global = (module: string, name: string): void =>
    put(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`));
  const text = (value: string): void => {
    const encoded = new TextEncoder().encode(value);
    put(0x58, ...little(encoded.length), ...encoded);
  };
  const whole = (value: number): void => {
    if (value < 2 ** 31) put(0x4a, ...little(value));
    else put(0x8a, 8, ...little(value), ...little(Math.floor(value / 2 ** 32)));
  };
  const counts = (values: readonly number[]): void => {
    put(0x28);
    for (const value of values) whole(value);
    put(0x74);
  };
  const dict = (): void => {
    global('collections', 'OrderedDict');
    put(0x29, 0x52);
  };
  put(0x80, 2);
  dict();
  put(0x28);
  for (const [i, [name, t]] of tensors.entries()) {
    const storage = storageOf(t.dtype, options);
    if (!storage)
      throw valueError(
        `saveTorch: '${name}' is ${t.dtype}, for which PyTorch has no storage; cast it to int32`,
      );
    if (/\p{Surrogate}/u.test(name))
      throw valueError(`saveTorch: a name holds half of a surrogate pair: ${JSON.stringify(name)}`);
    const strides = t.shape.map((_, axis) => t.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    text(name);
    global('torch._utils', '_rebuild_tensor_v2');
    put(0x28);
    put(0x28);
    text('storage');
    global('torch', storage[0]);
    text(String(i));
    text('cpu');
    whole(t.size);
    put(0x74, 0x51);
    whole(0);
    counts(t.shape);
    counts(strides);
    put(0x89);
    dict();
    put(0x74, 0x52);
  }
  put(0x75, 0x2e);
  return Uint8Array.from(bytes);
}
