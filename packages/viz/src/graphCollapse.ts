/**
 * Makes a large graph small enough to read. Nodes of one module become one group, module by module from the outside
 * in, as far as the given number of boxes allows. What has no module is gathered in stretches of the topological
 * order. Everything here takes time linear in nodes and edges, and nothing recurses.
 */
import type { GraphData, GraphEdge, GraphNode } from './graphData.ts';

/** What is drawn as one box: a node of the graph, or a group of nodes. */
export type GraphBox = { id: string; node: GraphNode } | { id: string; group: GraphGroup };

/** Nodes drawn as one. */
export interface GraphGroup {
  /** Path of the module; absent for a stretch of nodes without one. */
  module?: string;
  label: string;
  /** The three most frequent operations, for a second line. */
  detail: string;
  nodes: number;
}

/** Boxes, and the edges between them; `count` original edges run along each. */
export interface CollapsedGraph {
  boxes: GraphBox[];
  edges: { from: string; to: string; edge: GraphEdge; count: number }[];
}

/** How far to collapse. */
export interface CollapseOptions {
  /** At most about this many boxes. */
  maxNodes: number;
  /** Modules to open even when that exceeds `maxNodes`; the modules around them open too. */
  expand: readonly string[];
  /** Modules to keep closed. */
  collapse: readonly string[];
}

/** More boxes than this are not drawn one by one, whatever is to be opened. */
const legible = 400;

/** Groups nodes until about `maxNodes` boxes are left. */
export function collapseGraph(graph: GraphData, options: CollapseOptions): CollapsedGraph {
  const modules = moduleTree(graph.nodes);
  const open = openModules(modules, options);
  const boxOf = new Map<string, string>();
  const boxes = new Map<string, GraphBox>();
  const groups = new Map<string, GraphNode[]>();
  const single: GraphNode[] = [];
  for (const node of graph.nodes) {
    const closed = firstClosed(node.module ?? '', open);
    if (closed === undefined) single.push(node);
    else add(groups, closed, node);
  }
  // What was asked for may be more than usual, but not more than can be laid out.
  const most = Math.max(options.maxNodes * 1.5, options.expand.length > 0 ? legible : 0);
  if (single.length + groups.size > most) {
    for (const [key, nodes] of stretches(graph, single, options.maxNodes)) {
      if (nodes.length > 1) groups.set(key, nodes);
      else for (const node of nodes) addSingle(node);
    }
  } else for (const node of single) addSingle(node);
  for (const [key, nodes] of groups) {
    const id = `group:${key}`;
    const module = modules.has(key) ? key : undefined;
    boxes.set(id, { id, group: describe(module, nodes) });
    for (const node of nodes) boxOf.set(node.id, id);
  }
  return { boxes: [...boxes.values()], edges: mergeEdges(graph.edges, boxOf) };

  function addSingle(node: GraphNode): void {
    // The prefix keeps a node apart from a group of the same name.
    const id = `node:${node.id}`;
    boxes.set(id, { id, node });
    boxOf.set(node.id, id);
  }
}

/**
 * Ids of all nodes, inputs first (Kahn 1962). Nodes on a cycle, which a computation cannot have, come last.
 */
export function topologicalOrder(graph: GraphData): string[] {
  const waiting = new Map<string, number>(graph.nodes.map((node) => [node.id, 0]));
  const users = new Map<string, string[]>();
  for (const { from, to } of graph.edges) {
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
    add(users, from, to);
  }
  const order = graph.nodes.filter((node) => waiting.get(node.id) === 0).map((node) => node.id);
  for (let i = 0; i < order.length; i++) {
    for (const user of users.get(order[i]) ?? []) {
      const left = (waiting.get(user) ?? 0) - 1;
      waiting.set(user, left);
      if (left === 0) order.push(user);
    }
  }
  if (order.length === graph.nodes.length) return order;
  const seen = new Set(order);
  return [...order, ...graph.nodes.map((node) => node.id).filter((id) => !seen.has(id))];
}

interface ModuleInfo {
  /** Nodes directly in this module. */
  nodes: number;
  children: string[];
}

