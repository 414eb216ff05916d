/**
 * What is computed on the way stays computed. A plan keeps what it was asked for; the rest of its values go, to be
 * computed again if somebody asks, which is right for most of them (activations) and wrong for those that a program
 * builds on: a state that is carried from step to step while only something made from it is read, a batch that was
 * never read itself. So a node that one evaluation has computed, and that another one meets as the input of something
 * new, becomes one more output of that plan: nothing is computed a third time, and the chain behind it is cut.
 *
 * A loop repeats itself. The state of the next step stands in the next plan where this one stood in this plan, counted
 * from the end (what lies behind a state may differ, what is made from it does not). So the value that follows a carried
 * one is kept as well, in the plan that computes it first, and from the third step on nothing is computed twice.
 */
import { bytesPerElement, isStorage } from '../dtype.ts';
import type { AnyOp } from '../ops/op.ts';
import type { Traversal } from '../plan/signature.ts';
import { sameShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Update } from '../variable.ts';

/** Views of a value in memory are kept only when there are more of them on top of one another. */
const maxViews = 16;
/** What is larger than what it is made of, such as all differences of two lists, is kept up to this size only. */
const smallBytes = 2 ** 20;

/** Notes that a plan has computed the nodes of `traversal`. */
export function noteComputed({ nodes }: Traversal): void {
  const count = nodes.length;
  for (let i = 0; i < count; i++) {
    const node = nodes[i];
    if (node.op !== null) node.computedAt = count - i;
  }
}

/** Nodes of a plan to be made that are worth keeping besides `outputs`. */
export function carriedNodes(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly Update[],
): Tensor[] {
  const { nodes, carried, again } = traversal;
  if (carried.length === 0 && again.length === 0) return none;
  const found = new Set<Tensor>();
  const keep = (node: Tensor): void => {
    found.add(node);
    madeBy.set(node, node.op!);
  };
  // Where it stands itself, it is no state of a loop but something that all steps read.
  const keepSuccessor = (value: Tensor): void => {
    const next = nodes[nodes.length - value.computedAt];
    if (next === undefined || next === value || !follows(value, next)) return;
    next.computedAt = value.computedAt;
    keep(next);
  };
  for (const leaf of carried) keepSuccessor(leaf);
  if (again.length > 0) {
    const spent = dependingOn(updates, nodes);
    const extents = extentsOf(nodes);
    for (const met of again) {
      const node = worthKeeping(met, extents);
      if (node === null || node.group !== null || spent?.[node.position]) continue;
      keep(node);
      keepSuccessor(node);
    }
  }
  for (const output of outputs) found.delete(output);
  return [...found];
}

const none: Tensor[] = [];
/** The operations of what was kept; a value has none any more. */
const madeBy = new WeakMap<Tensor, AnyOp>();

/**
 * Nodes with numbers below `since` that later ones are made of and that depend on no variable, placeholder or number given
 * at each run. A function that was traced from then on need not compute them at each call.
 */
export function capturedNodes({ nodes }: Traversal, since: number): Tensor[] {
  const found = new Set<Tensor>();
  const extents = extentsOf(nodes);
  const varies = new Uint8Array(nodes.length);
  nodes.forEach(({ inputs, leaf, serial }, i) => {
    const given = leaf?.kind === 'variable' || leaf?.kind === 'placeholder';
    const read = leaf?.kind === 'literal' && leaf.read !== undefined;
    if (given || read || inputs.some((input) => varies[input.position])) varies[i] = 1;
    if (serial < since) return;
    for (const input of inputs) {
      if (input.op === null || input.serial >= since || varies[input.position]) continue;
      const node = worthKeeping(input, extents);
      if (node !== null) found.add(node);
    }
  });
  return [...found];
}

/** Whether `next`, which no plan has computed yet, may be what `value` becomes in the next step. */
function follows(value: Tensor, next: Tensor): boolean {
  if (next.op === null || next.op.lower.form === 'loop' || next.computedAt !== 0 || next.group !== null)
    return false;
  return next.op === madeBy.get(value) && value.dtype === next.dtype && sameShape(value.shape, next.shape);
}

/**
 * The node itself, or what it is a view of; null where that lies in memory already, or takes much more than what it is
 * made of.
 */
function worthKeeping(node: Tensor, extents: Float64Array): Tensor | null {
  let base = node;
  let views = 0;
  while (base.op !== null && base.op.lower.form === 'view') {
    base = base.inputs[0];
    views++;
  }
  // A loop itself holds nothing: its results are made of it.
  if (base.op?.lower.form === 'loop') return null;
  if (base.op !== null && isWidened(base)) return null;
  if (base.op !== null) return bytesOf(base) > Math.max(smallBytes, 4 * extents[base.position]) ? null : base;
  return views > maxViews && sizeOf(node.shape) <= sizeOf(base.shape) ? node : null;
}

/** Numbers that lie in memory in fewer bytes, as they are computed with. */
function isWidened({ inputs }: Tensor): boolean {
  return inputs.length === 1 && inputs[0].op === null && isStorage(inputs[0].dtype);
}

/**
 * Which nodes are made of values that the updates are about to replace; null without updates. Nobody will ask for these
 * again: they are the activations of a step, met again because the loss was read before `backward`.
 */
function dependingOn(updates: readonly Update[], nodes: readonly Tensor[]): Uint8Array | null {
  if (updates.length === 0) return null;
  const replaced = new Set(
    updates.filter(({ variable }) => variable.trainable).map(({ variable }) => variable.currentLeaf()),
  );
  const depends = new Uint8Array(nodes.length);
  nodes.forEach((node, i) => {
    if (replaced.has(node) || node.inputs.some((input) => depends[input.position])) depends[i] = 1;
  });
  return depends;
}

/** For each node the bytes of the largest array that it is made of: elementwise steps and views make none. */
function extentsOf(nodes: readonly Tensor[]): Float64Array {
  const extents = new Float64Array(nodes.length);
  nodes.forEach((node, i) => {
    const form = node.op?.lower.form;
    if (node.op === null) extents[i] = node.leaf!.kind === 'literal' ? 0 : bytesOf(node);
    else if (form !== 'map' && form !== 'view' && form !== 'expand') extents[i] = bytesOf(node);
    else for (const input of node.inputs) extents[i] = Math.max(extents[i], extents[input.position]);
  });
  return extents;
}

function bytesOf({ shape, dtype }: Tensor): number {
  return sizeOf(shape) * bytesPerElement(dtype);
}
