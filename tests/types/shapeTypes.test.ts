/**
 * Shapes in types, as docs/shapes-in-types.md describes them: what the compiler knows of a result, and the exact words with which
 * it refuses what cannot fit. The expected shapes are those that the operations give when they run.
 */
import { describe, expect, it } from 'vitest';
import { checked } from './checker.ts';

const preamble = `
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import * as ag from '@ag/tensor';
import { add, concat, matmul, stack, type Tensor, Variable, zeros } from '@ag/tensor';
declare const x: Tensor<[32, 784]>;
declare const images: Tensor<['batch', 3, 28, 28]>;
declare const unknown: Tensor;
declare const n: number;
declare const sizes: readonly number[];
declare const flag: boolean;
declare const axes: readonly [0] | readonly [0, 1];
declare const anyLayer: nn.Linear | nn.LayerNorm | nn.Relu | nn.GroupNorm;
declare const reduction: 'sum' | 'mean';
declare const operation: 'add' | 'mul';
const model = nn.sequential(nn.linear(784, 128), nn.relu(), nn.linear(128, 10));
class Own extends nn.Module {
  hidden = nn.linear(784, 5);
  forward(y: Tensor) { return this.hidden.forward(y).relu(); }
}
class OwnLinear extends nn.Linear {
  override forward(y: Tensor): Tensor { return super.forward(y).relu(); }
}
class OwnRow extends nn.Sequential {
  constructor() { super(nn.linear(2, 3), nn.relu()); }
  override forward(y: Tensor): Tensor { return super.forward(y); }
}`;

/** Expressions, and the types that they have. */
const known: Record<string, string> = {
  'zeros([32, 784])': 'Tensor<[32, 784]>',
  'ag.normal([n, 3])': 'Tensor<[number, 3]>',
  'zeros(sizes)': 'Tensor<number[]>',
  'ag.tensor([1, 2, 3, 4], { shape: [2, 2] })': 'Tensor<[2, 2]>',
  'ag.eye(3)': 'Tensor<[3, 3]>',
  'ag.onesLike(x)': 'Tensor<[32, 784]>',
  'new Variable(zeros([3, 4])).value': 'Tensor<[3, 4]>',
  "placeholder(['batch', 784])": 'Tensor<["batch", 784]>',
  'placeholder([null, null, 3])': 'Tensor<["batch", number, 3]>',
  'x.matmul(zeros([784, 10]))': 'Tensor<[32, 10]>',
  'zeros([8, 1, 2, 3]).matmul(zeros([4, 3, 5]))': 'Tensor<[8, 4, 2, 5]>',
  'zeros([5]).dot(zeros([5]))': 'Tensor<[]>',
  'matmul(zeros([784]), zeros([784, 3]))': 'Tensor<[3]>',
  'x.add(1).relu().softmax()': 'Tensor<[32, 784]>',
  'zeros([2, 1]).mul(zeros([1, 3]))': 'Tensor<[2, 3]>',
  'zeros([n, 3]).mul(zeros([2, 3]))': 'Tensor<[2, 3]>',
  'images.mul(zeros([3, 1, 1]))': 'Tensor<["batch", 3, 28, 28]>',
  'x.greater(0).where(x, zeros([784]))': 'Tensor<[32, 784]>',
  'x.clamp(0, 1)': 'Tensor<[32, 784]>',
  'ag.logaddexp(x, zeros([32, 1]))': 'Tensor<[32, 784]>',
  'x.sum()': 'Tensor<[]>',
  'x.sum(-1)': 'Tensor<[32]>',
  'x.mean(1, { keepDims: true })': 'Tensor<[32, 1]>',
  'images.mean([2, 3])': 'Tensor<["batch", 3]>',
  'x.argmax(-1)': 'Tensor<[32]>',
  'ag.max(x, 0)': 'Tensor<[784]>',
  'x[reduction](0)': 'Tensor<[784]>',
  'x.reshape([4, -1, 784])': 'Tensor<[4, number, 784]>',
  'images.flatten(1)': 'Tensor<["batch", number]>',
  'x.transpose()': 'Tensor<[784, 32]>',
  'images.permute([0, 2, 3, 1])': 'Tensor<["batch", 28, 28, 3]>',
  'x.unsqueeze(-1)': 'Tensor<[32, 784, 1]>',
  'zeros([1, 5, 1]).squeeze()': 'Tensor<[5]>',
  'x.slice(0, 8, { axis: 1 })': 'Tensor<[32, number]>',
  'zeros([1000, 64]).take(zeros([32, 7]))': 'Tensor<[32, 7, 64]>',
  "x.index(':', { start: 1 }, null)": 'Tensor<[32, number, 1]>',
  'concat([x, zeros([5, 784])])': 'Tensor<[number, 784]>',
  'stack([x, x, x])': 'Tensor<[3, 32, 784]>',
  'ag.outer(zeros([3]), zeros([4]))': 'Tensor<[3, 4]>',
  'ag.oneHot(zeros([32]), 10)': 'Tensor<[32, 10]>',
  'nn.linear(784, 10).forward(x)': 'Tensor<[32, 10]>',
  "nn.linear(784, 10).forward(placeholder(['batch', 'length', 784]))": 'Tensor<["batch", "length", 10]>',
  'nn.embedding(1000, 64).forward(zeros([32, 12]))': 'Tensor<[32, 12, 64]>',
  'nn.layerNorm(784).forward(nn.dropout(0.1).forward(nn.gelu().forward(x)))': 'Tensor<[32, 784]>',
  'nn.conv2d(3, 16, 5).forward(images)': 'Tensor<["batch", 16, number, number]>',
  'model.forward(x)': 'Tensor<[32, 10]>',
  'nn.sequential(model, nn.softmax(), nn.linear(10, 3)).forward(x)': 'Tensor<[32, 3]>',
  'nn.sequential(nn.conv2d(3, 8, 3), nn.maxPool2d(2), nn.flatten(), nn.linear(1352, 10)).forward(images)':
    'Tensor<["batch", 10]>',
  'nn.residual(nn.sequential(nn.linear(784, 10), nn.linear(10, 784))).forward(x)': 'Tensor<[32, 784]>',
};

