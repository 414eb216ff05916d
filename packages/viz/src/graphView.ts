/**
 * A computational graph, with the value above and the gradient below each edge. So one draws it on paper to
 * understand backpropagation.
 */

import { curveMonotoneX, curveMonotoneY, line } from 'd3-shape';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame, margin } from './frame.ts';
import { collapseGraph, type GraphBox } from './graphCollapse.ts';
import { type GraphData, type GraphNode, notComputed, valueLines } from './graphData.ts';
import { layoutGraph, type Place } from './graphLayout.ts';
import {
  boxSize,
  known,
  noteHeight,
  noteSize,
  type PlannedNode,
  planGraph,
  rowsAbove,
  type Settings,
  type Wire,
} from './graphPlan.ts';
import { checkOptions } from './options.ts';
import { element, type Markup, text } from './svg.ts';
import { label } from './text.ts';

/** Options of `graphView`. */
export interface GraphViewOptions extends ChartOptions {
  /** Direction of the computation: left to right (default), or top to bottom. */
  orientation?: 'horizontal' | 'vertical';
  /** Ids of nodes to emphasize; edges between two of them are emphasized too. */
  highlight?: readonly string[];
  /** Write values above the wires. Default: when any node has one. */
  values?: boolean;
  /** Write gradients below the wires, "—" for one that was not computed. Default: when any node has a value or one. */
  gradients?: boolean;
  /** Write shapes into the nodes. Default true. */
  shapes?: boolean;
  /** Significant digits of numbers. Default 4. */
  digits?: number;
  /** A graph with more nodes than this is collapsed by module. Default 120. */
  maxNodes?: number;
  /** Paths of modules to show open, whatever their size. */
  expand?: readonly string[];
  /** Paths of modules to show closed. */
  collapse?: readonly string[];
}

/**
 * Draws a computational graph. Boxes carry `data-node` or `data-module`, edges `data-from` and `data-to`, for pages
 * that react to them. Without a given size the picture is as large as the graph needs; with one it is scaled to fit.
 *
 * A wire shows its edge's own value and gradient, or those of the node it comes from. Where a node is used more than
 * once and its edges have no gradients of their own, the total stands at the node instead.
 *
 * @throws RangeError when two nodes share an id or an edge refers to a node that is not there.
 * @example
 * graphView({
 *   nodes: [{ id: 'x', label: 'x', value: 3, gradient: 6 }, { id: 'y', label: 'square', op: 'square', value: 9, gradient: 1 }],
 *   edges: [{ from: 'x', to: 'y' }],
 * })
 */
export function graphView(graph: GraphData, options: GraphViewOptions = {}): string {
  checkOptions(
    'graphView',
    options,
    'orientation highlight values gradients shapes digits maxNodes expand collapse width height title description theme id background',
  );
  check(graph);
  const has = (key: 'value' | 'gradient') => graph.nodes.some((node) => known(node[key]));
  const settings: Settings = {
    values: options.values ?? has('value'),
    gradients: options.gradients ?? (has('value') || has('gradient')),
    shapes: options.shapes ?? true,
    digits: options.digits ?? 4,
    vertical: options.orientation === 'vertical',
    highlight: new Set(options.highlight ?? []),
  };
  const collapsed = collapseGraph(graph, {
    maxNodes: Math.max(2, options.maxNodes ?? 120),
    expand: options.expand ?? [],
    collapse: options.collapse ?? [],
  });
  const plan = planGraph(collapsed, settings);
  const placed = layoutGraph(plan.nodes, plan.wires, settings.vertical ? 'vertical' : 'horizontal');
  const empty = graph.nodes.length === 0;
  const natural = {
    width: Math.max(empty ? 320 : 160, placed.width + 2 * margin + 8),
    height: placed.height + 8,
  };
  const shrink = Math.min(1, (options.width ?? 20_000) / natural.width, 19_000 / natural.height);
  return chart(options, {
    kind: 'Computational graph',
    width: Math.max(160, Math.ceil(natural.width * shrink)),
    height: { content: empty ? 80 : Math.max(40, Math.ceil(natural.height * shrink)) },
    summary: summarize(graph, settings),
    draw: (frame) => {
      if (empty) return emptyNotice(frame);
      const width = frame.right - frame.left;
      const height = frame.bottom - frame.top;
      const scale = Math.min(1, width / placed.width, height / placed.height);
      const x = frame.left + (width - placed.width * scale) / 2;
      const y = frame.top + (height - placed.height * scale) / 2;
      const round = (value: number) => Math.round(value * 1000) / 1000;
      const transform = `translate(${round(x)} ${round(y)})${scale === 1 ? '' : ` scale(${round(scale)})`}`;
      const nodes = new Map(plan.nodes.map((node) => [node.id, node]));
      const edges = plan.wires.map((wire, i) => {
        const { points, ...at } = placed.edges[i];
        const end = (id: string) => ({ ...boxSize(nodes.get(id)!), ...placed.boxes.get(id)! });
        const reaching = settings.vertical ? points : upToBoxes(points, end(wire.from), end(wire.to));
        return drawWire(frame, wire, { points: reaching, ...at }, settings);
      });
      const boxes = plan.nodes.flatMap((node) => {
        const at = placed.boxes.get(node.id);
        return node.box === undefined || at === undefined ? [] : [drawBox(frame, node, at, settings)];
      });
      return [
        element(
          'defs',
          {},
          arrow(`${frame.id}-arrow`, frame.paint.role('axis')),
          arrow(`${frame.id}-arrow-accent`, frame.paint.role('accent')),
        ),
        element(
          'g',
          { transform },
          element('g', { class: 'ag-edges' }, edges),
          element('g', { class: 'ag-nodes' }, boxes),
        ),
      ];
    },
  });
}

