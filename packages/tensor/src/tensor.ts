/**
 * `Tensor`: a node of the lazy graph and, once evaluated, a value. Making one costs a small object; shape and
 * dtype are checked at the call, numbers are computed when they are read.
 *
 * The methods below are the public face of the operations in `ops/`; each is one line that names its operation.
 */

import { checkArray, checkFinite, describeValue, primitiveOf } from './check.ts';
import {
  checkDType,
  computedDType,
  type DType,
  isFloat,
  isStorage,
  storageInUse,
  type TypedArray,
  weakDType,
} from './dtype.ts';
import { axisError, codedError, shapeError, valueError } from './errors.ts';
import { Selection } from './functions/at.ts';
import * as select from './functions/select.ts';
import type { Leaf, Origin } from './node.ts';
import { hasOpen, isOpen, mayBeSize, mergedSize } from './openSizes.ts';
import * as activations from './ops/activations.ts';
import { checkMatmul, contract, matmulLabels } from './ops/contract.ts';
import * as elementwise from './ops/elementwise.ts';
import * as movement from './ops/movement.ts';
import type { AnyOp, Op } from './ops/op.ts';
import * as reductions from './ops/reduce.ts';
import * as softmaxes from './ops/softmax.ts';
import { checkOptions } from './options.ts';
import { formatLazy, formatValue, type NestedArray, nestedArray } from './print.ts';
import { cutGraph, evaluate } from './run/evaluate.ts';
import type { EvaluationGroup } from './run/group.ts';
import { chainTooLong } from './run/growth.ts';
import { noteCreation } from './run/observe.ts';
import { numbersOf, readTensor, readTensorSync, readyValue } from './run/read.ts';
import {
  type Axes,
  broadcastShapes,
  checkShape,
  fixedShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  reducedShape,
  type Shape,
  scalarShape,
  sizeOf,
  sizesOf,
} from './shape.ts';
import type {
  AsWritten,
  Broadcasted,
  BroadcastOperand,
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
  ShapeType,
  Squeezed,
  Taken,
  Transposed,
  Unsqueezed,
} from './shapeTypes.ts';
import type { Variable } from './variable.ts';

/** A tensor or a plain number, which takes the dtype of the tensor it meets. */
export type TensorLike = Tensor | number;

/** Options of reductions. */
export interface ReduceOptions<K extends boolean = boolean> {
  /** Keep reduced axes with size 1. Default false. */
  readonly keepDims?: K;
}

/** Options of `max` and `min`. */
export interface ExtremeOptions<K extends boolean = boolean> extends ReduceOptions<K> {
  /** Also give the positions (int32): along the axis, or among all in row-major order. Default false. */
  readonly indices?: boolean;
}

/** Elements, and where they stood. */
export interface ValuesAndIndices<S extends ShapeType = ShapeType> {
  readonly values: Tensor<S>;
  /** int32 */
  readonly indices: Tensor<S>;
}

/** Options of running sums and products. */
export interface ScanOptions {
  /** From the end. Default false. */
  readonly reverse?: boolean;
  /** Each element without itself: the first is 0, or 1 for products. Default false. */
  readonly exclusive?: boolean;
}

const brand = Symbol.for('@ag/tensor');
const noInputs: readonly Tensor[] = [];
let made = 0;
const orNumber = 'a tensor or a number';

/** Where the type of a tensor holds its shape: a method, so that a shape which is not known fits any, and any fits it. */
declare const shapeType: unique symbol;

/**
 * An immutable n-dimensional array, computed when it is read.
 *
 * @typeParam S the shape, as far as it is known to the compiler (docs/shapes-in-types.md): `Tensor<['batch', 784]>`
 */
export class Tensor<S extends ShapeType = ShapeType> {
  [shapeType]?(shape: S): void;
  /** Sizes of the axes. It cannot be written into: `reshape`, `unsqueeze`, `permute` make another tensor. */
  readonly shape: Shape;
  readonly dtype: DType;

  // What it is made of. Written by the constructor, and by `run/evaluate.ts` when the node becomes a value.

  /** The operation that gives this tensor, null for a leaf and once it has been evaluated. @internal */
  op: AnyOp | null;
  /** @internal */
  inputs: readonly Tensor[];
  /** @internal */
  attributes: unknown;
  /** @internal */
  leaf: Leaf | null;

  // What the run knows of it.

  /** Tensors that are evaluated together with this one: `run/group.ts`. @internal */
  group: EvaluationGroup | null = null;
  /** What it was made of, once it is a value: `run/history.ts`. @internal */
  origin: Origin | null = null;
  /** What can no longer be asked of it: `run/history.ts`. @internal */
  lost = 0;
  /** How far from the end of its nodes a plan has computed it, 0 before: `run/carried.ts`. @internal */
  computedAt = 0;
  /** How long the chain of operations behind this node is, and when it was made: `run/growth.ts`. @internal */
  chainLength = 0;
  /** @internal */
  createdAt = 0;

  // What walks over graphs need.

  /** Tensors are numbered as they are made, so none depends on one with a higher number. @internal */
  readonly serial = ++made;
  /** The last walk that met this node, and its position there. Any walk may write both. @internal */
  visitMark = 0;
  /** @internal */
  position = 0;

  /** Use `tensor(…)`, `zeros(…)` and the like, or operations, to make tensors. @internal */
  constructor(
    shape: Shape,
    dtype: DType,
    op: AnyOp | null,
    inputs: readonly Tensor[],
    attributes: unknown,
    leaf: Leaf | null,
  ) {
    this.shape = shape;
    this.dtype = dtype;
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.leaf = leaf;
    noteCreation(this);
  }

  /** Number of elements. @throws Error for a placeholder whose first size is open. */
  get size(): number {
    if (hasOpen(sizesOf(this.shape))) {
      throw codedError(
        Error,
        'AG_OPEN_SIZE',
        'size: a size of the placeholder is open until it is fed, so there is no number of elements; use mean instead of sum ÷ size',
      );
    }
    return sizeOf(this.shape);
  }

