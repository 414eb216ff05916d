/**
 * What an operation is: one plain object with its name, its type rule, how it lowers to a kernel form, and its
 * vector-Jacobian product. Operations never import the `Tensor` class: rules use the methods of the tensors they
 * are given, so the gradient of a gradient needs nothing more.
 */

import { type DType, floatOf, promote } from '../dtype.ts';
import type { Scalar } from '../kernel/expression.ts';
import type { Combine, HostKernel, LoopKernel, Program, ScatterCombine } from '../kernel/kernel.ts';
import { checkOptions } from '../options.ts';
import { broadcastShapes, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { View } from '../view.ts';

/** Shape and dtype: all that is known of a tensor before it is computed. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a view lowering may use besides the view itself. */
export interface ViewContext {
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  /** For each input after the first that is a number known only at run time: its position among the scalars. */
  readonly scalars: readonly number[];
}

/** Which axes of two operands are the same: axes with equal labels. Labels missing in `out` are summed over. */
export interface ContractionLabels {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly out: readonly number[];
  /** Which of the labels of `out` backends shall go through last, whatever their place in memory. */
  readonly slowest?: readonly number[];
}

/** One input of a `place` lowering: where its element (0, 0, …) goes and how far apart its elements lie. */
export interface Placement {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  /** Axes whose start is moved by a number known at run time, with the input that holds the number. */
  readonly moving: readonly { readonly axis: number; readonly input: number }[];
}

/** A graph planned as a program of its own: what its first bindings are, and its scalars. Then come the outputs. */
export interface CompiledGraph {
  readonly program: Program;
  /** The leaf that each of the first bindings holds. */
  readonly leaves: readonly Tensor[];
  readonly literals: readonly Tensor[];
}

/** Plans a graph by itself. */
export interface GraphCompiler {
  (outputs: readonly Tensor[]): CompiledGraph;
  /** Whether its kernels are fused: programs of both kinds must not be mixed up. */
  readonly fusion: boolean;
  /** Buffers that its kernels may read and write: the same holds. */
  readonly maxBuffers: number;
}

/** What the launch of a loop is made from. */
export interface LoopRequest<A> {
  readonly attributes: A;
  /** Types of all inputs of the operation, also of those that are not needed. */
  readonly inputs: readonly TensorType[];
  /** For each input: its operand, −1 where there is none. */
  readonly operands: readonly number[];
  /** For inputs without an operand, their place among the scalars of a run, or the number itself. */
  readonly scalars: readonly ({ readonly scalar: number } | { readonly value: number } | null)[];
  /** Attributes of the results that are wanted: the operands behind the inputs. */
  readonly results: readonly unknown[];
  readonly compile: GraphCompiler;
}

/** A node for many examples: with an axis for them in front, or, where it depends on no example, without. */
export interface Lane {
  readonly tensor: Tensor;
  readonly batched: boolean;
}

/** What development tools want to know of a loop. */
export interface LoopSteps {
  /** Most steps, infinite where only a condition ends it. */
  readonly length: number;
  readonly reverse: boolean;
  /** What each step started from: for each carried value a row for each step. */
  carried(): Tensor[];
  /** What is collected, a row for each step. */
  collected(): Tensor[];
  /** What step `i` computes: the carried values, then what is collected. */
  step(i: number): Tensor[];
}

/** A loop whose inputs depend on examples. */
export interface LoopLanes<A> {
  readonly op: AnyOp;
  readonly attributes: A;
  readonly inputs: readonly Tensor[];
  readonly lanes: readonly Lane[];
  /** How many examples there are. */
  readonly size: number;
  /** Nodes of a graph for many examples, where that is known of its leaves. */
  readonly batch: (leaves: ReadonlyMap<Tensor, Lane>, nodes: readonly Tensor[]) => Lane[];
}

/** Which part of a meeting of processes a routine is: see `host` of {@link Lowering}. */
export type Collective = 'whole' | 'start' | 'finish';

/** What an operation is of a meeting of processes; null for all others. */
export function collectivePart(op: AnyOp | null): Collective | null {
  return op !== null && op.lower.form === 'host' ? (op.lower.collective ?? null) : null;
}

/**
 * How an operation becomes kernels. Fusion reads the form, never the name.
 *
 * - `map`: what one element is. `operands` says to what the inputs are cast first: the output's dtype (default),
 *   the dtype all inputs promote to, or nothing ('own').
 * - `view`: strides only; null when strides cannot express it (the input is copied first).
 * - `reduce`, `contract`, `gather`, `scatter`, `scan`, `sort`: the kernel forms of the same name.
 * - `place`: inputs written into parts of a buffer that starts as `fill`; with `accumulate` they add.
 * - `coordinates`: 0, 1, 2, … in row-major order, computed where it is used.
 * - `host`: a routine on whole arrays. One that meets the same routine of other processes is a `collective`: computed exactly once,
 *   in the order in which its operations were made, and never again after a failure. Of one that is split, `start` begins
 *   what `finish`, whose only input it is, waits for; everything that needs no finish is computed between the two.
 * - `expand`: other operations, seen only by the planner, after differentiation.
 * - `loop`: a graph that is run again and again. The tensor itself holds nothing; operations of form `result`, whose only input it
 *   is, are what comes out, and what no result needs is not computed.
 * - `barrier`: the first input; never merged with another computation of the same value.
 */
export type Lowering<A> =
  | {
      readonly form: 'map';
      readonly of: (x: readonly Scalar[], attributes: A) => Scalar;
      readonly operands?: 'output' | 'promoted' | 'own';
      /** Relative cost of one element; above 4 it is not computed twice to save memory traffic. Default 1. */
      readonly cost?: number;
    }
  | { readonly form: 'view'; readonly of: (view: View, attributes: A, context: ViewContext) => View | null }
  | {
      readonly form: 'reduce';
      readonly combine: Combine;
      readonly axes: (attributes: A) => readonly number[];
    }
  | { readonly form: 'contract'; readonly labels: (attributes: A) => ContractionLabels }
  | {
      readonly form: 'place';
      readonly parts: (attributes: A) => readonly Placement[];
      readonly fill: (attributes: A) => number;
      readonly accumulate: (attributes: A) => boolean;
    }
  | { readonly form: 'gather'; readonly axis: (attributes: A) => number }
  | {
      readonly form: 'scatter';
      readonly axis: (attributes: A) => number;
      readonly combine: ScatterCombine;
      /** What elements that no update meets are. Default 0. */
      readonly fill?: (dtype: DType) => number;
    }
  | {
      readonly form: 'scan';
      readonly combine: 'sum' | 'prod' | 'max' | 'min';
      readonly reverse: (attributes: A) => boolean;
    }
  | { readonly form: 'sort'; readonly descending: (attributes: A) => boolean }
  | { readonly form: 'coordinates' }
  | {
      readonly form: 'host';
      readonly run: (attributes: A) => HostKernel['run'];
      readonly collective?: Collective;
    }
  | {
      readonly form: 'loop';
      /** Positions of the inputs that results with these attributes need. */
      readonly keep: (
        inputs: readonly TensorType[],
        attributes: A,
        results: readonly unknown[],
      ) => readonly number[];
      /** Inputs from this position on are numbers given at each run. */
      readonly firstScalar: (inputs: readonly TensorType[], attributes: A) => number;
      readonly kernel: (request: LoopRequest<A>) => LoopKernel;
      /** The planner's part, `LoopPlanner` of `plan/`. It comes with the operation: programs without loops do not hold it. */
      readonly planner: object;
      /** The loop for many examples; gives for the attributes of a result what it is then. */
      readonly batch: (lanes: LoopLanes<A>) => {
        readonly loop: Tensor;
        readonly result: (result: unknown) => Lane;
      };
      /** For tools that look for a step. */
      readonly steps: (loop: Tensor) => LoopSteps;
    }
  | { readonly form: 'result' }
  | { readonly form: 'barrier' }
  | { readonly form: 'expand'; readonly of: (inputs: readonly Tensor[], attributes: A) => Tensor };

/**
 * The vector-Jacobian product: from `g`, the gradient at the output, the gradients at the inputs, null where there
 * is none. A gradient may have the shape the input was broadcast to: the engine sums it back.
 */
export type VectorJacobianProduct<A> = (
  g: Tensor,
  inputs: readonly Tensor[],
  output: Tensor,
  attributes: A,
  differentiate?: Differentiate,
) => readonly (Tensor | null)[];

/** Σᵢ seedᵢ·∂outputᵢ/∂x for each x: for rules that differentiate a graph of their own. */
export type Differentiate = (
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  x: readonly Tensor[],
) => readonly Tensor[];

/** What `defineOp` takes. */
export interface OpDefinition<A> {
  readonly name: string;
  /** Shape and dtype of the result; throws a readable error for inputs that do not fit. */
  readonly type: (inputs: readonly TensorType[], attributes: A) => TensorType;
  readonly lower: Lowering<A>;
  /** Missing: the operation has no gradient (comparisons, integer results); its inputs count as constants. */
  readonly vjp?: VectorJacobianProduct<A>;
  /**
   * 'leading': operands may all have the same further axes in front, and the operation is done for each position along
   * them. Only operations of form `host` need to say so: `vmap` then calls them once, else once for each element.
   */
  readonly batch?: 'leading';
}

/** An operation. `id` is its identity in plan signatures. */
export interface Op<A = unknown> extends OpDefinition<A> {
  readonly id: number;
}

/** An operation whose attribute type does not matter, as nodes hold it. */
// biome-ignore lint/suspicious/noExplicitAny: attributes are contravariant in the rules; a node's op and attributes always fit
export type AnyOp = Op<any>;

let nextId = 1;

/**
 * Makes an operation. Use it through `apply`, or a tensor's method of the same name:
 *
 * ```ts
 * const cube = defineOp({
 *   name: 'cube',
 *   type: ([x]) => x,
 *   lower: map(([x]) => s.mul(s.mul(x, x), x)),
 *   vjp: (g, [x]) => [g.mul(x.square()).mul(3)],
 * });
 * const y = apply(cube, [x]);
 * ```
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<A = undefined>(definition: OpDefinition<A>): Op<A> {
  const { name, type, lower, vjp, batch } = definition;
  // All operations have the same fields in the same order: engines find them quicker then.
  return { name, type, lower, vjp, batch, id: nextId++ };
}

/** A `map` lowering: `of` gives one element from the elements of the inputs. */
/* @__NO_SIDE_EFFECTS__ */
export function map<A>(
  of: (x: readonly Scalar[], attributes: A) => Scalar,
  options: { readonly operands?: 'output' | 'promoted' | 'own'; readonly cost?: number } = {},
): Lowering<A> {
  checkOptions('map', options, 'operands cost');
  return { form: 'map', of, ...options };
}

/** A `view` lowering. */
/* @__NO_SIDE_EFFECTS__ */
export function view<A>(of: (view: View, attributes: A, context: ViewContext) => View | null): Lowering<A> {
  return { form: 'view', of };
}

/** An `expand` lowering: the operation in terms of others. */
/* @__NO_SIDE_EFFECTS__ */
export function expand<A>(of: (inputs: readonly Tensor[], attributes: A) => Tensor): Lowering<A> {
  return { form: 'expand', of };
}

/** Type rule of an elementwise operation: shapes broadcast, dtypes promote. */
/* @__NO_SIDE_EFFECTS__ */
export function broadcastType(name: string): (inputs: readonly TensorType[]) => TensorType {
  return (inputs) => {
    let { shape, dtype } = inputs[0];
    for (let i = 1; i < inputs.length; i++) {
      shape = broadcastShapes(shape, inputs[i].shape, name);
      dtype = promote(dtype, inputs[i].dtype);
    }
    return { shape, dtype };
  };
}

/** The same with a fractional result: integers and booleans become float32. */
/* @__NO_SIDE_EFFECTS__ */
export function broadcastFloatType(name: string): (inputs: readonly TensorType[]) => TensorType {
  const rule = broadcastType(name);
  return (inputs) => {
    const { shape, dtype } = rule(inputs);
    return { shape, dtype: floatOf(dtype) };
  };
}
