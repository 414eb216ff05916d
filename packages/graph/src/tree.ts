/**
 * Nested arrays and objects of tensors. With them transformations take a model's parameters as they are.
 */
import { Tensor } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';

/** A tensor, or arrays and plain objects of them. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [key: string]: TensorTree };

/** The tensors of a tree, in a fixed order. */
export function treeLeaves(tree: TensorTree): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  if (Array.isArray(tree)) return tree.flatMap(treeLeaves);
  if (typeof tree === 'object' && tree !== null) {
    return Object.keys(tree).flatMap((key) =>
      treeLeaves((tree as { readonly [key: string]: TensorTree })[key]),
    );
  }
  throw codedError(
    TypeError,
    'AG_NOT_A_TENSOR',
    `expected a tensor or nested arrays and objects of tensors, got ${tree === null ? 'null' : typeof tree}`,
  );
}

/** A tree of the same structure with other tensors. */
export function treeFrom<T extends TensorTree>(like: T, leaves: readonly Tensor[]): T {
  let next = 0;
  const build = (tree: TensorTree): TensorTree => {
    if (tree instanceof Tensor) return leaves[next++];
    if (Array.isArray(tree)) return tree.map(build);
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, build(value)]));
  };
  return build(like) as T;
}

/** The form of a tree as text: where its tensors are, by the names and in the order of its keys. */
export function treeForm(tree: TensorTree): string {
  if (tree instanceof Tensor) return '*';
  if (Array.isArray(tree)) return `[${tree.map(treeForm).join()}]`;
  return `{${Object.entries(tree).map(([key, value]) => `${JSON.stringify(key)}:${treeForm(value)}`)}}`;
}
