/**
 * `grad`, `vjp`, `jvp`, `jacobian`, `hessian`: transformations of functions. All of it is `gradients` on lazy graphs,
 * so the transformations compose: `grad(grad(f))`, the Jacobian of a gradient, a gradient through a `jvp`.
 */
import { eye, formatShape, Tensor, zerosLike } from '@ag/tensor';
import { checkTensor, codedError, placeholderLeaf, shapeError, valueError } from '@ag/tensor/engine';
import { gradients, pullback } from './gradients.ts';
import { rewrite } from './rewrite.ts';
import { transforming } from './transforming.ts';
import { type TensorTree, treeFrom, treeLeaves } from './tree.ts';
import { vmap } from './vmap.ts';

/** A function of tensors, or of nested arrays and objects of tensors; further arguments may be anything. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments that are not differentiated are the user's own
type TreeFunction<R> = (...x: any[]) => R;

/** Which arguments to differentiate by: one position or several. */
export type ArgumentNumbers = number | readonly number[];

type GradientOf<F extends TreeFunction<unknown>, N extends ArgumentNumbers> = N extends number
  ? Parameters<F>[N]
  : { [K in keyof N]: N[K] extends number ? Parameters<F>[N[K]] : never };

/**
 * The gradient of a scalar function: `grad(f)(x)` has the structure of `x`.
 *
 * ```ts
 * const derivative = grad((x: Tensor) => x.sin().sum());
 * await derivative(tensor([0, 1])).toArray(); // cos(x)
 * ```
 *
 * @param argumentNumbers position of the argument to differentiate by (default 0), or several
 * @throws RangeError when the function does not return a scalar
 */
export function grad<F extends TreeFunction<Tensor>, const N extends ArgumentNumbers = 0>(
  f: F,
  argumentNumbers: N = 0 as N,
): (...x: Parameters<F>) => GradientOf<F, N> {
  const both = valueAndGrad(f, argumentNumbers);
  return (...x) => both(...x)[1];
}

/** The value of a scalar function together with its gradient; see `grad`. */
export function valueAndGrad<F extends TreeFunction<Tensor>, const N extends ArgumentNumbers = 0>(
  f: F,
  argumentNumbers: N = 0 as N,
): (...x: Parameters<F>) => [Tensor, GradientOf<F, N>] {
  const numbers: readonly number[] =
    typeof argumentNumbers === 'number' ? [argumentNumbers] : argumentNumbers;
  return (...x) => {
    const fresh = [...x] as TensorTree[];
    for (const i of numbers) {
      if (!Number.isInteger(i) || i < 0 || i >= x.length)
        throw valueError(`grad: there is no argument ${i}; the function was called with ${x.length}`);
      fresh[i] = aliased(fresh[i], `grad: argument ${i}`);
    }
    const y = checkTensor(
      transforming('grad', () => f(...fresh)),
      'grad',
      'the result of the function',
    );
    const leaves = numbers.map((i) => treeLeaves(fresh[i], `grad: argument ${i}`));
    const all = gradients(y, leaves.flat());
    let next = 0;
    const trees = numbers.map((i, j) => {
      const count = leaves[j].length;
      next += count;
      return treeFrom(fresh[i], all.slice(next - count, next));
    });
    return [y, (typeof argumentNumbers === 'number' ? trees[0] : trees) as GradientOf<F, N>];
  };
}

/**
 * The value of `f` at `x`, and the pullback: from a gradient at the result (of the result's structure) to the gradients at
 * the arguments, without ever forming the Jacobian.
 */
export function vjp<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  ...x: X
): [Y, (v: Y) => X] {
  const fresh = aliased(x, 'vjp: arguments') as X;
  const y = transforming('vjp', () => f(...fresh));
  const outputs = treeLeaves(y, 'vjp: the result of the function');
  const inputs = treeLeaves(fresh, 'vjp: arguments');
  return [
    y,
    (v) => {
      const seeds = treeLeaves(v, 'vjp: the gradient at the result');
      checkSame('vjp', outputs, seeds);
      return treeFrom(fresh, pullback(outputs, seeds, inputs));
    },
  ];
}

/**
 * The value of `f` at `x` and its derivative in the direction `v` (of the structure of `x`), without ever forming the
 * Jacobian. Reverse mode twice: the pullback is linear in its argument, and its derivative is the pushforward.
 */
export function jvp<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  x: readonly [...X],
  v: readonly [...X],
): [Y, Y] {
  const fresh = aliased(x as unknown as X, 'jvp: arguments') as X;
  const y = transforming('jvp', () => f(...fresh));
  const outputs = treeLeaves(y, 'jvp: the result of the function');
  const inputs = treeLeaves(fresh, 'jvp: arguments');
  const directions = treeLeaves(v as unknown as TensorTree, 'jvp: directions');
  checkSame('jvp', inputs, directions);
  // Without numbers, so that a rule that reads them is noticed: what it made of them would count as constant.
  const probes = outputs.map((output) => placeholderLeaf(output.shape, output.dtype, 'the vector of jvp'));
  const pulled = unread(() => pullback(outputs, probes, inputs));
  const product = pulled.map((g, i) => g.mul(directions[i]).sum()).reduce((sum, term) => sum.add(term));
  const found = gradients(product, probes);
  const zero = new Map(probes.map((probe, i) => [probe, zerosLike(outputs[i])]));
  return [
    y,
    treeFrom(
      y,
      rewrite(found, (node) => zero.get(node) ?? null),
    ),
  ];
}

