/**
 * `inspect`: a graph as plain data, with values and gradients when asked. Pictures, tables and files are made from it; `graphView` of @ag/viz takes it as it is. Looking changes nothing: lazy tensors stay lazy.
 */

import { concat, evaluate, isFloat, sizeOf, type Tensor, Variable } from '@ag/tensor';
import { checkOptions, checkTensor, hasOpen, isOpen, sumToShape } from '@ag/tensor/engine';
import { wasDifferentiated } from './backward.ts';
import { nodeGradients, sourceOf, topologicalOrder } from './gradients.ts';
import type { InspectedEdge, InspectedNode, InspectedValue, NodeKind } from './inspected.ts';
import { dotOf, mermaidOf, textOf } from './inspectText.ts';
import { creationOf } from './provenance.ts';

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** Compute and show values. Default false. */
  readonly values?: boolean;
  /**
   * true: show gradients of outputs that `backward` was called on. 'compute': differentiate the outputs (scalars) now.
   * Default false.
   */
  readonly gradients?: boolean | 'compute';
  /** Names for tensors that have none. */
  readonly names?: Readonly<Record<string, Tensor | Variable>>;
  /** Tensors with more elements are shown as their least, mean and largest element. Default 1000. */
  readonly maximalElements?: number;
}

/** Nodes, inputs first, and the edges between them, with ways to write them. */
export class Inspection {
  readonly nodes: readonly InspectedNode[];
  readonly edges: readonly InspectedEdge[];

  constructor(nodes: readonly InspectedNode[], edges: readonly InspectedEdge[]) {
    this.nodes = nodes;
    this.edges = edges;
  }

  /** One line for each node: what it is, shape, dtype, value, gradient, where it was made. */
  toText(): string {
    return textOf(this);
  }

  /** For Graphviz. */
  toDot(): string {
    return dotOf(this);
  }

  /** For Mermaid: a flow chart from left to right. */
  toMermaid(): string {
    return mermaidOf(this);
  }

  /** Plain data; numbers that JSON has no word for become 'NaN', 'Infinity', '-Infinity'. `JSON.stringify` uses it. */
  toJSON(): { nodes: InspectedNode[]; edges: InspectedEdge[] } {
    return {
      nodes: this.nodes.map((node) => ({
        ...node,
        value: speakable(node.value),
        gradient: speakable(node.gradient),
      })),
      edges: this.edges.map((edge) => ({ ...edge, gradient: speakable(edge.gradient) })),
    };
  }
}

/**
 * The graph that `outputs` are computed from.
 *
 * ```ts
 * const x = new Variable(tensor(3), { name: 'x' });
 * const y = x.value.square();
 * backward(y);
 * inspect(y, { values: true, gradients: true }).toText();
 * // n0 x: parameter [] float32, value 3, gradient 6
 * // n1 square(n0) [] float32, value 9, gradient 1
 * ```
 *
 * Time and memory grow linearly with the number of nodes. An optimizer's `step()` lets go of the graph, so look before it.
 *
 * @throws RangeError with gradients: 'compute' for an output that is no scalar
 */
export function inspect(
  outputs: Tensor | Variable | readonly (Tensor | Variable)[],
  options: InspectOptions = {},
): Inspection {
  checkOptions('inspect', options, 'values gradients names maximalElements');
  const { values = false, gradients = false, names = {}, maximalElements = 1000 } = options;
  const given: readonly (Tensor | Variable)[] = Array.isArray(outputs)
    ? outputs
    : [outputs as Tensor | Variable];
  const roots = given.map((x) =>
    x instanceof Variable ? x.value : checkTensor(x, 'inspect', 'an output', 'a tensor or a variable'),
  );
  const { nodes } = topologicalOrder(roots);
  const named = new Map<Tensor | Variable, string>(Object.entries(names).map(([name, x]) => [x, name]));
  // Taken at once: what is built below walks over the same nodes, and reading makes values of some.
  const sources = nodes.map((node) => {
    const source = sourceOf(node);
    return source && { op: source.op, inputs: source.inputs };
  });
  const inputsOf = sources.map((source) => source?.inputs.map((input) => input.position) ?? none);
  const ids = nodes.map((_, i) => `n${i}`);

  const reader = new Reader(maximalElements);
  const readValue = values
    ? findComputable(nodes).map((fits, i) => (fits ? reader.ask(nodes[i]) : null))
    : [];
  const readGradient: Pending[] = [];
  const readEdge: Pending[][] = [];
  if (gradients) {
    const found = findGradients(roots, gradients);
    nodes.forEach((node, i) => {
      const variable = node.leaf?.kind === 'variable' ? node.leaf.variable : null;
      const own = variable && gradients === true ? variable.grad : found.gradients.get(node);
      readGradient.push(own ? reader.ask(own) : null);
      const contributions = found.contributions.get(node);
      readEdge.push(
        contributions
          ? sources[i]!.inputs.map((input, j) => {
              const contribution = contributions[j];
              return contribution && isFloat(input.dtype)
                ? reader.ask(sumToShape(contribution, input))
                : null;
            })
          : [],
      );
    });
  }
  reader.read();

  const value = (pending: Pending | undefined): InspectedValue | null =>
    pending ? reader.answer(pending) : null;
  const edges: InspectedEdge[] = [];
  const inspected = nodes.map((node, i): InspectedNode => {
    const source = sources[i]!;
    const made = creationOf(node);
    inputsOf[i].forEach((from, index) => {
      edges.push({ from: ids[from], to: ids[i], index, gradient: value(readEdge[i]?.[index]) });
    });
    const own: Changeable<InspectedNode> = {
      id: ids[i],
      label: named.get(node) ?? labelOf(node, named),
      kind: kindOf(node),
      ...(source && { op: source.op.name }),
      shape: hasOpen(node.shape) ? node.shape.map((size) => (isOpen(size) ? null : size)) : node.shape,
      dtype: node.dtype,
      value: value(readValue[i]),
      gradient: value(readGradient[i]),
    };
    if (made?.module) own.module = made.module;
    if (made?.site) own.site = made.site;
    return own;
  });
  return new Inspection(inspected, edges);
}

