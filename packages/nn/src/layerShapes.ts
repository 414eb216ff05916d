/**
 * What layers make of shapes, as types: docs/shapes-in-types.md. Nothing here exists at run time.
 *
 * TypeScript cannot ask a generic method for its result, so each layer also holds, in its type alone, an *effect*: plain data that
 * says what it does to a shape. `forward` and `sequential` read it; a module without one takes any shape and gives one that is
 * not known.
 */
import type { Broadcasted, Flattened, ShapeOf, ShapeType, Tensor } from '@ag/tensor';

/** Where the type of a layer holds its effect. */
export declare const shapeEffect: unique symbol;

/** The shape stays. */
export type Keeps = readonly ['keeps'];
/** The last axis has `In` elements, and `Out` afterwards. */
export type LastAxis<Name, In, Out> = readonly ['last', Name, In, Out];
/** Another axis of `Size` elements at the end. */
export type Appends<Size> = readonly ['appends', Size];
/** Axis 1 has `In` elements, and `Out` afterwards; the sizes behind it stay, or are those of `Positions`. */
export type Channels<Name, In, Out, Positions extends 'stay' | readonly number[]> = readonly [
  'channels',
  Name,
  In,
  Out,
  Positions,
];
/** The sizes behind axis 1 change. */
export type Pools = readonly ['pools'];
/** Axes from `Start` to `End` become one. */
export type Merges<Start, End> = readonly ['merges', Start, End];
/** One layer after the other. */
export type Chain<Layers> = readonly ['chain', Layers];
/** The sum of what two layers give; null is the identity. */
export type Sum<Body, Shortcut> = readonly ['sum', Body, Shortcut];

/** The effect of a layer. */
export type EffectOf<M> = M extends { readonly [shapeEffect]?: infer E } ? Exclude<E, undefined> : unknown;

type Size = number | string;

/** Whether a size is known to be another. */
type Other<A, B> = [A] extends [B] ? false : [B] extends [A] ? false : number extends A | B ? false : true;

/** The shape that an effect makes of that of `T`, as a tensor; a sentence where it cannot. */
export type Passed<E, T> = E extends Keeps
  ? T extends Tensor
    ? Tensor<ShapeOf<T>>
    : Tensor
  : E extends LastAxis<infer Name extends string, infer In extends number, infer Out extends number>
    ? ShapeOf<T> extends readonly [...infer Before extends ShapeType, infer Last extends Size]
      ? Other<Last, In> extends true
        ? `${Name}: expects ${In} features along the last axis, got ${Last}`
        : Tensor<[...Before, Out]>
      : Tensor<[...ShapeType, Out]>
    : E extends Appends<infer N extends number>
      ? Tensor<[...ShapeOf<T>, N]>
      : E extends Channels<
            infer Name extends string,
            infer In extends number,
            infer Out extends number,
            infer Positions
          >
        ? ShapeOf<T> extends readonly [
            infer B extends Size,
            infer C extends Size,
            ...infer Rest extends ShapeType,
          ]
          ? Other<C, In> extends true
            ? `${Name}: expects ${In} channels along axis 1, got ${C}`
            : Tensor<[B, Out, ...(Positions extends readonly number[] ? Positions : Rest)]>
          : Positions extends readonly number[]
            ? Tensor<[number, Out, ...Positions]>
            : Tensor
        : E extends Pools
          ? ShapeOf<T> extends readonly [
              infer B extends Size,
              infer C extends Size,
              ...infer Rest extends ShapeType,
            ]
            ? Tensor<[B, C, ...Unknown<Rest>]>
            : Tensor
          : E extends Merges<infer Start, infer End>
            ? Flattened<T, Start, End>
            : E extends Chain<infer Layers>
              ? Through<Layers, T>
              : E extends Sum<infer Body, infer Shortcut>
                ? Added<Passed<EffectOf<Body>, T>, Shortcut extends null ? T : Passed<EffectOf<Shortcut>, T>>
                : Tensor;

type Unknown<Rest extends ShapeType> = { [I in keyof Rest]: number };

type Added<A, B> = A extends string ? A : B extends string ? B : Broadcasted<A, B>;

/** What layers make of a tensor, one after the other. */
type Through<Layers, T> = Layers extends readonly [infer First, ...infer Rest]
  ? Passed<EffectOf<First>, T> extends infer Y
    ? Y extends string
      ? Y
      : Through<Rest, Y>
    : Tensor
  : Layers extends readonly []
    ? T
    : Tensor;

/** The input of a layer `M`: the tensor given, or a sentence that says why it does not fit. */
export type Entering<M, T> =
  Passed<EffectOf<M>, T> extends infer Sentence extends string ? Tensor & Sentence : T;

/** The shape of the output of a layer `M`. */
export type LeavingShape<M, T> =
  Passed<EffectOf<M>, T> extends infer Y extends Tensor ? ShapeOf<Y> : ShapeType;

/** A sentence that says which layer of a row cannot follow those before it, and why; else anything. */
export type Fitting<Layers, T = Tensor, At extends readonly 0[] = []> = Layers extends readonly [
  infer First,
  ...infer Rest,
]
  ? Passed<EffectOf<First>, T> extends infer Y
    ? Y extends string
      ? `layer ${At['length']}: ${Y}`
      : Fitting<Rest, Y, [...At, 0]>
    : unknown
  : unknown;
