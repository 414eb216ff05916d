/** What is known of a formula's graph after some steps: forward in order, then backward in reverse. */
import type { Study } from './study.ts';
import type { ViewlessGraph } from './views.ts';

/** The node that a step computes, by its position; null before the first. */
export function stepNode({ forward }: Pick<Study, 'forward'>, step: number): number | null {
  if (step === 0) return null;
  return step <= forward.length ? forward[step - 1] : forward[2 * forward.length - step];
}

/** The graph as it is known after `step` steps: what has not been computed has no value and no gradient yet. */
export function reveal({ graph, forward }: Pick<Study, 'graph' | 'forward'>, step: number): ViewlessGraph {
  const done = new Set(forward.slice(0, Math.min(step, forward.length)).map((i) => graph.nodes[i].id));
  const passed = new Set(forward.slice(2 * forward.length - step).map((i) => graph.nodes[i].id));
  const leaves = new Set(graph.nodes.flatMap(({ id, op }) => (op === undefined ? [id] : [])));
  const isComputed = (id: string) => leaves.has(id) || done.has(id);
  const reached = new Set<string>();
  if (step > forward.length) reached.add(graph.nodes[graph.nodes.length - 1].id);
  const edges = graph.edges.map((edge) => {
    const known = step > forward.length && passed.has(edge.to);
    if (known) reached.add(edge.from);
    return {
      ...edge,
      ...(edge.value !== undefined && { value: isComputed(edge.from) ? edge.value : null }),
      gradient: known ? edge.gradient : null,
    };
  });
  const waiting = new Set(graph.edges.flatMap((edge) => (passed.has(edge.to) ? [] : [edge.from])));
  const nodes = graph.nodes.map((node) => {
    const complete = reached.has(node.id) && !waiting.has(node.id);
    return {
      ...node,
      value: isComputed(node.id) ? node.value : null,
      gradient: complete ? node.gradient : null,
    };
  });
  return { nodes, edges };
}
