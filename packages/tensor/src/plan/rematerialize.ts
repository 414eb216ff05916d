/**
 * Rematerialization: what follows from another stored value in a step or two is computed again rather than stored.
 */
import { addressable } from './addressable.ts';
import { type Cluster, cheap, costOf, countReads, form, maxMembers, shapeOnly } from './cluster.ts';
import { baseOf, bytesOf, type PlanNode } from './lower.ts';

/**
 * A value that follows from another stored one by a step or two (1 − y beside y, a mask y > 0) is computed again
 * where it is read rather than stored beside it.
 */
export function rematerialize(
  clusters: readonly Cluster[],
  clusterOf: ReadonlyMap<PlanNode, Cluster>,
  results: ReadonlySet<PlanNode>,
  mostReads = Number.POSITIVE_INFINITY,
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
      if (!map || results.has(member) || form(member) === 'result') continue;
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
        if (
          mostReads < Number.POSITIVE_INFINITY &&
          countReads([{ ...reader, absorbed: inside }], null) > mostReads
        )
          return false;
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
