/**
 * Leaves views out of a graph: operations that only arrange the same elements in another way.
 *
 * Their wires go on to whatever uses them, with the view as a label, so that a reshape of a vector takes no more room
 * than it has meaning.
 */
import type { InspectedEdge, InspectedNode, InspectedValue } from '@ag/graph';

/** An edge that may pass views: then its value is theirs, and its label names them. */
export interface LabeledEdge extends InspectedEdge {
  readonly value?: InspectedValue | null;
  readonly label?: string;
}

export interface ViewlessGraph {
  readonly nodes: readonly InspectedNode[];
  readonly edges: readonly LabeledEdge[];
}

const viewOperations = new Set(['reshape', 'permute']);

/** Positions of the views among the nodes. The result is always shown, even if it is one. */
export function viewsOf({ nodes }: Pick<ViewlessGraph, 'nodes'>): ReadonlySet<number> {
  const last = nodes.length - 1;
  return new Set(nodes.flatMap(({ op }, i) => (i < last && op && viewOperations.has(op) ? [i] : [])));
}

interface Origin {
  readonly from: string;
  /** The views on the way, with the shapes that they make. */
  readonly label: string;
  readonly value: InspectedValue | null;
}

/** For each view the node that its elements come from. Nodes come inputs first. */
export function originOf(graph: ViewlessGraph): ReadonlyMap<string, Origin> {
  const operandOf = new Map(graph.edges.map(({ to, from }) => [to, from]));
  const origin = new Map<string, Origin>();
  for (const i of viewsOf(graph)) {
    const { id, label, shape, value } = graph.nodes[i];
    const operand = operandOf.get(id)!;
    const before = origin.get(operand);
    const name = `${label} ${shape.map((size) => size ?? '?').join('×')}`;
    origin.set(id, {
      from: before?.from ?? operand,
      label: before ? `${before.label}, ${name}` : name,
      value,
    });
  }
  return origin;
}

/** The graph without its views. */
export function withoutViews(graph: ViewlessGraph): ViewlessGraph {
  const origin = originOf(graph);
  return {
    nodes: graph.nodes.filter(({ id }) => !origin.has(id)),
    edges: graph.edges
      .filter(({ to }) => !origin.has(to))
      .map((edge) => ({ ...edge, ...origin.get(edge.from) })),
  };
}
