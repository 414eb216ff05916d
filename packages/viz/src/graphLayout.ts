/** Lays the boxes of a graph out in layers, by dagre, with room for the text on its edges. */
import { Graph, layout } from '@dagrejs/dagre';

/** The center of something on the page. */
export interface Place {
  x: number;
  y: number;
}

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
  /** Which argument of `to` this is. */
  index: number;
  width: number;
  height: number;
}

/** Places: boxes by id (x and y of the center), and for each edge its points and the center of its label. */
export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Place>;
  edges: ({ points: [x: number, y: number][] } & Place)[];
}

/** Up to this many boxes both orders are tried: it costs two layouts instead of one. */
const small = 60;

/** Lays out a graph from left to right or from top to bottom. */
export function layoutGraph(
  nodes: readonly LayoutNode[],
  edges: readonly LayoutEdge[],
  orientation: Orientation,
): Layout {
  const first = place(nodes, edges, orientation);
  // Where crossings leave a choice, dagre's depends on the order of the boxes: what comes first in the call should
  // come first on the page in as many places as can be.
  const best =
    nodes.length <= small && first.inOrder < first.pairs
      ? [place([...nodes].reverse(), edges, orientation), first].reduce((a, b) =>
          b.inOrder >= a.inOrder && b.size <= a.size ? b : a,
        )
      : first;
  const { graph, mirror } = best;
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.max(1, size.width ?? 1),
    height: Math.max(1, size.height ?? 1),
    boxes: new Map(nodes.map(({ id }) => [id, mirror(graph.node(id) as unknown as Place)])),
    edges: edges.map((edge, i) => {
      const placed = graph.edge(edge.from, edge.to, String(i)) as unknown as {
        points: Place[];
      } & Partial<Place>;
      const points = placed.points.map(mirror);
      const middle = points[Math.floor(points.length / 2)];
      const at =
        placed.x === undefined || placed.y === undefined ? middle : mirror({ x: placed.x, y: placed.y });
      return { points: straighten(points, at, edge, orientation), ...at };
    }),
  };
}

/** One layout by dagre, with how many neighboring arguments it has in their order after mirroring, and of how many. */
function place(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], orientation: Orientation) {
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
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const key = orientation === 'horizontal' ? 'y' : 'x';
  const before = new Map<string, number>();
  let [down, pairs] = [0, 0];
  for (const { from, to } of [...edges].sort((a, b) => a.index - b.index)) {
    const at = (graph.node(from) as unknown as Place)[key];
    const last = before.get(to);
    if (last !== undefined && last !== at) {
      down += Math.sign(at - last);
      pairs++;
    }
    before.set(to, at);
  }
  const mirror = ({ x, y }: Place): Place =>
    down >= 0 ? { x, y } : orientation === 'horizontal' ? { x, y: height - y } : { x: width - x, y };
  return { graph, mirror, inOrder: Math.abs(down), pairs, size: width * height };
}

type Orientation = 'horizontal' | 'vertical';

/** A wire runs straight past its label, so that the curve does not cross the text. */
function straighten(
  points: readonly Place[],
  at: Place,
  label: { width: number; height: number },
  orientation: Orientation,
): [x: number, y: number][] {
  const key = orientation === 'horizontal' ? 'x' : 'y';
  const half = (orientation === 'horizontal' ? label.width : label.height) / 2 - 4;
  if (half <= 8) return points.map(({ x, y }) => [x, y]);
  const before = points.filter((point) => point[key] < at[key] - half);
  const after = points.filter((point) => point[key] > at[key] + half);
  const ends: Place[] = [
    { ...at, [key]: at[key] - half },
    { ...at, [key]: at[key] + half },
  ];
  return [...before, ...ends, ...after].map(({ x, y }) => [x, y]);
}