interface Box extends Place {
  width: number;
}

/** The wire from box to box: the room that a box has for its notes may be wider than the box. */
function upToBoxes(points: [number, number][], source: Box, target: Box): [number, number][] {
  const [right, left] = [source.x + source.width / 2, target.x - target.width / 2];
  const out = [...points];
  if (points[0][0] > right + 1) out.unshift([right, source.y]);
  if (points[points.length - 1][0] < left - 1) out.push([left, target.y]);
  return out;
}

function drawWire(
  { paint, id }: Frame,
  wire: Wire,
  at: { points: [number, number][] } & Place,
  settings: Settings,
): Markup {
  const path = line()
    .curve(settings.vertical ? curveMonotoneY : curveMonotoneX)
    .digits(1);
  const stroke = paint.role(wire.emphasized ? 'accent' : 'axis');
  const out = [
    element('path', {
      d: path(at.points) ?? '',
      fill: 'none',
      stroke,
      'stroke-width': wire.emphasized ? 2.5 : Math.min(5, 1.3 + Math.log10(wire.count)),
      'marker-end': `url(#${id}-arrow${wire.emphasized ? '-accent' : ''})`,
    }),
  ];
  const { label: name, below } = wire.notes;
  const above = rowsAbove(wire.notes);
  const kindAbove = (i: number) => (i === 0 && name !== undefined ? 'label' : 'value');
  if (settings.vertical) {
    const top = at.y - ((above.length + below.length - 1) * noteHeight) / 2;
    const y = (row: number) => top + row * noteHeight;
    out.push(
      ...above.map((row, i) => note(paint, row, at.x + 8, y(i), kindAbove(i), 'start')),
      ...below.map((row, i) => note(paint, row, at.x + 8, y(above.length + i), 'gradient', 'start')),
    );
  } else {
    out.push(
      ...above.map((row, i) =>
        note(paint, row, at.x, at.y - 10 - (above.length - 1 - i) * noteHeight, kindAbove(i)),
      ),
      ...below.map((row, i) => note(paint, row, at.x, at.y + 10 + i * noteHeight, 'gradient')),
    );
  }
  return element(
    'g',
    { class: 'ag-edge', 'data-from': wire.source, 'data-to': wire.target || undefined },
    out,
  );
}

