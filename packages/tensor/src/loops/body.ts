/**
 * The body of a loop: a graph on stand-ins for what a step gets, kept once for each structure.
 *
 * Bodies of equal structure are one object, as graphs of equal structure share a plan: a function that is traced anew at every
 * training step gives the body that is there already, with its programs. What a body reads from outside is an input of the loop, so
 * it holds no data.
 */

import { placeholderLeaf } from '../functions/create.ts';
import type { CompiledGraph } from '../ops/op.ts';
import { hashOf, sameSignature, traverse } from '../plan/signature.ts';
import { type Shape, sameShape } from '../shape.ts';
import { apply, literal, type Tensor } from '../tensor.ts';

/** A graph to be made a body; its stand-ins are leaves. */
export interface BodyGraph {
  readonly carry: readonly Tensor[];
  readonly sequences: readonly Tensor[];
  readonly captured: readonly Tensor[];
  /** The number of the step, an int32 literal; null where nothing reads it. */
  readonly index: Tensor | null;
  readonly next: readonly Tensor[];
  readonly condition: Tensor | null;
  /** Further nodes whose values may be asked for. */
  readonly others: readonly Tensor[];
}

export class Body implements BodyGraph {
  /** Stands for the structure in attributes. */
  readonly id: number;
  /** The body whose programs it shares: itself, unless it has gradient rules of its own. */
  readonly structure: Body;
  readonly carry: readonly Tensor[];
  readonly sequences: readonly Tensor[];
  readonly captured: readonly Tensor[];
  readonly index: Tensor | null;
  readonly next: readonly Tensor[];
  readonly condition: Tensor | null;
  readonly others: readonly Tensor[];
  /** Numbers given at each run, in the order of the graph. */
  readonly scalars: readonly Tensor[];
  /** All nodes, inputs first. A result is named by the position of its node. */
  readonly nodes: readonly Tensor[];
  readonly positions: ReadonlyMap<Tensor, number>;
  /** Programs made of it, by which of its nodes they give. */
  readonly programs = new Map<string, CompiledGraph>();
  /** What results need, by the results. */
  readonly needs = new Map<string, Needs>();
  /** The same body for operands of other shapes, which open sizes become. */
  readonly #shaped = new Map<string, Body>();

  constructor(
    id: number,
    graph: BodyGraph,
    nodes: readonly Tensor[],
    scalars: readonly Tensor[],
    structure: Body | null,
  ) {
    this.id = id;
    this.structure = structure ?? this;
    this.carry = graph.carry;
    this.sequences = graph.sequences;
    this.captured = graph.captured;
    this.index = graph.index;
    this.next = graph.next;
    this.condition = graph.condition;
    this.others = graph.others;
    this.scalars = scalars;
    this.nodes = nodes;
    this.positions = new Map(nodes.map((node, i) => [node, i]));
  }

  /** The body for stand-ins of these shapes, in the order carry, sequences, captured. */
  ofShapes(shapes: readonly Shape[]): Body {
    const own = [...this.carry, ...this.sequences, ...this.captured];
    if (own.every((leaf, i) => sameShape(leaf.shape, shapes[i]))) return this;
    const key = shapes.map((shape) => shape.join('x')).join(' ');
    const known = this.#shaped.get(key);
    if (known) return known;
    const made = new Map<Tensor, Tensor>();
    own.forEach((leaf, i) => made.set(leaf, placeholderLeaf(shapes[i], leaf.dtype, standInName)));
    for (const node of this.nodes) {
      if (made.has(node) || node.op === null) continue;
      if (node.inputs.some((input) => made.has(input))) {
        const inputs = node.inputs.map((input) => made.get(input) ?? input);
        made.set(node, apply(node.op, inputs, node.attributes));
      }
    }
    const at = (node: Tensor): Tensor => made.get(node) ?? node;
    const graph = {
      carry: this.carry.map(at),
      sequences: this.sequences.map(at),
      captured: this.captured.map(at),
      index: this.index,
      next: this.next.map(at),
      condition: this.condition && at(this.condition),
      others: this.others.map(at),
    };
    const structure = this.structure === this ? null : this.structure.ofShapes(shapes);
    const body = new Body(this.id, graph, this.nodes.map(at), this.scalars, structure);
    this.#shaped.set(key, body);
    return body;
  }
}

/** What some results of a loop need, as positions. */
export interface Needs {
  readonly carry: readonly number[];
  readonly sequences: readonly number[];
  readonly captured: readonly number[];
  readonly scalars: readonly number[];
}

