/**
 * Which nodes are computed by one kernel. A cluster is one kernel: at most one root (a reduction, a contraction,
 * …) and elementwise nodes around it. Fusion reads forms, never names.
 *
 * Going forward, an elementwise node joins the kernel that makes its input when both run over the same elements;
 * what else needs the intermediate value finds it as a further output of that kernel. Going backward, an
 * elementwise kernel whose values only one other kernel reads is computed where it is read and never stored.
 *
 * Levels keep it free of cycles: every input of a cluster comes from a lower level, so joining a cluster is safe
 * when all other inputs lie below it.
 */
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { expandView, isContiguous, reshapeView } from '../view.ts';
import { absorb } from './absorb.ts';
import {
  type Cluster,
  countReads,
  form,
  gatesOf,
  maxMembers,
  maxReads,
  readBases,
  shapeOnly,
} from './cluster.ts';
import { meetingOrder } from './collectives.ts';
import { baseOf, isView, type PlanNode, viewOf, widens } from './lower.ts';
import { rematerialize } from './rematerialize.ts';

export interface Fusion {
  /** In a valid order of execution. */
  readonly clusters: readonly Cluster[];
  /** The cluster that computes a node, for nodes whose values are stored. */
  readonly clusterOf: ReadonlyMap<PlanNode, Cluster>;
  /** Nodes that need memory: results, and what other clusters read. */
  readonly stored: ReadonlySet<PlanNode>;
}

/** @param maxBuffers buffers that a kernel may read and write; of these two at least are for what it writes */
export function fuse(
  nodes: readonly PlanNode[],
  results: readonly PlanNode[],
  enabled: boolean,
  maxBuffers = Number.POSITIVE_INFINITY,
): Fusion {
  const most = Math.min(maxReads, maxBuffers - 2);
  const used = reachable(nodes, results);
  const clusterOf = new Map<PlanNode, Cluster>();
  const clusters: Cluster[] = [];

  for (const node of nodes) {
    if (!used[node.index] || node.op === null || isView(node) || form(node) === 'coordinates') continue;
    if (form(node) === 'result') {
      const loop = clusterOf.get(node.inputs[0])!;
      loop.members.push(node);
      clusterOf.set(node, loop);
      continue;
    }
    if (form(node) !== 'map') {
      const level = 1 + highest([...readBases(node), ...gatesOf(node)], clusterOf);
      const cluster = { root: node, members: [], domain: node.shape, level, absorbed: new Set<PlanNode>() };
      clusters.push(cluster);
      clusterOf.set(node, cluster);
      continue;
    }
    const joined = enabled ? join(node, clusterOf, most) : null;
    if (joined) {
      for (const other of joined.others) {
        joined.target.members.push(...other.members);
        for (const member of other.members) clusterOf.set(member, joined.target);
        clusters.splice(clusters.lastIndexOf(other), 1);
      }
      joined.target.members.push(node);
      clusterOf.set(node, joined.target);
    } else {
      const level = 1 + highest([...readBases(node), ...gatesOf(node)], clusterOf);
      const cluster = {
        root: null,
        members: [node],
        domain: node.shape,
        level,
        absorbed: new Set<PlanNode>(),
      };
      clusters.push(cluster);
      clusterOf.set(node, cluster);
    }
  }

  const fixed = new Set(results);
  const kept = enabled ? absorb(clusters, clusterOf, fixed, most) : clusters;
  if (enabled) rematerialize(kept, clusterOf, fixed, maxBuffers - 2);
  const stored = storedNodes(kept, clusterOf, fixed);
  return { clusters: order(kept, clusterOf, results), clusterOf, stored };
}

/** The clusters that `node` can join: one target, and others that become part of it. */
function join(
  node: PlanNode,
  clusterOf: Map<PlanNode, Cluster>,
  most: number,
): { target: Cluster; others: Cluster[] } | null {
  const bases = readBases(node);
  const gates = gatesOf(node);
  const top = highest([...bases, ...gates], clusterOf);
  if (top === 0) return null;
  let target: Cluster | null = null;
  const others: Cluster[] = [];
  for (const base of new Set(bases)) {
    const cluster = clusterOf.get(base);
    if (!cluster || cluster.level !== top) continue;
    // Also for a further node of a cluster that was met before: one of the two may be read through a view.
    if (!extendable(cluster) || !sameElements(node, base, cluster)) return null;
    if (cluster === target || others.includes(cluster)) continue;
    if (target === null) target = cluster;
    else if (cluster.root === null) others.push(cluster);
    else if (target.root === null) {
      others.push(target);
      target = cluster;
    } else return null;
  }
  if (target === null) return null;
  for (const gate of gates) {
    const cluster = clusterOf.get(gate);
    if (cluster?.level === top && cluster !== target && !others.includes(cluster)) return null;
  }
  for (const other of others) if (!fitsDomain(other.members, target.domain)) return null;
  const size = others.reduce((n, cluster) => n + cluster.members.length, target.members.length) + 1;
  if (size > maxMembers || countReads([target, ...others], node) > most) return null;
  if (!fitsDomain([node], target.domain)) return null;
  return { target, others };
}

