/**
 * Decides what a graph view writes where, and how much room that takes. It does so before anything is placed: names and shapes
 * in the boxes, values and gradients at the wires, or at the node where one is used several times.
 */
import type { CollapsedGraph, GraphBox } from './graphCollapse.ts';
import { type GraphNode, type GraphValue, valueLines } from './graphData.ts';
import type { LayoutEdge, LayoutNode } from './graphLayout.ts';
import { fit, textWidth } from './text.ts';

/** What a view shows, with every default filled in. */
export interface Settings {
  values: boolean;
  gradients: boolean;
  shapes: boolean;
  digits: number;
  vertical: boolean;
  highlight: Set<string>;
}

/** What is written at a wire or a node: rows above it, rows below; a label tops those above. */
export interface Notes {
  label?: string;
  above: string[];
  below: string[];
}

/** A box with its text; without `box` it is the invisible end of an output's wire. */
export interface PlannedNode extends LayoutNode {
  box?: GraphBox;
  lines: string[];
  notes: Notes;
}

/** An edge with what is written at it; `source` and `target` are ids of the graph's own nodes. */
export interface Wire extends LayoutEdge {
  notes: Notes;
  source: string;
  target: string;
  count: number;
  emphasized: boolean;
}

/** Height of the letters of values and gradients, and the distance of their rows, in pixels. */
export const noteSize = 11;
export const noteHeight = 14;
/** Nothing to write. */
export const nothing: Notes = { above: [], below: [] };

/** Decides what is written where, and how much room that takes. */
export function planGraph(
  graph: CollapsedGraph,
  settings: Settings,
): { nodes: PlannedNode[]; wires: Wire[] } {
  const outgoing = new Map<string, CollapsedGraph['edges']>();
  for (const edge of graph.edges) {
    const list = outgoing.get(edge.from);
    if (list === undefined) outgoing.set(edge.from, [edge]);
    else list.push(edge);
  }
  const notesOf = (
    value: GraphValue | null | undefined,
    gradient: GraphValue | null | undefined,
    node: GraphNode,
  ): Notes => ({
    above: settings.values ? valueLines(value, node.shape, settings.digits) : [],
    below: settings.gradients ? valueLines(gradient, node.shape, settings.digits) : [],
  });
  const nodes: PlannedNode[] = [];
  const wires: Wire[] = [];
  // Without an index, arguments are taken to stand in their order.
  const positions = new Map(graph.edges.map(({ edge }, i) => [edge, i]));
  const wire = ({ from, to, edge, count }: CollapsedGraph['edges'][number], notes: Notes) => {
    const emphasized = settings.highlight.has(edge.from) && settings.highlight.has(edge.to);
    const labeled = edge.label === undefined ? notes : { ...notes, label: edge.label };
    const ends = {
      from,
      to,
      index: edge.index ?? positions.get(edge) ?? 0,
      source: edge.from,
      target: edge.to,
    };
    wires.push({ ...ends, count, notes: labeled, emphasized, ...wireRoom(labeled, settings) });
  };
  for (const box of graph.boxes) {
    const uses = outgoing.get(box.id) ?? [];
    if ('group' in box) {
      const { label: name, detail, nodes: count } = box.group;
      const lines = [name, box.group.module === undefined ? detail : `${count} nodes`];
      nodes.push({ id: box.id, box, lines, notes: nothing, ...boxRoom(lines, nothing, 64) });
      for (const use of uses) wire(use, nothing);
      continue;
    }
    const { node } = box;
    // With several uses the wires carry parts of the gradient, and the sum belongs to the node.
    const parts = uses.some((use) => known(use.edge.gradient));
    const shared = uses.length > 1;
    const notes = shared ? notesOf(node.value, node.gradient, node) : nothing;
    if (shared && parts && notes.below.length === 1) notes.below = [`Σ ${notes.below[0]}`];
    const lines = nodeLines(node, settings);
    nodes.push({ id: box.id, box, lines, notes, ...boxRoom(lines, notes, node.op === undefined ? 34 : 40) });
    for (const use of uses) {
      const { edge } = use;
      const gradient = edge.gradient !== undefined ? edge.gradient : shared ? undefined : node.gradient;
      const own = shared && !parts ? nothing : notesOf(edge.value ?? node.value, gradient, node);
      wire(use, own);
    }
    if (uses.length === 0 && (settings.values || settings.gradients)) {
      const end = `end:${node.id}`;
      nodes.push({ id: end, lines: [], notes: nothing, width: 1, height: 1 });
      const out = { from: box.id, to: end, edge: { from: node.id, to: '' }, count: 1 };
      wire(out, notesOf(node.value, node.gradient, node));
    }
  }
  return { nodes, wires };
}

/** Signs read faster than names. */
const signs: ReadonlyMap<string, string> = new Map([
  ['add', '+'],
  ['sub', '−'],
  ['mul', '×'],
  ['div', '÷'],
  ['matmul', '@'],
  ['neg', '−'],
  ['sum', 'Σ'],
]);

function nodeLines(node: GraphNode, settings: Settings): string[] {
  // A matrix product is a contraction of its own name.
  const named = node.label !== node.op && !(node.op === 'contract' && node.label === 'matmul');
  const name = fit((named ? undefined : signs.get(node.label)) ?? node.label, 150, 13);
  if (!settings.shapes || node.shape === undefined || node.shape.length === 0) return [name];
  return [name, node.shape.map((size) => size ?? '?').join('×')];
}

/** The size of a box itself, without its notes. */
export function boxSize({ box, lines }: PlannedNode): { width: number; height: number } {
  if (box === undefined) return { width: 1, height: 1 };
  const least = 'group' in box ? 64 : box.node.op === undefined ? 34 : 40;
  return { width: boxRoom(lines, nothing, least).width, height: lines.length > 1 ? 40 : 32 };
}

/** Room for a box and the rows above and below it. */
export function boxRoom(lines: string[], notes: Notes, least: number): { width: number; height: number } {
  const width = Math.max(least, textWidth(lines[0], 13) + 22, textWidth(lines[1] ?? '', 10) + 18);
  const rows = Math.max(notes.above.length, notes.below.length);
  const written = Math.max(0, ...[...notes.above, ...notes.below].map((row) => textWidth(row, noteSize)));
  return { width: Math.max(width, written), height: (lines.length > 1 ? 42 : 34) + 2 * rows * noteHeight };
}

function wireRoom(notes: Notes, { vertical }: Settings): { width: number; height: number } {
  const above = rowsAbove(notes);
  const rows = [...above, ...notes.below];
  if (rows.length === 0) return { width: vertical ? 0 : 12, height: vertical ? 12 : 0 };
  const width = Math.max(...rows.map((row) => textWidth(row, noteSize)));
  // Beside a vertical wire, around a horizontal one.
  if (vertical) return { width: 2 * width + 16, height: rows.length * noteHeight + 6 };
  return { width: width + 14, height: 2 * Math.max(above.length, notes.below.length) * noteHeight + 8 };
}

/** The rows above a wire, its label first. */
export function rowsAbove({ label, above }: Notes): string[] {
  return label === undefined ? above : [label, ...above];
}

/** Whether a value or gradient has been computed. */
export function known(value: GraphValue | null | undefined): boolean {
  return value !== undefined && value !== null;
}