/** What stand-ins are called, so that an attempt to read one can be told from others. */
export const standInName = 'of the body of a loop';

interface Known {
  readonly signature: Int32Array;
  readonly interface: string;
  readonly body: Body;
}

const bodies = /* @__PURE__ */ new Map<number, Known[]>();
let count = 0;
let lastId = 0;
/** Bodies that are remembered; beyond it all are forgotten, which makes plans anew and nothing else. */
const maxBodies = 1024;

/** The body of a graph's structure, and the graph's numbers in the order of its scalars. */
export function internBody(graph: BodyGraph): {
  readonly body: Body;
  readonly scalars: readonly Tensor[];
  readonly nodes: readonly Tensor[];
} {
  const roots = [...graph.next, ...(graph.condition ? [graph.condition] : []), ...graph.others];
  const traversal = traverse(roots, []);
  const { nodes, visitMark } = traversal;
  const place = (leaf: Tensor): number => (leaf.visitMark === visitMark ? leaf.position : -1);
  const type = (leaf: Tensor): string => `${place(leaf)}:${leaf.dtype}:${leaf.shape.join('x')}`;
  const own = JSON.stringify([
    graph.carry.map(type),
    graph.sequences.map(type),
    graph.captured.map(type),
    graph.index && place(graph.index),
    graph.condition !== null,
    graph.others.length,
  ]);
  const scalars = traversal.literals.filter((leaf) => leaf !== graph.index);
  const hash = hashOf(traversal);
  const list = bodies.get(hash) ?? [];
  const known = list.find((one) => one.interface === own && sameSignature(one.signature, traversal));
  if (known) {
    const body = nodes.some(hasRule) ? bodyFrom(graph, nodes, scalars, known.body) : known.body;
    return { body, scalars, nodes };
  }
  if (++count > maxBodies) {
    bodies.clear();
    count = 1;
  }
  const signature = traversal.signature.slice(0, traversal.length);
  const body = bodyFrom(graph, nodes, scalars, null);
  bodies.set(hash, [...(bodies.get(hash) ?? []), { signature, interface: own, body }]);
  return { body, scalars, nodes };
}

/** A copy whose numbers have no values: nothing that is made of a body may depend on those of the graph it came from. */
function bodyFrom(
  graph: BodyGraph,
  nodes: readonly Tensor[],
  scalars: readonly Tensor[],
  structure: Body | null,
): Body {
  const made = new Map<Tensor, Tensor>();
  for (const scalar of scalars) made.set(scalar, literal(Number.NaN, scalar.dtype));
  for (const node of nodes) {
    if (made.has(node) || node.op === null) continue;
    if (node.inputs.some((input) => made.has(input)))
      made.set(
        node,
        apply(
          node.op,
          node.inputs.map((input) => made.get(input) ?? input),
          node.attributes,
        ),
      );
  }
  const at = (node: Tensor): Tensor => made.get(node) ?? node;
  return new Body(
    structure?.id ?? ++lastId,
    {
      ...graph,
      next: graph.next.map(at),
      condition: graph.condition && at(graph.condition),
      others: graph.others.map(at),
    },
    nodes.map(at),
    scalars.map(at),
    structure,
  );
}

/** Whether a function is among the attributes of a node, as a gradient rule is: it is no part of the structure. */
function hasRule({ op, attributes }: Tensor): boolean {
  if (op === null || typeof attributes !== 'object' || attributes === null) return false;
  if (op.lower.form === 'loop') {
    const { body } = attributes as { readonly body: () => Body };
    return body().structure !== body() || body().nodes.some(hasRule);
  }
  return Object.values(attributes).some((value) => typeof value === 'function');
}

/** The nodes without which none of `roots` can be computed. */
export function ancestorsOf(roots: readonly Tensor[]): Set<Tensor> {
  const met = new Set<Tensor>(roots);
  for (const node of met) {
    node.inputs.forEach((input, i) => {
      if (!givesShapeOnly(node, i)) met.add(input);
    });
  }
  return met;
}

/** Whether a node takes nothing but the shape of an input; `plan/cluster.ts` says the same of the planner's nodes. */
function givesShapeOnly({ op, inputs }: Tensor, i: number): boolean {
  const form = op!.lower.form;
  if (form === 'coordinates') return true;
  if (form === 'view') return i > 0 && inputs[i] !== inputs[0] && inputs[i].leaf?.kind !== 'literal';
  return form === 'scatter' && i === 0 && inputs[0] !== inputs[1] && inputs[0] !== inputs[2];
}
