/**
 * An inspected graph as text: for terminals, for Graphviz, for Mermaid.
 */
import type { InspectedGraph, InspectedNode, InspectedValue } from './inspected.ts';

/** Implements `Inspection.toText`. */
export function textOf({ nodes, edges }: InspectedGraph): string {
  const inputs = inputsOf(edges);
  return nodes
    .map((node) => {
      const operands = inputs.get(node.id)?.join(', ') ?? '';
      const what = node.kind === 'op' ? `${node.label}(${operands})` : `${node.label}: ${node.kind}`;
      const parts = [`${node.id} ${what} ${typeOf(node)}`];
      if (node.value !== null) parts.push(`value ${valueText(node.value)}`);
      if (node.gradient !== null) parts.push(`gradient ${valueText(node.gradient)}`);
      if (node.module) parts.push(`in ${node.module}`);
      if (node.site) parts.push(`at ${node.site}`);
      return parts.join(', ');
    })
    .join('\n');
}

/** Implements `Inspection.toDot`. */
export function dotOf({ nodes, edges }: InspectedGraph): string {
  const quoted = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const shapes = {
    op: 'ellipse',
    parameter: 'box',
    constant: 'plaintext',
    placeholder: 'parallelogram',
    leaf: 'box',
  } as const;
  const lines = nodes.map(
    (node) => `  ${node.id} [label=${quoted(labelLines(node).join('\n'))}, shape=${shapes[node.kind]}];`,
  );
  const arrows = edges.map(({ from, to, gradient }) =>
    gradient === null
      ? `  ${from} -> ${to};`
      : `  ${from} -> ${to} [label=${quoted(`gradient ${valueText(gradient)}`)}];`,
  );
  return ['digraph {', '  rankdir=LR;', ...lines, ...arrows, '}'].join('\n');
}

/** Implements `Inspection.toMermaid`. */
export function mermaidOf({ nodes, edges }: InspectedGraph): string {
  const escaped = (text: string): string =>
    text.replaceAll('&', '#amp;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
  const frames: Record<InspectedNode['kind'], readonly [string, string]> = {
    op: ['(["', '"])'],
    parameter: ['["', '"]'],
    constant: ['("', '")'],
    placeholder: ['[/"', '"/]'],
    leaf: ['["', '"]'],
  };
  const lines = nodes.map((node) => {
    const [open, close] = frames[node.kind];
    return `  ${node.id}${open}${labelLines(node).map(escaped).join('<br/>')}${close}`;
  });
  return ['flowchart LR', ...lines, ...edges.map(({ from, to }) => `  ${from} --> ${to}`)].join('\n');
}

function inputsOf(edges: InspectedGraph['edges']): Map<string, string[]> {
  const inputs = new Map<string, string[]>();
  for (const { from, to, index } of edges) {
    const list = inputs.get(to);
    if (list) list[index] = from;
    else inputs.set(to, [from]);
  }
  return inputs;
}

function labelLines(node: InspectedNode): string[] {
  const lines = [node.label, typeOf(node)];
  if (node.value !== null) lines.push(`value ${valueText(node.value)}`);
  if (node.gradient !== null) lines.push(`gradient ${valueText(node.gradient)}`);
  return lines;
}

function typeOf({ shape, dtype }: InspectedNode): string {
  return `[${shape.map((size) => size ?? 'null').join(', ')}] ${dtype}`;
}

/** Long values end in an ellipsis. */
const longest = 120;

function valueText(value: InspectedValue): string {
  const text = plain(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function plain(value: InspectedValue): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  return Array.isArray(value)
    ? `[${value.map((item) => plain(item as InspectedValue)).join(', ')}]`
    : String(value);
}
