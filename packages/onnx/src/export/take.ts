/**
 * The graph of a forward pass in evaluation mode, with single nodes for layers that are operators.
 */
import type { AnyModule } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { watchCreation } from '@ag/tensor/engine';
import { standIn } from './layers.ts';

/** What `forward` gives, and in which module each tensor was made. */
export interface TakenGraph {
  readonly outputs: unknown;
  readonly paths: ReadonlyMap<Tensor, string>;
}

export function takeGraph(model: AnyModule, inputs: readonly Tensor[], opset: number): TakenGraph {
  const modes = [...model.namedModules().values()].map((module) => [module, module.training] as const);
  const paths = new Map<Tensor, string>();
  let path = '';
  const undo = standIn(model, {
    opset,
    within: (next) => {
      path = next;
    },
  });
  model.eval();
  try {
    const outputs = watchCreation(
      (tensor) => paths.set(tensor, path),
      () => model.forward(...inputs),
    );
    return { outputs, paths };
  } finally {
    undo();
    for (const [module, training] of modes) module.training = training;
  }
}

/** Nodes that are not there yet, inputs first; a loop with a stack of its own, for graphs of any depth. */
export function inOrder(roots: readonly Tensor[], there: ReadonlyMap<Tensor, string>): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const stack: { readonly node: Tensor; next: number }[] = [];
  const visit = (node: Tensor): void => {
    if (there.has(node) || seen.has(node)) return;
    seen.add(node);
    stack.push({ node, next: 0 });
  };
  for (const root of roots) {
    visit(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.node.inputs.length) visit(top.node.inputs[top.next++]);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}
