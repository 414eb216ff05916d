import type { AnyOp, Tensor } from '@ag/tensor';
import { watchCreation } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import { sourceOf, topologicalOrder } from './gradients.ts';
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

// Which rules appear in which cases.
const casesOf = new Map<AnyOp, GradientCase[]>();
for (const one of gradientCases) {
  for (const op of rulesIn(one.f(one.inputs()))) casesOf.set(op, [...(casesOf.get(op) ?? []), one]);
}

/** Rules that give 0 on purpose: a flipped sign changes nothing there. */
const zeroRules = new Set(['sign', 'floor', 'ceil', 'round', 'detach']);

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

/** Rules that are the same wherever the operands lie (piecewise): they have no derivative that could be missing. */
const linear = [
  'abs', 'add', 'broadcastTo', 'cast', 'ceil', 'cumsum', 'detach', 'diagonal', 'flip', 'floor', 'gather', 'max', 'maxPool',
  'maximum', 'mean', 'min', 'minimum', 'mod', 'neg', 'permute', 'place', 'relu', 'reshape', 'round', 'scatter', 'section', 'sign',
  'slice', 'sub', 'sum', 'where', 'windowSum',
]; // biome-ignore format: a list

describe('the gradient check has teeth', () => {
  it('notices at order 2 a rule whose own derivative is missing', () => {
    const unnoticed = [...casesOf.keys()].filter((op) =>
      casesOf
        .get(op)!
        .filter((one) => one.order >= 2 && !one.expected)
        .every((one) => runGradientCase({ ...one, f: withMutation(one.f, op, frozenRule), order: 2 }).passed),
    );
    expect(unnoticed.map(({ name }) => name).filter((name) => !linear.includes(name))).toEqual([]);
  });

  for (const [op] of casesOf) {
    it(`notices a wrong rule of ${op.name}`, () => {
      const samples = ruleAt(op);
      const operands = samples[0].contributions.flatMap((c, i) => (c ? [i] : []));
      const mutations = zeroRules.has(op.name) ? [addedGradient(0)] : operands.flatMap(contributionMutations);
      const survivors = mutations.filter((mutation) => !isCaught(op, mutation)).map(({ name }) => name);
      expect(survivors).toEqual([]);
    });

    if (!zeroRules.has(op.name)) {
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