  /** Number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Marks tensors of this copy of the library. @internal */
  get [brand](): object {
    return noInputs;
  }

  // Reading

  /** A host copy of the elements in row-major order; computes what is needed first. */
  data(): Promise<TypedArray> {
    return readTensor(this);
  }

  /** The same at once. @throws Error on backends that cannot read synchronously. */
  dataSync(): TypedArray {
    return numbersOf(readTensorSync(this), this.dtype);
  }

  /** The only element. @throws RangeError unless there is exactly one. */
  async item(): Promise<number> {
    checkSingle(this);
    return (await readTensor(this))[0];
  }

  /** The same at once. */
  itemSync(): number {
    checkSingle(this);
    return this.dataSync()[0];
  }

  /** The elements as nested arrays (a number for a scalar; booleans for bool). */
  async toArray(): Promise<NestedArray> {
    return nestedArray(await this.data(), this.shape, this.dtype);
  }

  /** `[lazy 3×4 float32]` until the tensor has a value, then its elements as NumPy prints them. */
  toString(): string {
    const data = readyValue(this);
    return data
      ? formatValue(numbersOf(data, this.dtype), this.shape, this.dtype)
      : formatLazy(this.shape, this.dtype);
  }

  /** Evaluates and prints to the console. */
  async print(): Promise<void> {
    console.log(formatValue(await this.data(), this.shape, this.dtype));
  }

  /** What operators of the language get. @internal */
  [Symbol.toPrimitive](hint: string): string {
    return primitiveOf(this, hint);
  }

  /** What Node's console shows; never evaluates. @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** What Deno's console shows; never evaluates. @internal */
  [Symbol.for('Deno.customInspect')](): string {
    return this.toString();
  }

  /** What notebooks show (Deno's Jupyter kernel and those that follow it); evaluates. @internal */
  async [Symbol.for('Jupyter.display')](): Promise<Record<string, string>> {
    const data = await this.data();
    const { notebookDisplay } = await import('./display.ts');
    return notebookDisplay(formatValue(data, this.shape, this.dtype), data, this.shape);
  }

  /** Evaluates now and keeps the elements on the device; resolves to this tensor. */
  async keep(): Promise<this> {
    evaluate([this], { keep: true });
    return this;
  }

  /** Frees device memory that `keep` holds, early. The tensor stays readable where it was evaluated to the host. */
  dispose(): void {
    if (this.leaf?.kind === 'device') this.leaf.device.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // Building

  /** The result of an operation on `inputs` (this tensor need not be among them). @internal */
  apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes?: A): Tensor {
    return apply(op, inputs, attributes);
  }

  /** A number with this tensor's dtype, or one that can hold it. @internal */
  number(value: number): Tensor {
    return literal(value, weakDType(value, this.dtype));
  }

  /** A leaf of any dtype that owns `array`. @internal */
  fromHost(array: TypedArray, shape: Shape, dtype: DType): Tensor {
    return new Tensor(fixedShape(shape), dtype, null, noInputs, undefined, {
      kind: 'host',
      data: array,
      uses: 0,
      device: null,
    });
  }

  // Arithmetic

  /** Elementwise sum. */
  add<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  add(other: TensorLike): Tensor {
    return apply(elementwise.add, [this, operand(this, other, 'add')]);
  }
  /** Elementwise difference. */
  sub<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  sub(other: TensorLike): Tensor {
    return apply(elementwise.sub, [this, operand(this, other, 'sub')]);
  }
  /** Elementwise product. */
  mul<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  mul(other: TensorLike): Tensor {
    return apply(elementwise.mul, [this, operand(this, other, 'mul')]);
  }
  /** Elementwise quotient; integers give float32. */
  div<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  div(other: TensorLike): Tensor {
    return apply(elementwise.div, [this, operand(this, other, 'div')]);
  }
  /** Elementwise power. The dtype is that of the operands' types, whatever the exponent's value. */
  pow<T extends Tensor, U extends TensorLike>(this: T, exponent: BroadcastOperand<T, U>): Broadcasted<T, U>;
  pow(exponent: TensorLike): Tensor {
    if (exponent === 2) return this.square();
    // Of integers 1/x is a whole number, and of bools x¹ is one.
    if (exponent === 1 && this.dtype !== 'bool') return this;
    if (exponent === 0.5) return this.sqrt();
    if (exponent === -1 && isFloat(this.dtype)) return this.reciprocal();
    return apply(elementwise.pow, [this, operand(this, exponent, 'pow')]);
  }
  /** Remainder with the sign of the divisor. */
  mod<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  mod(other: TensorLike): Tensor {
    return apply(elementwise.mod, [this, operand(this, other, 'mod')]);
  }
  /** The larger of two; NaN if either is NaN. */
  maximum<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  maximum(other: TensorLike): Tensor {
    return apply(elementwise.maximum, [this, operand(this, other, 'maximum')]);
  }
  /** The smaller of two; NaN if either is NaN. */
  minimum<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  minimum(other: TensorLike): Tensor {
    return apply(elementwise.minimum, [this, operand(this, other, 'minimum')]);
  }
  /** Angle of the point (x, this). */
  atan2<T extends Tensor, U extends TensorLike>(this: T, x: BroadcastOperand<T, U>): Broadcasted<T, U>;
  atan2(x: TensorLike): Tensor {
    return apply(elementwise.atan2, [this, operand(this, x, 'atan2')]);
  }
  /** −x. */
  neg(): Tensor<S> {
    return apply(elementwise.neg, [this]);
  }
  /** |x|. */
  abs(): Tensor<S> {
    return apply(elementwise.abs, [this]);
  }
  /** −1, 0 or 1. */
  sign(): Tensor<S> {
    return apply(elementwise.sign, [this]);
  }
  /** x². */
  square(): Tensor<S> {
    return apply(elementwise.square, [this]);
  }
  /** √x. */
  sqrt(): Tensor<S> {
    return apply(elementwise.sqrt, [this]);
  }
  /** 1/√x. */
  rsqrt(): Tensor<S> {
    return apply(elementwise.rsqrt, [this]);
  }
  /** 1/x. */
  reciprocal(): Tensor<S> {
    return apply(elementwise.reciprocal, [this]);
  }
  /** Largest integer ≤ x. */
  floor(): Tensor<S> {
    return apply(elementwise.floor, [this]);
  }
  /** Smallest integer ≥ x. */
  ceil(): Tensor<S> {
    return apply(elementwise.ceil, [this]);
  }
  /** Nearest integer, halves to the even one. */
  round(): Tensor<S> {
    return apply(elementwise.round, [this]);
  }
  /**
   * x limited to [low, high]; either may be left out, and either may be a tensor. The gradient goes to x where it is
   * inside, ends included, elsewhere to the limit. @throws RangeError for two numbers of which the first is larger.
   */
  clamp<T extends Tensor, L extends TensorLike = number, H extends TensorLike = number>(
    this: T,
    low?: L,
    high?: H,
  ): Broadcasted<Broadcasted<T, L>, H>;
  clamp(low?: TensorLike, high?: TensorLike): Tensor {
    for (const limit of [low, high]) {
      if (Number.isNaN(limit)) throw valueError('clamp: a limit must not be NaN');
      if (limit !== undefined && typeof limit !== 'number') checkTensor(limit, 'clamp', 'a limit', orNumber);
    }
    if (typeof low === 'number' && typeof high === 'number' && low > high) {
      throw valueError(`clamp: the lower limit ${low} is above the upper limit ${high}`);
    }
    let result: Tensor = this;
    if (low !== undefined) result = result.less(low).where(low, result);
    if (high !== undefined) result = result.greater(high).where(high, result);
    return result;
  }

