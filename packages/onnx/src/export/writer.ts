/**
 * The file that an export writes: names of values, nodes, and tensors that are stored once.
 */
import { type AnyOp, type DType, formatShape, type Tensor } from '@ag/tensor';
import { factorsOf } from '@ag/tensor/engine';
import { unsupported } from '../errors.ts';
import { type ArrayToWrite, nodeOf, type PlainAttributes, tensorProtoOf } from '../file/encode.ts';
import { type ElementType, elementTypes } from '../file/tensors.ts';
import type { Operator, OperatorOutput } from '../operator.ts';
import type { NodeProto, TensorProto } from '../proto/onnx.ts';

/** Whole numbers below are open sizes. */
const far = 2 ** 32;

/** How an operation is written: from the tensor it gives, the name of what a file computes. */
export type ExportRule = (writer: Writer, node: Tensor) => string;

/** What rules add to: nodes, and constants that are stored once. */
export class Writer {
  readonly opset: number;
  /** @internal */
  readonly nodes: NodeProto[] = [];
  /** @internal */
  readonly tensors = new Map<string, TensorProto>();
  /** Names of values that are there. */
  readonly names = new Map<Tensor, string>();
  readonly #taken: Set<string>;
  readonly #constants = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #operators = new Map<Operator, string[]>();
  readonly #sizes = new Map<number, string>();
  /** Inputs, from which open sizes are taken. @internal */
  open: readonly Tensor[] = [];
  /** Where the tensor that is written comes from: the path of a module. @internal */
  path = '';
  readonly #nodeNames = new Map<string, number>();
  /** How often tensors are read. @internal */
  readonly uses = new Map<Tensor, number>();
  /** Writes what an operation is made of. */
  readonly #write: (tensors: readonly Tensor[]) => void;

  constructor(opset: number, taken: Iterable<string>, write: (tensors: readonly Tensor[]) => void) {
    this.opset = opset;
    this.#taken = new Set(taken);
    this.#write = write;
  }

  /** The name of a tensor that has been written. */
  name(x: Tensor): string {
    return this.names.get(x)!;
  }

  /** Names of the inputs of a node, of another type where one is given. */
  inputs(node: Tensor, dtype?: DType): string[] {
    return node.inputs.map((input) => this.as(input, dtype ?? input.dtype));
  }

  /** The name of a tensor with elements of a type. */
  as(x: Tensor, dtype: DType): string {
    const name = this.name(x);
    return x.dtype === dtype ? name : this.cast(name, dtype);
  }

  cast(name: string, dtype: DType): string {
    return this.add('Cast', [name], { to: elementTypes.indexOf(dtype) });
  }

  /** Adds a node with one output and gives its name. */
  add(operator: string, inputs: readonly string[], attributes: PlainAttributes = {}): string {
    return this.addAll(operator, inputs, 1, attributes)[0];
  }

