/**
 * A loop over many examples at once, for `vmap`: one loop whose carried values, rows and shared operands have the examples in front
 * where they depend on them. Where examples take different numbers of steps, it goes on until all are done, and those that are
 * done keep what they have.
 */
import { zeros, zerosLike } from '../functions/create.ts';
import type { Lane, LoopLanes } from '../ops/op.ts';
import { literal, type Tensor } from '../tensor.ts';
import { bodyOf, type LoopAttributes, type LoopResult, lengthOf, positionsIn } from './attributes.ts';
import { buildLoop, type Role, standIn } from './build.ts';

/** The loop for `size` examples. */
export function batchLoop({ op, attributes, inputs, lanes, size, batch }: LoopLanes<LoopAttributes>): {
  readonly loop: Tensor;
  readonly result: (result: unknown) => Lane;
} {
  const body = bodyOf(attributes, inputs);
  const at = positionsIn(attributes);
  const length = lengthOf(attributes, inputs);
  const wide = ({ tensor, batched }: Lane, shape: readonly number[]): Tensor =>
    batched ? tensor : tensor.broadcastTo([size, ...shape]);
  const roles = new Map<Tensor, NonNullable<Role>>();
  const leaves = new Map<Tensor, Lane>();
  const stand = (leaf: Tensor): Tensor => {
    const own = standIn({ shape: [size, ...leaf.shape], dtype: leaf.dtype });
    leaves.set(leaf, { tensor: own, batched: true });
    return own;
  };
  body.sequences.forEach((leaf, i) => {
    const { tensor, batched } = lanes[at.sequences + i];
    if (!batched) roles.set(leaf, { kind: 'sequence', of: tensor });
    else roles.set(stand(leaf), { kind: 'sequence', of: tensor.transpose(0, 1) });
  });
  body.captured.forEach((leaf, i) => {
    const { tensor, batched } = lanes[at.captured + i];
    roles.set(batched ? stand(leaf) : leaf, { kind: 'captured', of: tensor });
  });
  body.scalars.forEach((leaf, i) => roles.set(leaf, { kind: 'scalar', of: inputs[at.scalars + i] }));
  const index = body.index ?? literal(0, 'int32');
  roles.set(index, { kind: 'index' });

  // Carried values depend on examples where they start so, or where a step makes them so.
  const ragged = attributes.counted && lanes[at.count].batched;
  const nodes = [...body.next, ...(body.condition ? [body.condition] : [])];
  const batched = body.carry.map((_, i) => ragged || lanes[i].batched);
  const carry = body.carry.map((leaf, i) => (batched[i] ? stand(leaf) : leaf));
  let found: Lane[];
  let selective: boolean;
  for (;;) {
    found = batch(leaves, nodes);
    selective = ragged || (body.condition !== null && found[body.carry.length].batched);
    let changed = false;
    body.carry.forEach((leaf, i) => {
      if (batched[i] || !(found[i].batched || selective)) return;
      batched[i] = true;
      carry[i] = stand(leaf);
      changed = true;
    });
    if (!changed) break;
  }
  carry.forEach((leaf) => roles.set(leaf, { kind: 'carry' }));

  // Which examples take the step.
  const counts = ragged ? standIn({ shape: [size], dtype: 'int32' }) : null;
  if (counts) roles.set(counts, { kind: 'captured', of: lanes[at.count].tensor });
  const active = counts ? counts.greater(index) : selective ? found[body.carry.length].tensor : null;
  const where = (mask: Tensor, rank: number): Tensor =>
    mask.reshape([size, ...new Array<number>(rank).fill(1)]);
  const next = body.carry.map((leaf, i) => {
    if (!batched[i]) return found[i].tensor;
    const own = wide(found[i], leaf.shape);
    return active ? where(active, leaf.shape.length).where(own, carry[i]) : own;
  });
  const parts = body.carry.map((leaf, i) => ({
    leaf: carry[i],
    initial: batched[i] ? wide(lanes[i], leaf.shape) : lanes[i].tensor,
    next: next[i],
  }));
  // How many steps each example takes.
  const taken = selective && !ragged ? standIn({ shape: [size], dtype: 'int32' }) : null;
  if (taken) {
    roles.set(taken, { kind: 'carry' });
    parts.push({
      leaf: taken,
      initial: zeros([size], { dtype: 'int32' }),
      next: taken.add(active!.cast('int32')),
    });
  }
  const askable = body.nodes.filter(({ op, leaf }) => leaf?.kind !== 'literal' && op?.lower.form !== 'loop');
  const rows = batch(leaves, askable).map(({ tensor, batched: own }, i): Lane => {
    const { shape } = askable[i];
    if (active === null || body.carry.includes(askable[i])) return { tensor, batched: own };
    const full = wide({ tensor, batched: own }, shape);
    return { tensor: where(active, shape.length).where(full, zerosLike(full)), batched: true };
  });
  const condition = body.condition && (selective ? active!.any() : found[body.carry.length].tensor);
  const loop = buildLoop({
    op,
    carry: parts,
    condition: body.condition ? condition : null,
    others: rows.map(({ tensor }) => tensor),
    roleOf: (node) =>
      roles.get(node) ?? (node.leaf?.kind === 'literal' ? { kind: 'scalar', of: node } : null),
    length: Number.isFinite(length) ? length : -2,
    count: attributes.counted ? (ragged ? lanes[at.count].tensor.max() : lanes[at.count].tensor) : null,
    reverse: attributes.reverse,
    recompute: attributes.recompute,
  });
  const laneOf = new Map(askable.map((node, i) => [node, rows[i]]));
  const result = (asked: unknown): Lane => {
    const { of, at: position } = asked as LoopResult;
    if (of === 'final') return { tensor: loop.final(position), batched: batched[position] };
    if (of === 'count') {
      return taken
        ? { tensor: loop.final(body.carry.length), batched: true }
        : { tensor: loop.count(), batched: false };
    }
    const lane = laneOf.get(body.nodes[position])!;
    const stacked = loop.stack(lane.tensor);
    return { tensor: lane.batched ? stacked.transpose(0, 1) : stacked, batched: lane.batched };
  };
  return { loop: loop.tensor, result };
}
