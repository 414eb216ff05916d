/**
 * The elementwise operations, each with its meaning in plain JavaScript numbers. From one row follow its tests of
 * values, dtypes, broadcasting, empty and 0-d shapes, strided views and special values, and its gradient cases.
 */
import { type Shape, sizeOf, type Tensor, tensor } from '../index.ts';
import {
  binary,
  type ElementwiseRow,
  erfSeries,
  finite,
  flat,
  integers,
  kinksAt,
  logical,
  meet,
  positive,
  roundEven,
  signed,
  truth,
  unary,
  unit,
  whole,
  wide,
} from './elementwiseRow.ts';
import { furtherElementwiseRows } from './furtherElementwise.ts';
import { convention, type GradientCase, gradientCase, numbers } from './gradientCase.ts';
import { broadcastElements, type Interval, uniformNumbers } from './samples.ts';

export { type ElementwiseRow, erfSeries, roundEven } from './elementwiseRow.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const modulo = (x: number, y: number): number => x - Math.floor(x / y) * y;

const elu = (x: number, alpha: number): number => (x > 0 ? x : alpha * Math.expm1(x));
const geluTanh = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export const elementwiseRows: readonly ElementwiseRow[] = [
  unary('neg', (x) => -x, wide, { ...integers, ...signed }),
  unary('abs', Math.abs, wide, { ...integers, ...signed, ...kinksAt('at 0', [0], [0]) }),
  unary('sign', Math.sign, wide, { ...integers, ...flat('at 0', [0]) }),
  unary('square', (x) => x * x, wide, { ...integers, ...signed }),
  unary('sqrt', Math.sqrt, positive, { ...signed, conventions: [{ variant: 'at 0', at: [[0, 4]], gradient: [[0, 0.25]] }] }),
  unary('rsqrt', (x) => 1 / Math.sqrt(x), positive),
  unary('reciprocal', (x) => 1 / x, positive, signed),
  unary('exp', Math.exp),
  unary('expm1', Math.expm1, wide, signed),
  unary('log', Math.log, positive),
  unary('log1p', Math.log1p, positive, signed),
  unary('log2', Math.log2, positive),
  unary('sin', Math.sin, wide, signed),
  unary('cos', Math.cos),
  unary('tan', Math.tan, [-1.2, 1.2], signed),
  unary('asin', Math.asin, unit),
  unary('acos', Math.acos, unit),
  unary('atan', Math.atan),
  unary('sinh', Math.sinh),
  unary('cosh', Math.cosh),
  unary('tanh', Math.tanh, wide, { farOut: [-40, 40] }),
  unary('erf', erfSeries, [-2.5, 2.5]),
  unary('sigmoid', sigmoid, wide, { farOut: [-40, 40, -750, 750] }),
  unary('relu', (x) => Math.max(x, 0), wide, { ...integers, ...kinksAt('at 0', [0], [0]) }),
  unary('leakyRelu', (x) => (x > 0 ? x : 0.01 * x), wide, { ...finite, ...kinksAt('at 0', [0], [0.01]) }),
  unary('elu', (x) => elu(x, 1), wide, kinksAt('at 0', [0], [1])),
  unary('selu', (x) => 1.0507009873554805 * elu(x, 1.6732632423543772), wide, kinksAt('at 0', [0], [1.0507009873554805 * 1.6732632423543772])),
  unary('gelu', (x) => 0.5 * x * (1 + erfSeries(x / Math.SQRT2)), wide, finite),
  unary('silu', (x) => x * sigmoid(x), wide, finite),
  unary('softplus', softplus, wide, { farOut: [-40, 40, -750, 750] }),
  unary('softsign', (x) => x / (1 + Math.abs(x)), wide, { ...finite, ...kinksAt('at 0', [0], [1]) }),
  unary('logSigmoid', (x) => -softplus(-x), wide, { farOut: [-700, 700] }),
  unary('hardSigmoid', (x) => Math.min(1, Math.max(0, (x + 3) / 6)), [-4, 4], kinksAt('at the limits', [-3, 3], [1 / 6, 1 / 6])),
  unary('hardSwish', (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6, [-4, 4], { ...finite, ...kinksAt('at the limits', [-3, 3], [-0.5, 1.5]) }),
  unary('mish', (x) => x * Math.tanh(softplus(x)), wide, finite),
  unary('floor', Math.floor, wide, { ...integers, ...signed, ...flat('at whole numbers', whole) }),
  unary('ceil', Math.ceil, wide, { ...integers, ...signed, ...flat('at whole numbers', whole) }),
  unary('round', roundEven, wide, { ...integers, ...signed, ...flat('at halves', whole.map((x) => x + 0.5)) }),
  unary('logicalNot', (x) => truth(x === 0), wide, logical),
  unary('isNaN', (x) => truth(Number.isNaN(x)), wide, { result: 'bool' }),
  unary('isFinite', (x) => truth(Number.isFinite(x)), wide, { result: 'bool' }),
  {
    name: 'clamp',
    of: ([x]) => x.clamp(-0.5, 0.75),
    value: (x) => (Number.isNaN(x) ? x : Math.min(0.75, Math.max(-0.5, x))),
    ranges: [wide],
    ...kinksAt('at the limits', [-0.5, 0.75], [1, 1]),
  },
  { name: 'cast', of: ([x]) => x.cast('float64').mul(1), value: (x) => x, ranges: [wide], integers: true, result: 'float64' },

  binary('add', (x, y) => x + y, undefined, integers),
  binary('sub', (x, y) => x - y, undefined, integers),
  binary('mul', (x, y) => x * y, undefined, { ...integers, ...signed }),
  binary('div', (x, y) => x / y, [wide, positive]),
  binary('pow', (x, y) => x ** y, [positive, wide], {
    ...finite,
    tolerance: 1e-4,
    conventions: [
      { variant: 'exponent 0 at 0', at: [[0, 2], [0, 0]], gradient: [[0, 0], [0, Math.log(2)]] },
      { variant: 'base 0, exponent above 1', at: [[0], [2]], gradient: [[0], [0]] },
    ],
  }),
  binary('mod', modulo, [[-7, 7], [1.5, 2.5]], { ...finite, kink: (x, y) => x / y - Math.round(x / y) }),
  binary('maximum', Math.max, undefined, {
    ...integers,
    kink: meet,
    conventions: [
      { variant: 'tie', at: [[1, 2, 3], [1, 3, 2]], gradient: [[0.5, 0, 1], [0.5, 1, 0]] },
    ],
  }),
  binary('minimum', Math.min, undefined, {
    ...integers,
    kink: meet,
    conventions: [
      { variant: 'tie', at: [[1, 2, 3], [1, 3, 2]], gradient: [[0.5, 1, 0], [0.5, 0, 1]] },
    ],
  }),
  binary('atan2', Math.atan2, [positive, wide], { conventions: [{ variant: 'at the origin', at: [[0], [0]], gradient: [[0], [0]] }] }),
  binary('equal', (x, y) => truth(x === y), undefined, logical),
  binary('notEqual', (x, y) => truth(x !== y), undefined, logical),
  binary('less', (x, y) => truth(x < y), undefined, logical),
  binary('lessEqual', (x, y) => truth(x <= y), undefined, logical),
  binary('greater', (x, y) => truth(x > y), undefined, logical),
  binary('greaterEqual', (x, y) => truth(x >= y), undefined, logical),
  binary('logicalAnd', (x, y) => truth(x !== 0 && y !== 0), undefined, logical),
  binary('logicalOr', (x, y) => truth(x !== 0 || y !== 0), undefined, logical),
  {
    name: 'where',
    of: ([c, x, y]) => c.greater(0).where(x, y),
    value: (c, x, y) => (c > 0 ? x : y),
    ranges: [wide, wide, wide],
    integers: true,
    kink: (c) => c,
  },

  { name: 'pow', variant: 'number', of: ([x]) => x.pow(2.5), value: (x) => x ** 2.5, ranges: [positive], special: false },
  { name: 'pow', variant: 'negative base, whole exponent', of: ([x]) => x.pow(3), value: (x) => x ** 3, ranges: [wide], integers: true, tolerance: 1e-4 },
  { name: 'gelu', variant: 'tanh approximation', of: ([x]) => x.gelu('tanh'), value: geluTanh, ranges: [wide], special: false },
  { name: 'leakyRelu', variant: 'slope 0.1', of: ([x]) => x.leakyRelu(0.1), value: (x) => (x > 0 ? x : 0.1 * x), ranges: [wide], special: false, kink: (x) => x },
  { name: 'elu', variant: 'alpha 1.3', of: ([x]) => x.elu(1.3), value: (x) => elu(x, 1.3), ranges: [wide], kink: (x) => x },

  ...furtherElementwiseRows,
]; // biome-ignore format: a table

/** The name of a row's tests. */
export function titleOf({ name, variant }: ElementwiseRow): string {
  return variant === undefined ? name : `${name}, ${variant}`;
}

/** Whether the results of a row vary continuously. */
export function hasGradient({ result, whole }: ElementwiseRow): boolean {
  return result !== 'bool' && !whole;
}

/** The gradient cases that follow from a row; none where the result is bool or a row of bits. */
export function casesOfElementwise(row: ElementwiseRow): GradientCase[] {
  const { name, kink } = row;
  if (!hasGradient(row)) return [];
  const f = (...x: Tensor[]): Tensor => row.of(x);
  const turned = (...x: Tensor[]): Tensor => row.of(x.map((operand) => operand.transpose().flip(0)));
  const order = kink ? 2 : 3;
  const on = (variant: string, shapes: readonly Shape[], g = f, highest: 2 | 3 = order): GradientCase =>
    gradientCase(name, variant, g, () => smoothPoint(row, shapes), highest);
  if (row.variant !== undefined) return [on(row.variant, [[5]])];
  const several = row.ranges.length > 1;
  const same = (shape: Shape): Shape[] => row.ranges.map(() => shape);
  const first = (...shapes: Shape[]): Shape[] => shapes.slice(0, row.ranges.length);
  const cases = [
    on(several ? 'vectors' : 'vector', same([several ? 4 : 5])),
    on(several ? 'scalars' : 'scalar', same([])),
    on('strided', same([2, 3]), turned, 2),
    on('zero-size', first([0, 3], [3], [])),
  ];
  if (several) {
    cases.push(
      on('broadcast', first([3, 1], [1, 2], [])),
      on('broadcast to more axes', first([2, 3], [3], [1, 3]), f, 2),
      on('scalar operand', first([3], [], [1]), f, 2),
    );
    if (kink?.(1, 1, 1) !== 0) {
      const range: Interval = [
        Math.max(...row.ranges.map(([low]) => low)),
        Math.min(...row.ranges.map(([, high]) => high)),
      ];
      const repeated = { ...row, ranges: [range], ...(kink && { kink: (x: number) => kink(x, x, x) }) };
      const g = (x: Tensor): Tensor => row.of(row.ranges.map(() => x));
      cases.push(gradientCase(name, 'repeated input', g, () => smoothPoint(repeated, [[4]]), order));
    }
  }
  if (row.farOut) cases.push(gradientCase(name, 'far out', f, [numbers([...row.farOut])], 2));
  return [
    ...cases,
    ...(row.conventions ?? []).map((one) => convention(name, one.variant, f, one.at, one.gradient)),
  ];
}

/** Operands from the row's ranges, drawn again until no element of the result is at a kink. */
function smoothPoint({ name, ranges, kink }: ElementwiseRow, shapes: readonly Shape[]): Tensor[] {
  for (let attempt = 0; ; attempt++) {
    const data = shapes.map((shape, i) =>
      uniformNumbers(sizeOf(shape), ranges[i], false, 100 * attempt + 17 * i + name.length),
    );
    const { elements } = broadcastElements(data, shapes);
    if (kink && elements.some((x) => Math.abs(kink(...x)) < 0.01)) continue;
    return data.map((own, i) => tensor(own, { shape: shapes[i], dtype: 'float64' }));
  }
}

/** What no row says. */
export const furtherElementwiseCases: readonly GradientCase[] = [
  gradientCase(
    'where',
    'nonlinear branches',
    (a, b) => a.greater(0).where(a.square(), b.sin()),
    [[6], [6]],
    2,
  ),
  gradientCase(
    'where',
    'constant condition',
    (a, b) => numbers([[1], [0]]).where(a, b.square()),
    [[3], []],
    2,
  ),
  gradientCase('where', 'one input, nonlinear branches', (a) => a.less(0).where(a.exp(), a.mul(a)), [[6]], 2),
  gradientCase(
    'where',
    'infinite in the branch that is not taken',
    (a) => a.greater(0).where(a.greater(0).where(a, 1).log(), 0),
    [[6]],
    2,
  ),
  gradientCase(
    'detach',
    'a shift that cancels',
    (x) => x.sub(x.detach().max()).exp().sum().log().add(x.detach().max()),
    [[3]],
    2,
  ),
  convention('maximum', 'repeated input', (a) => a.maximum(a), [[1, -2]], [[1, 1]]),
  convention('detach', 'no gradient', (x) => x.detach().square(), [[1, 2]], [[0, 0]]),
];
