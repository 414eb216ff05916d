/**
 * What evaluated tensors were made of, remembered for a while.
 *
 * So `backward(loss)` may follow `await loss.item()`, and a state that was carried over many steps can be differentiated
 * through. When it goes, gradients that would
 * have to pass to trainable variables, or through a cut that the user did not ask for, are an error, never silently zero.
 */
import { isFloat } from '../dtype.ts';
import { detach } from '../ops/movement.ts';
import { nextMark } from '../plan/signature.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** How many tensors that were asked for remember what they were made of. */
const maxRead = 32;
/** How many that were kept on the way do, and how many elements they may have together. */
const maxCarried = 256;
const maxCarriedElements = 2 ** 22;

const read: Tensor[] = [];
const carried: Tensor[] = [];
let carriedElements = 0;

/** Computed from a trainable variable, and what it was made of is gone. */
const fromVariable = 1;
/** Computed from other tensors, and what it was made of is gone. */
const fromTensors = 2;
/** Something computed from it has forgotten that; no trainable variable lies behind. */
const sourceOfLost = 4;
/** No trainable variable lies behind. */
const constant = 8;

/** Notes what a tensor, about to become a value, was made of. `onTheWay`: kept although nobody asked for it. */
export function remember(tensor: Tensor, onTheWay: boolean): void {
  tensor.origin = { op: tensor.op!, inputs: tensor.inputs, attributes: tensor.attributes };
  if (!onTheWay) {
    read.push(tensor);
    if (read.length > maxRead) forget(read.shift()!, false);
    return;
  }
  carried.push(tensor);
  carriedElements += sizeOf(tensor.shape);
  while (carried.length > maxCarried || (carriedElements > maxCarriedElements && carried.length > maxRead)) {
    const oldest = carried.shift()!;
    carriedElements -= sizeOf(oldest.shape);
    forget(oldest, true);
  }
}

/** Forgets all: a trained variable has a new value. */
export function forgetOrigins(): void {
  for (const tensor of read) forget(tensor, false);
  for (const tensor of carried) forget(tensor, true);
  read.length = 0;
  if (carried.length > 0) carried.length = 0;
  carriedElements = 0;
}

/** Forgets what was read last, a tensor whose graph is too long to be kept. */
export function forgetNow(tensor: Tensor): void {
  read.splice(read.lastIndexOf(tensor), 1);
  forget(tensor, true);
}

/**
 * Whether `tensor` was computed from a trainable variable, and what it was made of is gone. With `sources`, also whether
 * it was computed from any other tensor.
 */
export function isForgotten(tensor: Tensor, sources = false): boolean {
  if (tensor.op !== null || tensor.origin !== null) return false;
  return (tensor.lost & (sources ? fromVariable | fromTensors : fromVariable)) !== 0;
}

/** Whether something that was computed from `tensor` has forgotten it. */
export function isSourceOfForgotten(tensor: Tensor): boolean {
  return (tensor.lost & sourceOfLost) !== 0;
}

/** `unasked`: the user did not ask for the value, and may not know that something lies between two tensors. */
function forget(tensor: Tensor, unasked: boolean): void {
  if (isFloat(tensor.dtype)) tensor.lost |= lossOf(tensor, unasked);
  tensor.origin = null;
}

/**
 * Depth first, so that a layer's own weights end the search. Without any, and with `unasked`, the float tensors that were
 * met are noted as sources.
 */
function lossOf(tensor: Tensor, unasked: boolean): number {
  const mark = nextMark();
  const met: Tensor[] = [];
  const stack = [tensor];
  let sources = false;
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (node.visitMark === mark) continue;
    node.visitMark = mark;
    // What lies behind these was noted already.
    if (node.lost & sourceOfLost) {
      sources = true;
      continue;
    }
    if (!unasked && node.lost & constant) continue;
    met.push(node);
    const source = node.op === null ? node.origin : node;
    if (source?.op) {
      // What has no rule (comparisons, positions, `detach`) passes no gradient on.
      if (source.op.vjp && isFloat(node.dtype) && source.op !== detach)
        for (const input of source.inputs) stack.push(input);
    } else if (node.leaf?.kind === 'variable' ? node.leaf.variable.trainable : node.lost & fromVariable) {
      return fromVariable;
    } else if (node.leaf?.kind !== 'literal' && isFloat(node.dtype)) {
      sources = true;
    }
  }
  const lost = unasked && sources;
  for (const node of met) node.lost |= lost && node !== tensor ? constant | sourceOfLost : constant;
  return lost ? fromTensors : 0;
}
