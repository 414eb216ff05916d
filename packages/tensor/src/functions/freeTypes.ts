/**
 * Types of the free functions that are methods, too: as TypeScript cannot turn a method into a function of its tensor and keep what
 * it says about shapes, those that do more than keep the shape are written out here once more.
 */
import type { Shape } from '../shape.ts';
import type {
  AsWritten,
  BinaryFunction,
  Broadcasted,
  Flattened,
  Indexed,
  LiteralAxes,
  Permuted,
  Product,
  ProductOperand,
  Reduced,
  Reshaped,
  Resized,
  SameRank,
  Squeezed,
  Taken,
  Transposed,
  UnaryFunction,
  Unsqueezed,
} from '../shapeTypes.ts';
import type { ReduceOptions, Tensor, TensorLike } from '../tensor.ts';
import type { IndexItem, PadOptions, PadWidths } from './select.ts';

// Exported, so that declarations name them: written out wherever they are used they would be too long to be written at all.

/** A reduction over any axes. */
export type Reduction<Options = unknown> = <
  T extends Tensor,
  const A extends LiteralAxes | undefined = undefined,
  K extends boolean = false,
>(
  x: T,
  axis?: A,
  options?: ReduceOptions<K> & Options,
) => Reduced<T, A, K>;

/** A reduction to positions, over one axis or all. */
export type PositionReduction = <
  T extends Tensor,
  const A extends number | undefined = undefined,
  K extends boolean = false,
>(
  x: T,
  axis?: A,
  options?: ReduceOptions<K>,
) => Reduced<T, A, K>;

/** A product of matrices. */
export type MatrixProduct = <T extends Tensor, U extends Tensor>(
  x: T,
  other: ProductOperand<T, U>,
) => Product<T, U>;

interface Functions {
  readonly logicalAnd: BinaryFunction;
  readonly logicalOr: BinaryFunction;
  readonly clamp: <T extends Tensor, L extends TensorLike = number, H extends TensorLike = number>(
    x: T,
    low?: L,
    high?: H,
  ) => Broadcasted<Broadcasted<T, L>, H>;
  readonly matmul: MatrixProduct;
  readonly dot: MatrixProduct;
  readonly sum: Reduction;
  readonly mean: Reduction;
  readonly prod: Reduction;
  readonly all: Reduction;
  readonly any: Reduction;
  readonly logSumExp: Reduction;
  readonly variance: Reduction<{ readonly correction?: number }>;
  readonly std: Reduction<{ readonly correction?: number }>;
  readonly norm: Reduction<{ readonly p?: number }>;
  readonly argmax: PositionReduction;
  readonly argmin: PositionReduction;
  readonly reshape: <const N extends Shape>(x: Tensor, shape: N) => Reshaped<N>;
  readonly broadcastTo: <const N extends Shape>(x: Tensor, shape: N) => Tensor<AsWritten<N>>;
  readonly flatten: <T extends Tensor, A extends number = 0, B extends number = -1>(
    x: T,
    start?: A,
    end?: B,
  ) => Flattened<T, A, B>;
  readonly squeeze: <T extends Tensor, const A extends LiteralAxes | undefined = undefined>(
    x: T,
    axis?: A,
  ) => Squeezed<T, A>;
  readonly unsqueeze: <T extends Tensor, A extends number>(x: T, axis: A) => Unsqueezed<T, A>;
  readonly permute: <T extends Tensor, const O extends readonly number[] | undefined = undefined>(
    x: T,
    order?: O,
  ) => Permuted<T, O>;
  readonly transpose: <T extends Tensor, A extends number = -2, B extends number = -1>(
    x: T,
    a?: A,
    b?: B,
  ) => Transposed<T, A, B>;
  readonly slice: <T extends Tensor, A extends number = 0>(
    x: T,
    start: number,
    end?: number,
    options?: { readonly axis?: A; readonly step?: number },
  ) => Resized<T, A>;
  readonly pad: <T extends Tensor>(x: T, widths: PadWidths, fill?: number | PadOptions) => SameRank<T>;
  readonly take: <T extends Tensor, U extends Tensor, A extends number = 0>(
    x: T,
    position: U,
    axis?: A,
  ) => Taken<T, U, A>;
  readonly indexSelect: <T extends Tensor, U extends Tensor, A extends number>(
    x: T,
    axis: A,
    position: U,
  ) => Taken<T, U, A>;
  readonly index: <T extends Tensor, const Items extends readonly IndexItem[]>(
    x: T,
    ...items: Items
  ) => Indexed<T, Items>;
}

type Arguments<F> = F extends (...args: infer Args) => unknown ? Args : never;

/** Methods that give a tensor. */
export type Method = {
  [K in keyof Tensor]-?: Tensor[K] extends (...args: never[]) => Tensor ? K : never;
}[keyof Tensor];

/** Methods whose result has the shape of the tensor: they say so with the class's own parameter. */
type ShapeKeeping = {
  [K in Method]: Tensor<['own']>[K] extends (...args: never[]) => Tensor<infer S>
    ? [S] extends [readonly ['own']]
      ? K
      : never
    : never;
}[Method];

/** A method as a function of the tensor and the method's arguments. */
export type FreeFunction<K extends Method> = K extends keyof Functions
  ? Functions[K]
  : K extends ShapeKeeping
    ? UnaryFunction<Arguments<Tensor[K]>>
    : (x: Tensor, ...rest: Arguments<Tensor[K]>) => Tensor;
