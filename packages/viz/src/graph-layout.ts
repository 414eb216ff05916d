/** Places the boxes of a graph in layers, with room for what is written on its edges: dagre does the work. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Box } from './color-scale.ts';

/** A box to be placed. */
export interface LayoutNode {
  id: string;
  width: number;
  height: number;
}

/** An edge, and the room its label needs. */
export interface LayoutEdge {
  from: string;
  to: string;
  width: number;
  height: number;
}

/** Places: boxes by id (x and y of the centre), and for each edge its points and the centre of its label. */
export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Box>;
  edges: { points: [x: number, y: number][]; x: number; y: number }[];
}

/** Lays out a graph from left to right or from top to bottom. */
export function layoutGraph(
  nodes: readonly LayoutNode[],
  edges: readonly LayoutEdge[],
  orientation: 'horizontal' | 'vertical',
): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: orientation === 'horizontal' ? 'LR' : 'TB',
    nodesep: 22,
    edgesep: 14,
    ranksep: 34,
  });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const [i, edge] of edges.entries()) {
    graph.setEdge(edge.from, edge.to, { width: edge.width, height: edge.height, labelpos: 'c' }, String(i));
  }
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(1, size.width ?? 1),
    height: Math.max(1, size.height ?? 1),
    boxes: new Map(nodes.map(({ id }) => [id, graph.node(id) as unknown as Box])),
    edges: edges.map((edge, i) => {
      const placed = graph.edge(edge.from, edge.to, String(i)) as unknown as {
        points: { x: number; y: number }[];
        x?: number;
        y?: number;
      };
      const points = placed.points.map((point): [number, number] => [point.x, point.y]);
      const middle = points[Math.floor(points.length / 2)];
      return { points, x: placed.x ?? middle[0], y: placed.y ?? middle[1] };
    }),
  };
}