/** All modules with their parents, the root under the empty path. */
function moduleTree(nodes: readonly GraphNode[]): Map<string, ModuleInfo> {
  const tree = new Map<string, ModuleInfo>([['', { nodes: 0, children: [] }]]);
  for (const node of nodes) {
    let path = node.module ?? '';
    const info = tree.get(path) ?? { nodes: 0, children: [] };
    info.nodes++;
    let missing = !tree.has(path);
    tree.set(path, info);
    while (missing) {
      const parent = parentOf(path);
      const above = tree.get(parent) ?? { nodes: 0, children: [] };
      above.children.push(path);
      missing = !tree.has(parent);
      tree.set(parent, above);
      path = parent;
    }
  }
  return tree;
}

/**
 * Opens the root and what was asked for, then module after module, outermost first, while there is room. Modules
 * side by side that hold equally much (the layers of a stack) open together or not at all.
 */
function openModules(tree: Map<string, ModuleInfo>, options: CollapseOptions): Set<string> {
  const open = new Set<string>(['']);
  for (const path of options.expand) {
    for (let at = path; at !== '' && tree.has(at); at = parentOf(at)) open.add(at);
  }
  const closed = new Set(options.collapse);
  const inside = (path: string) => {
    const info = tree.get(path);
    return info === undefined ? 0 : info.nodes + info.children.length;
  };
  let visible = inside('');
  const queue = [''];
  for (let i = 0; i < queue.length; i++) {
    const alike = new Map<number, string[]>();
    for (const child of tree.get(queue[i])?.children ?? []) {
      if (open.has(child)) {
        visible += inside(child) - 1;
        queue.push(child);
      } else if (!closed.has(child)) {
        const size = inside(child);
        const list = alike.get(size);
        if (list === undefined) alike.set(size, [child]);
        else list.push(child);
      }
    }
    for (const [size, paths] of [...alike].sort((a, b) => a[0] - b[0])) {
      const after = visible + (size - 1) * paths.length;
      if (after > options.maxNodes) break;
      visible = after;
      for (const path of paths) open.add(path);
      queue.push(...paths);
    }
  }
  return open;
}

/** The outermost closed module around a node of module `path`, `undefined` when all are open. */
function firstClosed(path: string, open: Set<string>): string | undefined {
  if (path === '' || open.has(path)) return undefined;
  let closed = path;
  for (let at = parentOf(path); at !== '' && !open.has(at); at = parentOf(at)) closed = at;
  return closed;
}

/** Pieces of the topological order: between such pieces edges only run forward. */
function stretches(graph: GraphData, single: readonly GraphNode[], most: number): Map<string, GraphNode[]> {
  const rank = new Map(topologicalOrder(graph).map((id, i) => [id, i]));
  const sorted = [...single].sort((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0));
  const size = Math.ceil(sorted.length / Math.max(1, Math.floor(most / 2)));
  const out = new Map<string, GraphNode[]>();
  for (let start = 0; start < sorted.length; start += size) {
    out.set(`nodes ${start + 1}–${Math.min(sorted.length, start + size)}`, sorted.slice(start, start + size));
  }
  return out;
}

function describe(module: string | undefined, nodes: readonly GraphNode[]): GraphGroup {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const name = node.op ?? node.label;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const frequent = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return {
    module,
    label: module ?? `${nodes.length} nodes`,
    detail: frequent.map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(', '),
    nodes: nodes.length,
  };
}

function mergeEdges(edges: readonly GraphEdge[], boxOf: Map<string, string>): CollapsedGraph['edges'] {
  const merged = new Map<string, CollapsedGraph['edges'][number]>();
  for (const edge of edges) {
    const from = boxOf.get(edge.from) ?? '';
    const to = boxOf.get(edge.to) ?? '';
    if (from === to) continue;
    // Two edges between the same two nodes (x · x) both stay: each carries a gradient of its own.
    const nodes = from.startsWith('node:') && to.startsWith('node:');
    const key = JSON.stringify(nodes ? [from, to, edge.index ?? 0] : [from, to]);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { from, to, edge, count: 1 });
    else known.count++;
  }
  return [...merged.values()];
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
