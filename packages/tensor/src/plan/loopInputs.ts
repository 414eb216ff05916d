/**
 * Which inputs of a loop are needed for what is read of it; what only the others are made of is not computed.
 */
import type { Lowering, TensorType } from '../ops/op.ts';
import type { Tensor } from '../tensor.ts';
import { isDense } from '../view.ts';
import { inMemory, type PlanNode } from './lower.ts';
import type { Traversal } from './signature.ts';

/** The attributes of a loop as a node of the planner, whose inputs are those that are needed. */
export interface LoopNodeAttributes {
  readonly own: unknown;
  /** Positions of these among the inputs of the operation. */
  readonly kept: readonly number[];
  /** Types of all inputs of the operation. */
  readonly types: readonly TensorType[];
}

/** For each loop of a graph the positions of the inputs that are needed: later loops first, since they may need less of others. */
export function keptInputs(
  { nodes, visitMark }: Traversal,
  results: readonly Tensor[],
): ReadonlyMap<Tensor, readonly number[]> {
  const kept = new Map<Tensor, readonly number[]>();
  const used = new Map<Tensor, unknown[]>();
  const needed = new Set<Tensor>(results);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!needed.has(node) || node.op === null || node.visitMark !== visitMark) continue;
    const lowering = node.op.lower as Lowering<unknown>;
    if (lowering.form === 'result') {
      const list = used.get(node.inputs[0]);
      if (list) list.push(node.attributes);
      else used.set(node.inputs[0], [node.attributes]);
    }
    if (lowering.form === 'loop') {
      const positions = lowering.keep(node.inputs, node.attributes, used.get(node) ?? []);
      kept.set(node, positions);
      for (const position of positions) needed.add(node.inputs[position]);
    } else for (const input of node.inputs) needed.add(input);
  }
  return kept;
}

/** A loop with the inputs that are needed; all but numbers lie in memory as they are. */
export function loopNode(
  loop: Tensor,
  inputs: readonly PlanNode[],
  kept: readonly number[],
  copied: (x: PlanNode) => PlanNode,
): { readonly attributes: LoopNodeAttributes; readonly given: readonly PlanNode[] } {
  const lowering = loop.op!.lower as Extract<Lowering<unknown>, { form: 'loop' }>;
  const firstScalar = lowering.firstScalar(loop.inputs, loop.attributes);
  const types = loop.inputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const given = kept.map((i) => {
    const x = inputs[i];
    const isNumber = x.op === null && x.leaf!.kind !== 'binding';
    if (isNumber ? i >= firstScalar : inMemory(x) && x.view !== null && isDense(x.view)) return x;
    return copied(x);
  });
  return { attributes: { own: loop.attributes, kept, types }, given };
}
