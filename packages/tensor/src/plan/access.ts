/**
 * How a kernel reaches an element: from positions in the kernel's axes back to positions in a node. When an
 * elementwise node is computed where it is read, the views between the two apply to everything it reads.
 */
import { type Shape, sameShape, sizeOf } from '../shape.ts';
import { expandView, reshapeView, type View } from '../view.ts';
import { applyView, isView, type PlanNode } from './lower.ts';

/** A path from a node's elements to a kernel's. `key` is equal for equal paths. */
export interface Access {
  readonly key: string;
  /** What the path makes of a view with the node's shape; null when strides cannot express it. */
  readonly apply: (view: View) => View | null;
}

/** The kernel runs over the node's own elements. */
export const direct: Access = { key: '', apply: (view) => view };

/** The node has `from` and is read as `to`, broadcast or with axes of size 1 added and dropped. */
export function reshaped(from: Shape, to: Shape, access: Access): Access {
  if (sameShape(from, to)) return access;
  return {
    key: `r${to.join('x')};${access.key}`,
    apply: (view) => {
      const next = sizeOf(from) === sizeOf(to) ? reshapeView(view, to) : null;
      return next && access.apply(next);
    },
  };
}

/** The node has `from` and broadcasts to `to`. */
export function expanded(from: Shape, to: Shape, access: Access): Access {
  if (sameShape(from, to)) return access;
  return { key: `e${to.join('x')};${access.key}`, apply: (view) => access.apply(expandView(view, to)) };
}

/** Goes on through views: the node that has the elements, and the path from there. */
export function resolve(
  node: PlanNode,
  access: Access,
): { readonly base: PlanNode; readonly access: Access } {
  let base = node;
  let path = access;
  while (isView(base)) {
    const step = base;
    const after = path;
    path = {
      key: `v${step.index};${after.key}`,
      apply: (view) => {
        const next = applyView(step, view);
        return next && after.apply(next);
      },
    };
    base = base.inputs[0];
  }
  return { base, access: path };
}