  // Functions

  /** eˣ. */
  exp(): Tensor<S> {
    return apply(elementwise.exp, [this]);
  }
  /** eˣ − 1, exact near 0. */
  expm1(): Tensor<S> {
    return apply(elementwise.expm1, [this]);
  }
  /** Natural logarithm. */
  log(): Tensor<S> {
    return apply(elementwise.log, [this]);
  }
  /** log(1 + x), exact near 0. */
  log1p(): Tensor<S> {
    return apply(elementwise.log1p, [this]);
  }
  /** Logarithm to base 2. */
  log2(): Tensor<S> {
    return apply(elementwise.log2, [this]);
  }
  /** The sine of each element, in radians. */
  sin(): Tensor<S> {
    return apply(elementwise.sin, [this]);
  }
  /** The cosine of each element, in radians. */
  cos(): Tensor<S> {
    return apply(elementwise.cos, [this]);
  }
  /** The tangent of each element, in radians. */
  tan(): Tensor<S> {
    return apply(elementwise.tan, [this]);
  }
  /** The angle in −π/2 … π/2 whose sine is the element; NaN beyond −1 … 1. */
  asin(): Tensor<S> {
    return apply(elementwise.asin, [this]);
  }
  /** The angle in 0 … π whose cosine is the element; NaN beyond −1 … 1. */
  acos(): Tensor<S> {
    return apply(elementwise.acos, [this]);
  }
  /** The angle in −π/2 … π/2 whose tangent is the element. */
  atan(): Tensor<S> {
    return apply(elementwise.atan, [this]);
  }
  /** The hyperbolic sine of each element. */
  sinh(): Tensor<S> {
    return apply(elementwise.sinh, [this]);
  }
  /** The hyperbolic cosine of each element. */
  cosh(): Tensor<S> {
    return apply(elementwise.cosh, [this]);
  }
  /** The hyperbolic tangent of each element. */
  tanh(): Tensor<S> {
    return apply(elementwise.tanh, [this]);
  }
  /** Gauss error function. */
  erf(): Tensor<S> {
    return apply(elementwise.erf, [this]);
  }
  /** 1 / (1 + e⁻ˣ). */
  sigmoid(): Tensor<S> {
    return apply(elementwise.sigmoid, [this]);
  }
  /** max(x, 0); the derivative at 0 counts as 0. */
  relu(): Tensor<S> {
    return apply(elementwise.relu, [this]);
  }
  /** log(1 + eˣ) without overflow. */
  softplus(): Tensor<S> {
    return apply(elementwise.softplus, [this]);
  }
  /** x where positive, else slope · x. */
  leakyRelu(this: Tensor, slope = 0.01): Tensor<S> {
    return this.greater(0).where(this, this.mul(checkFinite(slope, 'leakyRelu', 'the slope')));
  }
  /** x where positive, else alpha · (eˣ − 1) (Clevert et al. 2015). */
  elu(this: Tensor, alpha = 1): Tensor<S> {
    checkFinite(alpha, 'elu', 'alpha');
    const positive = this.greater(0);
    return positive.where(this, positive.where(0, this).expm1().mul(alpha));
  }
  /** Scaled elu with the self-normalizing constants (Klambauer et al. 2017). */
  selu(this: Tensor): Tensor<S> {
    return this.elu(1.6732632423543772).mul(1.0507009873554805);
  }
  /** x · Φ(x), exact by default, or the tanh approximation (Hendrycks & Gimpel 2016). */
  gelu(approximation: 'none' | 'tanh' = 'none'): Tensor<S> {
    if (approximation !== 'none' && approximation !== 'tanh')
      throw valueError(
        `gelu: the approximation must be 'none' or 'tanh', got ${describeValue(approximation)}`,
      );
    return apply(approximation === 'tanh' ? activations.geluTanh : activations.gelu, [this]);
  }
  /** x · sigmoid(x), also called swish. */
  silu(): Tensor<S> {
    return apply(activations.silu, [this]);
  }
  /** x / (1 + |x|). */
  softsign(): Tensor<S> {
    const x = toFloat(this);
    return x.div(x.abs().add(1));
  }
  /** log(sigmoid(x)) without overflow. */
  logSigmoid(): Tensor<S> {
    return toFloat(this).neg().softplus().neg();
  }
  /** Piecewise linear sigmoid: (x + 3) / 6 limited to [0, 1]. */
  hardSigmoid(): Tensor<S> {
    return toFloat(this).add(3).div(6).clamp(0, 1);
  }
  /** x · hardSigmoid(x) (Howard et al. 2019). */
  hardSwish(this: Tensor): Tensor<S> {
    return this.mul(this.hardSigmoid());
  }
  /** x · tanh(softplus(x)) (Misra 2019). */
  mish(this: Tensor): Tensor<S> {
    return this.mul(this.softplus().tanh());
  }

