/**
 * `Graph`: a computation built once from placeholders, which are fed at each run.
 */

import {
  apply,
  type DType,
  evaluate,
  formatShape,
  sizeOf,
  Tensor,
  type TypedArray,
  tensor,
  type Variable,
} from '@ag/tensor';
import {
  checkOptions,
  checkTensor,
  codedError,
  describeValue,
  hasOpen,
  isOpen,
  isTypedArray,
  openSize,
  openSizeName,
  openSizeOf,
  PreparedGraph,
  placeholderLeaf,
  shapeError,
  typeError,
  type Update,
  valueError,
  withSizes,
} from '@ag/tensor/engine';
import { detectingAnomalies } from './anomaly.ts';
import { walkFrom } from './gradients.ts';
import { rewrite } from './rewrite.ts';

let unnamed = 0;

/**
 * A tensor whose elements are given at each run of a `Graph`.
 *
 * ```ts
 * const x = placeholder([null, 784], { name: 'x' });
 * const text = placeholder(['batch', 'length'], { dtype: 'int32' }); // both open
 * ```
 *
 * What computes with an open size, as a convolution along it, is an error that says so.
 *
 * @param shape sizes. Open ones, fixed only when they are fed, are `null` or a name: sizes of one name are equal, in all placeholders.
 *   A first size that is `null` is `'batch'`, any other that is `null` is like no other.
 */
export function placeholder<const S extends readonly (number | string | null)[]>(
  shape: S,
  options: { readonly name?: string; readonly dtype?: DType } = {},
): Tensor<PlaceholderShape<S>> {
  checkOptions('placeholder', options, 'name dtype');
  const sizes = shape.map((size, axis) => {
    if (size === null) return openSizeOf(axis === 0 ? 'batch' : null);
    if (typeof size === 'string' && size !== '') return openSizeOf(size);
    if (typeof size === 'number' && Number.isInteger(size) && size >= 0) return size;
    throw valueError(
      `placeholder: sizes must be integers ≥ 0, null or a name, got [${shape.map((one) => describeValue(one)).join(', ')}]`,
    );
  });
  return placeholderLeaf(sizes, options.dtype ?? 'float32', options.name ?? `placeholder${unnamed++}`);
}

/** The shape in the type of a placeholder: a first size that is open is a batch, others without a name are not known. */
type PlaceholderShape<S extends readonly (number | string | null)[]> = {
  -readonly [I in keyof S]: S[I] extends number | string ? S[I] : I extends '0' ? 'batch' : number;
};

/** What a placeholder can be fed with. */
export type Feed = Tensor | TypedArray | number | readonly unknown[];

/** Feeds by placeholder or by name. */
export type Feeds = ReadonlyMap<Tensor, Feed> | { readonly [name: string]: Feed };

/** Options of a {@link Graph}. */
export interface GraphOptions<Outputs extends readonly Tensor[] | { readonly [name: string]: Tensor }> {
  /** The placeholders, in any order. */
  readonly inputs: readonly Tensor[];
  /** What `run` returns, in the same form. */
  readonly outputs: Outputs;
  /** New values of variables, committed by each run. */
  readonly updates?: ReadonlyMap<Variable, Tensor>;
}

/** Specializations for different fed sizes that are kept. */
const maximalSizes = 16;

/**
 * A graph with named inputs. Its plan is made at the first run and reused.
 *
 * ```ts
 * const x = placeholder([null, 2], { name: 'x' });
 * const graph = new Graph({ inputs: [x], outputs: { y: x.sum(1) } });
 * const { y } = graph.run({ x: [[1, 2], [3, 4]] });
 * ```
 */
export class Graph<Outputs extends readonly Tensor[] | { readonly [name: string]: Tensor }> {
  readonly inputs: readonly Tensor[];
  readonly outputs: Outputs;
  readonly updates: ReadonlyMap<Variable, Tensor>;
  readonly #prepared = new Map<string, PreparedGraph>();