/** Reductions, contractions and elementwise kernels can go on with elementwise work on what they made. */
function extendable(cluster: Cluster): boolean {
  return cluster.root === null || form(cluster.root) === 'reduce' || form(cluster.root) === 'contract';
}

/** Whether `node` reads `base` element by element, in the order of the cluster's domain. */
function sameElements(node: PlanNode, base: PlanNode, cluster: Cluster): boolean {
  if (sizeOf(node.shape) !== sizeOf(cluster.domain)) return false;
  return node.inputs.every((input) => {
    if (baseOf(input) !== base) return true;
    const view = viewOf(input);
    return view !== null && isContiguous(view) && sizeOf(input.shape) === sizeOf(node.shape);
  });
}

/** Whether everything that `members` read can be addressed by positions in `domain`. */
function fitsDomain(members: readonly PlanNode[], domain: Shape): boolean {
  return members.every((member) => {
    if (sameShape(member.shape, domain)) return true;
    return member.inputs.every((input) => {
      const view = viewOf(input);
      return view !== null && reshapeView(expandView(view, member.shape), domain) !== null;
    });
  });
}

function storedNodes(
  clusters: readonly Cluster[],
  clusterOf: ReadonlyMap<PlanNode, Cluster>,
  results: ReadonlySet<PlanNode>,
): Set<PlanNode> {
  const stored = new Set<PlanNode>(results);
  for (const cluster of clusters) {
    const inside = new Set([...cluster.members, ...cluster.absorbed]);
    const nodes = [...inside];
    if (cluster.root) nodes.push(cluster.root);
    for (const node of nodes) {
      for (const input of node.inputs) {
        const base = baseOf(input);
        if (base.op === null || form(base) === 'coordinates') continue;
        if (shapeOnly(node, input)) continue;
        if (inside.has(base) || base === cluster.root) continue;
        if (clusterOf.has(base)) stored.add(base);
      }
    }
  }
  return stored;
}

/** Depth first from the results, so that a value is used soon after it is made. Later results first: see `plan.ts`. */
function order(
  clusters: readonly Cluster[],
  clusterOf: ReadonlyMap<PlanNode, Cluster>,
  results: readonly PlanNode[],
): Cluster[] {
  const ordered: Cluster[] = [];
  const done = new Set<Cluster>();
  const alive = new Set(clusters);
  const before = meetingOrder(clusters);
  const inputsOf = (cluster: Cluster): Cluster[] => {
    const inside = new Set([...cluster.members, ...cluster.absorbed]);
    const nodes = [...inside];
    if (cluster.root) nodes.unshift(cluster.root);
    const found: Cluster[] = [];
    const earlier = before.get(cluster);
    if (earlier) found.push(earlier);
    for (const node of nodes) {
      // A gate that is computed where it is read is open once what it reads is there.
      for (const gate of gatesOf(node)) {
        const other = clusterOf.get(gate);
        if (other && other !== cluster && !inside.has(gate))
          found.push(...(alive.has(other) ? [other] : inputsOf(other)));
      }
      for (const input of node.inputs) {
        const base = baseOf(input);
        if (inside.has(base) || base === cluster.root || shapeOnly(node, input)) continue;
        const other = clusterOf.get(base);
        if (other && other !== cluster && alive.has(other)) found.push(other);
      }
    }
    // What makes much of a little that lies in memory anyway: last, so that nothing is computed while it is kept.
    return found.length > 1
      ? [...found.filter((other) => !onlyWidens(other)), ...found.filter(onlyWidens)]
      : found;
  };
  const stack: { cluster: Cluster; inputs: Cluster[]; next: number }[] = [];
  const visit = (cluster: Cluster): void => {
    if (done.has(cluster)) return;
    done.add(cluster);
    stack.push({ cluster, inputs: inputsOf(cluster), next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const input = top.inputs[top.next++];
      if (input === undefined) {
        stack.pop();
        ordered.push(top.cluster);
      } else if (!done.has(input)) {
        done.add(input);
        stack.push({ cluster: input, inputs: inputsOf(input), next: 0 });
      }
    }
  };
  for (const result of results) visit(clusterOf.get(result)!);
  return ordered;
}

function onlyWidens({ level, members }: Cluster): boolean {
  return level === 1 && members.some((member) => widens(member));
}

function reachable(nodes: readonly PlanNode[], results: readonly PlanNode[]): Uint8Array {
  const used = new Uint8Array(nodes.length);
  for (const result of results) used[result.index] = 1;
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!used[i]) continue;
    const node = nodes[i];
    for (const input of node.inputs) if (!shapeOnly(node, input)) used[input.index] = 1;
  }
  return used;
}

function highest(bases: readonly PlanNode[], clusterOf: ReadonlyMap<PlanNode, Cluster>): number {
  let level = 0;
  for (const base of bases) level = Math.max(level, clusterOf.get(base)?.level ?? 0);
  return level;
}