  // Comparison and logic: bool results without gradient

  /** Whether a = b. */
  equal<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  equal(other: TensorLike): Tensor {
    return apply(elementwise.equal, [this, operand(this, other, 'equal')]);
  }
  /** Whether a ≠ b; true for NaN. */
  notEqual<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  notEqual(other: TensorLike): Tensor {
    return apply(elementwise.notEqual, [this, operand(this, other, 'notEqual')]);
  }
  /** Whether a < b. */
  less<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  less(other: TensorLike): Tensor {
    return apply(elementwise.less, [this, operand(this, other, 'less')]);
  }
  /** Whether a ≤ b. */
  lessEqual<T extends Tensor, U extends TensorLike>(
    this: T,
    other: BroadcastOperand<T, U>,
  ): Broadcasted<T, U>;
  lessEqual(other: TensorLike): Tensor {
    return apply(elementwise.lessEqual, [this, operand(this, other, 'lessEqual')]);
  }
  /** Whether a > b. */
  greater<T extends Tensor, U extends TensorLike>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  greater(other: TensorLike): Tensor {
    return apply(elementwise.greater, [this, operand(this, other, 'greater')]);
  }
  /** Whether a ≥ b. */
  greaterEqual<T extends Tensor, U extends TensorLike>(
    this: T,
    other: BroadcastOperand<T, U>,
  ): Broadcasted<T, U>;
  greaterEqual(other: TensorLike): Tensor {
    return apply(elementwise.greaterEqual, [this, operand(this, other, 'greaterEqual')]);
  }
  /** Whether both are true; what is not 0 is true. */
  logicalAnd<T extends Tensor, U extends Tensor>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  logicalAnd(other: Tensor): Tensor {
    return apply(elementwise.logicalAnd, [this, checkTensor(other, 'logicalAnd', 'other')]);
  }
  /** Whether one of them is true; what is not 0 is true. */
  logicalOr<T extends Tensor, U extends Tensor>(this: T, other: BroadcastOperand<T, U>): Broadcasted<T, U>;
  logicalOr(other: Tensor): Tensor {
    return apply(elementwise.logicalOr, [this, checkTensor(other, 'logicalOr', 'other')]);
  }
  /** Whether the element is 0 or false. */
  logicalNot(): Tensor<S> {
    return apply(elementwise.logicalNot, [this]);
  }
  /** Whether the element is NaN. */
  isNaN(): Tensor<S> {
    return apply(elementwise.isNaN, [this]);
  }
  /** Whether the element is neither NaN nor infinite. */
  isFinite(): Tensor<S> {
    return apply(elementwise.isFinite, [this]);
  }
  /** Where this is true (not 0) the element of `x`, elsewhere that of `y`. */
  where<T extends Tensor, X extends TensorLike, Y extends TensorLike>(
    this: T,
    x: BroadcastOperand<T, X>,
    y: BroadcastOperand<T, Y>,
  ): Broadcasted<Broadcasted<T, X>, Y>;
  where(x: TensorLike, y: TensorLike): Tensor {
    if (typeof x === 'number' && typeof y === 'number') {
      const dtype = weakDType(x, weakDType(y, 'float32'));
      return apply(elementwise.where, [this, literal(x, dtype), literal(y, dtype)]);
    }
    const first =
      typeof x === 'number'
        ? checkTensor(y, 'where', 'y', orNumber).number(x)
        : checkTensor(x, 'where', 'x', orNumber);
    const second = typeof y === 'number' ? first.number(y) : checkTensor(y, 'where', 'y', orNumber);
    return apply(elementwise.where, [this, first, second]);
  }
  /** The elements as another dtype. */
  cast(dtype: DType): Tensor<S> {
    return dtype === this.dtype
      ? this
      : apply(elementwise.cast, [this], { dtype: checkDType(dtype, 'cast') });
  }
  /** The same values, a constant to gradients. */
  detach(): Tensor<S> {
    return apply(movement.detach, [this]);
  }

  // Reductions: over all axes unless `axis` says otherwise

