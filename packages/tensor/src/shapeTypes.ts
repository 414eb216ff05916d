/**
 * Shapes as types: how operations say the shape of their result to the compiler, and what is wrong with their operands.
 * Nothing here exists at run time.
 *
 * A size is a literal (`784`), a name (`'batch'`) or `number`, which is not known. A shape of which the number of axes is not
 * known is an array, or begins with one: `[...ShapeType, 10]` ends with an axis of size 10. What is not known fits anything.
 * An operation that cannot say the shape gives `Tensor`, and one whose operands cannot fit asks for a sentence that says why
 * instead of an operand, so that the sentence is what the compiler prints at the argument.
 */
import type { Axes } from './shape.ts';
import type { Tensor, TensorLike } from './tensor.ts';

/** Sizes of the axes as the compiler may know them: numbers, or names of sizes that are open. */
export type ShapeType = readonly (number | string)[];

/** The shape in the type of a tensor; that of a number is `[]`. */
export type ShapeOf<T> = T extends Tensor<infer S> ? S : T extends number ? [] : ShapeType;

/** Whether two sizes cannot be equal. */
type Differ<A, B> = [A] extends [B]
  ? false
  : [B] extends [A]
    ? false
    : number extends A | B
      ? false
      : string extends A | B
        ? false
        : true;

/** `2, 3` */
type Sizes<S> = S extends readonly [infer N extends number | string, ...infer Rest]
  ? Rest extends readonly []
    ? `${N}`
    : `${N}, ${Sizes<Rest>}`
  : S extends readonly []
    ? ''
    : '…';

/** `[2, 3]` */
export type Written<S> = S extends readonly [...infer Rest extends ShapeType, infer N extends number | string]
  ? number extends S['length']
    ? `[…, ${Sizes<[N]>}]`
    : `[${Sizes<[...Rest, N]>}]`
  : `[${Sizes<S>}]`;

// Broadcasting

/** Two sizes that do not broadcast. */
interface Clash<A, B> {
  readonly sizes: readonly [A, B];
}

/** An open beginning, and known sizes after it. */
type Ending<R extends ShapeType> = R extends readonly [] ? ShapeType : [...ShapeType, ...R];

/** The shape that two shapes share, or the sizes that keep them from it; compared from the last axis on. */
export type Broadcast<A, B, R extends ShapeType = []> = A extends readonly [
  ...infer L extends ShapeType,
  infer N extends number | string,
]
  ? B extends readonly [...infer M extends ShapeType, infer P extends number | string]
    ? [N] extends [1]
      ? Broadcast<L, M, [P, ...R]>
      : [P] extends [1]
        ? Broadcast<L, M, [N, ...R]>
        : Differ<N, P> extends true
          ? 1 extends N | P
            ? Broadcast<L, M, [number, ...R]>
            : Clash<N, P>
          : Broadcast<L, M, [number extends N ? P : N, ...R]>
    : B extends readonly []
      ? [...A, ...R]
      : Ending<R>
  : A extends readonly []
    ? B extends ShapeType
      ? [...B, ...R]
      : ShapeType
    : Ending<R>;

type TensorOf<S> = S extends ShapeType ? Tensor<S> : Tensor;

/** The result of an elementwise operation. */
export type Broadcasted<T, U> = TensorOf<Broadcast<ShapeOf<T>, ShapeOf<U>>>;

/** The second operand of an elementwise operation. */
export type BroadcastOperand<T, U> =
  Broadcast<ShapeOf<T>, ShapeOf<U>> extends Clash<
    infer A extends number | string,
    infer B extends number | string
  >
    ? `shapes ${Written<ShapeOf<T>>} and ${Written<ShapeOf<U>>} do not broadcast: sizes ${A} and ${B} meet`
    : U;

/** An elementwise function of two operands. */
export type BinaryFunction = <T extends TensorLike, U extends TensorLike>(
  a: T,
  b: BroadcastOperand<T, U>,
) => Broadcasted<T, U>;

