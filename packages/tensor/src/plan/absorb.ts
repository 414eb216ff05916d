/**
 * Absorption: elementwise work is computed where it is read and never stored, if only one kernel reads it or it is cheap.
 */
import { sizeOf } from '../shape.ts';
import { direct } from './access.ts';
import { addressable, addressableFrom } from './addressable.ts';
import { type Cluster, cheap, costOf, countReads, form, maxMembers, maxReads } from './cluster.ts';
import { baseOf, type PlanNode } from './lower.ts';

/** Cost of all that one kernel may compute although another does too. */
const maxRepeated = 4;

/**
 * Takes elementwise clusters into the only cluster that reads them, and cheap ones into every reader.
 * Returns the clusters that remain.
 */
export function absorb(
  clusters: readonly Cluster[],
  clusterOf: Map<PlanNode, Cluster>,
  results: ReadonlySet<PlanNode>,
  mostReads: number,
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
    const fits = [...map].every(([reader, nodes]) =>
      canAbsorb(reader, nodes, cluster, cost, scalarOnly, mostReads),
    );
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

function canAbsorb(
  reader: Cluster,
  nodes: readonly PlanNode[],
  cluster: Cluster,
  cost: number,
  scalarOnly: boolean,
  mostReads: number,
): boolean {
  if (reader.root !== null && form(reader.root) === 'place')
    return canAbsorbPart(reader, nodes, cluster, cost, scalarOnly, mostReads);
  const inside = new Set([...reader.members, ...reader.absorbed, ...cluster.members, ...cluster.absorbed]);
  if (inside.size > maxMembers || countReads([reader, cluster], null) > mostReads) return false;
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
  mostReads: number,
): boolean {
  const place = reader.root!;
  if (nodes.some((node) => node !== place)) return false;
  const inside = new Set([...cluster.members, ...cluster.absorbed]);
  if (inside.size > maxMembers) return false;
  reader.parts ??= groupByBase(place.inputs);
  const parts = cluster.members.flatMap((member) => reader.parts!.get(member) ?? []);
  if (cost > 4 && !scalarOnly && parts.some((part) => sizeOf(part.shape) > sizeOf(cluster.domain)))
    return false;
  // Where a device limits it: a part may read all that its cluster does.
  if (mostReads < maxReads && countReads([cluster], null) > mostReads) return false;
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
