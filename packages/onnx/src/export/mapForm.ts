/**
 * Elementwise operations from their expressions: whatever they are called, a node for each step.
 */
import { type DType, ExpressionBuilder, promote, type Scalar, type Tensor } from '@ag/tensor';
import { building } from '@ag/tensor/engine';
import type { Writer } from './writer.ts';

const sameNames: { readonly [step: string]: string } = {
  neg: 'Neg',
  abs: 'Abs',
  sign: 'Sign',
  sqrt: 'Sqrt',
  exp: 'Exp',
  log: 'Log',
  sin: 'Sin',
  cos: 'Cos',
  tan: 'Tan',
  asin: 'Asin',
  acos: 'Acos',
  atan: 'Atan',
  sinh: 'Sinh',
  cosh: 'Cosh',
  tanh: 'Tanh',
  erf: 'Erf',
  sigmoid: 'Sigmoid',
  floor: 'Floor',
  ceil: 'Ceil',
  round: 'Round',
  isNaN: 'IsNaN',
  not: 'Not',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  pow: 'Pow',
  max: 'Max',
  min: 'Min',
  equal: 'Equal',
  less: 'Less',
  lessEqual: 'LessOrEqual',
  and: 'And',
  or: 'Or',
};

const isFloating = (dtype: DType): boolean => dtype.startsWith('float');

/** Writes an operation of form `map`. */
export function writeMap(writer: Writer, node: Tensor): string {
  const { lower } = node.op!;
  if (lower.form !== 'map') throw writer.refuse(node, 'it is not elementwise');
  const types = node.inputs.map((input) => input.dtype);
  const promoted = types.length > 0 ? types.reduce(promote) : node.dtype;
  const wanted = (dtype: DType): DType =>
    lower.operands === 'own' ? dtype : lower.operands === 'promoted' ? promoted : node.dtype;
  const builder = new ExpressionBuilder();
  const result = building(builder, (): Scalar => {
    const loads = types.map((dtype, operand) =>
      builder.cast(builder.emit({ op: 'load', operand, dtype }), wanted(dtype)),
    );
    return builder.cast(lower.of(loads, node.attributes), node.dtype);
  });
  const { instructions, results } = builder.finish([result]);
  const names: string[] = [];
  for (const step of instructions) {
    const operand = (key: 'a' | 'b' | 'c'): string => names[(step as unknown as Record<string, number>)[key]];
    const typeOf = (key: 'a' | 'b'): DType =>
      instructions[(step as unknown as Record<string, number>)[key]].dtype;
    names.push(written());

    function written(): string {
      switch (step.op) {
        case 'load':
          return writer.name(node.inputs[step.operand]);
        case 'constant':
          return writer.number(step.value, step.dtype);
        case 'cast':
          return writer.cast(operand('a'), step.dtype);
        case 'where':
          return writer.add('Where', [operand('a'), operand('b'), operand('c')]);
        case 'expm1':
          return writer.add('Sub', [writer.add('Exp', [operand('a')]), writer.number(1, step.dtype)]);
        case 'log1p':
          return writer.add('Log', [writer.add('Add', [operand('a'), writer.number(1, step.dtype)])]);
        case 'notEqual':
          return writer.add('Not', [writer.add('Equal', [operand('a'), operand('b')])]);
        case 'isFinite': {
          const odd = ['IsNaN', 'IsInf'].map((name) => writer.add(name, [operand('a')]));
          return writer.add('Not', [writer.add('Or', odd)]);
        }
        case 'mod': {
          const [x, y] = [operand('a'), operand('b')];
          if (!isFloating(step.dtype)) return writer.add('Mod', [x, y]);
          const whole = writer.add('Floor', [writer.add('Div', [x, y])]);
          return writer.add('Sub', [x, writer.add('Mul', [whole, y])]);
        }
        case 'atan2':
          return atan2(writer, operand('a'), operand('b'), step.dtype);
        default: {
          const operator = sameNames[step.op];
          if (operator === undefined) throw writer.refuse(node, `its step ${step.op} has no operator`);
          const given = 'b' in step ? [operand('a'), operand('b')] : [operand('a')];
          // Bools have no order.
          if (/^Less/.test(operator) && typeOf('a') === 'bool') {
            return writer.add(
              operator,
              given.map((name) => writer.cast(name, 'int32')),
            );
          }
          return writer.add(operator, given);
        }
      }
    }
  }
  return names[results[0]];
}

/** The angle of (x, y), from the arc tangent of y/x and the half of the plane. */
function atan2(writer: Writer, y: string, x: string, dtype: DType): string {
  const number = (value: number): string => writer.number(value, dtype);
  const below = writer.add('Less', [y, number(0)]);
  const turn = writer.add('Where', [below, number(-Math.PI), number(Math.PI)]);
  const angle = writer.add('Atan', [writer.add('Div', [y, x])]);
  const left = writer.add('Where', [
    writer.add('Less', [x, number(0)]),
    writer.add('Add', [angle, turn]),
    angle,
  ]);
  const upright = writer.add('Mul', [writer.add('Sign', [y]), number(Math.PI / 2)]);
  return writer.add('Where', [writer.add('Equal', [x, number(0)]), upright, left]);
}