/** A function whose result has the shape of its operand. */
export type UnaryFunction<Rest extends readonly unknown[] = []> = <T extends Tensor>(
  x: T,
  ...rest: Rest
) => Tensor<ShapeOf<T>>;

// Products

/** The axis of the second operand of a product over which is summed. */
type InnerSize<B> = B extends readonly [infer J]
  ? J
  : B extends readonly [...infer _, infer J, infer _N]
    ? J
    : number;

type ProductShape<A, B> = B extends readonly [infer _J]
  ? A extends readonly [...infer L extends ShapeType, infer _K]
    ? L
    : ShapeType
  : B extends readonly [...infer P extends ShapeType, infer _J, infer N extends number | string]
    ? A extends readonly [infer _K]
      ? [...P, N]
      : A extends readonly [...infer L extends ShapeType, infer M extends number | string, infer _K]
        ? Broadcast<L, P> extends infer Batch extends ShapeType
          ? [...Batch, M, N]
          : ShapeType
        : [...ShapeType, N]
    : ShapeType;

/** The result of a matrix product. */
export type Product<T, U> = TensorOf<ProductShape<ShapeOf<T>, ShapeOf<U>>>;

/** The second operand of a matrix product. */
export type ProductOperand<T, U> =
  ShapeOf<T> extends readonly [...infer _L, infer K extends number | string]
    ? InnerSize<ShapeOf<U>> extends infer J extends number | string
      ? Differ<K, J> extends true
        ? `matmul: inner sizes differ: ${K} and ${J}`
        : U
      : U
    : U;

// Axes

/** An axis counted from the front, for one counted from the end; `number` where it may be one of several. */
type Position<S, A> = true extends Several<A> ? number : Counted<S, A>;

type Counted<S, A> = A extends -1
  ? S extends readonly [...infer L, infer _1]
    ? L['length']
    : never
  : A extends -2
    ? S extends readonly [...infer L, infer _1, infer _2]
      ? L['length']
      : never
    : A extends -3
      ? S extends readonly [...infer L, infer _1, infer _2, infer _3]
        ? L['length']
        : never
      : A extends -4
        ? S extends readonly [...infer L, infer _1, infer _2, infer _3, infer _4]
          ? L['length']
          : never
        : A extends number
          ? `${A}` extends `-${string}`
            ? number
            : A
          : never;

/** Whether an axis is one of several, so that its position is not known. */
type Several<A, All = A> = A extends unknown ? ([All] extends [A] ? false : true) : never;

/** Positions of axes: one, or all of a list. */
type Positions<S, A> = A extends readonly unknown[] ? Counted<S, A[number]> : Counted<S, A>;

/** Axes as literals where they are written as such. */
export type LiteralAxes = Axes | readonly [];

type Filled<S, N extends number> = { [I in keyof S]: N };

/** Without the axes at positions P, or with size 1 there. */
type Without<S, P, K, At extends readonly 0[] = [], R extends ShapeType = []> = S extends readonly [
  infer N extends number | string,
  ...infer Rest,
]
  ? Without<Rest, P, K, [...At, 0], At['length'] extends P ? (K extends true ? [...R, 1] : R) : [...R, N]>
  : R;

/** A shape after a reduction along axes A, all if undefined; K says whether axes stay, with size 1. */
type ReducedShape<S extends ShapeType, A, K> = A extends undefined
  ? boolean extends K
    ? ShapeType
    : K extends true
      ? Filled<S, 1>
      : []
  : boolean extends K
    ? ShapeType
    : number extends S['length']
      ? A extends -1
        ? S extends readonly [...infer L extends ShapeType, infer _N]
          ? K extends true
            ? [...L, 1]
            : L
          : ShapeType
        : ShapeType
      : number extends Positions<S, A>
        ? ShapeType
        : Without<S, Positions<S, A>, K>;

/** The result of a reduction. */
export type Reduced<T, A, K> = TensorOf<ReducedShape<ShapeOf<T>, A, K>>;

