/**
 * Makes gradient rules wrong on purpose, to test the gradient check. Operations in a function's graph are exchanged
 * for copies whose rule has a sign flipped, a contribution or a term dropped, a factor changed.
 */
import { type AnyOp, apply, defineOp, type Tensor } from '@ag/tensor';
import { watchCreation } from '@ag/tensor/engine';
import { sourceOf, topologicalOrder } from '../gradients.ts';
import { rewrite } from '../rewrite.ts';

/** A change to what a rule gives: to the whole contribution of one operand, or to one operation inside the rule. */
export interface Mutation {
  readonly name: string;
  readonly change: (
    contributions: readonly (Tensor | null)[],
    g: Tensor,
    made: ReadonlySet<Tensor>,
  ) => readonly (Tensor | null)[];
}

/** All operations in the graph of a tensor that have a rule. */
export function rulesIn(y: Tensor): Set<AnyOp> {
  const found = new Set<AnyOp>();
  for (const node of topologicalOrder([y]).nodes) {
    const op = sourceOf(node)?.op;
    if (op?.vjp) found.add(op);
  }
  return found;
}

/** The function with the operation's rule changed. Its values are the same. */
export function withMutation(
  f: (x: readonly Tensor[]) => Tensor,
  op: AnyOp,
  { change }: Mutation,
): (x: readonly Tensor[]) => Tensor {
  const wrong: AnyOp = defineOp<unknown>({
    ...op,
    vjp: (g, inputs, y, attributes, differentiate) => {
      const made = new Set<Tensor>();
      const right = watchCreation(
        (tensor) => made.add(tensor),
        () => op.vjp!(g, inputs, y, attributes, differentiate),
      );
      return change(right, g, made);
    },
  });
  return (x) =>
    rewrite([f(x)], (_node, own, inputs, attributes) =>
      own === op ? apply(wrong, inputs, attributes) : null,
    )[0];
}

/** A sign flipped, a contribution dropped, a contribution too large: for the operand at `position`. */
export function contributionMutations(position: number): Mutation[] {
  const at = (name: string, of: (contribution: Tensor, g: Tensor) => Tensor | null): Mutation => ({
    name: `operand ${position}: ${name}`,
    change: (contributions, g) => contributions.map((c, i) => (i === position && c ? of(c, g) : c)),
  });
  return [
    at('sign flipped', (c) => c.neg()),
    at('dropped', () => null),
    at('a thousandth too large', (c) => c.mul(1.001)),
  ];
}

/** Right values that depend on nothing but the arriving gradient: a rule whose own derivative is missing. */
export const frozenRule: Mutation = {
  name: 'derivative of the rule missing',
  change: (contributions, g, made) => {
    const given = contributions.filter((c) => c !== null);
    const frozen = rewrite(given, (node) => (made.has(node) || node === g ? null : node.detach()));
    let next = 0;
    return contributions.map((c) => (c === null ? null : frozen[next++]));
  },
};

/** A gradient where there should be none. */
export function addedGradient(position: number): Mutation {
  return {
    name: `operand ${position}: gradient added`,
    change: (contributions, g) => contributions.map((c, i) => (i === position ? (c ? c.add(g) : g) : c)),
  };
}

/** Terms and factors dropped: each sum and product that the rule makes is replaced by one of its operands. */
export function termMutations(
  contributions: readonly (Tensor | null)[],
  made: ReadonlySet<Tensor>,
): Mutation[] {
  const arithmetic = new Set(['add', 'sub', 'mul', 'div']);
  const given = contributions.filter((c) => c !== null);
  const places = topologicalOrder(given).nodes.filter(
    (node) => made.has(node) && arithmetic.has(sourceOf(node)?.op.name ?? ''),
  );
  return places.flatMap((_, place) =>
    [0, 1].map((kept) => ({
      name: `only operand ${kept} of ${sourceOf(places[place])!.op.name} ${place}`,
      change: (now: readonly (Tensor | null)[], _g: Tensor, own: ReadonlySet<Tensor>) =>
        dropTerm(now, own, arithmetic, place, kept),
    })),
  );
}

function dropTerm(
  contributions: readonly (Tensor | null)[],
  made: ReadonlySet<Tensor>,
  arithmetic: ReadonlySet<string>,
  place: number,
  kept: number,
): (Tensor | null)[] {
  const given = contributions.filter((c) => c !== null);
  let seen = 0;
  const changed = rewrite(given, (node, op, inputs) => {
    if (!made.has(node) || !arithmetic.has(op?.name ?? '') || seen++ !== place) return null;
    return inputs[kept].cast(node.dtype).broadcastTo(node.shape);
  });
  let next = 0;
  return contributions.map((c) => (c === null ? null : changed[next++]));
}
