/**
 * Gradient cases of operations on single elements.
 */
import type { Tensor } from '../index.ts';
import { type CaseFunction, convention, type GradientCase, gradientCase, numbers } from './gradientCase.ts';

type Unary = (x: Tensor) => Tensor;

/** Into the domain of the function: keeps the sample's variety. */
const positive: Unary = (x) => x.abs().add(0.5);
const inside: Unary = (x) => x.tanh().mul(0.8);
const all: Unary = (x) => x;

/** [name, function, where it is defined, highest order] */
const unary: readonly (readonly [string, Unary, Unary, 1 | 2 | 3])[] = [
  ['neg', (x) => x.neg(), all, 3],
  ['abs', (x) => x.abs(), all, 2],
  ['sign', (x) => x.sign(), all, 2],
  ['square', (x) => x.square(), all, 3],
  ['sqrt', (x) => x.sqrt(), positive, 3],
  ['rsqrt', (x) => x.rsqrt(), positive, 3],
  ['reciprocal', (x) => x.reciprocal(), positive, 3],
  ['exp', (x) => x.exp(), all, 3],
  ['expm1', (x) => x.expm1(), all, 3],
  ['log', (x) => x.log(), positive, 3],
  ['log1p', (x) => x.log1p(), positive, 3],
  ['log2', (x) => x.log2(), positive, 3],
  ['sin', (x) => x.sin(), all, 3],
  ['cos', (x) => x.cos(), all, 3],
  ['tan', (x) => x.tan(), inside, 3],
  ['asin', (x) => x.asin(), inside, 3],
  ['acos', (x) => x.acos(), inside, 3],
  ['atan', (x) => x.atan(), all, 3],
  ['sinh', (x) => x.sinh(), all, 3],
  ['cosh', (x) => x.cosh(), all, 3],
  ['tanh', (x) => x.tanh(), all, 3],
  ['erf', (x) => x.erf(), all, 3],
  ['sigmoid', (x) => x.sigmoid(), all, 3],
  ['relu', (x) => x.relu(), all, 2],
  ['leakyRelu', (x) => x.leakyRelu(0.1), all, 2],
  ['elu', (x) => x.elu(1.3), all, 2],
  ['selu', (x) => x.selu(), all, 2],
  ['gelu', (x) => x.gelu(), all, 3],
  ['silu', (x) => x.silu(), all, 3],
  ['softplus', (x) => x.softplus(), all, 3],
  ['softsign', (x) => x.softsign(), all, 2],
  ['logSigmoid', (x) => x.logSigmoid(), all, 3],
  ['hardSigmoid', (x) => x.hardSigmoid(), all, 2],
  ['hardSwish', (x) => x.hardSwish(), all, 2],
  ['mish', (x) => x.mish(), all, 3],
  ['floor', (x) => x.floor(), all, 2],
  ['ceil', (x) => x.ceil(), all, 2],
  ['round', (x) => x.round(), all, 2],
  ['clamp', (x) => x.clamp(-0.5, 0.7), all, 2],
  ['cast', (x) => x.cast('float64').mul(1), all, 2],
];

/** [name, function, domain of the operands, highest order] */
const binary: readonly (readonly [string, (a: Tensor, b: Tensor) => Tensor, Unary, 1 | 2 | 3])[] = [
  ['add', (a, b) => a.add(b), all, 3],
  ['sub', (a, b) => a.sub(b), all, 3],
  ['mul', (a, b) => a.mul(b), all, 3],
  ['div', (a, b) => a.div(b), positive, 3],
  ['pow', (a, b) => a.pow(b), positive, 3],
  ['mod', (a, b) => a.mod(b), positive, 2],
  ['maximum', (a, b) => a.maximum(b), all, 2],
  ['minimum', (a, b) => a.minimum(b), all, 2],
  ['atan2', (a, b) => a.atan2(b), all, 3],
];

/** Repeated inputs of these sit on a kink everywhere. */
const kinkedOnDiagonal = new Set(['mod', 'maximum', 'minimum']);

function unaryCases(): GradientCase[] {
  return unary.flatMap(([name, of, domain, order]) => {
    const f: CaseFunction = (x) => of(domain(x));
    return [
      gradientCase(name, 'vector', f, [[5]], order),
      gradientCase(name, 'scalar', f, [[]], order),
      gradientCase(name, 'zero-size', f, [[0, 3]], order),
      gradientCase(name, 'strided', (x) => of(domain(x.transpose().flip(0))), [[2, 3]], 2),
    ];
  });
}

