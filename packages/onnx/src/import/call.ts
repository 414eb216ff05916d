/**
 * What a rule sees of its node: inputs, attributes and the version of the operators.
 */
import type { Tensor } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { fileError, quoted, unsupported } from '../errors.ts';
import { type HostArray, readTensor } from '../file/tensors.ts';
import type { AttributeProto, GraphProto, NodeProto } from '../proto/onnx.ts';
import type { Host, Value } from './value.ts';

/** What a rule gives: its outputs, null for those it leaves out. */
export type Result = Tensor | Value | readonly (Tensor | Value | null)[];

/** How an operator is computed. */
export type Rule = (call: Call) => Result;

/** Rules by operator. */
export type Rules = { readonly [operator: string]: Rule };

/** What all calls of one run share. */
export interface Run {
  /** The mode of the model: dropout and batch normalization look at it. */
  readonly training: boolean;
  /** Counts what is computed. @throws Error where a file asks for more than anybody waits for */
  count(nodes: number): void;
  /** Computes a graph with values for its inputs, within the values around it if there are any. */
  compute(graph: PreparedGraph, inputs: readonly (Value | null)[], around: unknown): Value[];
}

/** A graph that can be run. */
export interface PreparedGraph {
  readonly nodes: readonly PreparedNode[];
  /** Values that lie in the file, by name. */
  readonly stored: ReadonlyMap<string, () => Value>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** The length of a list of numbers that is made here. @throws RangeError for more than any model has along an axis */
export function hostLength(length: number): number {
  if (!(length <= 2 ** 24)) throw valueError(`${length} positions are more than are possible here`);
  return length;
}

/** A node that has been looked at once. */
export interface PreparedNode {
  readonly proto: NodeProto;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Names it in messages. */
  readonly where: string;
  readonly opset: number;
  readonly rule: Rule;
  readonly host: HostRule | null;
  /** The value of a `Constant`. */
  readonly constant: (() => Value) | null;
  /** Graphs that are attributes. */
  readonly graphs: ReadonlyMap<GraphProto, PreparedGraph>;
}

/** Computes a node whose inputs are known on the host; null leaves it to tensors. */
export type HostRule = (inputs: readonly (Host | null)[], call: Call) => readonly Host[] | null;

export class Call {
  readonly node: PreparedNode;
  readonly inputs: readonly (Value | null)[];
  readonly run: Run;
  /** The values around, for graphs that are attributes. */
  readonly scope: unknown;

  constructor(node: PreparedNode, inputs: readonly (Value | null)[], run: Run, scope: unknown) {
    this.node = node;
    this.inputs = inputs;
    this.run = run;
    this.scope = scope;
  }

  get opset(): number {
    return this.node.opset;
  }

  /** Whether anyone may want output `i`. */
  wants(i: number): boolean {
    return (this.node.proto.output[i] ?? '') !== '';
  }

  has(i: number): boolean {
    return (this.inputs[i] ?? null) !== null;
  }

  value(i: number): Value {
    const value = this.inputs[i];
    if (!value) throw fileError(`input ${i} is missing`);
    return value;
  }

  tensor(i: number): Tensor {
    return this.value(i).tensor;
  }

  /** An input that may be left out. */
  optional(i: number): Tensor | null {
    return this.inputs[i]?.tensor ?? null;
  }

  /** All inputs, of operators that take any number of them. */
  tensors(): Tensor[] {
    return this.inputs.map((_, i) => this.tensor(i));
  }

  /** The elements of an input that decides shapes, read where they are not known. */
  numbers(i: number): number[] {
    const value = this.value(i);
    hostLength(value.shape.reduce((product, size) => product * size, 1));
    return Array.from(value.read().data);
  }

  optionalNumbers(i: number): number[] | null {
    return this.has(i) ? this.numbers(i) : null;
  }

  /** The only element of an input, or `otherwise` where it is left out. */
  number(i: number, otherwise?: number): number {
    if (!this.has(i) && otherwise !== undefined) return otherwise;
    const [first] = this.numbers(i);
    if (first === undefined) throw fileError(`input ${i} should be one number and is empty`);
    return first;
  }

  // Attributes

  attribute(name: string): AttributeProto | null {
    return this.node.attributes.get(name) ?? null;
  }

  int(name: string, otherwise?: number): number {
    return this.#attribute(name, otherwise, (a) => Number(a.i));
  }

  float(name: string, otherwise?: number): number {
    return this.#attribute(name, otherwise, (a) => a.f);
  }

  text(name: string, otherwise?: string): string {
    return this.#attribute(name, otherwise, (a) => new TextDecoder().decode(a.s));
  }

  ints(name: string): number[] | null {
    return this.attribute(name)?.ints.map(Number) ?? null;
  }

  floats(name: string): readonly number[] | null {
    return this.attribute(name)?.floats ?? null;
  }

  texts(name: string): string[] | null {
    return this.attribute(name)?.strings.map((bytes) => new TextDecoder().decode(bytes)) ?? null;
  }

  array(name: string): HostArray | null {
    const proto = this.attribute(name)?.t;
    return proto ? readTensor(proto, `attribute ${quoted(name)}`, null) : null;
  }

  graph(name: string): GraphProto {
    const graph = this.attribute(name)?.g;
    if (!graph) throw fileError(`attribute ${quoted(name)}, a graph, is missing`);
    return graph;
  }

  /** Computes a graph that is an attribute, with values for its inputs. */
  subgraph(name: string, inputs: readonly Value[]): Value[] {
    return this.run.compute(this.node.graphs.get(this.graph(name))!, inputs, this.scope);
  }

  #attribute<T>(name: string, otherwise: T | undefined, read: (a: AttributeProto) => T): T {
    const found = this.attribute(name);
    if (found) return read(found);
    if (otherwise === undefined) throw fileError(`attribute ${quoted(name)} is missing`);
    return otherwise;
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const own = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(own) || own < 0 || own >= Math.max(1, rank)) {
      throw valueError(`there is no axis ${axis} in ${rank} axes`);
    }
    return own;
  }

  /** Something that is allowed, and not here. */
  refuse(what: string): Error {
    return unsupported(`${what} is not supported`);
  }
}
