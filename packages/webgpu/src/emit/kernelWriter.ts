/**
 * A kernel being written: which buffers it binds, the words of its arguments, and how elements are loaded and stored.
 *
 * Arguments are words of one uniform block, `A`: sizes and strides when the plan is made, offsets and numbers of the run before each
 * one. Operands of one buffer share a binding.
 */
import { bytesPerElement, type DType, type Launch, type Operand } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Bound, Dispatch, FormRequest, Patch } from '../forms/form.ts';
import { isPacked, storageType, valueType } from './dtypes.ts';
import { functionTexts } from './functions/library.ts';

/** How elements share words: bits of each, the shift from an element's number to its word's, and the mask to its place there. */
function packing(dtype: DType): { readonly bits: number; readonly shift: number; readonly mask: number } {
  return bytesPerElement(dtype) === 1 ? { bits: 8, shift: 2, mask: 3 } : { bits: 16, shift: 1, mask: 1 };
}

/** A value as the bits of an element that shares its word. */
export function packedPart(value: string, dtype: DType): string {
  if (dtype === 'bool') return `select(0u, 1u, ${value})`;
  return valueType(dtype) === 'i32' ? `(bitcast<u32>(${value}) & ${2 ** packing(dtype).bits - 1}u)` : value;
}

/** What a binding is declared as, beside an array of the words of its dtype. */
export type BindingView = 'scalar' | 'vec4';

interface Declared {
  readonly bound: Bound;
  /** WGSL type of an element. */
  readonly type: string;
  readonly name: string;
}

export interface FinishOptions {
  readonly workgroupSize?: readonly [number, number, number];
  readonly workgroups: readonly [number, number, number];
  /** Directives such as `enable f16;`. */
  readonly directives?: string;
}

/** How many workgroups of `size` invocations cover `count`, in two dimensions where one is not enough. */
export function spread(count: number, size: number, most = 65535): [number, number, number] {
  const groups = Math.ceil(count / size);
  if (groups <= most) return [groups, 1, 1];
  const rows = Math.ceil(groups / most);
  return [Math.ceil(groups / rows), rows, 1];
}

export class KernelWriter {
  readonly request: FormRequest;
  readonly launch: Launch;
  readonly #declared: Declared[] = [];
  readonly #bindingOf = new Map<string, number>();
  readonly #written: ReadonlySet<number>;
  readonly #wordWise: ReadonlySet<number>;
  readonly #words: number[] = [];
  readonly #patches: Patch[] = [];
  readonly #offsets = new Map<number, string>();
  readonly #literals = new Map<string, string>();
  readonly #functions = new Set<string>();
  readonly #declarations: string[] = [];
  readonly #views: ReadonlyMap<number, BindingView>;

  /**
   * @param written operands that are written; the buffers they lie in are bound for reading and writing
   * @param wordWise written operands of bool or uint8 whose words no two invocations share, so that they need no atomics
   * @param views operands bound as arrays of vec4
   */
  constructor(
    request: FormRequest,
    written: readonly number[],
    wordWise: readonly number[] = [],
    views: ReadonlyMap<number, BindingView> = new Map(),
  ) {
    this.request = request;
    this.launch = request.launch;
    const bufferOf = (operand: number): number => request.bufferOf(request.launch.operands[operand].buffer);
    this.#written = new Set(written.map(bufferOf));
    this.#wordWise = new Set(wordWise.map(bufferOf));
    this.#views = views;
  }

  /** A whole number that the plan decides. */
  argument(value: number): string {
    return this.#word(this.#words.push(value) - 1);
  }

  /** Where an operand starts, in elements: an i32. */
  offset(operand: number): string {
    let text = this.#offsets.get(operand);
    if (text === undefined) {
      const { buffer, offset, dynamic } = this.launch.operands[operand];
      const word = this.#words.push(offset) - 1;
      this.#patches.push({ word, kind: 'offset', buffer, offset, dynamic });
      text = this.#word(word);
      this.#offsets.set(operand, text);
    }
    return text;
  }

  /** A number of the run. */
  literal(literal: number, dtype: DType): string {
    const key = `${literal} ${dtype}`;
    let text = this.#literals.get(key);
    if (text === undefined) {
      const word = this.#words.push(0) - 1;
      this.#patches.push({ word, kind: 'literal', scalar: this.launch.literals[literal], dtype });
      const raw = this.#word(word);
      const type = valueType(dtype);
      text = type === 'i32' ? raw : type === 'bool' ? `(${raw} != 0)` : `bitcast<${type}>(${raw})`;
      this.#literals.set(key, text);
    }
    return text;
  }