function drawBox({ paint }: Frame, node: PlannedNode, at: Place, settings: Settings): Markup {
  const { box, lines, notes } = node;
  if (box === undefined) return element('g', {});
  const { width, height } = boxSize(node);
  const [x, y] = [at.x - width / 2, at.y - height / 2];
  const look = appearance(box);
  const emphasized = 'node' in box && settings.highlight.has(box.node.id);
  const stroke = emphasized
    ? paint.role('accent')
    : look.series === undefined
      ? paint.role('axis')
      : paint.series(look.series);
  const out = [
    element(
      'title',
      {},
      text(
        'group' in box
          ? `${box.group.label}: ${box.group.nodes} nodes, ${box.group.detail}`
          : tooltip(box.node),
      ),
    ),
  ];
  if (look.stacked) {
    out.push(
      element('rect', { x: x + 4, y: y - 4, width, height, rx: 6, fill: paint.role('panel'), stroke }),
    );
  }
  out.push(
    element('rect', {
      x,
      y,
      width,
      height,
      rx: look.round ? height / 2 : 6,
      fill: paint.role(look.round ? 'surface' : 'panel'),
      stroke,
      'stroke-width': emphasized ? 3 : look.series === undefined ? 1.3 : 2,
      'stroke-dasharray': look.dashed ? '4 3' : undefined,
    }),
    label(lines[0], at.x, at.y - (lines.length > 1 ? 6 : 0), {
      fill: paint.role('ink'),
      size: 13,
      anchor: 'middle',
      weight: emphasized ? 600 : undefined,
    }),
  );
  if (lines.length > 1)
    out.push(label(lines[1], at.x, at.y + 10, { fill: paint.role('muted'), size: 10, anchor: 'middle' }));
  const { above, below } = notes;
  out.push(
    ...above.map((row, i) => note(paint, row, at.x, y - 9 - (above.length - 1 - i) * noteHeight, 'value')),
    ...below.map((row, i) => note(paint, row, at.x, y + height + 9 + i * noteHeight, 'gradient')),
  );
  const data = 'group' in box ? { 'data-module': box.group.module ?? '' } : { 'data-node': box.node.id };
  return element('g', { class: 'group' in box ? 'ag-group' : 'ag-node', ...data }, out);
}

/** Operations are round; what goes in is angular, parameters with a strong border, constants with a dashed one. */
function appearance(box: GraphBox): { round: boolean; stacked: boolean; dashed: boolean; series?: number } {
  if ('group' in box) return { round: false, stacked: true, dashed: false };
  const kind = (box.node.kind ?? '').toLowerCase();
  const round = box.node.op !== undefined;
  if (/param|variable|trainable/.test(kind))
    return { round: false, stacked: false, dashed: false, series: 0 };
  if (/input|placeholder/.test(kind)) return { round: false, stacked: false, dashed: false, series: 2 };
  return { round, stacked: false, dashed: !round && /const|literal/.test(kind) };
}

function note(
  paint: Frame['paint'],
  content: string,
  x: number,
  y: number,
  kind: 'value' | 'gradient' | 'label',
  anchor: 'start' | 'middle' = 'middle',
): Markup {
  const isMuted = kind === 'label' || content.endsWith(notComputed);
  const fill = isMuted ? 'muted' : kind === 'gradient' ? 'gradientInk' : 'ink';
  const style = { fill: paint.role(fill), size: noteSize, anchor, halo: paint.role('surface') };
  return element('g', { class: `ag-${kind}` }, label(content, x, y, style));
}

function tooltip(node: GraphNode): string {
  const shape = node.shape === undefined ? '' : ` [${node.shape.map((size) => size ?? '?').join(', ')}]`;
  const where = node.module ? ` in ${node.module}` : '';
  return `${node.label}${node.op === undefined || node.op === node.label ? '' : ` (${node.op})`}${shape}${node.dtype ? ` ${node.dtype}` : ''}${where}`;
}

function arrow(id: string, fill: string): Markup {
  const box = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: 'auto' };
  // Sizes in pixels, not in widths of the line.
  return element(
    'marker',
    { id, ...box, markerUnits: 'userSpaceOnUse' },
    element('path', { d: 'M0,0.8L7,4L0,7.2Z', fill }),
  );
}

function check(graph: GraphData): void {
  const ids = new Set<string>();
  for (const { id } of graph.nodes) {
    if (ids.has(id))
      throw valueError(`graphView: two nodes have the id ${JSON.stringify(id)}; ids must be unique`);
    ids.add(id);
  }
  for (const { from, to } of graph.edges) {
    for (const end of [from, to]) {
      if (!ids.has(end)) {
        throw valueError(
          `graphView: the edge from ${JSON.stringify(from)} to ${JSON.stringify(to)} refers to ${JSON.stringify(end)}, which is not among the nodes`,
        );
      }
    }
  }
}

function summarize(graph: GraphData, settings: Settings): string {
  if (graph.nodes.length === 0) return 'A computational graph without nodes.';
  const nodes = graph.nodes.slice(0, 16).map((node) => {
    const value = settings.values
      ? ` = ${valueLines(node.value, node.shape, settings.digits).join(' ')}`
      : '';
    const gradient = settings.gradients
      ? `, gradient ${known(node.gradient) ? valueLines(node.gradient, node.shape, settings.digits).join(' ') : 'not computed'}`
      : '';
    return `${node.label}${value}${gradient}`;
  });
  const more = graph.nodes.length > 16 ? `; and ${graph.nodes.length - 16} more` : '';
  return `Computational graph of ${graph.nodes.length} nodes and ${graph.edges.length} edges: ${nodes.join('; ')}${more}.`;
}