function unread<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("placeholder 'the vector of jvp'")) throw error;
    throw codedError(
      Error,
      'AG_READ_WHILE_TRACING',
      'jvp: a rule of customGradient read a value. jvp differentiates the rules, so write them with tensor operations.',
      { cause: error },
    );
  }
}

/** For each tensor of the result one tree of the argument's structure: ∂resultᵢ/∂argumentⱼ. */
export type JacobianTree<Y, X> = Y extends Tensor ? X : { readonly [K in keyof Y]: JacobianTree<Y[K], X> };

/**
 * All partial derivatives of a function of one argument: for tensors a tensor of shape [...y.shape, ...x.shape]; for
 * objects and arrays of tensors the result's structure with the argument's structure at each of its tensors.
 * One backward pass that carries a row for each element of the result: the forward pass is shared, what goes backward has
 * y.size times the elements.
 *
 * ```ts
 * jacobian((x: Tensor) => x.square())(tensor([1, 2])); // [[2, 0], [0, 4]]
 * ```
 */
export function jacobian(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor;
export function jacobian<X extends TensorTree, Y extends TensorTree>(
  f: (x: X) => Y,
): (x: X) => JacobianTree<Y, X>;
export function jacobian<X extends TensorTree, Y extends TensorTree>(
  f: (x: X) => Y,
): (x: X) => JacobianTree<Y, X> {
  return (x) => {
    const fresh = aliased(x, 'jacobian: the argument');
    const y = transforming('jacobian', () => f(fresh));
    const inputs = treeLeaves(fresh, 'jacobian: the argument');
    const rows = treeLeaves(y, 'jacobian: the result of the function').map((output) =>
      treeFrom(fresh, jacobians(output, inputs)),
    );
    let next = 0;
    const build = (tree: TensorTree): TensorTree => {
      if (tree instanceof Tensor) return rows[next++];
      if (Array.isArray(tree)) return tree.map(build);
      return Object.fromEntries(
        Object.entries(tree).map(([name, part]) => [name, build(part as TensorTree)]),
      );
    };
    return build(y) as JacobianTree<Y, X>;
  };
}

/** ∂output/∂input for each input. */
function jacobians(output: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const size = output.size;
  const shapes = inputs.map((input) => [...output.shape, ...input.shape]);
  if (size === 0)
    return inputs.map((input, i) =>
      zerosLike(input)
        .broadcastTo([1, ...input.shape])
        .slice(0, 0)
        .reshape(shapes[i]),
    );
  const seeds = eye(size, size, { dtype: output.dtype }).reshape([size, ...output.shape]);
  const rows = vmap((seed: Tensor): TensorTree => gradients(output, inputs, seed))(
    seeds,
  ) as readonly Tensor[];
  return rows.map((row, i) => row.reshape(shapes[i]));
}

/**
 * The second derivatives of a scalar function: for a tensor shape [...x.shape, ...x.shape], for objects and arrays of tensors a
 * tree of trees: `hessian(f)({ a, b }).a.b` is ∂²f/∂a∂b.
 */
export function hessian(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor;
export function hessian<X extends TensorTree>(f: (x: X) => Tensor): (x: X) => JacobianTree<X, X>;
export function hessian<X extends TensorTree>(f: (x: X) => Tensor): (x: X) => JacobianTree<X, X> {
  return jacobian((x: X) => grad(f)(x) as X);
}

/** The Hessian of a scalar function times a vector of the structure of `x`, without forming the Hessian. */
export function hvp<X extends TensorTree>(f: (x: X) => Tensor, x: X, v: X): X {
  const fresh = aliased(x, 'hvp: the argument') as X;
  const first = treeLeaves(grad(f)(fresh) as TensorTree, 'hvp: the gradient');
  const directions = treeLeaves(v, 'hvp: the vector');
  checkSame('hvp', first, directions);
  const product = first.map((g, i) => g.mul(directions[i]).sum()).reduce((sum, term) => sum.add(term));
  return treeFrom(x, gradients(product, treeLeaves(fresh, 'hvp: the argument')));
}

/** Nodes of their own for the arguments of a function, so that the same tensor given twice counts twice. */
function aliased<T extends TensorTree>(tree: T, what: string): T {
  return treeFrom(
    tree,
    treeLeaves(tree, what).map((x) => x.broadcastTo(x.shape)),
  );
}

function checkSame(where: string, expected: readonly Tensor[], given: readonly Tensor[]): void {
  const fits =
    expected.length === given.length &&
    expected.every(
      (x, i) => x.shape.length === given[i].shape.length && x.shape.every((n, j) => n === given[i].shape[j]),
    );
  if (!fits) {
    throw shapeError(
      `${where}: the vector must have the form ${expected.map((x) => formatShape(x.shape)).join(', ')}, got ${given.map((x) => formatShape(x.shape)).join(', ')}`,
    );
  }
}

export type { TensorTree };
