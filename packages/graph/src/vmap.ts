/**
 * `vmap`: a function of one example becomes a function of many. The function runs once, on stand-ins for one example;
 * the graph that it builds is then built again with an axis more, which stands in front of all others. What does not
 * depend on the examples keeps its shape and is computed once.
 */
import { formatShape, type Key, Tensor, tensor } from '@ag/tensor';
import {
  axisError,
  checkTensor,
  codedError,
  placeholderLeaf,
  refusingAssignments,
  shapeError,
  valueError,
} from '@ag/tensor/engine';
import { batchGraph, front } from './batch.ts';
import { mappingOver } from './transforming.ts';
import { type TensorTree, treeFrom, treeLeaves } from './tree.ts';

/** Along which axis of an argument's tensors the examples lie; null for an argument that all examples share. */
export type MappedAxis = number | null;

/** What a mapped argument is made of, seen from outside: keys are mapped as a list of them. */
export type Mapped<X extends readonly unknown[]> = {
  readonly [K in keyof X]: X[K] extends Key ? readonly Key[] | Key : X[K];
};

/**
 * The function `f`, written for one example, for many at once: `vmap(f)(x)[i] = f(x[i])`, in one computation.
 *
 * ```ts
 * const norms = vmap((v: Tensor) => v.square().sum().sqrt())(tensor([[3, 4], [5, 12]])); // [5, 13]
 * const perExample = vmap(grad(loss), [null, 0, 0])(weights, inputs, labels); // one gradient for each example
 * ```
 *
 * `f` may use gradients, `jvp`, `jacobian` or another `vmap`, and the result can be differentiated. It runs once, on
 * tensors that have shapes but no numbers, so it cannot read values. Random numbers: draws with the same key are the same
 * for all examples; pass a list of keys, `vmap(f)(x, splitKey(key, n))`, for numbers of their own.
 *
 * @param axes for each argument the axis along which its tensors hold the examples (default 0), or null for an argument
 * that is the same for all; one number or null counts for every argument
 * @param outAxis where the results hold the examples, default 0
 * @throws RangeError when arguments hold different numbers of examples, or none is mapped
 * @throws Error when `f` reads a value
 */
export function vmap<X extends unknown[], Y extends TensorTree>(
  f: (...x: X) => Y,
  axes: MappedAxis | readonly MappedAxis[] = 0,
  outAxis = 0,
): (...x: Mapped<X>) => Y {
  return (...x) => {
    const size = { count: -1, where: '' };
    const lanes = new Map<Tensor, { tensor: Tensor; batched: boolean }>();
    let next = 0;
    const standIn = (mapped: Tensor, axis: number, where: string): Tensor => {
      const first = front(mapped, axis, where);
      const count = first.shape[0];
      if (size.count >= 0 && count !== size.count) {
        throw shapeError(
          `vmap: ${size.where} holds ${size.count} examples, ${where} of shape ${formatShape(mapped.shape)} holds ${count} along axis ${axis}`,
        );
      }
      size.count = count;
      size.where = where;
      const one = placeholderLeaf(first.shape.slice(1), mapped.dtype, `argument ${next++} of vmap`);
      lanes.set(one, { tensor: first, batched: true });
      return one;
    };
    const given: readonly unknown[] = x;
    const inner = given.map((argument, i) => {
      const axis = typeof axes === 'number' || axes === null ? axes : axes[i];
      if (axis === null || axis === undefined || isKey(argument)) return argument;
      if (isKeyList(argument)) {
        const word = (at: 0 | 1): Tensor =>
          standIn(tensor(Uint32Array.from(argument, (own) => own.words[at])), 0, `argument ${i} (keys)`);
        return { words: [0, 0], tensors: [word(0), word(1)] } satisfies Key;
      }
      const tree = argument as TensorTree;
      return treeFrom(
        tree,
        treeLeaves(tree, `vmap: argument ${i}`).map((leaf) =>
          standIn(checkTensor(leaf, 'vmap', `argument ${i}`), axis, `argument ${i}`),
        ),
      );
    });
    if (size.count < 0) throw valueError('vmap: no argument is mapped; give at least one an axis');
    const y = traced(() => f(...(inner as X)));
    const outputs = batchGraph(treeLeaves(y, 'vmap: the result of the function'), lanes, size.count);
    return treeFrom(
      y,
      outputs.map((output) => moveFront(output, outAxis)),
    );
  };
}

function traced<T>(work: () => T): T {
  const reason =
    'vmap: a variable has one value, not one for each example: return the tensor and assign what you make of it outside; layers with ' +
    'running statistics need eval mode';
  try {
    return refusingAssignments(reason, () => mappingOver(work));
  } catch (error) {
    if (!(error instanceof Error) || !/placeholder 'argument \d+ of vmap'/.test(error.message)) throw error;
    throw codedError(
      Error,
      'AG_READ_WHILE_TRACING',
      'vmap: the function read a value, but it runs once for all examples, without numbers. Choose between values with ' +
        'where(condition, x, y), or read the result outside.',
      { cause: error },
    );
  }
}

/** The first axis moved to `axis`. */
function moveFront(x: Tensor, axis: number): Tensor {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) {
    throw axisError(`vmap: the result ${formatShape(x.shape)} has no axis ${axis} to hold the examples`);
  }
  if (at === 0) return x;
  const rest = Array.from({ length: rank - 1 }, (_, i) => i + 1);
  return x.permute([...rest.slice(0, at), 0, ...rest.slice(at)]);
}

function isKey(x: unknown): x is Key {
  return (
    typeof x === 'object' &&
    x !== null &&
    !(x instanceof Tensor) &&
    Array.isArray((x as { words?: unknown }).words)
  );
}

function isKeyList(x: unknown): x is readonly Key[] {
  return Array.isArray(x) && x.length > 0 && x.every(isKey);
}