  /** Sum; bool and uint8 are summed as int32. */
  sum<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  sum(axis?: Axes, options?: ReduceOptions): Tensor {
    return reduce(this, reductions.sum, axis, options);
  }
  /** Arithmetic mean; NaN over no elements. */
  mean<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  mean(axis?: Axes, options?: ReduceOptions): Tensor {
    return reduce(this, reductions.mean, axis, options);
  }
  /** Product. */
  prod<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  prod(axis?: Axes, options?: ReduceOptions): Tensor {
    return reduce(this, reductions.prod, axis, options);
  }
  /** Largest element; ties share the gradient equally. With `indices` also the position of the first, which gets the gradient. */
  max(axis: number | undefined, options: ExtremeOptions & { readonly indices: true }): ValuesAndIndices;
  max<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  max(axis?: Axes, options: ExtremeOptions = {}): Tensor | ValuesAndIndices {
    return extreme(this, 'max', axis, options);
  }
  /** Smallest element; ties share the gradient equally. With `indices` also the position of the first, which gets the gradient. */
  min(axis: number | undefined, options: ExtremeOptions & { readonly indices: true }): ValuesAndIndices;
  min<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  min(axis?: Axes, options: ExtremeOptions = {}): Tensor | ValuesAndIndices {
    return extreme(this, 'min', axis, options);
  }
  /** Position (int32) of the first largest element along an axis, or among all in row-major order. */
  argmax<T extends Tensor, const A extends number | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  argmax(axis?: number, options?: ReduceOptions): Tensor {
    return reduce(this, reductions.argmax, axis, options);
  }
  /** Position (int32) of the first smallest element along an axis, or among all in row-major order. */
  argmin<T extends Tensor, const A extends number | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  argmin(axis?: number, options?: ReduceOptions): Tensor {
    return reduce(this, reductions.argmin, axis, options);
  }
  /** Whether all elements are true. */
  all<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  all(axis?: Axes, options?: ReduceOptions): Tensor {
    checkOptions('all', options, 'keepDims');
    return this.cast('bool')
      .logicalNot()
      .sum(axesOf(this, axis, 'all'), options)
      .equal(0);
  }
  /** Whether any element is true. */
  any<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  any(axis?: Axes, options?: ReduceOptions): Tensor {
    checkOptions('any', options, 'keepDims');
    return this.cast('bool')
      .sum(axesOf(this, axis, 'any'), options)
      .greater(0);
  }
  /** Mean squared distance from the mean, divided by n − correction (default 0, the population's variance). */
  variance<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K> & { readonly correction?: number },
  ): Reduced<T, A, K>;
  variance(axis?: Axes, options: ReduceOptions & { readonly correction?: number } = {}): Tensor {
    return varianceOf(this, 'variance', axis, options);
  }
  /** Square root of the variance. */
  std<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K> & { readonly correction?: number },
  ): Reduced<T, A, K>;
  std(axis?: Axes, options: ReduceOptions & { readonly correction?: number } = {}): Tensor {
    return varianceOf(this, 'std', axis, options).sqrt();
  }
  /**
   * The p-norm along axes, over all by default: (Σ |x|ᵖ)^(1/p), p = 2 by default; ±Infinity: largest and smallest |x|, 0: how
   * many are not 0. Where a norm is 0 its derivative counts as 0.
   */
  norm<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K> & { readonly p?: number },
  ): Reduced<T, A, K>;
  norm(axis?: Axes, options: ReduceOptions & { readonly p?: number } = {}): Tensor {
    checkOptions('norm', options, 'keepDims p');
    return select.norm(this, axesOf(this, axis, 'norm'), options);
  }
  /** log Σ eˣ without overflow. */
  logSumExp<T extends Tensor, const A extends LiteralAxes | undefined = undefined, K extends boolean = false>(
    this: T,
    axis?: A,
    options?: ReduceOptions<K>,
  ): Reduced<T, A, K>;
  logSumExp(axis?: Axes, options?: ReduceOptions): Tensor {
    checkOptions('logSumExp', options, 'keepDims');
    return reduce(this, softmaxes.logSumExp, axis, options);
  }
  /** eˣ / Σ eˣ along an axis, the last by default. */
  softmax(axis = -1): Tensor<S> {
    return apply(softmaxes.softmax, [this], {
      axis: normalizeAxis(axis, this.shape.length, 'softmax') - this.shape.length,
    });
  }
  /** log(softmax(x)) without overflow. */
  logSoftmax(axis = -1): Tensor<S> {
    return apply(softmaxes.logSoftmax, [this], {
      axis: normalizeAxis(axis, this.shape.length, 'logSoftmax') - this.shape.length,
    });
  }
  /** Running sum along an axis (default the last). */
  cumsum(axis = -1, options: ScanOptions = {}): Tensor<S> {
    checkOptions('cumsum', options, 'reverse exclusive');
    return scan(this, reductions.cumsum, axis, options, 0);
  }
  /** Running product along an axis (default the last). */
  cumprod(axis = -1, options: ScanOptions = {}): Tensor<S> {
    checkOptions('cumprod', options, 'reverse exclusive');
    return scan(this, reductions.cumprod, axis, options, 1);
  }
  /** Positions (int32) that sort the last axis; equal elements keep their order, NaN comes last. */
  argsort(options: { readonly descending?: boolean } = {}): Tensor<S> {
    checkOptions('argsort', options, 'descending');
    return apply(reductions.argsort, [this], { descending: options.descending ?? false });
  }

  // Movement

  /** The same elements in another shape; one size may be −1. Open sizes of a placeholder are given as they stand in its shape. */
  reshape<const N extends Shape>(shape: N): Reshaped<N>;
  reshape(shape: Shape): Tensor {
    if (!Array.isArray(shape) || shape.some((size) => !Number.isInteger(size) || !mayBeSize(size)))
      checkShape(shape, 'reshape');
    return apply(movement.reshape, [this], { shape: fixedShape(shape) });
  }
  /** Merges the axes from `start` to `end` (inclusive) into one. */
  flatten<T extends Tensor, A extends number = 0, B extends number = -1>(
    this: T,
    start?: A,
    end?: B,
  ): Flattened<T, A, B>;
  flatten(start = 0, end = -1): Tensor {
    if (this.shape.length === 0) return this.reshape([1]);
    const from = normalizeAxis(start, this.shape.length, 'flatten');
    const to = normalizeAxis(end, this.shape.length, 'flatten');
    if (from > to) throw axisError(`flatten: start axis ${start} lies after end axis ${end}`);
    const merged = this.shape.slice(from, to + 1);
    const size = hasOpen(merged) ? mergedSize(merged) : sizeOf(merged);
    return this.reshape([...this.shape.slice(0, from), size, ...this.shape.slice(to + 1)]);
  }
  /** Removes the given axes, which must have size 1; without `axis` all such axes. */
  squeeze<T extends Tensor, const A extends LiteralAxes | undefined = undefined>(
    this: T,
    axis?: A,
  ): Squeezed<T, A>;
  squeeze(axis?: Axes): Tensor {
    const rank = this.shape.length;
    const axes =
      axis === undefined
        ? this.shape.flatMap((size, i) => (size === 1 ? [i] : []))
        : normalizeAxes(axis, rank, 'squeeze');
    for (const a of axes) {
      if (this.shape[a] !== 1)
        throw axisError(`squeeze: axis ${a} of ${formatShape(this.shape)} has size ${this.shape[a]}, not 1`);
    }
    return this.reshape(this.shape.filter((_, i) => !axes.includes(i)));
  }
  /** Inserts an axis of size 1 at `axis` of the result. */
  unsqueeze<T extends Tensor, A extends number>(this: T, axis: A): Unsqueezed<T, A>;
  unsqueeze(axis: number): Tensor {
    const at = normalizeAxis(axis, this.shape.length + 1, 'unsqueeze');
    const sizes = sizesOf(this.shape);
    const shape: number[] = [];
    for (let i = 0; i <= sizes.length; i++) {
      if (i === at) shape.push(1);
      if (i < sizes.length) shape.push(sizes[i]);
    }
    return apply(movement.reshape, [this], { shape: fixedShape(shape) });
  }
  /** Axis i of the result is axis order[i] of this tensor; without `order` all axes are reversed. */
  permute<T extends Tensor, const O extends readonly number[] | undefined = undefined>(
    this: T,
    order?: O,
  ): Permuted<T, O>;
  permute(order?: readonly number[]): Tensor {
    const rank = this.shape.length;
    const resolved =
      order !== undefined
        ? checkArray(order, 'permute', 'the order').map((axis) => normalizeAxis(axis, rank, 'permute'))
        : Array.from({ length: rank }, (_, i) => rank - 1 - i);
    if (resolved.length !== rank || new Set(resolved).size !== rank) {
      throw axisError(
        `permute: the order must name each of the ${rank} axes once, got [${(order ?? []).join(', ')}]`,
      );
    }
    return apply(movement.permute, [this], { order: resolved });
  }
  /** Swaps two axes, by default the last two. */
  transpose<T extends Tensor, A extends number = -2, B extends number = -1>(
    this: T,
    a?: A,
    b?: B,
  ): Transposed<T, A, B>;
  transpose(a = -2, b = -1): Tensor {
    if (this.shape.length < 2 && a === -2 && b === -1) {
      throw shapeError(`transpose: needs at least two axes, got ${formatShape(this.shape)}`);
    }
    return swapAxes(
      this,
      normalizeAxis(a, this.shape.length, 'transpose'),
      normalizeAxis(b, this.shape.length, 'transpose'),
    );
  }
  /** Repeats along new leading axes and axes of size 1, without copying. */
  broadcastTo<const N extends Shape>(shape: N): Tensor<AsWritten<N>>;
  broadcastTo(shape: Shape): Tensor {
    const own = hasOpen(sizesOf(this.shape)) && movement.keepsOpen(this.shape, shape);
    return apply(movement.broadcastTo, [this], {
      shape: own ? fixedShape(shape) : checkShape(shape, 'broadcastTo'),
    });
  }
  /** The same as `broadcastTo`. */
  expand<const N extends Shape>(shape: N): Tensor<AsWritten<N>>;
  expand(shape: Shape): Tensor {
    return this.broadcastTo(shape);
  }
  /** Reverses the order along the given axes, all by default. */
  flip(axis?: Axes): Tensor<S> {
    return apply(movement.flip, [this], { axes: normalizeAxes(axis, this.shape.length, 'flip') });
  }
  /**
   * Elements `start`, `start + step`, … before `end` along an axis, as NumPy counts: negative positions count from
   * the end, positions outside are limited to the axis. The start may differ at every step of a training loop
   * without costing a new plan.
   */
  slice<T extends Tensor, A extends number = 0>(
    this: T,
    start: number,
    end?: number,
    options?: { readonly axis?: A; readonly step?: number },
  ): Resized<T, A>;
  slice(
    start: number,
    end?: number,
    options: { readonly axis?: number; readonly step?: number } = {},
  ): Tensor {
    checkOptions('slice', options, 'axis step');
    return select.slice(this, start, end, options, 'slice');
  }
  /** @internal */
  sliceFrom(start: TensorLike, size: number, axis: number, step: number): Tensor {
    const from = typeof start === 'number' ? literal(start, 'int32') : start;
    return apply(movement.slice, [this, from], { axis, size, step });
  }
  /**
   * Adds `before` and `after` elements around each axis: a value (default 0), or copies of what is there.
   *
   * ```ts
   * tensor([1, 2, 3]).pad([[1, 1]]);                        // 0 1 2 3 0
   * tensor([1, 2, 3]).pad([[1, 1]], { mode: 'edge' });      // 1 1 2 3 3
   * tensor([1, 2, 3]).pad([[2, 1]], { mode: 'reflect' });   // 3 2 1 2 3 2
   * tensor([1, 2, 3]).pad([[2, 1]], { mode: 'symmetric' }); // 2 1 1 2 3 3
   * tensor([1, 2, 3]).pad([[2, 1]], { mode: 'circular' });  // 2 3 1 2 3 1
   * ```
   */
  pad<T extends Tensor>(this: T, widths: select.PadWidths, fill?: number | select.PadOptions): SameRank<T>;
  pad(widths: select.PadWidths, fill: number | select.PadOptions = 0): Tensor {
    const options = typeof fill === 'object' && fill !== null ? fill : { value: fill };
    return select.pad(this, widths, options);
  }
  /** Moves elements by `shift` places along axes; what leaves at the end comes back at the start. Without axis: in row-major order. */
  roll(shift: number | readonly number[], axis?: Axes): Tensor<S> {
    return select.roll(this, shift, axis);
  }
  /** Each element `count` times, one after the other, along an axis; without axis the result has one axis (NumPy's `repeat`). */
  repeat(count: number, axis?: number): Tensor {
    return select.repeat(this, count, axis);
  }
  /** The whole tensor several times along each axis; counts are aligned at the last axis (NumPy's `tile`). */
  tile(counts: number | readonly number[]): Tensor {
    return select.tile(this, counts);
  }
  /**
   * Parts of a tensor as NumPy's brackets pick them, one item for each axis from the first:
   *
   * ```ts
   * x.index(0);                                   // x[0]
   * x.index(':', { start: 1, end: -1 });          // x[:, 1:-1]
   * x.index('...', null, { step: -1 });           // x[..., None, ::-1]
   * x.index(rows, columns);                       // x[rows, columns]: tensors of whole numbers, broadcast together
   * x.index(x.greater(0));                        // x[x > 0]
   * ```
   *
   * Tensors that stand side by side leave their axes in place, others move theirs to the front. Numbers and ranges may differ
   * at every step of a training loop without costing a new plan. A mask of bool evaluates itself at once, because
   * it decides the result's shape; where a backend cannot read synchronously, give `...await nonzero(mask)` instead.
   *
   * @throws RangeError for too many items or a position outside; positions in tensors are checked when they are evaluated
   */
  index<T extends Tensor, const Items extends readonly select.IndexItem[]>(
    this: T,
    ...items: Items
  ): Indexed<T, Items>;
  index(...items: readonly select.IndexItem[]): Tensor {
    return select.index(this, items);
  }
  /**
   * Elements that shall be others, picked as by `index`; `set`, `add`, `mul`, `max` and `min` of it make a new tensor.
   *
   * ```ts
   * x.at(0).set(1);                               // x[0] = 1
   * x.at(':', { start: 1 }).add(y);               // x[:, 1:] += y
   * x.at(rows, columns).max(0);                   // the elements at pairs of positions
   * x.at(x.less(0)).set(0);                       // x[x < 0] = 0
   * ```
   */
  at(...items: readonly select.IndexItem[]): Selection {
    return new Selection(this, items, (values, operation) =>
      operand(this, values, operation).cast(this.dtype),
    );
  }
  /**
   * out[…, i, …] = x[…, position[…, i, …], …] along `axis`; other axes of the two broadcast. A position outside the axis
   * makes the evaluation fail; negative ones count from the end.
   */
  gather(position: Tensor, axis = -1): Tensor {
    return select.gatherAlong(this, checkTensor(position, 'gather', 'position'), axis);
  }
  /** This tensor with updates added at […, position[…, i, …], …] along `axis`; updates for the same place add up. */
  scatterAdd(position: Tensor, updates: Tensor, axis = -1): Tensor {
    return select.scatterAddAlong(
      this,
      checkTensor(position, 'scatterAdd', 'position'),
      checkTensor(updates, 'scatterAdd', 'updates'),
      axis,
    );
  }
  /** Whole slices along `axis`, looked up by positions of any shape: the axis is replaced by the axes of `position`. */
  take<T extends Tensor, U extends Tensor, A extends number = 0>(
    this: T,
    position: U,
    axis?: A,
  ): Taken<T, U, A>;
  take(position: Tensor, axis = 0): Tensor {
    return select.take(this, checkTensor(position, 'take', 'position'), axis, 'take');
  }
  /** `take` with a one-dimensional tensor of positions. */
  indexSelect<T extends Tensor, U extends Tensor, A extends number>(
    this: T,
    axis: A,
    position: U,
  ): Taken<T, U, A>;
  indexSelect(axis: number, position: Tensor): Tensor {
    if (checkTensor(position, 'indexSelect', 'position').shape.length !== 1) {
      throw shapeError(`indexSelect: the positions must have one axis, got ${formatShape(position.shape)}`);
    }
    return select.take(this, position, axis, 'indexSelect');
  }
  /** Matrix product of the last two axes; leading axes broadcast as batches. Vectors count as a row or a column. */
  matmul<T extends Tensor, U extends Tensor>(this: T, other: ProductOperand<T, U>): Product<T, U>;
  matmul(this: Tensor, other: Tensor): Tensor {
    checkTensor(other, 'matmul', 'other');
    checkMatmul(this.shape, other.shape);
    if (this.shape.length === 1)
      return this.unsqueeze(0)
        .matmul(other)
        .squeeze(-2 + (other.shape.length === 1 ? 1 : 0));
    if (other.shape.length === 1) return this.matmul(other.unsqueeze(1)).squeeze(-1);
    if (this.shape.length === other.shape.length || other.shape.length === 2) {
      let same = true;
      for (let i = 0; i < other.shape.length - 2; i++) same = same && this.shape[i] === other.shape[i];
      if (same) return apply(contract, [this, other], matmulLabels(this.shape, other.shape));
    }
    const batch = broadcastShapes(this.shape.slice(0, -2), other.shape.slice(0, -2), 'matmul');
    const a = apply(movement.broadcastTo, [this], { shape: [...batch, ...this.shape.slice(-2)] });
    const b = apply(movement.broadcastTo, [other], { shape: [...batch, ...other.shape.slice(-2)] });
    return apply(contract, [a, b], matmulLabels(a.shape, b.shape));
  }
  /** Inner product of two vectors; otherwise the same as `matmul`. */
  dot<T extends Tensor, U extends Tensor>(this: T, other: ProductOperand<T, U>): Product<T, U>;
  dot(this: Tensor, other: Tensor): Tensor {
    return this.matmul(checkTensor(other, 'dot', 'other'));
  }

  // Used by gradient rules

  /** Puts reduced axes back with size 1. @internal */
  restoreAxes(axes: readonly number[], kept: boolean): Tensor {
    if (kept || axes.length === 0) return this;
    const sizes = sizesOf(this.shape);
    const shape: number[] = [];
    for (let axis = 0, at = 0; axis < sizes.length + axes.length; axis++)
      shape.push(axes.includes(axis) ? 1 : sizes[at++]);
    return apply(movement.reshape, [this], { shape });
  }
  /** @internal */
  broadcastLike(like: Tensor): Tensor {
    return apply(movement.broadcastLike, [this, like]);
  }
  /** @internal */
  reshapeLike(like: Tensor): Tensor {
    return apply(movement.reshapeLike, [this, like]);
  }
}

