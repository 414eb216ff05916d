/**
 * `loadOnnx`: a file as a module. Its nodes are run one after the other at each call, on lazy tensors.
 */

import { buffer, Module } from '@ag/nn';
import { type Tensor, Variable } from '@ag/tensor';
import {
  checkOptions,
  checkTensor,
  describeValue,
  dtypeError,
  shapeError,
  typeError,
} from '@ag/tensor/engine';
import { fileError, named, quoted, unsupported } from '../errors.ts';
import { decodeModel, externalReader, type FileOptions } from '../file/decode.ts';
import { dtypeFor, readTensor } from '../file/tensors.ts';
import { describeValueInfo, type OnnxValue } from '../inspect.ts';
import { forwardAsOperators, type Taken } from '../operator.ts';
import { Call, type PreparedGraph, type PreparedNode, type Run } from './call.ts';
import { cutGraph } from './cut.ts';
import { mostOnHost } from './host.ts';
import { asOperator } from './keep.ts';
import { matricesOf } from './matrices.ts';
import { prepare, type Usage } from './prepare.ts';
import { type Host, hostOf, tensorOf, Value } from './value.ts';

/** Options of `loadOnnx`. */
export interface LoadOnnxOptions extends FileOptions {
  /** Whether weights of half precision become float32, the default. If not, such a file is refused. */
  readonly widen?: boolean;
  /**
   * Names of values to give in place of the file's outputs, such as the input of a last layer that is to be replaced. Nodes and
   * weights that only others need are left out.
   */
  readonly outputs?: readonly string[];
}

/**
 * A network from an ONNX file. Weights are parameters under their names in the file: they train, freeze, save and load
 * as those of layers do. It starts in evaluation mode, as files hold networks for use; `train()` lets dropout drop and batch
 * normalization use the batch's statistics.
 */
export class OnnxModel extends Module<readonly Tensor[], Tensor[]> {
  /** What `forward` takes, in this order. */
  readonly inputs: readonly OnnxValue[];
  /** What `forward` gives. */
  readonly outputs: readonly OnnxValue[];
  readonly #variables: Map<string, Variable>;
  #graph: PreparedGraph;

  /** Use {@link loadOnnx}. */
  constructor(bytes: Uint8Array, options: LoadOnnxOptions = {}) {
    super();
    const operation = 'loadOnnx';
    checkOptions(operation, options, 'external widen outputs');
    const whole = decodeModel(operation, bytes);
    const model = options.outputs
      ? { ...whole, graph: cutGraph(whole.graph, checkNames(options.outputs, operation), operation) }
      : whole;
    const read = externalReader(operation, options);
    const variables = new Map<string, Variable>();
    const counts = new Map<string, number>();
    let characters = 0;
    this.#graph = prepare({
      model,
      operation,
      store: (proto, name, usage) => {
        characters += name.length;
        if (characters > longestNames) throw fileError(`${operation}: the names of its tensors are too long`);
        const array = readTensor(proto, `${operation}: tensor ${quoted(name)}`, read);
        if (options.widen === false && (array.type === 'float16' || array.type === 'bfloat16')) {
          throw unsupported(
            `${operation}: tensor ${quoted(name)} is ${array.type}; leave out { widen: false } to make it float32`,
          );
        }
        const host = hostOf(array);
        const floating = host.type === 'float32' || host.type === 'float64';
        const few = host.data.length < 2 && usage !== 'statistic' && usage !== 'parameter';
        if (!floating || usage === 'known' || few) {
          const value = new Value(null, host);
          return () => value;
        }
        const variable = variableOf(tensorOf(host), name, usage);
        let own = name;
        while (variables.has(own)) {
          const count = (counts.get(name) ?? 0) + 1;
          counts.set(name, count);
          own = `${name}.${count}`;
        }
        variables.set(own, variable);
        return () => new Value(variable.value, null, variable);
      },
    });
    this.#variables = variables;
    const stored = this.#graph.stored;
    this.inputs = model.graph.input.filter(({ name }) => !stored.has(name)).map(describeValueInfo);
    this.outputs = model.graph.output.map(describeValueInfo);
    for (const input of model.graph.input) {
      if (!stored.has(input.name)) checkInput(input.name, input.type?.value, operation);
    }
    this.eval();
  }

  /**
   * @param inputs a tensor for each of `this.inputs`
   * @returns a tensor for each of `this.outputs`
   */
  override forward(...inputs: readonly Tensor[]): Tensor[] {
    return this.#compute(inputs, {});
  }

  /** @internal */
  run(inputs: readonly Tensor[], observe: Observe | null): Tensor[] {
    return this.#compute(inputs, { observe });
  }

  /** What `forward` gives, with operators that stand for themselves. @internal */
  [forwardAsOperators](inputs: readonly Tensor[], taken: Taken): Tensor[] {
    return this.#compute(inputs, { taken });
  }

  #compute(inputs: readonly Tensor[], watched: Watched): Tensor[] {
    if (inputs.length !== this.inputs.length) {
      throw typeError(
        `OnnxModel: takes ${this.inputs.length} inputs (${this.inputs.map(shownInput).join(', ')}), got ${inputs.length}`,
      );
    }
    const values = new Map(
      this.inputs.map((input, i) => {
        const x = fitting(inputs[i], input);
        return [input.name, new Value(x, choiceOf(x, input))];
      }),
    );
    const known = this.#graph.inputs.map((name) => values.get(name) ?? null);
    return new Walk(this.training, watched).compute(this.#graph, known, null).map((value) => value.tensor);
  }

  /** What is run. @internal */
  get graph(): PreparedGraph {
    return this.#graph;
  }

  /** @internal */
  set graph(graph: PreparedGraph) {
    this.#graph = graph;
  }

  /** Puts another variable in the place of one, whose name it gets. @internal */
  exchange(before: Variable, variable: Variable): string {
    const [name] = [...this.#variables].find(([, one]) => one === before)!;
    this.#variables.set(name, variable);
    return name;
  }

  /** Weights and statistics by their names in the file. @internal */
  override *members(): Iterable<readonly [string, Variable]> {
    yield* this.#variables ?? [];
  }

  /** Those of `MatMul` and `Gemm`. @internal */
  override matrices(): Readonly<Record<string, 'outputsFirst' | 'inputsFirst'>> {
    const found = matricesOf(this.#graph);
    return Object.fromEntries(
      [...this.#variables].flatMap(([name, variable]) => {
        const lie = found.get(variable);
        return lie ? [[name, lie] as const] : [];
      }),
    );
  }

  /** Names in the file are those that PyTorch had, where it wrote it. @internal */
  override foreignNames(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#variables].map(([name]) => [name, name]));
  }
}