/** Expressions that are as free as before there were shapes in types, and their types. */
const free: Record<string, string> = {
  'x.matmul(unknown)': 'Tensor<ShapeType>',
  'unknown.matmul(zeros([784, 10]))': 'Tensor<[...(string | number)[], 10]>',
  'unknown.add(x)': 'Tensor<ShapeType>',
  'x.sum(n)': 'Tensor<ShapeType>',
  'x[operation](2)': 'Tensor<[32, 784]>',
  '(flag ? zeros([2, 3]) : zeros([4, 3])).matmul(zeros([3, 5]))': 'Tensor<[2, 5]> | Tensor<[4, 5]>',
  'unknown.reshape(flag ? [1, n, ...sizes] : [n, 1, ...sizes])':
    'Tensor<[1, number, ...number[]]> | Tensor<[number, 1, ...number[]]>',
  'images.mean(axes)': 'Tensor<[3, 28, 28]> | Tensor<[28, 28]>',
  'anyLayer.forward(x)': 'Tensor<ShapeType>',
  'x.unsqueeze(flag ? 0 : 1)': 'Tensor<ShapeType>',
  'x.transpose(flag ? 0 : 1, 0)': 'Tensor<[number, number]>',
  '[zeros([2]), unknown].reduce((a, b) => a.add(b))': 'Tensor<ShapeType>',
  '((): Tensor => x)()': 'Tensor<ShapeType>',
  '((): Tensor<[32, 784]> => unknown)()': 'Tensor<[32, 784]>',
  '((y: Tensor): Tensor => y)(x)': 'Tensor<ShapeType>',
  '((y: Tensor<[32, 784]>): number => y.size)(unknown)': 'number',
  'nn.linear(784, 10).forward(unknown)': 'Tensor<[...(string | number)[], 10]>',
  'nn.linear(n, n).forward(x)': 'Tensor<[32, number]>',
  '((): nn.Linear => nn.linear(784, 10))()': 'Linear<number, number>',
  '((): nn.Sequential => model)()': 'Sequential<readonly Step[]>',
  '((): nn.Module => model)()': 'Module<[Tensor<ShapeType>], Tensor<ShapeType>>',
  'new Own().forward(x)': 'Tensor<[...(string | number)[], 5]>',
  'new OwnLinear(784, 3).forward(x)': 'Tensor<ShapeType>',
  'new OwnRow().forward(x)': 'Tensor<ShapeType>',
  'nn.sequential(new Own(), (y) => y.square(), nn.linear(5, 10)).forward(x)':
    'Tensor<[...(string | number)[], 10]>',
  'nn.weightNorm(nn.linear(784, 10)).forward(x)': 'Tensor<ShapeType>',
};

/** An argument of a type where the compiler wants a sentence. */
const argument = (type: string, sentence: string): string =>
  `Argument of type '${type}' is not assignable to parameter of type '"${sentence}"'.`;

