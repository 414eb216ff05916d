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
import { bytesPerElement } from '../dtype.ts';
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { contiguousView, expandView, isContiguous, reshapeView } from '../view.ts';
import { type Access, direct, expanded, reshaped, resolve } from './access.ts';
import { baseOf, copy, isView, type PlanNode, viewOf } from './lower.ts';

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

export interface Fusion {
  /** In a valid order of execution. */
  readonly clusters: readonly Cluster[];
  /** The cluster that computes a node, for nodes whose values are stored. */
  readonly clusterOf: ReadonlyMap<PlanNode, Cluster>;
  /** Nodes that need memory: results, and what other clusters read. */
  readonly stored: ReadonlySet<PlanNode>;
}

/** Beyond this an elementwise kernel is cut: code size and the number of operands a device can bind are limited. */
const maxMembers = 48;
const maxReads = 20;
/** Elementwise work up to this cost may be done twice rather than stored. */
const cheap = 2;
/** Cost of all that one kernel may compute although another does too. */
const maxRepeated = 4;

export function fuse(nodes: readonly PlanNode[], results: readonly PlanNode[], enabled: boolean): Fusion {
  const used = reachable(nodes, results);
  const clusterOf = new Map<PlanNode, Cluster>();
  const clusters: Cluster[] = [];

  for (const node of nodes) {
    if (!used[node.index] || node.op === null || isView(node) || form(node) === 'coordinates') continue;
    if (form(node) !== 'map') {
      const level = 1 + highest([...readBases(node), ...gatesOf(node)], clusterOf);
      const cluster = { root: node, members: [], domain: node.shape, level, absorbed: new Set<PlanNode>() };
      clusters.push(cluster);
      clusterOf.set(node, cluster);
      continue;
    }
    const joined = enabled ? join(node, clusterOf) : null;
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
  const kept = enabled ? absorb(clusters, clusterOf, fixed) : clusters;
  if (enabled) rematerialize(kept, clusterOf, fixed);
  const stored = storedNodes(kept, clusterOf, fixed);
  return { clusters: order(kept, clusterOf, results), clusterOf, stored };
}

/** The clusters that `node` can join: one target, and others that become part of it. */
function join(
  node: PlanNode,
  clusterOf: Map<PlanNode, Cluster>,
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
  if (size > maxMembers || countReads([target, ...others], node) > maxReads) return null;
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

/**
 * Takes elementwise clusters into the only cluster that reads them, and cheap ones into every reader.
 * Returns the clusters that remain.
 */
function absorb(
  clusters: readonly Cluster[],
  clusterOf: Map<PlanNode, Cluster>,
  results: ReadonlySet<PlanNode>,
): Cluster[] {
  const readers = new Map<Cluster, Map<Cluster, PlanNode[]>>();
  const readBy = new Map<Cluster, Set<Cluster>>();
  /** Cost of what a cluster computes although others compute it too. */
  const repeated = new Map<Cluster, number>();
  const note = (reader: Cluster, node: PlanNode): void => {
    for (const input of node.inputs) {
      const cluster = clusterOf.get(baseOf(input));
      if (!cluster || cluster === reader) continue;
      let map = readers.get(cluster);
      if (!map) {
        map = new Map();
        readers.set(cluster, map);
      }
      const list = map.get(reader);
      if (!list) map.set(reader, [node]);
      else if (list[list.length - 1] !== node) list.push(node);
      const sources = readBy.get(reader);
      if (sources) sources.add(cluster);
      else readBy.set(reader, new Set([cluster]));
    }
  };
  for (const cluster of clusters) {
    if (cluster.root) note(cluster, cluster.root);
    for (const member of cluster.members) note(cluster, member);
  }

  const gone = new Set<Cluster>();
  for (let i = clusters.length - 1; i >= 0; i--) {
    const cluster = clusters[i];
    if (cluster.root !== null || cluster.members.some((member) => results.has(member))) continue;
    const map = readers.get(cluster);
    if (!map) continue;
    const cost = cluster.members.reduce((sum, member) => sum + costOf(member), 0);
    const scalarOnly = sizeOf(cluster.domain) === 1 && countReads([cluster], null) === 0;
    const repeats = map.size > 1 && !scalarOnly;
    if (repeats) {
      if (cost > cheap || countReads([cluster], null) > 2) continue;
      // What is repeated must not itself repeat a long chain.
      if ([...map.keys()].some((reader) => (repeated.get(reader) ?? 0) + cost > maxRepeated)) continue;
    }
    const fits = [...map].every(([reader, nodes]) => canAbsorb(reader, nodes, cluster, cost, scalarOnly));
    if (!fits) continue;
    for (const [reader] of map) {
      for (const member of cluster.members) reader.absorbed.add(member);
      for (const member of cluster.absorbed) reader.absorbed.add(member);
      if (repeats) repeated.set(reader, (repeated.get(reader) ?? 0) + cost);
    }
    gone.add(cluster);
    // What the absorbed cluster read, its readers read now.
    for (const node of [...cluster.members, ...cluster.absorbed]) {
      for (const [reader] of map) note(reader, node);
    }
    for (const source of readBy.get(cluster) ?? []) readers.get(source)!.delete(cluster);
  }
  return clusters.filter((cluster) => !gone.has(cluster));
}

/**
 * A value that follows from another stored one by a step or two (1 − y beside y, a mask y > 0) is computed again
 * where it is read rather than stored beside it.
 */
function rematerialize(
  clusters: readonly Cluster[],
  clusterOf: ReadonlyMap<PlanNode, Cluster>,
  results: ReadonlySet<PlanNode>,
): void {
  const readers = new Map<PlanNode, Map<Cluster, PlanNode[]>>();
  for (const cluster of clusters) {
    for (const node of [...(cluster.root ? [cluster.root] : []), ...cluster.members, ...cluster.absorbed]) {
      for (const input of node.inputs) {
        const base = baseOf(input);
        if (
          !clusterOf.has(base) ||
          clusterOf.get(base) === cluster ||
          cluster.absorbed.has(base) ||
          shapeOnly(node, input)
        )
          continue;
        let map = readers.get(base);
        if (!map) {
          map = new Map();
          readers.set(base, map);
        }
        const list = map.get(cluster);
        if (list) list.push(node);
        else map.set(cluster, [node]);
      }
    }
  }
  const inMemory = (node: PlanNode): boolean => results.has(node) || readers.has(node);
  for (const cluster of clusters) {
    // Inputs first: what is not stored any more can become a step of what follows from it.
    for (const member of cluster.members) {
      const map = readers.get(member);
      if (!map || results.has(member)) continue;
      const steps = new Set<PlanNode>();
      let cost = 0;
      const stack = [member];
      let anchored = false;
      while (stack.length > 0 && cost <= cheap) {
        const node = stack.pop()!;
        if (steps.has(node)) continue;
        steps.add(node);
        cost += costOf(node);
        for (const input of node.inputs) {
          const base = baseOf(input);
          if (cluster.absorbed.has(base)) stack.push(base);
          if (clusterOf.get(base) !== cluster) continue;
          if (inMemory(base)) anchored = true;
          else if (base === cluster.root) cost = Number.POSITIVE_INFINITY;
          else stack.push(base);
        }
      }
      if (cost > cheap) continue;
      const extra = new Set(
        [...steps]
          .flatMap((node) => node.inputs.map(baseOf))
          .filter((base) => !steps.has(base) && isRead(base, clusterOf)),
      );
      // Reading what it follows from must not cost much more than reading the value, which need not be written then.
      const bytes = [...extra].reduce((sum, base) => sum + bytesOf(base), 0);
      if (anchored ? extra.size > 1 && bytes > 1.25 * bytesOf(member) : bytes > bytesOf(member) / 4) continue;
      const fits = [...map].every(([reader, nodes]) => {
        if (nodes.some((node) => !['map', 'reduce', 'place'].includes(form(node)))) return false;
        if (reader.members.length + reader.absorbed.size + steps.size > 2 * maxMembers) return false;
        const inside = new Set([...reader.members, ...reader.absorbed, ...steps]);
        return inside.size <= maxMembers && addressable(reader, inside);
      });
      if (!fits) continue;
      for (const reader of map.keys()) for (const node of steps) reader.absorbed.add(node);
      readers.delete(member);
    }
  }
}

/** Whether a kernel that computes from `base` reads it from memory. */
function isRead(base: PlanNode, clusterOf: ReadonlyMap<PlanNode, Cluster>): boolean {
  return clusterOf.has(base) || (base.op === null && base.leaf!.kind === 'binding');
}

function canAbsorb(
  reader: Cluster,
  nodes: readonly PlanNode[],
  cluster: Cluster,
  cost: number,
  scalarOnly: boolean,
): boolean {
  if (reader.root !== null && form(reader.root) === 'place')
    return canAbsorbPart(reader, nodes, cluster, cost, scalarOnly);
  const inside = new Set([...reader.members, ...reader.absorbed, ...cluster.members, ...cluster.absorbed]);
  if (inside.size > maxMembers || countReads([reader, cluster], null) > maxReads) return false;
  for (const node of nodes) {
    const kind = form(node);
    if (kind !== 'map' && kind !== 'reduce' && kind !== 'place') return false;
    if (cost > 4 && !scalarOnly && iterations(reader, node) > sizeOf(cluster.domain)) return false;
  }
  return addressable(reader, inside);
}

/** The same for a kernel of which each part is a launch of its own, so that the others do not count. */
function canAbsorbPart(
  reader: Cluster,
  nodes: readonly PlanNode[],
  cluster: Cluster,
  cost: number,
  scalarOnly: boolean,
): boolean {
  const place = reader.root!;
  if (nodes.some((node) => node !== place)) return false;
  const inside = new Set([...cluster.members, ...cluster.absorbed]);
  if (inside.size > maxMembers) return false;
  reader.parts ??= groupByBase(place.inputs);
  const parts = cluster.members.flatMap((member) => reader.parts!.get(member) ?? []);
  if (cost > 4 && !scalarOnly && parts.some((part) => sizeOf(part.shape) > sizeOf(cluster.domain)))
    return false;
  const alone = { root: null, members: [], domain: place.shape, level: 0, absorbed: inside };
  return parts.every((part) => addressableFrom(part, direct, alone, inside, new Set()));
}

function groupByBase(inputs: readonly PlanNode[]): Map<PlanNode, PlanNode[]> {
  const groups = new Map<PlanNode, PlanNode[]>();
  for (const input of inputs) {
    const list = groups.get(baseOf(input));
    if (list) list.push(input);
    else groups.set(baseOf(input), [input]);
  }
  return groups;
}

/** How many elements a node in `cluster` is computed for. */
function iterations(cluster: Cluster, node: PlanNode): number {
  if (cluster.root && (node === cluster.root || cluster.absorbed.has(node))) {
    return cluster.root.inputs.reduce((most, input) => Math.max(most, sizeOf(input.shape)), 0);
  }
  return sizeOf(cluster.domain);
}

/** Whether strides can express everything the cluster reads when the nodes `inside` are computed in it. */
function addressable(cluster: Cluster, inside: ReadonlySet<PlanNode>): boolean {
  const seen = new Set<string>();
  if (
    cluster.root &&
    !cluster.root.inputs.every((input) => addressableFrom(input, direct, cluster, inside, seen))
  )
    return false;
  return cluster.members.every((member) =>
    addressableFrom(member, reshaped(member.shape, cluster.domain, direct), cluster, inside, seen),
  );
}

/** The same for what one node is computed from. */
function addressableFrom(
  start: PlanNode,
  from: Access,
  cluster: Cluster,
  inside: ReadonlySet<PlanNode>,
  seen: Set<string>,
): boolean {
  const members = new Set(cluster.members);
  const check = (node: PlanNode, access: Access): boolean => {
    const resolved = resolve(node, access);
    const { base } = resolved;
    const path = members.has(base) ? reshaped(base.shape, cluster.domain, direct) : resolved.access;
    const key = `${base.index}#${path.key}`;
    if (seen.has(key)) return true;
    seen.add(key);
    if (base === cluster.root || !inside.has(base)) {
      const scalar = base.op === null && base.leaf!.kind !== 'binding';
      return scalar || path.apply(contiguousView(base.shape)) !== null;
    }
    return base.inputs.every((input) => check(input, expanded(input.shape, base.shape, path)));
  };
  return check(start, from);
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
  const inputsOf = (cluster: Cluster): Cluster[] => {
    const inside = new Set([...cluster.members, ...cluster.absorbed]);
    const nodes = [...inside];
    if (cluster.root) nodes.unshift(cluster.root);
    const found: Cluster[] = [];
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
    return found;
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
function readBases(node: PlanNode): PlanNode[] {
  return node.inputs.filter((input) => !shapeOnly(node, input)).map(baseOf);
}

/** What must have been computed before a node reads its inputs: the second operands of barriers on the way. */
function gatesOf(node: PlanNode): PlanNode[] {
  const gates: PlanNode[] = [];
  for (const input of node.inputs) {
    for (let at = input; isView(at); at = at.inputs[0]) {
      if (form(at) === 'barrier') gates.push(baseOf(at.inputs[1]));
    }
  }
  return gates;
}

function highest(bases: readonly PlanNode[], clusterOf: ReadonlyMap<PlanNode, Cluster>): number {
  let level = 0;
  for (const base of bases) level = Math.max(level, clusterOf.get(base)?.level ?? 0);
  return level;
}

function countReads(clusters: readonly Cluster[], extra: PlanNode | null): number {
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

function costOf(node: PlanNode): number {
  const lowering = node.op!.lower;
  return node.op === copy ? 0 : lowering.form === 'map' ? (lowering.cost ?? 1) : 0;
}

function form(node: PlanNode): string {
  return node.op!.lower.form;
}

function bytesOf(node: PlanNode): number {
  return sizeOf(node.shape) * bytesPerElement(node.dtype);
}