type Changeable<T> = { -readonly [K in keyof T]: T[K] };

const none: readonly number[] = [];

type Pending = Request | null;

interface Request {
  readonly tensor: Tensor;
  /** Where the numbers begin, and how many there are; 3 for a summary. */
  readonly start: number;
  readonly count: number;
  readonly summary: boolean;
}

/** Tensors joined by one kernel. */
const joined = 64;

/** Reads many tensors as one, so that looking costs one plan and leaves the tensors as they are. */
class Reader {
  readonly #parts: Tensor[] = [];
  readonly #limit: number;
  #length = 0;
  #numbers: ArrayLike<number> = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  ask(tensor: Tensor): Request {
    const size = sizeOf(tensor.shape);
    const summary = size > this.#limit;
    const flat = (x: Tensor): Tensor => x.cast('float64').reshape([sizeOf(x.shape)]);
    if (summary)
      this.#parts.push(flat(tensor.min()), flat(tensor.cast('float64').mean()), flat(tensor.max()));
    else this.#parts.push(flat(tensor));
    const count = summary ? 3 : size;
    const request = { tensor, start: this.#length, count, summary };
    this.#length += count;
    return request;
  }

  read(): void {
    if (this.#parts.length === 0) return;
    let parts: readonly Tensor[] = this.#parts;
    do {
      const next: Tensor[] = [];
      for (let i = 0; i < parts.length; i += joined) next.push(concat(parts.slice(i, i + joined)));
      parts = next;
    } while (parts.length > 1);
    evaluate([parts[0]]);
    this.#numbers = parts[0].dataSync();
  }

  answer({ tensor, start, count, summary }: Request): InspectedValue {
    if (summary) {
      const [low, mean, high] = [0, 1, 2].map((i) => short(this.#numbers[start + i]));
      return `${sizeOf(tensor.shape)} elements: ${low} … ${high}, mean ${mean}`;
    }
    let next = start;
    const element = (): InspectedValue => {
      const x = this.#numbers[next++];
      return tensor.dtype === 'bool' ? x !== 0 : x;
    };
    const build = (axis: number): InspectedValue =>
      axis === tensor.shape.length
        ? element()
        : Array.from({ length: tensor.shape[axis] }, () => build(axis + 1));
    return count === 0 && tensor.shape.length === 0 ? 0 : build(0);
  }
}

/** Which nodes have numbers: those that no placeholder and no vanished value of a variable stands behind. */
function findComputable(nodes: readonly Tensor[]): boolean[] {
  const without = new Set<Tensor>();
  return nodes.map((node) => {
    const fits = node.op === null ? isReadable(node) : !node.inputs.some((input) => without.has(input));
    if (!fits) without.add(node);
    return fits;
  });
}

function isReadable({ leaf }: Tensor): boolean {
  if (leaf?.kind === 'placeholder') return false;
  return leaf?.kind !== 'variable' || leaf.variable.isReadable(leaf.version);
}

function findGradients(
  roots: readonly Tensor[],
  wanted: boolean | 'compute',
): { gradients: Map<Tensor, Tensor>; contributions: Map<Tensor, readonly (Tensor | null)[]> } {
  const gradients = new Map<Tensor, Tensor>();
  const contributions = new Map<Tensor, readonly (Tensor | null)[]>();
  const seeds = wanted === 'compute' ? roots : wanted ? roots.filter(wasDifferentiated) : [];
  // Without numbers behind the outputs there are none for gradients.
  if (seeds.length > 0 && findComputable(topologicalOrder(seeds).nodes).every(Boolean)) {
    const found = nodeGradients(seeds);
    found.nodes.forEach((node, i) => {
      if (found.gradients[i]) gradients.set(node, found.gradients[i]);
      if (found.contributions[i]) contributions.set(node, found.contributions[i]);
    });
  }
  return { gradients, contributions };
}

function kindOf(node: Tensor): NodeKind {
  if (sourceOf(node)) return 'op';
  switch (node.leaf?.kind) {
    case 'variable':
      return node.leaf.variable.trainable ? 'parameter' : 'leaf';
    case 'placeholder':
      return 'placeholder';
    case 'literal':
      return 'constant';
    default:
      return 'leaf';
  }
}

function labelOf(node: Tensor, named: ReadonlyMap<Tensor | Variable, string>): string {
  const source = sourceOf(node);
  if (source)
    return source.op.name === 'contract' && isMatrixProduct(source.attributes) ? 'matmul' : source.op.name;
  switch (node.leaf?.kind) {
    case 'variable':
      return named.get(node.leaf.variable) ?? node.leaf.variable.name;
    case 'placeholder':
      return node.leaf.name;
    case 'literal':
      return short(node.leaf.value);
    default:
      return 'tensor';
  }
}

/** Rows of the last two axes with columns. */
function isMatrixProduct(attributes: unknown): boolean {
  const { a, b, out } = attributes as {
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly out: readonly number[];
  };
  return (
    a.length > 1 &&
    b.length > 1 &&
    a.at(-1) === b.at(-2) &&
    out.at(-1) === b.at(-1) &&
    out.at(-2) === a.at(-2)
  );
}

function short(x: number): string {
  return String(Number(x.toPrecision(5)));
}

function speakable(value: InspectedValue | null): InspectedValue | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return Array.isArray(value) ? value.map((item) => speakable(item as InspectedValue)!) : value;
}
