/**
 * Computations with a gradient rule of their own. The rule is given by the user (`customGradient`) or made by the library
 * (`checkpoint`, which computes a piece of a graph a second time rather than store it).
 */
import {
  apply,
  defineOp,
  formatShape,
  isFloat,
  type Op,
  promote,
  type Shape,
  sizeOf,
  Tensor,
  view,
} from '@ag/tensor';
import { codedError, shapeError, synchronous, valueError, watchCreation } from '@ag/tensor/engine';
import { pullback } from './gradients.ts';
import { replay, type Step, stepsTo } from './rewrite.ts';
import { type TensorTree, treeFrom, treeLeaves } from './tree.ts';

/** From the gradients at the outputs, the inputs and the outputs: the gradients at the inputs, null for none. */
export type Rule = (
  gradients: readonly Tensor[],
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
) => readonly (Tensor | null)[];

/** Gradients in the structure of an argument; null, for the whole or for a part, where there is none. */
export type GradientTree = Tensor | null | readonly GradientTree[] | { readonly [key: string]: GradientTree };

/**
 * The same function with a gradient rule of your own: for a stabler or cheaper gradient, for one that is wanted though
 * it is not the derivative (straight-through estimators, gradient reversal), or to clip gradients on their way.
 *
 * ```ts
 * const clipped = customGradient((x: Tensor) => x, (g) => [g.clamp(-1, 1)]);
 * // a step function that learns as if it were the identity
 * const step = customGradient((x: Tensor) => x.greater(0).cast('float32'), (g) => [g]);
 * ```
 *
 * Only the arguments get gradients, what `f` uses besides them gets none. For second derivatives, and for `jvp`,
 * the rule itself is differentiated, so write it with tensor operations.
 *
 * @param f tensors, or nested objects and arrays of them, to the same
 * @param rule from the gradient at the result (the result's form), the list of arguments and the result to a list of gradients,
 * one for each argument in its form, null where there is none. A gradient may have the shape its argument was broadcast to.
 * @throws RangeError when the rule gives another number of gradients than there are arguments, or a shape that does not fit
 */
export function customGradient<X extends TensorTree[], Y extends TensorTree>(
  f: (...x: X) => Y,
  rule: (g: Y, x: X, y: Y) => readonly GradientTree[],
): (...x: X) => Y {
  return (...x) => {
    const y = synchronous('customGradient', f(...x));
    const inputs = treeLeaves(x, 'customGradient: arguments');
    const own: Rule = (gradients, at, outputs) => {
      const given = synchronous(
        'customGradient',
        rule(treeFrom(y, gradients), treeFrom(x, at), treeFrom(y, outputs)),
        'the rule',
      );
      return gradientLeaves(x, given, at);
    };
    return treeFrom(y, withRule(treeLeaves(y, 'customGradient: the result of the function'), inputs, own));
  };
}

/**
 * The same function, computed again in the backward pass instead of storing what its gradient needs: memory for time.
 * Only the arguments and what `f` reads from outside (parameters included, which get their gradients) are kept. A
 * network of n equal layers cut into √n checkpoints needs memory for about 2√n of them and one forward pass more
 * (Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost", 2016).
 *
 * ```ts
 * const block = checkpoint((x: Tensor) => layers.forward(x));
 * ```
 *
 * Random numbers that `f` draws are the same both times. `f` is called once for each call.
 */
export function checkpoint<X extends TensorTree[], Y extends TensorTree>(f: (...x: X) => Y): (...x: X) => Y {
  return (...x) => {
    const made = new Set<Tensor>();
    const y = watchCreation(
      (tensor) => made.add(tensor),
      () => synchronous('checkpoint', f(...x)),
    );
    const outputs = treeLeaves(y, 'checkpoint: the result of the function');
    const steps = stepsTo(outputs, (node) => made.has(node));
    const kept = new Set<Tensor>(treeLeaves(x, 'checkpoint: arguments'));
    for (const step of steps) {
      for (const input of step.inputs) if (isKept(input, made)) kept.add(input);
    }
    return treeFrom(y, withRule(outputs, [...kept], recomputing(steps, outputs, [...kept])));
  };
}

/** Whether a checkpoint keeps this node: it was made outside, or is the value of a variable. */
function isKept(node: Tensor, made: ReadonlySet<Tensor>): boolean {
  if (node.leaf?.kind === 'literal') return false;
  return node.leaf?.kind === 'variable' || !made.has(node);
}

/**
 * The first operand, read after the second has been computed; what is made of it is never shared with the same
 * computation elsewhere. @internal
 */
export const barrier: Op = defineOp<unknown>({
  name: 'barrier',
  type: ([x]) => x,
  lower: { form: 'barrier' },
  vjp: (g) => [g, null],
});

/** Computes the steps again once the gradients have arrived, and differentiates that second computation. */
function recomputing(steps: readonly Step[], outputs: readonly Tensor[], kept: readonly Tensor[]): Rule {
  return (gradients, inputs) => {
    const gate = gradients[0];
    const held = inputs.map((input) => apply(barrier, [input, gate]));
    const replaced = new Map<Tensor, Tensor>(kept.map((node, i) => [node, held[i]]));
    // Random numbers are made of positions alone; without a barrier they would be shared, and stored.
    for (const { node, op } of steps)
      if (op.lower.form === 'coordinates') replaced.set(node, apply(barrier, [node, gate]));
    replay(steps, replaced);
    const again = outputs
      .filter((output) => isFloat(output.dtype))
      .map((output) => replaced.get(output) ?? output);
    const floats = held.filter((input) => isFloat(input.dtype));
    const found = pullback(again, gradients, floats);
    return held.map((input) => (isFloat(input.dtype) ? found[floats.indexOf(input)] : null));
  };
}

