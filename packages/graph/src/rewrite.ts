/**
 * Builds a graph again with other nodes in place of some. So a checkpoint recomputes, an operation is exchanged for
 * another, and placeholders are replaced by what they are fed.
 */
import { type AnyOp, apply, Tensor } from '@ag/tensor';
import { sourceOf, topologicalOrder } from './gradients.ts';

/** One node as it was when it was recorded; it can be built again after the node itself has become a value. */
export interface Step {
  readonly node: Tensor;
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** The operations between `outputs` and the nodes that `inside` rejects, inputs first. */
export function stepsTo(outputs: readonly Tensor[], inside: (node: Tensor) => boolean = () => true): Step[] {
  const steps: Step[] = [];
  for (const node of topologicalOrder(outputs).nodes) {
    const source = inside(node) ? sourceOf(node) : null;
    if (source) steps.push({ node, op: source.op, inputs: source.inputs, attributes: source.attributes });
  }
  return steps;
}

/** Builds the steps anew wherever something that they read was replaced; `replaced` is filled with the new nodes. */
export function replay(steps: readonly Step[], replaced: Map<Tensor, Tensor>): void {
  for (const { node, op, inputs, attributes } of steps) {
    if (replaced.has(node) || !inputs.some((input) => replaced.has(input))) continue;
    replaced.set(
      node,
      apply(
        op,
        inputs.map((input) => replaced.get(input) ?? input),
        attributes,
      ),
    );
  }
}

/**
 * The same graph with nodes replaced: `replace` gives for a node, and the inputs it has after replacement, what stands
 * in its place, or null to leave it.
 */
export function rewrite(
  outputs: readonly Tensor[],
  replace: (node: Tensor, op: AnyOp | null, inputs: readonly Tensor[], attributes: unknown) => Tensor | null,
): Tensor[] {
  const replaced = new Map<Tensor, Tensor>();
  for (const node of topologicalOrder(outputs).nodes) {
    const source = sourceOf(node);
    const inputs = source ? source.inputs.map((input) => replaced.get(input) ?? input) : [];
    const own = replace(node, source?.op ?? null, inputs, source?.attributes);
    if (own) replaced.set(node, own);
    else if (source?.inputs.some((input) => replaced.has(input)))
      replaced.set(node, apply(source.op, inputs, source.attributes));
  }
  return outputs.map((output) => replaced.get(output) ?? output);
}

/** Whether `x` is a tensor whose elements are numbers that vary continuously. */
export function isFloatTensor(x: Tensor): boolean {
  return x instanceof Tensor && (x.dtype === 'float32' || x.dtype === 'float64');
}