/** Sizes at positions P replaced by N. */
type Replaced<S, P, N> = number extends P
  ? Filled<S, number>
  : { [I in keyof S]: I extends `${P & number}` ? N : S[I] };

/** With another size N along axis A. */
export type Resized<T, A, N extends number | string = number> =
  ShapeOf<T> extends infer S extends ShapeType
    ? number extends S['length']
      ? Tensor
      : TensorOf<Replaced<S, Position<S, A>, N>>
    : Tensor;

/** Two parts of a shape, before position P and from there on. */
type SplitAt<S, P, Before extends ShapeType = []> = Before['length'] extends P
  ? [Before, S]
  : S extends readonly [infer N extends number | string, ...infer Rest]
    ? SplitAt<Rest, P, [...Before, N]>
    : never;

/** With another axis inserted that stands at A in the result. */
export type Inserted<S extends ShapeType, A, N extends number | string> = number extends S['length']
  ? ShapeType
  : Position<[...S, N], A> extends infer P
    ? number extends P
      ? ShapeType
      : SplitAt<S, P> extends [infer B extends ShapeType, infer Rest extends ShapeType]
        ? [...B, N, ...Rest]
        : ShapeType
    : ShapeType;

export type Unsqueezed<T, A> = TensorOf<Inserted<ShapeOf<T>, A, 1>>;

/** Axis A replaced by the axes of `position`. */
export type Taken<T, U, A> =
  ShapeOf<T> extends infer S extends ShapeType
    ? number extends S['length']
      ? Tensor
      : SplitAt<S, Position<S, A>> extends [
            infer B extends ShapeType,
            readonly [unknown, ...infer Rest extends ShapeType],
          ]
        ? Tensor<[...B, ...ShapeOf<U>, ...Rest]>
        : Tensor
    : Tensor;

/** The shape given to an operation that makes it. */
export type AsWritten<N extends ShapeType> = { -readonly [I in keyof N]: N[I] };

/** The shape given to `reshape`: the size that it computes is not known. */
export type Reshaped<N extends ShapeType> = TensorOf<{
  -readonly [I in keyof N]: N[I] extends -1 ? number : N[I];
}>;

/** Two axes swapped. */
export type Transposed<T, A, B> =
  ShapeOf<T> extends infer S extends ShapeType
    ? [A, B] extends [-2, -1]
      ? S extends readonly [
          ...infer L extends ShapeType,
          infer M extends number | string,
          infer N extends number | string,
        ]
        ? Tensor<[...L, N, M]>
        : Tensor
      : number extends S['length']
        ? Tensor
        : Swapped<S, Position<S, A>, Position<S, B>>
    : Tensor;

type Swapped<S extends ShapeType, P, Q> = number extends P | Q
  ? TensorOf<Filled<S, number>>
  : TensorOf<{
      [I in keyof S]: I extends `${P & number}`
        ? S[Q & keyof S]
        : I extends `${Q & number}`
          ? S[P & keyof S]
          : S[I];
    }>;

type Reversed<S, R extends ShapeType = []> = S extends readonly [
  infer N extends number | string,
  ...infer Rest,
]
  ? Reversed<Rest, [N, ...R]>
  : R;

/** Axes in another order; reversed if it is undefined. */
export type Permuted<T, Order> =
  ShapeOf<T> extends infer S extends ShapeType
    ? number extends S['length']
      ? Tensor
      : Order extends undefined
        ? Tensor<Reversed<S>>
        : TensorOf<{ -readonly [I in keyof Order]: S[Position<S, Order[I]> & keyof S] }>
    : Tensor;

type WithoutOnes<S, R extends ShapeType = []> = S extends readonly [
  infer N extends number | string,
  ...infer Rest,
]
  ? N extends 1
    ? WithoutOnes<Rest, R>
    : WithoutOnes<Rest, [...R, N]>
  : R;