/** The rule is a function, and functions are no part of a plan's structure. @internal */
export interface CustomAttributes {
  readonly rule: () => Rule;
}

/** A bundle holds what its members need to find each other. @internal */
export interface BundleAttributes extends CustomAttributes {
  readonly shape: Shape;
  /** The members, in order. */
  readonly outputs: () => readonly Tensor[];
}

/** The first operand; its gradient goes by the rule to the other operands. @internal */
export const custom = defineOp<CustomAttributes>({
  name: 'custom',
  type: ([y]) => y,
  lower: view((v) => v),
  vjp: (g, [, ...inputs], y, { rule }) => [null, ...rule()([g], inputs, [y])],
});

/**
 * Where the gradients of several outputs meet: one row of numbers, a part for each. It is never computed, only
 * differentiated. @internal
 */
export const bundle = defineOp<BundleAttributes>({
  name: 'bundle',
  type: (inputs, { shape }) => ({
    shape,
    dtype: inputs
      .map((x) => x.dtype)
      .filter(isFloat)
      .reduce(promote, 'float32'),
  }),
  lower: { form: 'expand', of: ([x], { shape }) => x.number(0).broadcastTo(shape) },
  vjp: (g, inputs, _y, { rule, outputs }) => {
    let start = 0;
    const parts = outputs().map((output) => {
      const size = sizeOf(output.shape);
      const part = g
        .slice(start, start + size)
        .reshape(output.shape)
        .cast(output.dtype);
      start += size;
      return part;
    });
    return rule()(parts, inputs, outputs());
  },
});

/** The first operand, one of several outputs; its gradient is its part of the second operand's. @internal */
export const member = defineOp<{ readonly start: number }>({
  name: 'member',
  type: ([y]) => y,
  lower: view((v) => v),
  vjp: (g, [, whole], _y, { start }) => {
    const size = sizeOf(g.shape);
    return [null, g.reshape([size]).pad([[start, whole.shape[0] - start - size]])];
  },
});

/** The outputs, differentiated by `rule` instead of by what they are made of. @internal */
export function withRule(outputs: readonly Tensor[], inputs: readonly Tensor[], rule: Rule): Tensor[] {
  const floats = outputs.filter((output) => isFloat(output.dtype));
  if (floats.length === 0 || !inputs.some((input) => isFloat(input.dtype))) return [...outputs];
  const attributes = { rule: () => rule };
  if (floats.length === 1) {
    return outputs.map((output) =>
      output === floats[0] ? apply(custom, [output, ...inputs], attributes) : output,
    );
  }
  const members: Tensor[] = [];
  const total = floats.reduce((sum, output) => sum + sizeOf(output.shape), 0);
  const whole = apply(bundle, inputs, { ...attributes, shape: [total], outputs: () => members });
  let start = 0;
  return outputs.map((output) => {
    if (!isFloat(output.dtype)) return output;
    const own = apply(member, [output, whole], { start });
    start += sizeOf(output.shape);
    members.push(own);
    return own;
  });
}

/** What a user's rule gave, as a list in the order of the arguments' tensors. */
function gradientLeaves(
  x: readonly TensorTree[],
  given: unknown,
  inputs: readonly Tensor[],
): (Tensor | null)[] {
  const list = given instanceof Tensor && x.length === 1 ? [given] : given;
  if (!Array.isArray(list) || list.length !== x.length) {
    throw valueError(
      `customGradient: the rule must return an array of ${x.length} gradient${x.length === 1 ? '' : 's'}, one for each argument ` +
        `(null for none), got ${Array.isArray(list) ? list.length : typeof given}`,
    );
  }
  const leaves: (Tensor | null)[] = [];
  const collect = (like: TensorTree, gradient: unknown): void => {
    if (gradient === null || gradient === undefined) {
      for (const _ of treeLeaves(like, 'customGradient: arguments')) leaves.push(null);
    } else if (like instanceof Tensor) {
      checkGradient(gradient, inputs[leaves.length], leaves.length);
      leaves.push(gradient as Tensor);
    } else {
      for (const key of Object.keys(like)) {
        collect(
          (like as { readonly [key: string]: TensorTree })[key],
          (gradient as { readonly [key: string]: unknown })[key],
        );
      }
    }
  };
  x.forEach((argument, i) => collect(argument, list[i]));
  return leaves;
}

function checkGradient(gradient: unknown, input: Tensor, position: number): void {
  if (!(gradient instanceof Tensor)) {
    throw codedError(
      TypeError,
      'AG_NOT_A_TENSOR',
      `customGradient: gradient ${position} is no tensor but ${typeof gradient}; give a tensor, or null for none`,
    );
  }
  const [small, large] =
    gradient.ndim < input.ndim ? [gradient.shape, input.shape] : [input.shape, gradient.shape];
  const lead = large.length - small.length;
  const fits = small.every((size, i) => size === large[lead + i] || size === 1 || large[lead + i] === 1);
  if (!fits) {
    throw shapeError(
      `customGradient: gradient ${position} has shape ${formatShape(gradient.shape)}, its argument ${formatShape(input.shape)}; ` +
        'a gradient has the shape of its argument (or one that it was broadcast to)',
    );
  }
}