function binaryCases(): GradientCase[] {
  return binary.flatMap(([name, of, domain, order]) => {
    const f: CaseFunction = (a, b) => of(domain(a), domain(b));
    const cases = [
      gradientCase(name, 'vectors', f, [[4], [4]], order),
      gradientCase(
        name,
        'broadcast',
        f,
        [
          [3, 1],
          [1, 2],
        ],
        order,
      ),
      gradientCase(name, 'broadcast to more axes', f, [[2, 3], [3]], 2),
      gradientCase(name, 'scalar operand', f, [[3], []], 2),
      gradientCase(name, 'scalars', f, [[], []], order),
      gradientCase(name, 'zero-size', f, [[0, 3], [3]], order),
    ];
    if (kinkedOnDiagonal.has(name)) return cases;
    return [...cases, gradientCase(name, 'repeated input', (x) => of(domain(x), domain(x)), [[4]], order)];
  });
}

export const elementwiseCases: readonly GradientCase[] = [
  ...unaryCases(),
  ...binaryCases(),
  gradientCase('pow', 'number', (x) => x.abs().add(0.5).pow(2.5), [[4]], 3),
  gradientCase('pow', 'negative base, whole exponent', (x) => x.pow(3), [[4]], 3),
  gradientCase('gelu', 'tanh approximation', (x) => x.gelu('tanh'), [[4]], 3),
  gradientCase('where', 'vectors', (a, b) => a.greater(0).where(a.square(), b.sin()), [[6], [6]], 2),
  gradientCase('where', 'broadcast', (a, b) => numbers([[1], [0]]).where(a, b.square()), [[3], []], 2),
  gradientCase('where', 'repeated input', (a) => a.less(0).where(a.exp(), a.mul(a)), [[6]], 2),
  gradientCase(
    'where',
    'infinite in the branch that is not taken',
    (a) => a.greater(0).where(a.greater(0).where(a, 1).log(), 0),
    [[6]],
    2,
  ),
  gradientCase('sigmoid', 'far out', (x) => x.sigmoid(), [numbers([-40, 40, -750, 750])], 2),
  gradientCase('softplus', 'far out', (x) => x.softplus(), [numbers([-40, 40, -750, 750])], 2),
  gradientCase('tanh', 'far out', (x) => x.tanh(), [numbers([-40, 40])], 2),
  gradientCase('logSigmoid', 'far out', (x) => x.logSigmoid(), [numbers([-700, 700])], 2),
  gradientCase(
    'detach',
    'a shift that cancels',
    (x) => x.sub(x.detach().max()).exp().sum().log().add(x.detach().max()),
    [[3]],
    2,
  ),

  convention('relu', 'at 0', (x) => x.relu(), [[-1, 0, 1]], [[0, 0, 1]]),
  convention('leakyRelu', 'at 0', (x) => x.leakyRelu(0.1), [[-1, 0, 1]], [[0.1, 0.1, 1]]),
  convention('abs', 'at 0', (x) => x.abs(), [[-1, 0, 1]], [[-1, 0, 1]]),
  convention('sqrt', 'at 0', (x) => x.sqrt(), [[0, 4]], [[0, 0.25]]),
  convention('atan2', 'at the origin', (y, x) => y.atan2(x), [[0], [0]], [[0], [0]]),
  convention(
    'maximum',
    'tie',
    (a, b) => a.maximum(b),
    [
      [1, 2, 3],
      [1, 3, 2],
    ],
    [
      [0.5, 0, 1],
      [0.5, 1, 0],
    ],
  ),
  convention(
    'minimum',
    'tie',
    (a, b) => a.minimum(b),
    [
      [1, 2, 3],
      [1, 3, 2],
    ],
    [
      [0.5, 1, 0],
      [0.5, 0, 1],
    ],
  ),
  convention('maximum', 'repeated input', (a) => a.maximum(a), [[1, -2]], [[1, 1]]),
  convention('clamp', 'at the limits', (x) => x.clamp(-1, 1), [[-2, -1, 0, 1, 2]], [[0, 1, 1, 1, 0]]),
  convention(
    'hardSigmoid',
    'at the limits',
    (x) => x.hardSigmoid().mul(6),
    [[-4, -3, 0, 3, 4]],
    [[0, 1, 1, 1, 0]],
  ),
  convention('sign', 'at 0', (x) => x.sign(), [[0, 1]], [[0, 0]]),
  convention('floor', 'at whole numbers', (x) => x.floor(), [[1, 1.5]], [[0, 0]]),
  convention('ceil', 'at whole numbers', (x) => x.ceil(), [[1, 1.5]], [[0, 0]]),
  convention('round', 'at halves', (x) => x.round(), [[0.5, 1]], [[0, 0]]),
  convention(
    'pow',
    'exponent 0 at 0',
    (x, y) => x.pow(y),
    [
      [0, 2],
      [0, 0],
    ],
    [
      [0, 0],
      [0, Math.log(2)],
    ],
  ),
  convention('pow', 'base 0, exponent above 1', (x, y) => x.pow(y), [[0], [2]], [[0], [0]]),
  convention('detach', 'no gradient', (x) => x.detach().square(), [[1, 2]], [[0, 0]]),
];
