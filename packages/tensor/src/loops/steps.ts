/** A loop seen from outside: what its steps started from, and the graph of a single one. */
import { sectionOf } from '../functions/select.ts';
import type { LoopSteps } from '../ops/op.ts';
import { apply, literal, type Tensor } from '../tensor.ts';
import { bodyOf, type LoopAttributes, lengthOf, positionsIn } from './attributes.ts';
import { resultOf } from './result.ts';

/** The steps of a loop. */
export function stepsOfLoop(loop: Tensor): LoopSteps {
  const attributes = loop.attributes as LoopAttributes;
  const { inputs } = loop;
  const body = bodyOf(attributes, inputs);
  const at = positionsIn(attributes);
  const stackOf = (node: Tensor): Tensor[] => {
    const position = body.positions.get(node);
    return position === undefined ? [] : [resultOf(loop, 'stack', position)];
  };
  const row = (x: Tensor, i: number): Tensor => sectionOf(x, i, 1, 0).squeeze(0);
  return {
    length: lengthOf(attributes, inputs),
    reverse: attributes.reverse,
    carried: () => body.carry.flatMap(stackOf),
    collected: () => body.others.flatMap(stackOf),
    step(i) {
      const made = new Map<Tensor, Tensor>();
      for (const leaf of body.carry) for (const stack of stackOf(leaf)) made.set(leaf, row(stack, i));
      body.sequences.forEach((leaf, k) => made.set(leaf, row(inputs[at.sequences + k], i)));
      body.captured.forEach((leaf, k) => made.set(leaf, inputs[at.captured + k]));
      body.scalars.forEach((leaf, k) => made.set(leaf, inputs[at.scalars + k]));
      if (body.index) made.set(body.index, literal(i, 'int32'));
      for (const node of body.nodes) {
        if (node.op === null || !node.inputs.some((input) => made.has(input))) continue;
        made.set(
          node,
          apply(
            node.op,
            node.inputs.map((input) => made.get(input) ?? input),
            node.attributes,
          ),
        );
      }
      return [...body.next, ...body.others].map((node) => made.get(node) ?? node);
    },
  };
}
