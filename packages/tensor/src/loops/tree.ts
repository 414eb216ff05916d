/**
 * Structures of tensors: what a loop carries, goes through and collects. Arrays and plain objects of tensors, nested at will.
 */

import { describeValue } from '../check.ts';
import { typeError } from '../errors.ts';
import { Tensor } from '../tensor.ts';

/** A tensor, or arrays and plain objects of such. */
export type LoopTree = Tensor | readonly LoopTree[] | { readonly [name: string]: LoopTree };

/** A tensor of a structure, and where it stands: `carry.hidden`. */
export interface TreeLeaf {
  readonly tensor: Tensor;
  readonly path: string;
}

/** The tensors of a structure in a fixed order; `null` and `undefined` hold none. */
export function leavesOf(tree: unknown, path: string, operation: string): TreeLeaf[] {
  if (tree instanceof Tensor) return [{ tensor: tree, path }];
  if (tree === null || tree === undefined) return [];
  if (Array.isArray(tree)) return tree.flatMap((part, i) => leavesOf(part, `${path}[${i}]`, operation));
  const value = (tree as { readonly value?: unknown }).value;
  if (value instanceof Tensor && 'trainable' in (tree as object)) {
    throw typeError(`${operation}: ${path} is a variable; give its value: variable.value`);
  }
  if (typeof tree === 'object' && Object.getPrototypeOf(tree) === Object.prototype) {
    return Object.entries(tree).flatMap(([name, part]) => leavesOf(part, `${path}.${name}`, operation));
  }
  const remedy = typeof tree === 'number' || typeof tree === 'boolean' ? `; write scalar(${tree})` : '';
  throw typeError(
    `${operation}: ${path} should be a tensor, or arrays and objects of tensors, got ${describeValue(tree)}${remedy}`,
  );
}

/** A structure like `tree` with other tensors, in the order of `leavesOf`. */
export function treeLike<T>(tree: T, tensors: readonly Tensor[]): T {
  let next = 0;
  const build = (part: unknown): unknown => {
    if (part instanceof Tensor) return tensors[next++];
    if (part === null || part === undefined) return part;
    if (Array.isArray(part)) return part.map(build);
    return Object.fromEntries(Object.entries(part).map(([name, own]) => [name, build(own)]));
  };
  return build(tree) as T;
}