  /** @throws Error when an output depends on a placeholder that is not among the inputs. */
  constructor(options: GraphOptions<Outputs>) {
    checkOptions('graph', options, 'inputs outputs updates');
    const { inputs, outputs, updates = new Map() } = options;
    this.inputs = inputs;
    this.outputs = outputs;
    this.updates = updates;
    const names = new Set<string>();
    for (const input of inputs) {
      const name = nameOf(input);
      if (names.has(name))
        throw codedError(
          Error,
          'AG_ARGUMENT_VALUE',
          `Graph: two inputs are named '${name}'; give each placeholder its own name`,
        );
      names.add(name);
    }
    for (const node of walkFrom(...this.#outputList(), ...updates.values()).nodes) {
      if (node.leaf?.kind === 'placeholder' && !inputs.includes(node)) {
        throw codedError(
          Error,
          'AG_NOT_FED',
          `Graph: an output depends on placeholder '${node.leaf.name}', which is not among the inputs`,
        );
      }
    }
  }

  /**
   * Computes the outputs for the given feeds and commits the updates.
   * @throws Error for a feed that is missing, unknown or of the wrong shape, naming it.
   */
  run(feeds: Feeds = {}): Outputs {
    const fed = this.inputs.map((input) => this.#feedFor(input, feeds));
    this.#checkNames(feeds);
    if (detectingAnomalies()) return this.#named(this.#runWatched(fed));
    const key = this.inputs
      .map((input, i) => (hasOpen(input.shape) ? shapeOf(fed[i]).join('x') : ''))
      .join('|');
    let ready = this.#prepared.get(key);
    if (!ready) {
      ready = this.#prepare(fed);
      this.#prepared.set(key, ready);
      if (this.#prepared.size > maximalSizes) {
        const [oldest, graph] = this.#prepared.entries().next().value!;
        this.#prepared.delete(oldest);
        graph.release();
      }
    }
    return this.#named(ready.run(fed));
  }

  #named(results: readonly Tensor[]): Outputs {
    if (Array.isArray(this.outputs)) return results as unknown as Outputs;
    return Object.fromEntries(Object.keys(this.outputs).map((name, i) => [name, results[i]])) as Outputs;
  }

  /** The same without a prepared plan, so that anomaly detection sees the nodes. */
  #runWatched(fed: readonly Feed[]): Tensor[] {
    const outputs = this.#outputList();
    const values = this.inputs.map((input, i) => asTensor(fed[i], input));
    const current = rewrite([...outputs, ...this.updates.values()], (node) => {
      const position = this.inputs.indexOf(node);
      if (position >= 0) return values[position];
      return node.leaf?.kind === 'variable' ? node.leaf.variable.value : null;
    });
    const results = current.slice(0, outputs.length).map((output) => output.broadcastTo(output.shape));
    const updates = [...this.updates.keys()].map((variable, i) => ({
      variable,
      value: current[outputs.length + i],
    }));
    evaluate(results, { updates });
    return results;
  }

