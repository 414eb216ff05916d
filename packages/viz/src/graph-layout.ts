/** Places the boxes of a graph in layers, with room for what is written on its edges: dagre does the work. */
import { Graph, layout } from '@dagrejs/dagre';

/** The centre of something on the page. */
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

/** Places: boxes by id (x and y of the centre), and for each edge its points and the centre of its label. */
export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Place>;
  edges: ({ points: [x: number, y: number][] } & Place)[];
}

/** Lays out a graph from left to right or from top to bottom. */
export function layoutGraph(
  nodes: readonly LayoutNode[],
  edges: readonly LayoutEdge[],
  orientation: Orientation,
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
  const places = new Map(nodes.map(({ id }) => [id, graph.node(id) as unknown as Place]));
  const mirror = orderMirror(places, edges, orientation, size);
  return {
    width: Math.max(1, size.width ?? 1),
    height: Math.max(1, size.height ?? 1),
    boxes: new Map([...places].map(([id, place]) => [id, mirror(place)])),
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

type Orientation = 'horizontal' | 'vertical';

/** dagre often puts the first argument last; mirrored, what comes first in the call comes first on the page. */
function orderMirror(
  places: ReadonlyMap<string, Place>,
  edges: readonly LayoutEdge[],
  orientation: Orientation,
  size: { width?: number; height?: number },
): (place: Place) => Place {
  const key = orientation === 'horizontal' ? 'y' : 'x';
  const before = new Map<string, number>();
  let down = 0;
  for (const { from, to } of [...edges].sort((a, b) => a.index - b.index)) {
    const at = places.get(from)?.[key] ?? 0;
    down += Math.sign(at - (before.get(to) ?? at));
    before.set(to, at);
  }
  if (down >= 0) return ({ x, y }) => ({ x, y });
  return orientation === 'horizontal'
    ? ({ x, y }) => ({ x, y: (size.height ?? 0) - y })
    : ({ x, y }) => ({ x: (size.width ?? 0) - x, y });
}

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