/** Without axes of size 1: the given ones, or all if undefined. */
export type Squeezed<T, A> =
  ShapeOf<T> extends infer S extends ShapeType
    ? number extends S['length']
      ? Tensor
      : [A] extends [undefined]
        ? number extends S[number]
          ? Tensor
          : Tensor<WithoutOnes<S>>
        : Reduced<T, A, false>
    : Tensor;

/** Axes from A to B merged into one. */
export type Flattened<T, A, B> =
  ShapeOf<T> extends infer S extends ShapeType
    ? number extends S['length']
      ? Tensor
      : [SplitAt<S, Position<S, A>>, SplitAt<S, Position<S, B>>] extends [
            [infer Before extends ShapeType, infer From extends ShapeType],
            [ShapeType, readonly [infer N, ...infer After extends ShapeType]],
          ]
        ? TensorOf<[...Before, From extends readonly [N, ...After] ? N : number, ...After]>
        : Tensor
    : Tensor;

/** As many axes, of any size. */
export type SameRank<T> = TensorOf<Filled<ShapeOf<T>, number>>;

/** What items of an index leave of a shape; not known with tensors among them, or an ellipsis before the end. */
type IndexedShape<S, Items, R extends ShapeType = []> = Items extends readonly [infer Item, ...infer Rest]
  ? Item extends null
    ? IndexedShape<S, Rest, [...R, 1]>
    : Item extends Tensor
      ? ShapeType
      : Item extends '...'
        ? Rest extends readonly []
          ? IndexedShape<S, [], R>
          : ShapeType
        : S extends readonly [infer N extends number | string, ...infer M]
          ? IndexedShape<M, Rest, Item extends number ? R : [...R, Item extends ':' ? N : number]>
          : ShapeType
  : S extends ShapeType
    ? Items extends readonly []
      ? [...R, ...S]
      : ShapeType
    : ShapeType;

export type Indexed<T, Items> = TensorOf<IndexedShape<ShapeOf<T>, Items>>;

// Several tensors

/** What tensors share that are joined along an axis. */
export type Concatenated<Ts extends readonly Tensor[], A> = Resized<
  Ts extends readonly [infer First, ...unknown[]] ? First : Ts[number],
  A
>;

/** Tensors of one shape along a new axis. */
export type Stacked<Ts extends readonly Tensor[], A> = TensorOf<
  Inserted<ShapeOf<Ts extends readonly [infer First, ...unknown[]] ? First : Ts[number]>, A, Ts['length']>
>;

/** A size and another that cannot be equal to it, at the first axis where shapes differ, besides position P. */
type FirstDifference<S, O, P, At extends readonly 0[] = []> = S extends readonly [infer N, ...infer Rest]
  ? O extends readonly [infer M, ...infer Others]
    ? At['length'] extends P
      ? FirstDifference<Rest, Others, P, [...At, 0]>
      : Differ<N, M> extends true
        ? [At['length'], N, M]
        : FirstDifference<Rest, Others, P, [...At, 0]>
    : null
  : null;

/** The first of the tensors after S that does not fit, as a sentence; null if all do. */
type FirstMisfit<Name extends string, S extends ShapeType, Rest, P> = Rest extends readonly [
  infer T,
  ...infer More,
]
  ? FirstDifference<S, ShapeOf<T>, P> extends [
      infer At extends number,
      infer N extends number | string,
      infer M extends number | string,
    ]
    ? `${Name}: sizes differ along axis ${At}: ${N} and ${M}`
    : FirstMisfit<Name, S, More, P>
  : null;

/** Tensors to be joined along axis A; of `stack`, where all sizes must be equal, A is null. */
export type JoinedOperands<Name extends string, Ts extends readonly Tensor[], A> = Ts extends readonly [
  infer First,
  ...infer Rest,
]
  ? FirstMisfit<Name, ShapeOf<First>, Rest, Position<ShapeOf<First>, A>> extends infer Sentence extends string
    ? Sentence
    : Ts
  : Ts;