  #outputList(): readonly Tensor[] {
    return Array.isArray(this.outputs)
      ? this.outputs
      : Object.values(this.outputs as { readonly [name: string]: Tensor });
  }

  /** The graph with the open sizes filled in: type rules run again on the fed shapes. */
  #prepare(fed: readonly Tensor[]): PreparedGraph {
    const outputs = this.#outputList();
    const updates = [...this.updates].map(([variable, value]): Update => ({ variable, value }));
    if (this.inputs.every((input) => !hasOpen(input.shape))) {
      return new PreparedGraph(this.inputs, outputs, updates);
    }
    const sizes = this.#fedSizes(fed);
    const replaced = new Map<Tensor, Tensor>();
    const inputs = this.inputs.map((input, i) => {
      const concrete = placeholderLeaf(fed[i].shape, input.dtype, nameOf(input));
      replaced.set(input, concrete);
      return concrete;
    });
    for (const node of walkFrom(...outputs, ...updates.map((update) => update.value)).nodes) {
      if (node.op === null || !node.inputs.some((input) => replaced.has(input))) continue;
      const attributes = withSizes(node.attributes, sizes);
      replaced.set(
        node,
        apply(
          node.op,
          node.inputs.map((input) => replaced.get(input) ?? input),
          attributes,
        ),
      );
    }
    const current = (node: Tensor): Tensor => replaced.get(node) ?? node;
    return new PreparedGraph(
      inputs,
      outputs.map(current),
      updates.map(({ variable, value }) => ({ variable, value: current(value) })),
    );
  }

  /** What was fed for each open size. @throws RangeError where one of a name was fed twice, and differently */
  #fedSizes(fed: readonly Tensor[]): Map<number, number> {
    const sizes = new Map<number, number>();
    this.inputs.forEach((input, i) => {
      input.shape.forEach((size, axis) => {
        const given = fed[i].shape[axis];
        const before = sizes.get(size);
        if (!isOpen(size)) return;
        // Batches of several placeholders may differ, as they always could.
        if (before !== undefined && before !== given && size !== openSize)
          throw shapeError(
            `Graph: the open size '${openSizeName(size)}' was fed as ${before} and, with placeholder '${nameOf(input)}', as ${given}`,
          );
        if (before === undefined) sizes.set(size, given);
      });
    });
    return sizes;
  }

  #feedFor(input: Tensor, feeds: Feeds): Tensor {
    const name = nameOf(input);
    const feed = feeds instanceof Map ? feeds.get(input) : (feeds as { readonly [name: string]: Feed })[name];
    if (feed === undefined) {
      throw codedError(
        Error,
        'AG_NOT_FED',
        `Graph: placeholder '${name}' was not fed; it needs ${describe(input)}`,
      );
    }
    const value = asTensor(feed, input);
    const fits =
      value.shape.length === input.shape.length &&
      value.shape.every((size, i) => isOpen(input.shape[i]) || size === input.shape[i]);
    if (!fits) {
      throw shapeError(
        `Graph: placeholder '${name}' needs ${describe(input)}, was fed ${formatShape(value.shape)} ${value.dtype}`,
      );
    }
    return value;
  }

  #checkNames(feeds: Feeds): void {
    const known = this.inputs.map(nameOf);
    const extra =
      feeds instanceof Map
        ? [...feeds.keys()].filter((t) => !this.inputs.includes(t)).map(nameOf)
        : Object.keys(feeds).filter((name) => !known.includes(name));
    if (extra.length > 0) {
      throw codedError(
        Error,
        'AG_NOT_FED',
        `Graph: there is no input '${extra[0]}'; the inputs are ${known.map((name) => `'${name}'`).join(', ')}`,
      );
    }
  }
}

/** A tensor with elements at hand, in the placeholder's dtype. */
function asTensor(feed: Feed, input: Tensor): Tensor {
  if (feed instanceof Tensor) {
    const value = feed.dtype === input.dtype ? feed : feed.cast(input.dtype);
    if (value.op !== null) evaluate([value]);
    return value.leaf?.kind === 'literal'
      ? tensor(value.dataSync(), { shape: [], dtype: input.dtype })
      : checkTensor(value);
  }
  if (isTypedArray(feed)) {
    const open = input.shape.filter(isOpen).length;
    if (open > 1)
      throw shapeError(
        `Graph: placeholder '${nameOf(input)}' needs ${describe(input)}; a typed array does not say its sizes: feed tensor(array, { shape })`,
      );
    const rest = input.shape.reduce((product, size) => (isOpen(size) ? product : product * size), 1);
    const shape = open
      ? input.shape.map((size) => (isOpen(size) ? feed.length / Math.max(1, rest) : size))
      : sizeOf(input.shape) === feed.length
        ? input.shape
        : [feed.length];
    if (shape.some((size) => !Number.isInteger(size))) {
      throw shapeError(
        `Graph: placeholder '${nameOf(input)}' needs ${describe(input)}; ${feed.length} elements do not divide into rows of ${rest}`,
      );
    }
    return tensor(feed, { shape, dtype: input.dtype, copy: false });
  }
  return tensor(feed as Parameters<typeof tensor>[0], { dtype: input.dtype });
}

function describe(input: Tensor): string {
  return `${formatShape(input.shape)} ${input.dtype}`;
}

function shapeOf(x: Tensor): readonly number[] {
  return x.shape;
}

function nameOf(x: Tensor): string {
  if (x.leaf?.kind !== 'placeholder')
    throw typeError('Graph: inputs must be made with placeholder(shape, { name })');
  return x.leaf.name;
}
