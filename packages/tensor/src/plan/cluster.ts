/**
 * A cluster is what one kernel computes: its nodes, what it reads, and how large it may become.
 */
import type { Shape } from '../shape.ts';
import { baseOf, copy, isView, type PlanNode } from './lower.ts';

/** Beyond this an elementwise kernel is cut: code size and the number of operands a device can bind are limited. */
export const maxMembers = 48;
export const maxReads = 20;
/** Elementwise work up to this cost may be done twice rather than stored. */
export const cheap = 2;

export interface Cluster {
  /** The node that decides the form of the kernel; null for a kernel of elementwise nodes alone. */
  root: PlanNode | null;
  /** Elementwise nodes, inputs first; for a rooted cluster they follow the root. */
  members: PlanNode[];
  /** The elements that the members run over. */
  domain: Shape;
  level: number;
  /** Elementwise nodes of other clusters that are computed here as well, because only this cluster reads them. */
  absorbed: Set<PlanNode>;
  /** Inputs of a root of form `place` by the node that has their elements, once they have been asked for. */
  parts?: Map<PlanNode, PlanNode[]>;
}

/** Operands that give only their shape are not computed. */
export function shapeOnly(node: PlanNode, input: PlanNode): boolean {
  const kind = form(node);
  if (kind === 'coordinates') return true;
  if (kind === 'view') return input !== node.inputs[0] && input.leaf?.kind !== 'scalar';
  return (
    kind === 'scatter' && input === node.inputs[0] && input !== node.inputs[2] && input !== node.inputs[1]
  );
}

/** What a node reads, through views. */
export function readBases(node: PlanNode): PlanNode[] {
  return node.inputs.filter((input) => !shapeOnly(node, input)).map(baseOf);
}

/** What must have been computed before a node reads its inputs: the second operands of barriers on the way. */
export function gatesOf(node: PlanNode): PlanNode[] {
  const gates: PlanNode[] = [];
  for (const input of node.inputs) {
    for (let at = input; isView(at); at = at.inputs[0]) {
      if (form(at) === 'barrier') gates.push(baseOf(at.inputs[1]));
    }
  }
  return gates;
}

export function countReads(clusters: readonly Cluster[], extra: PlanNode | null): number {
  const inside = new Set<PlanNode>();
  for (const cluster of clusters) {
    for (const member of cluster.members) inside.add(member);
    for (const member of cluster.absorbed) inside.add(member);
    if (cluster.root) inside.add(cluster.root);
  }
  if (extra) inside.add(extra);
  const reads = new Set<PlanNode>();
  for (const node of inside) {
    for (const input of node.inputs) {
      const base = baseOf(input);
      if (
        inside.has(base) ||
        (base.op === null && base.leaf!.kind !== 'binding') ||
        (base.op && form(base) === 'coordinates')
      )
        continue;
      reads.add(base);
    }
  }
  return reads.size;
}

export function costOf(node: PlanNode): number {
  const lowering = node.op!.lower;
  return node.op === copy ? 0 : lowering.form === 'map' ? (lowering.cost ?? 1) : 0;
}

export function form(node: PlanNode): string {
  return node.op!.lower.form;
}