/** Hears of each node that has been run. */
export type Observe = (call: Call, outputs: readonly (Value | null)[]) => void;

/** Runs a model, telling of each node. */
export function traced(model: OnnxModel, inputs: readonly Tensor[], observe: Observe): Tensor[] {
  return model.run(inputs, observe);
}

/** Characters that the names of all weights may have: within functions they repeat those of what is around them. */
const longestNames = 20_000_000;

/** Nodes that one call may compute. A loop of few bytes may ask for any number of them. */
const mostSteps = 2 ** 20;

/** Who looks on while a model is called. */
interface Watched {
  readonly observe?: Observe | null;
  readonly taken?: Taken | null;
}

/** One call of a model. */
class Walk implements Run {
  readonly training: boolean;
  readonly observe: Observe | null;
  /** The export that the graph is taken down for. */
  readonly taken: Taken | null;
  #steps = 0;

  constructor(training: boolean, { observe = null, taken = null }: Watched) {
    this.training = training;
    this.observe = observe;
    this.taken = taken;
  }

  count(nodes: number): void {
    this.#steps += nodes;
    if (!(this.#steps <= mostSteps)) throw unsupported(`the model computes more than ${mostSteps} nodes`);
  }

  compute(graph: PreparedGraph, inputs: readonly (Value | null)[], around: unknown): Value[] {
    this.count(1 + graph.nodes.length);
    const scope = new Scope(graph, around as Scope | null);
    graph.inputs.forEach((name, i) => {
      const value = inputs[i];
      if (value) scope.values.set(name, value);
    });
    for (const node of graph.nodes) runNode(node, scope, this);
    return graph.outputs.map((name) => scope.get(name));
  }
}

/** Values of a graph that runs, and of those around it. */
class Scope {
  readonly values = new Map<string, Value>();
  readonly #graph: PreparedGraph;
  readonly #parent: Scope | null;

  constructor(graph: PreparedGraph, parent: Scope | null) {
    this.#graph = graph;
    this.#parent = parent;
  }

  get(name: string): Value {
    const value = this.find(name);
    if (!value) throw fileError(`the value ${quoted(name)} is not there`);
    return value;
  }

  find(name: string): Value | null {
    const own = this.values.get(name);
    if (own) return own;
    const stored = this.#graph.stored.get(name)?.();
    if (stored) {
      this.values.set(name, stored);
      return stored;
    }
    return this.#parent?.find(name) ?? null;
  }
}

function runNode(node: PreparedNode, scope: Scope, run: Walk): void {
  const { output } = node.proto;
  if (node.constant) {
    scope.values.set(output[0], node.constant());
    return;
  }
  try {
    // An optional input of a function may be named and yet not be there.
    const inputs = node.proto.input.map((name) => (name === '' ? null : scope.find(name)));
    const call = new Call(node, inputs, run, scope);
    run.taken?.within(node.proto.name.slice(0, Math.max(0, node.proto.name.lastIndexOf('/'))));
    const results =
      onHost(node, inputs, call) ?? (run.taken && asOperator(call, run.taken.opset)) ?? node.rule(call);
    const list = Array.isArray(results) ? results : [results];
    output.forEach((name, i) => {
      if (name === '') return;
      const result = (list as readonly (Tensor | Value | null)[])[i] ?? null;
      if (result === null) throw call.refuse(`output ${i}`);
      scope.values.set(name, result instanceof Value ? result : new Value(result));
    });
    run.observe?.(
      call,
      output.map((name) => (name === '' ? null : (scope.values.get(name) ?? null))),
    );
  } catch (error) {
    throw located(error, node.where);
  }
}

/** The results where all inputs are known and small, else null. */
function onHost(node: PreparedNode, inputs: readonly (Value | null)[], call: Call): Value[] | null {
  if (!node.host || inputs.length === 0) return null;
  const known = inputs.map((value) => value?.host ?? null);
  if (
    !inputs.every((value, i) => value === null || (known[i] !== null && known[i].data.length <= mostOnHost))
  ) {
    return null;
  }
  return node.host(known, call)?.map((host) => new Value(null, host)) ?? null;
}

const alreadyLocated = /* @__PURE__ */ new WeakSet<Error>();

/** The same error with the node in front of its message, once. What has no code comes from a node that makes no sense. */
function located(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || alreadyLocated.has(error)) return error;
  if (!('code' in error)) {
    const message = `${where}: cannot be computed as it stands: ${error.message}`;
    const wrapped = fileError(message, { cause: error });
    alreadyLocated.add(wrapped);
    return wrapped;
  }
  alreadyLocated.add(error);
  error.message = `${where}: ${error.message}`;
  return error;
}

function variableOf(value: Tensor, name: string, usage: Usage): Variable {
  return usage === 'statistic' ? buffer(value, name) : new Variable(value, { name });
}

function checkNames(names: readonly string[], operation: string): readonly string[] {
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string'))
    return names;
  throw typeError(`${operation}: outputs must be a list of names, got ${describeValue(names)}`);
}

function checkInput(
  name: string,
  type: { readonly case?: string; readonly value?: unknown } | undefined,
  operation: string,
): void {
  if (type?.case === undefined) return;
  if (type.case !== 'tensorType') throw unsupported(`${operation}: the input ${quoted(name)} is no tensor`);
  const { elemType } = type.value as { readonly elemType: number };
  if (elemType !== 0) dtypeFor(elemType, `${operation}: the input ${quoted(name)}`);
}

function shownInput({ name, type, shape }: OnnxValue): string {
  const sizes = shape?.map((size) => (typeof size === 'string' ? named(size) : (size ?? '?')));
  return `${named(name)}: ${type ?? 'any'}${sizes ? ` [${sizes.join(', ')}]` : ''}`;
}

/** A tensor that an input takes. @throws an error that says what it should be */
function fitting(given: Tensor, input: OnnxValue): Tensor {
  const x = checkTensor(given, 'OnnxModel', named(input.name));
  const kind = (type: string): string =>
    type.startsWith('float') || type === 'bfloat16'
      ? 'fractions'
      : type === 'bool'
        ? 'bools'
        : 'whole numbers';
  if (input.type !== null && input.type !== 'undefined' && kind(x.dtype) !== kind(input.type)) {
    const cast = input.type === 'int64' ? 'int32' : input.type === 'float16' ? 'float32' : input.type;
    throw dtypeError(`OnnxModel: needs ${shownInput(input)}, got ${x.dtype}; x.cast('${cast}') converts it`);
  }
  const { shape } = input;
  if (
    shape &&
    (shape.length !== x.shape.length ||
      shape.some((size, i) => typeof size === 'number' && x.shape[i] !== -1 && x.shape[i] !== size))
  ) {
    throw shapeError(`OnnxModel: needs ${shownInput(input)}, got [${x.shape.join(', ')}]`);
  }
  return x;
}

/**
 * The element of a whole number or bool that is there already, as a rate, a length or a flag often is: branches on it are then known
 * without reading, also while a function is compiled that does not take it as an argument.
 */
function choiceOf({ shape, dtype, leaf }: Tensor, input: OnnxValue): Host | null {
  if (dtype.startsWith('float') || shape.some((size) => size !== 1)) return null;
  const type = input.type === 'int64' ? 'int64' : dtype;
  if (leaf?.kind === 'host') return { type, shape, data: leaf.data };
  return leaf?.kind === 'literal' && !leaf.read ? { type, shape, data: [leaf.value] } : null;
}

/**
 * Loads a network from the bytes of an ONNX file.
 *
 * ```ts
 * const model = loadOnnx(bytes);
 * const [scores] = model.forward(images);
 * ```
 *
 * Weights train under their names in the file; those in half precision become float32, int64 becomes int32.
 *
 * @throws Error for a damaged file, and for one that uses operators or types that are not supported, naming all of them
 */
export function loadOnnx(bytes: Uint8Array, options: LoadOnnxOptions = {}): OnnxModel {
  checkOptions('loadOnnx', options, 'external widen outputs');
  return new OnnxModel(bytes, options);
}