  /** The same with several outputs. */
  addAll(
    operator: string,
    inputs: readonly string[],
    outputs: number,
    attributes: PlainAttributes = {},
  ): string[] {
    const name = this.fresh(operator);
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.nodes.push(nodeOf(operator, inputs, names, attributes, this.#nodeName(operator)));
    return names;
  }

  /**
   * Writes another node in place of the one that gives a value which nothing else reads; `inputs` are there before it.
   * @internal
   */
  replace(value: string, operator: string, inputs: readonly string[], attributes: PlainAttributes): string {
    const at = this.nodes.findLastIndex(({ output }) => output[0] === value);
    const name = this.fresh(operator);
    this.nodes[at] = nodeOf(operator, inputs, [name], attributes, this.#nodeName(operator));
    return name;
  }

  /** `features.0/Conv`, numbered where a module has several. */
  #nodeName(operator: string): string {
    const name = this.path === '' ? operator : `${this.path}/${operator}`;
    const count = this.#nodeNames.get(name) ?? 0;
    this.#nodeNames.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }

  /** One output of an operator that stands for itself, which is written once. @internal */
  operator({ node, output }: OperatorOutput, inputs: readonly Tensor[]): string {
    let names = this.#operators.get(node);
    if (!names) {
      const rest = inputs.map((input) => this.name(input));
      const given = (node.inputs ?? inputs.map(() => 'tensor' as const)).map((input) => {
        if (input === 'tensor') return rest.shift() ?? '';
        return input === null ? '' : this.constant(input);
      });
      names = this.addAll(node.operator, given, node.outputs.length, node.attributes);
      this.#operators.set(node, names);
    }
    return names[output];
  }

  /** Adds a node whose only output has a name that is given. */
  addNamed(operator: string, inputs: readonly string[], output: string): void {
    this.nodes.push(nodeOf(operator, inputs, [output], {}, this.#nodeName(operator)));
  }

  /** This name, or one like it where something has it. */
  own(name: string): string {
    if (this.#taken.has(name)) return this.fresh(name);
    this.#taken.add(name);
    return name;
  }

  /** A name that nothing has. */
  fresh(stem: string): string {
    for (;;) {
      const count = this.#counts.get(stem) ?? 0;
      this.#counts.set(stem, count + 1);
      const name = `${stem.toLowerCase()}_${count}`;
      if (!this.#taken.has(name)) {
        this.#taken.add(name);
        return name;
      }
    }
  }

  /** Keeps a tensor in the file; `docString` says what it is. */
  store(name: string, array: ArrayToWrite, docString = ''): string {
    this.#taken.add(name);
    this.tensors.set(name, tensorProtoOf(name, array, docString));
    return name;
  }

  /** A constant; equal ones are stored once. Open sizes in a list are taken from the inputs. */
  constant(array: ArrayToWrite): string {
    if (array.type === 'int64' && array.shape.length === 1 && Array.from(array.data).some((n) => n < -far))
      return this.sizes(Array.from(array.data));
    const key = `${array.type} ${array.shape.join()}: ${Array.from(array.data, (x) => (Object.is(x, -0) ? '-0' : x)).join()}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.store(this.fresh('constant'), array);
      this.#constants.set(key, name);
    }
    return name;
  }

  number(value: number, type: ElementType = 'float32'): string {
    return this.constant({ type, shape: [], data: [value] });
  }

  /** A list of sizes, axes or positions. */
  ints(data: readonly number[]): string {
    return this.constant({ type: 'int64', shape: [data.length], data });
  }

  /** A list of sizes, of which open ones are taken from the inputs as they are fed; −1 stands for itself. */
  sizes(shape: readonly number[]): string {
    if (shape.every((size) => size >= -far)) return this.ints(shape);
    const parts: string[] = [];
    let known: number[] = [];
    const close = (): void => {
      if (known.length > 0) parts.push(this.ints(known));
      known = [];
    };
    for (const size of shape) {
      if (size >= -far) known.push(size);
      else {
        close();
        parts.push(this.#openSize(size));
      }
    }
    close();
    return parts.length === 1 ? parts[0] : this.add('Concat', parts, { axis: 0 });
  }

  /** An open size as a list of one. */
  #openSize(size: number): string {
    const before = this.#sizes.get(size);
    if (before !== undefined) return before;
    const { times, of } = factorsOf(size);
    let name: string | null = null;
    if (of.length === 1 && times === 1) {
      for (const x of this.open) {
        const axis = x.shape.indexOf(size);
        if (axis >= 0) name = this.add('Shape', [this.name(x)], { start: axis, end: axis + 1 });
      }
      if (name === null) throw unsupported(`exportOnnx: an open size is that of no input`);
    } else {
      name = of.map((part) => this.#openSize(part)).reduce((a, b) => this.add('Mul', [a, b]));
      if (times !== 1) name = this.add('Mul', [name, this.ints([times])]);
    }
    this.#sizes.set(size, name);
    return name;
  }

  /** Writes tensors that an operation is made of. */
  written(x: Tensor): string {
    this.#write([x]);
    return this.name(x);
  }

  /** Something that a file cannot say. */
  refuse(node: Tensor, why: string): Error {
    const op = node.op as AnyOp;
    return unsupported(
      `exportOnnx: ${op.name} of ${formatShape(node.shape)} ${node.dtype} cannot be written: ${why}`,
    );
  }
}