/** The same of a layer, whose subclasses may take any tensor: what it wants is the sentence and the argument's kind at once. */
const layer = (type: string, sentence: string, kind = 'Tensor<ShapeType>'): string =>
  `Argument of type '${type}' is not assignable to parameter of type '${kind} & "${sentence}"'.\n` +
  `  Type '${type}' is not assignable to type '"${sentence}"'.`;

const row = '[Linear<784, 128>, Relu, Linear<100, 10>]';

/** Expressions that are refused, and the messages. */
const refused: Record<string, string> = {
  'x.matmul(zeros([785, 10]))': argument('Tensor<[785, 10]>', 'matmul: inner sizes differ: 784 and 785'),
  'matmul(x, zeros([10]))': argument('Tensor<[10]>', 'matmul: inner sizes differ: 784 and 10'),
  "placeholder([null, 'length']).matmul(x)": argument(
    'Tensor<[32, 784]>',
    'matmul: inner sizes differ: length and 32',
  ),
  'x.matmul(2)': "Argument of type 'number' is not assignable to parameter of type 'Tensor<ShapeType>'.",
  'x.add(zeros([783]))': argument(
    'Tensor<[783]>',
    'shapes [32, 784] and [783] do not broadcast: sizes 784 and 783 meet',
  ),
  'add(x, zeros([31, 1]))': argument(
    'Tensor<[31, 1]>',
    'shapes [32, 784] and [31, 1] do not broadcast: sizes 32 and 31 meet',
  ),
  'images.mul(zeros([32, 3, 1, 1]))': argument(
    'Tensor<[32, 3, 1, 1]>',
    'shapes [batch, 3, 28, 28] and [32, 3, 1, 1] do not broadcast: sizes batch and 32 meet',
  ),
  'ag.logaddexp(x, zeros([2]))': argument(
    'Tensor<[2]>',
    'shapes [32, 784] and [2] do not broadcast: sizes 784 and 2 meet',
  ),
  'x.greater(0).where(zeros([5]), 0)': argument(
    'Tensor<[5]>',
    'shapes [32, 784] and [5] do not broadcast: sizes 784 and 5 meet',
  ),
  "x.add('1')": "Argument of type 'string' is not assignable to parameter of type 'TensorLike'.",
  'concat([x, zeros([32, 3])])': argument(
    '(Tensor<[32, 784]> | Tensor<[32, 3]>)[]',
    'concat: sizes differ along axis 1: 784 and 3',
  ),
  'stack([x, zeros([31, 784])])': argument(
    '(Tensor<[32, 784]> | Tensor<[31, 784]>)[]',
    'stack: sizes differ along axis 0: 32 and 31',
  ),
  'nn.linear(784, 10).forward(zeros([32, 785]))': layer(
    'Tensor<[32, 785]>',
    'linear: expects 784 features along the last axis, got 785',
  ),
  'nn.layerNorm(783).forward(x)': layer(
    'Tensor<[32, 784]>',
    'layerNorm: expects 783 features along the last axis, got 784',
  ),
  'nn.conv2d(1, 16, 5).forward(images)': layer(
    'Tensor<["batch", 3, 28, 28]>',
    'conv2d: expects 1 channels along axis 1, got 3',
  ),
  'model.forward(zeros([32, 100]))': layer(
    'Tensor<[32, 100]>',
    'linear: expects 784 features along the last axis, got 100',
  ),
  'nn.sequential(nn.linear(784, 128), nn.relu(), nn.linear(100, 10))': layer(
    row,
    'layer 2: linear: expects 100 features along the last axis, got 128',
    row,
  ),
  '((): Tensor<[32, 10]> => x)()': `Type 'Tensor<[32, 784]>' is not assignable to type 'Tensor<[32, 10]>'.
  Type '[32, 784]' is not assignable to type '[32, 10]'.
    Type at position 1 in source is not compatible with type at position 1 in target.
      Type '784' is not assignable to type '10'.`,
};

const rows = [known, free, refused].flatMap((table) => Object.entries(table));
const results = checked(
  preamble,
  rows.map(([expression]) => expression),
);
const said = new Map(rows.map(([expression], i) => [expression, results[i]]));

describe.each([
  ['known', known],
  ['as free as before', free],
  ['refused', refused],
])('%s', (_, table) => {
  it.each(Object.entries(table))('%s', (expression, expected) => {
    expect(said.get(expression)).toBe(expected);
  });
});