/** The result of an operation: a new node. Throws what the operation's type rule throws. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes?: A): Tensor {
  const read = storageInUse ? computedInputs(op, inputs) : inputs;
  const { shape, dtype } = op.type(read, attributes as A);
  const fixed = shape === read[0]?.shape ? shape : fixedShape(shape, op.name);
  const node = new Tensor(fixed, dtype, op, read, attributes, null);
  if (chainTooLong(node, read)) cutGraph(node);
  return node;
}

/** Elements that are only stored are read as what they are computed as; a loop reads them step by step. */
function computedInputs<A>(op: Op<A>, inputs: readonly Tensor[]): readonly Tensor[] {
  const { form } = op.lower;
  if (
    form === 'barrier' ||
    form === 'loop' ||
    (op as AnyOp) === elementwise.cast ||
    (op as AnyOp) === movement.detach
  )
    return inputs;
  if (!inputs.some((x) => isStorage(x.dtype))) return inputs;
  return inputs.map((x) => x.cast(computedDType(x.dtype)));
}

/** The second operand of a method: a number takes the dtype of the first. */
function operand(x: Tensor, other: TensorLike, operation: string): Tensor {
  if (other instanceof Tensor) return other;
  return typeof other === 'number' ? x.number(other) : checkTensor(other, operation, 'other', orNumber);
}

