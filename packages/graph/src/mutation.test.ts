import { type AnyOp, isFloat, type Tensor } from '@ag/tensor';
import { watchCreation } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import { gradients, sourceOf, topologicalOrder } from './gradients.ts';
import { type GradientCase, gradientCases, runGradientCase } from './testing/index.ts';
import {
  addedGradient,
  contributionMutations,
  frozenRule,
  type Mutation,
  rulesIn,
  termMutations,
  withMutation,
} from './testing/mutate.ts';

/** A loop's rule asks for the gradients of its body, and what arrives at it is not of its own shape. */
const isLoop = (op: AnyOp): boolean => op.lower.form === 'loop';

// Which rules appear in which cases; in those of loops, the loops: other operations are only used there.
const casesOf = new Map<AnyOp, GradientCase[]>();
for (const one of gradientCases) {
  const rules = [...rulesIn(one.f(one.inputs()))];
  const loops = rules.filter(isLoop);
  for (const op of loops.length > 0 ? loops : rules) casesOf.set(op, [...(casesOf.get(op) ?? []), one]);
}
const plain = [...casesOf.keys()].filter((op) => !isLoop(op));

/** Whether some case notices; order 1 is enough, the rule itself is wrong. */
function isCaught(op: AnyOp, mutation: Mutation): boolean {
  return casesOf
    .get(op)!
    .some((one) => !runGradientCase({ ...one, f: withMutation(one.f, op, mutation), order: 1 }).passed);
}

/** What a rule gives at a node of one of its cases, and the nodes that it makes. */
function ruleAt(op: AnyOp): { contributions: readonly (Tensor | null)[]; made: Set<Tensor> }[] {
  return casesOf.get(op)!.flatMap((one) => {
    const node = topologicalOrder([one.f(one.inputs())]).nodes.find((n) => sourceOf(n)?.op === op)!;
    const { inputs, attributes } = sourceOf(node)!;
    const made = new Set<Tensor>();
    const g = node.mul(1);
    const contributions = watchCreation(
      (tensor) => made.add(tensor),
      () => op.vjp!(g, inputs, node, attributes),
    );
    return [{ contributions, made }];
  });
}

/** What the rule gives at each node of the operation's cases, for a gradient that depends on nothing, and the node's operands. */
function* rulesOf(op: AnyOp): Iterable<{ contributions: Tensor[]; operands: Tensor[] }> {
  for (const one of casesOf.get(op)!) {
    for (const node of topologicalOrder([one.f(one.inputs())]).nodes) {
      const source = sourceOf(node);
      if (source?.op !== op || node.size === 0) continue;
      const g = node.detach().mul(0).add(1.5);
      const given = op.vjp!(g, source.inputs, node, source.attributes);
      yield {
        contributions: given.filter((contribution) => contribution !== null),
        operands: source.inputs.filter((operand) => isFloat(operand.dtype)),
      };
    }
  }
}

const isZero = (x: Tensor): boolean => x.dataSync().every((value) => value === 0);

/** Whether the rule gives 0 everywhere: a flipped sign changes nothing there. */
const givesZero = (op: AnyOp): boolean =>
  [...rulesOf(op)].every(({ contributions }) => contributions.every(isZero));

/** Whether the rule is the same wherever the operands lie (piecewise): it has no derivative that could be missing. */
const isLinear = (op: AnyOp): boolean =>
  [...rulesOf(op)].every(({ contributions, operands }) =>
    contributions.every((c) => gradients(c.square().sum(), operands).every(isZero)),
  );

const zeroRules = new Set(plain.filter(givesZero));

describe('the gradient check has teeth', () => {
  it('knows which rules are flat and which are linear', () => {
    const named = (ops: Iterable<AnyOp>): string[] => [...ops].map(({ name }) => name).sort();
    expect(named(zeroRules)).toEqual(['ceil', 'detach', 'floor', 'floorDivide', 'round', 'sign', 'trunc']);
    expect(named(plain.filter(isLinear))).toEqual(
      expect.arrayContaining([
        'abs',
        'add',
        'cumsum',
        'gather',
        'maxPool',
        'permute',
        'relu',
        'sum',
        'where',
      ]),
    );
    expect(named(plain.filter(isLinear))).not.toContain('mul');
  });

  it('notices at order 2 a rule whose own derivative is missing', () => {
    const unnoticed = plain.filter((op) =>
      casesOf
        .get(op)!
        .filter((one) => one.order >= 2 && !one.expected)
        .every((one) => runGradientCase({ ...one, f: withMutation(one.f, op, frozenRule), order: 2 }).passed),
    );
    expect(unnoticed.filter((op) => !isLinear(op)).map(({ name }) => name)).toEqual([]);
  });

  for (const op of casesOf.keys()) {
    if (!isLoop(op)) continue;
    it(`notices a wrong rule of ${op.name}`, () => {
      const [one] = casesOf.get(op)!;
      const given = one.inputs();
      const loop = topologicalOrder([one.f(given)]).nodes.find((node) => sourceOf(node)?.op === op)!;
      const depends = (x: Tensor): boolean =>
        topologicalOrder([x]).nodes.some((node) => given.includes(node));
      const mutations = sourceOf(loop)!.inputs.flatMap((x, i) =>
        isFloat(x.dtype) && depends(x) ? contributionMutations(i) : [],
      );
      expect(mutations.length).toBeGreaterThan(0);
      expect(mutations.filter((mutation) => !isCaught(op, mutation)).map(({ name }) => name)).toEqual([]);
    });
  }

  for (const op of plain) {
    it(`notices a wrong rule of ${op.name}`, () => {
      const samples = ruleAt(op);
      const operands = samples[0].contributions.flatMap((c, i) => (c ? [i] : []));
      const mutations = zeroRules.has(op) ? [addedGradient(0)] : operands.flatMap(contributionMutations);
      const survivors = mutations.filter((mutation) => !isCaught(op, mutation)).map(({ name }) => name);
      expect(survivors).toEqual([]);
    });

    if (!zeroRules.has(op)) {
      it(`notices a term or factor missing in the rule of ${op.name}`, () => {
        const [first] = ruleAt(op);
        const survivors = termMutations(first.contributions, first.made)
          .filter((mutation) => !isCaught(op, mutation))
          .map(({ name }) => name);
        expect(survivors).toEqual([]);
      });
    }
  }
});
