/**
 * Elementwise operations that are functions alone: each is defined where it is exported, so that programs which do not call it do
 * not hold it, and adding one touches one file here and one row of `testing/furtherElementwise.ts`.
 */
import { floatOf, isFloat } from '../../dtype.ts';
import { dtypeError } from '../../errors.ts';
import { builder, type Scalar, s } from '../../kernel/expression.ts';
import {
  broadcastFloatType,
  broadcastType,
  defineOp,
  map,
  type TensorType,
  type VectorJacobianProduct,
} from '../../ops/op.ts';
import type { BinaryFunction, ShapeOf, UnaryFunction } from '../../shapeTypes.ts';
import { apply, checkTensor, type Tensor, type TensorLike } from '../../tensor.ts';

interface Definition {
  /** One element of the result from those of the operands. */
  readonly of: (...x: readonly Scalar[]) => Scalar;
  readonly vjp?: VectorJacobianProduct<undefined>;
  /** Relative cost of one element. Default 8. */
  readonly cost?: number;
  /** Shape and dtype of the result. Default: broadcast, and integers become float32. */
  readonly type?: (inputs: readonly TensorType[]) => TensorType;
  /** Operands keep their dtype, or get that to which they promote. Default: that of the result. */
  readonly operands?: 'own' | 'promoted';
}

function operation(name: string, { of, vjp, cost = 8, type, operands }: Definition) {
  return defineOp({
    name,
    type: type ?? broadcastFloatType(name),
    lower: map((x) => of(...x), { cost, ...(operands && { operands }) }),
    ...(vjp && { vjp }),
  });
}

/** Defines an operation of one operand. */
/* @__NO_SIDE_EFFECTS__ */
export function unaryFunction(name: string, definition: Definition): UnaryFunction {
  const op = operation(name, definition);
  return <T extends Tensor>(x: T): Tensor<ShapeOf<T>> => apply(op, [checkTensor(x, name)]);
}

export function binaryFunction(name: string, definition: Definition): BinaryFunction;
/** Defines an operation of two operands. */
/* @__NO_SIDE_EFFECTS__ */
export function binaryFunction(
  name: string,
  definition: Definition,
): (a: TensorLike, b: TensorLike) => Tensor {
  const op = operation(name, definition);
  return (a, b) => apply(op, operandsOf(name, a, b));
}

/** Two operands as tensors: a number takes the dtype of the tensor beside it. */
export function operandsOf(name: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (typeof a === 'number') {
    const tensor = checkTensor(b, name, 'b', 'a tensor, or a number beside a tensor,');
    return [tensor.number(a), tensor];
  }
  const first = checkTensor(a, name, 'a', 'a tensor or a number');
  return [first, typeof b === 'number' ? first.number(b) : checkTensor(b, name, 'b', 'a tensor or a number')];
}

/** A tensor with a fractional dtype. */
export function asFloat(x: Tensor, name: string): Tensor {
  return checkTensor(x, name).cast(floatOf(x.dtype));
}

/** Shapes broadcast, dtypes promote; bool becomes int32, as in all arithmetic. */
/* @__NO_SIDE_EFFECTS__ */
export function arithmeticType(name: string): (inputs: readonly TensorType[]) => TensorType {
  const rule = broadcastType(name);
  return (inputs) => {
    const { shape, dtype } = rule(inputs);
    return { shape, dtype: dtype === 'bool' ? 'int32' : dtype };
  };
}

/** Shapes broadcast; the result is bool. */
/* @__NO_SIDE_EFFECTS__ */
export function truthType(name: string): (inputs: readonly TensorType[]) => TensorType {
  const rule = broadcastType(name);
  return (inputs) => ({ shape: rule(inputs).shape, dtype: 'bool' });
}

/** Shapes broadcast, dtypes promote; floats are refused. */
/* @__NO_SIDE_EFFECTS__ */
export function integerType(name: string, bool: boolean): (inputs: readonly TensorType[]) => TensorType {
  const rule = broadcastType(name);
  return (inputs) => {
    const type = rule(inputs);
    if (isFloat(type.dtype) || (type.dtype === 'bool' && !bool)) {
      throw dtypeError(
        `${name}: needs integers${bool ? ' or bool' : ''}, got ${inputs.map(({ dtype }) => dtype).join(' and ')}; cast them first: x.cast('int32')`,
      );
    }
    return type;
  };
}

/** A number of the dtype of `like`. */
export function number(value: number, like: Scalar): Scalar {
  return builder().number(value, like);
}

/** `condition ? x : y` */
export function where(condition: Scalar, x: Scalar, y: Scalar): Scalar {
  return builder().where(condition, x, y);
}

/** Whether an element is of float64: formulas have more terms there. */
export function isWide(x: Scalar): boolean {
  return builder().dtypeOf(x) === 'float64';
}

/** Σ coefficients[i]·xⁱ by Horner's rule. */
export function polynomial(x: Scalar, coefficients: readonly number[]): Scalar {
  return coefficients.reduceRight<Scalar | null>(
    (sum, coefficient) =>
      sum === null ? number(coefficient, x) : s.add(s.mul(sum, x), number(coefficient, x)),
    null,
  ) as Scalar;
}

/** −x where `condition` holds, else x. */
export function negatedWhere(condition: Scalar, x: Scalar): Scalar {
  return where(condition, s.neg(x), x);
}