/** Small integers would wrap where a formula subtracts before it divides. */
function toFloat(x: Tensor): Tensor {
  return isFloat(x.dtype) ? x : x.cast('float32');
}

function checkSingle(x: Tensor): void {
  if (x.size !== 1) {
    throw shapeError(
      `item: the tensor has ${x.size} elements, shape ${formatShape(x.shape)}; use data() or reduce it first`,
    );
  }
}

function axesOf(x: Tensor, axis: Axes | undefined, operation: string): number[] {
  return normalizeAxes(axis, x.shape.length, operation);
}

function reduce(
  x: Tensor,
  op: Op<reductions.ReduceAttributes>,
  axis: Axes | undefined,
  options: ReduceOptions | undefined,
): Tensor {
  checkOptions(op.name, options, 'keepDims');
  return apply(op, [x], { axes: axesOf(x, axis, op.name), keepDims: options?.keepDims ?? false });
}

function varianceOf(
  x: Tensor,
  operation: string,
  axis: Axes | undefined,
  options: ReduceOptions & { readonly correction?: number },
): Tensor {
  checkOptions(operation, options, 'keepDims correction');
  const { keepDims } = options;
  const axes = axesOf(x, axis, operation);
  const centered = x.sub(x.mean(axes, { keepDims: true }));
  const mean = centered.square().mean(axes, { keepDims });
  const correction = checkFinite(options.correction ?? 0, operation, 'correction');
  if (correction === 0) return mean;
  if (axes.some((a) => isOpen(x.shape[a]))) {
    throw codedError(
      RangeError,
      'AG_OPEN_SIZE',
      `${operation}: a correction needs to know how many elements there are, and a size of the placeholder is open`,
    );
  }
  const count = axes.reduce((product, a) => product * x.shape[a], 1);
  return mean.mul(count / Math.max(0, count - correction));
}