  /** The name of an operand's binding. Coordinates have none. */
  binding(operand: number): string {
    const { buffer } = this.launch.operands[operand];
    if (buffer < 0) throw codedError(Error, 'AG_INTERNAL', 'webgpu: a coordinate is no buffer');
    return this.buffer(buffer, this.#views.get(operand));
  }

  /** The name of the binding of a buffer of the program. */
  buffer(buffer: number, view: BindingView = 'scalar'): string {
    const own = this.request.bufferOf(buffer);
    const { dtype } = this.request.program.buffers[own];
    const written = this.#written.has(own);
    const base = storageType(dtype);
    let type: string = view === 'vec4' ? `vec4<${base}>` : base;
    if (isPacked(dtype) && written && !this.#wordWise.has(own)) type = 'atomic<u32>';
    return this.#declare(`buffer ${own} ${view}`, { kind: 'buffer', buffer: own, written }, type);
  }

  /** Memory of this step: an array of `type`. Kernels of one step name the same area by the same number. */
  scratch(area: number, bytes: number, type: string, written: boolean): string {
    return this.#declare(`scratch ${area}`, { kind: 'scratch', area, bytes, written }, type);
  }

  /** The status words, where indices that do not exist are noted. */
  status(): string {
    return this.#declare('status', { kind: 'status', written: true }, 'atomic<u32>');
  }

  /** How many storage buffers are bound so far. */
  get buffers(): number {
    return this.#declared.length;
  }

  /** The element at an address, an i32 that may be any expression without effects. */
  load(operand: number, address: string): string {
    const name = this.binding(operand);
    return this.loadFrom(name, this.#dtypeOf(this.launch.operands[operand]), address);
  }

  /** The same of a binding that is known by name. */
  loadFrom(name: string, dtype: DType, address: string): string {
    if (!isPacked(dtype)) return `${name}[${address}]`;
    const atomic = this.#declared.find((one) => one.name === name)?.type.startsWith('atomic');
    const { bits, shift, mask } = packing(dtype);
    const word = `${name}[u32(${address}) >> ${shift}u]`;
    const held = atomic ? `atomicLoad(&${word})` : word;
    // Of an i32 they are taken with their sign.
    const signed = valueType(dtype) === 'i32' ? `bitcast<i32>(${held})` : held;
    const part = `extractBits(${signed}, (u32(${address}) & ${mask}u) * ${bits}u, ${bits}u)`;
    return dtype === 'bool' ? `(${part} != 0u)` : part;
  }

  /** Statements that store a value. Parts of words are changed in their word by atomics. */
  store(operand: number, address: string, value: string): string {
    const dtype = this.#dtypeOf(this.launch.operands[operand]);
    const name = this.binding(operand);
    if (!isPacked(dtype)) return `${name}[${address}] = ${value};`;
    const { bits, shift, mask } = packing(dtype);
    const word = `${name}[at_ >> ${shift}u]`;
    return `{ let at_ = u32(${address}); let shift_ = (at_ & ${mask}u) * ${bits}u; let part_ = ${packedPart(value, dtype)};
    atomicAnd(&${word}, ~(${2 ** bits - 1}u << shift_)); atomicOr(&${word}, part_ << shift_); }`;
  }

  /** Stores a whole word of an operand given as `wordWise`: four elements of a byte, or two. */
  storeWord(operand: number, word: string, value: string): string {
    return `${this.binding(operand)}[${word}] = ${value};`;
  }

  /** Notes that a function of the library is called; returns its name. */
  use(name: string): string {
    this.#functions.add(name);
    return name;
  }

  /** A declaration of the module, such as memory of a workgroup or a helper. */
  declare(text: string): void {
    this.#declarations.push(text);
  }

  /**
   * The dispatch. `body` is that of `main`, in which stand: `group`, the number of the workgroup over both dimensions, `lane`, that of
   * the invocation in it, and `id`, that of the invocation, all u32.
   */
  finish(body: readonly string[], options: FinishOptions): Dispatch {
    const size = options.workgroupSize ?? [64, 1, 1];
    const lanes = size[0] * size[1] * size[2];
    if (this.#words.length === 0) this.#words.push(0);
    const words = new Int32Array(Math.ceil(this.#words.length / 4) * 4);
    this.#words.forEach((value, i) => {
      words[i] = value;
    });
    const code = [
      ...(options.directives ? [options.directives] : []),
      `@group(0) @binding(0) var<uniform> A: array<vec4<i32>, ${words.length / 4}>;`,
      ...this.#declared.map(
        ({ bound, type, name }, i) =>
          `@group(0) @binding(${i + 1}) var<storage, ${bound.written ? 'read_write' : 'read'}> ${name}: array<${type}>;`,
      ),
      functionTexts(this.#functions),
      ...this.#declarations,
      `@compute @workgroup_size(${size.join(', ')})
fn main(@builtin(workgroup_id) workgroup_: vec3<u32>, @builtin(num_workgroups) workgroups_: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = workgroup_.y * workgroups_.x + workgroup_.x;
  let id = group * ${lanes}u + lane;`,
      ...body.map((line) => `  ${line}`),
      '}',
    ].join('\n');
    return {
      code,
      workgroups: options.workgroups,
      bindings: this.#declared.map(({ bound }) => bound),
      block: { words, patches: this.#patches },
      label: this.launch.label,
    };
  }

  #word(word: number): string {
    return `A[${word >> 2}].${'xyzw'[word & 3]}`;
  }

  #dtypeOf(operand: Operand): DType {
    return this.request.program.buffers[operand.buffer].dtype;
  }

  #declare(key: string, bound: Bound, type: string): string {
    let i = this.#bindingOf.get(key);
    if (i === undefined) {
      const name = `b${this.#declared.length}`;
      i = this.#declared.push({ bound, type, name }) - 1;
      this.#bindingOf.set(key, i);
    }
    return this.#declared[i].name;
  }
}
