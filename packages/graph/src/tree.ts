/**
 * Nested arrays and objects of tensors. With them transformations take a model's parameters as they are.
 */
import { Tensor } from '@ag/tensor';
import { codedError, describeValue } from '@ag/tensor/engine';

/** A tensor, or arrays and plain objects of them. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [key: string]: TensorTree };

/**
 * The tensors of a tree, in a fixed order.
 *
 * @param what operation and argument, for the error: `vjp: argument 0`
 */
export function treeLeaves(tree: TensorTree, what: string): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  const leaves: Tensor[] = [];
  const collect = (part: TensorTree): boolean => {
    if (part instanceof Tensor) leaves.push(part);
    else if (typeof part !== 'object' || part === null) return false;
    else for (const key of Object.keys(part)) if (!collect((part as Branch)[key])) return false;
    return true;
  };
  // The path is put together for the error alone: compiled functions come here at each call.
  if (!collect(tree)) throw notTensors(tree, what)!;
  return leaves;
}

type Branch = { readonly [key: string]: TensorTree };

/** Names the first part that is no tensor. */
function notTensors(part: TensorTree, what: string): Error | undefined {
  if (part instanceof Tensor) return undefined;
  if (typeof part !== 'object' || part === null) {
    return codedError(
      TypeError,
      'AG_NOT_A_TENSOR',
      `${what} must be a tensor, or nested arrays and objects of tensors, got ${describeValue(part)}`,
    );
  }
  for (const key of Object.keys(part)) {
    const found = notTensors((part as Branch)[key], `${what}${Array.isArray(part) ? `[${key}]` : `.${key}`}`);
    if (found) return found;
  }
  return undefined;
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