function scan(
  x: Tensor,
  op: Op<reductions.ScanAttributes>,
  axis: number,
  { reverse = false, exclusive = false }: ScanOptions,
  first: number,
): Tensor {
  const last = x.shape.length - 1;
  const moved = normalizeAxis(axis, x.shape.length, op.name);
  const turned = moved === last ? x : swapAxes(x, moved, last);
  let result = apply(op, [turned], { reverse });
  if (exclusive && turned.shape[last] !== 0) {
    const rest = turned.shape[last] - 1;
    const widths = turned.shape.map((_, i): [number, number] =>
      i < last ? [0, 0] : reverse ? [0, 1] : [1, 0],
    );
    result = select.sectionOf(result, reverse ? 1 : 0, rest, last).pad(widths, first);
  }
  return moved === last ? result : swapAxes(result, moved, last);
}

function extreme(
  x: Tensor,
  name: 'max' | 'min',
  axis: Axes | undefined,
  options: ExtremeOptions,
): Tensor | ValuesAndIndices {
  checkOptions(name, options, 'keepDims indices');
  const { keepDims = false, indices = false } = options;
  const axes = axesOf(x, axis, name);
  if (!indices) return apply(name === 'max' ? reductions.max : reductions.min, [x], { axes, keepDims });
  if (axis !== undefined && axes.length !== 1)
    throw axisError(`${name}: with indices one axis can be reduced, got ${axes.length}`);
  const source = axis === undefined ? x.reshape([-1]) : x;
  const at = axis === undefined ? 0 : axes[0];
  const found = source[`arg${name}`](at, { keepDims: true });
  const shape = reducedShape(x.shape, axes, keepDims);
  return { values: source.gather(found, at).reshape(shape), indices: found.reshape(shape) };
}

function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  return apply(movement.permute, [x], { order });
}

/** The number that the next tensor will have. */
export function nextSerial(): number {
  return made + 1;
}

/** A scalar given at each run: no part of a plan's structure. */
export function literal(value: number, dtype: DType, read?: () => number): Tensor {
  if (isStorage(dtype))
    return apply(elementwise.cast, [literal(value, computedDType(dtype), read)], { dtype });
  return new Tensor(
    scalarShape,
    dtype,
    null,
    noInputs,
    undefined,
    read ? { kind: 'literal', value, read } : { kind: 'literal', value },
  );
}

/**
 * A tensor that stands where one was expected.
 *
 * @param operation begins the message, `argument` says which of its arguments it is, `expected` what may stand there
 * @throws TypeError otherwise, also for a tensor of another copy of the library
 */
export function checkTensor(
  value: unknown,
  operation?: string,
  argument = 'x',
  expected = 'a tensor',
): Tensor {
  if (value instanceof Tensor) return value;
  const begin = operation === undefined ? '' : `${operation}: `;
  if (typeof value === 'object' && value !== null && brand in value) {
    throw codedError(
      TypeError,
      'AG_TWO_COPIES',
      `${begin}two copies of @ag/tensor are loaded and a tensor of one was given to the other; make all packages depend on the same version (npm ls @ag/tensor shows them)`,
    );
  }
  const wanted = operation === undefined ? expected : `${expected} as ${argument}`;
  if ((value as Partial<Variable> | null | undefined)?.value instanceof Tensor) {
    throw codedError(
      TypeError,
      'AG_NOT_A_TENSOR',
      `${begin}expected ${wanted}, got ${value}; give its value: variable.value`,
    );
  }
  throw codedError(
    TypeError,
    'AG_NOT_A_TENSOR',
    `${begin}expected ${wanted}, got ${describeValue(value)}; make one with tensor(…)`,
  );
}
