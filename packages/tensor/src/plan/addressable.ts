/**
 * Whether strides can express what a kernel reads when more nodes are computed in it.
 */
import { contiguousView } from '../view.ts';
import { type Access, direct, expanded, reshaped, resolve } from './access.ts';
import type { Cluster } from './cluster.ts';
import type { PlanNode } from './lower.ts';

/** Whether strides can express everything the cluster reads when the nodes `inside` are computed in it. */
export function addressable(cluster: Cluster, inside: ReadonlySet<PlanNode>): boolean {
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
export function addressableFrom(
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
