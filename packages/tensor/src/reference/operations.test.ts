// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: tables made by another program
/**
 * Every operation of the vocabulary, in every dtype that has it, against NumPy (erf: Python's math, sigmoid: mpmath).
 * The tables below are the output of this program (NumPy 2, mpmath 1.3):
 *
 * ```python
 * import math, numpy as np
 * from mpmath import mp, mpf
 * np.seterr(all="ignore")
 * x = np.array([0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.1, -0.3, 1.0, -1.0, 3.7, -6.2, 40.0, -40.0, 1e-9, 1e20, -800.0, np.inf, -np.inf, np.nan])
 * mp.dps = 40
 * named = dict(neg=np.negative, round=np.rint, isNaN=np.isnan, isFinite=np.isfinite, asin=np.arcsin, acos=np.arccos, atan=np.arctan,
 *   erf=np.vectorize(math.erf), sigmoid=np.vectorize(lambda v: v if v != v else float(v > 0) if math.isinf(v) else float(1 / (1 + mp.exp(-mpf(v))))))
 * def text(v):
 *     v = float(v)
 *     if v != v: return "NaN"
 *     if math.isinf(v): return "Infinity" if v > 0 else "-Infinity"
 *     return "-0" if v == 0 and math.copysign(1, v) < 0 else repr(v).removesuffix(".0")
 * for op in "neg abs sign sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh erf sigmoid floor ceil round isNaN isFinite".split():
 *     print(f"  {op}: [{', '.join(text(v) for v in (named.get(op) or getattr(np, op))(x))}],")
 * a, b = (v.ravel() for v in np.meshgrid([0.0, -0.0, 1.0, -1.0, 2.5, -7.0, np.inf, -np.inf, np.nan], [0.0, 1.0, -1.0, 3.0, -2.5, np.inf, -np.inf, np.nan], indexing="ij"))
 * named = dict(sub=np.subtract, mul=np.multiply, div=np.divide, pow=np.power, atan2=np.arctan2, max=np.maximum, min=np.minimum, notEqual=np.not_equal, lessEqual=np.less_equal)
 * for op in "add sub mul div pow mod atan2 max min equal notEqual less lessEqual".split():
 *     print(f"  {op}: [{', '.join(text(v) for v in (named.get(op) or getattr(np, op))(a, b))}],")
 * ```
 */
import { describe, expect, it } from 'vitest';
import { allocateArray, type DType, type TypedArray } from '../dtype.ts';
import {
  type BinaryOperation,
  binaryOperations,
  type Expression,
  type Instruction,
  type MapKernel,
  type UnaryOperation,
  unaryOperations,
} from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';
import { erf, threefry } from './scalarMath.ts';

// biome-ignore format: a table
const unaryArguments = [0, -0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.1, -0.3, 1, -1, 3.7, -6.2, 40, -40, 1e-9, 1e20, -800, Infinity, -Infinity, NaN];
// biome-ignore format: a table
const unaryTable: Record<Exclude<UnaryOperation, 'not'>, readonly number[]> = {
  neg: [-0, 0, -0.5, 0.5, -1.5, -2.5, 1.5, 2.5, -0.1, 0.3, -1, 1, -3.7, 6.2, -40, 40, -1e-09, -1e+20, 800, -Infinity, Infinity, NaN],
  abs: [0, 0, 0.5, 0.5, 1.5, 2.5, 1.5, 2.5, 0.1, 0.3, 1, 1, 3.7, 6.2, 40, 40, 1e-09, 1e+20, 800, Infinity, Infinity, NaN],
  sign: [0, 0, 1, -1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 1, -1, 1, -1, NaN],
  sqrt: [0, -0, 0.7071067811865476, NaN, 1.224744871391589, 1.5811388300841898, NaN, NaN, 0.31622776601683794, NaN, 1, NaN, 1.9235384061671346, NaN, 6.324555320336759, NaN, 3.1622776601683795e-05, 10000000000, NaN, Infinity, NaN, NaN],
  exp: [1, 1, 1.6487212707001282, 0.6065306597126334, 4.4816890703380645, 12.182493960703473, 0.22313016014842982, 0.0820849986238988, 1.1051709180756477, 0.7408182206817179, 2.718281828459045, 0.36787944117144233, 40.4473043600674, 0.002029430636295734, 2.3538526683701997e+17, 4.248354255291589e-18, 1.000000001, Infinity, 0, Infinity, 0, NaN],
  expm1: [0, -0, 0.6487212707001282, -0.3934693402873666, 3.481689070338065, 11.182493960703473, -0.7768698398515702, -0.9179150013761012, 0.10517091807564763, -0.2591817793182821, 1.7182818284590453, -0.6321205588285577, 39.4473043600674, -0.9979705693637043, 2.3538526683702e+17, -1, 1.0000000005000001e-09, Infinity, -1, Infinity, -1, NaN],
  log: [-Infinity, -Infinity, -0.6931471805599453, NaN, 0.4054651081081644, 0.9162907318741551, NaN, NaN, -2.3025850929940455, NaN, 0, NaN, 1.308332819650179, NaN, 3.6888794541139363, NaN, -20.72326583694641, 46.051701859880914, NaN, Infinity, NaN, NaN],
  log1p: [0, -0, 0.4054651081081644, -0.6931471805599453, 0.9162907318741551, 1.252762968495368, NaN, NaN, 0.09531017980432487, -0.35667494393873234, 0.6931471805599453, -Infinity, 1.547562508716013, NaN, 3.713572066704308, NaN, 9.999999995e-10, 46.051701859880914, NaN, Infinity, NaN, NaN],
  sin: [0, -0, 0.479425538604203, -0.479425538604203, 0.9974949866040544, 0.5984721441039565, -0.9974949866040544, -0.5984721441039565, 0.09983341664682815, -0.29552020666133955, 0.8414709848078965, -0.8414709848078965, -0.5298361409084934, 0.0830894028174964, 0.7451131604793488, -0.7451131604793488, 1e-09, -0.6452512852657808, -0.8939696481970214, NaN, NaN, NaN],
  cos: [1, 1, 0.8775825618903728, 0.8775825618903728, 0.0707372016677029, -0.8011436155469337, 0.0707372016677029, -0.8011436155469337, 0.9950041652780258, 0.955336489125606, 0.5403023058681398, 0.5403023058681398, -0.848100031710408, 0.9965420970232175, -0.6669380616522619, -0.6669380616522619, 1, 0.7639704044417283, -0.44812751321749233, NaN, NaN, NaN],
  tan: [0, -0, 0.5463024898437905, -0.5463024898437905, 14.101419947171719, -0.7470222972386603, -14.101419947171719, 0.7470222972386603, 0.10033467208545055, -0.3093362496096232, 1.5574077246549023, -1.5574077246549023, 0.6247330752245639, 0.08337771486592861, -1.117214930923896, 1.117214930923896, 1e-09, -0.8446024630198843, 1.9949001608458392, NaN, NaN, NaN],
  asin: [0, -0, 0.5235987755982989, -0.5235987755982989, NaN, NaN, NaN, NaN, 0.1001674211615598, -0.30469265401539747, 1.5707963267948966, -1.5707963267948966, NaN, NaN, NaN, NaN, 1e-09, NaN, NaN, NaN, NaN, NaN],
  acos: [1.5707963267948966, 1.5707963267948966, 1.0471975511965976, 2.0943951023931957, NaN, NaN, NaN, NaN, 1.4706289056333368, 1.8754889808102941, 0, 3.141592653589793, NaN, NaN, NaN, NaN, 1.5707963257948967, NaN, NaN, NaN, NaN, NaN],
  atan: [0, -0, 0.4636476090008061, -0.4636476090008061, 0.982793723247329, 1.1902899496825317, -0.982793723247329, -1.1902899496825317, 0.09966865249116204, -0.2914567944778671, 0.7853981633974483, -0.7853981633974483, 1.3068326031691921, -1.4108832036366774, 1.5458015331759765, -1.5458015331759765, 1e-09, 1.5707963267948966, -1.5695463274459376, 1.5707963267948966, -1.5707963267948966, NaN],
  sinh: [0, -0, 0.5210953054937474, -0.5210953054937474, 2.1292794550948173, 6.0502044810397875, -2.1292794550948173, -6.0502044810397875, 0.10016675001984403, -0.3045202934471426, 1.1752011936438014, -1.1752011936438014, 20.21129041679853, -246.37350583131, 1.1769263341851e+17, -1.1769263341851e+17, 1e-09, Infinity, -Infinity, Infinity, -Infinity, NaN],
  cosh: [1, 1, 1.1276259652063807, 1.1276259652063807, 2.352409615243247, 6.132289479663686, 2.352409615243247, 6.132289479663686, 1.0050041680558035, 1.0453385141288605, 1.5430806348152437, 1.5430806348152437, 20.23601394326887, 246.3755352619463, 1.1769263341851e+17, 1.1769263341851e+17, 1, Infinity, Infinity, Infinity, Infinity, NaN],
  tanh: [0, -0, 0.46211715726000974, -0.46211715726000974, 0.9051482536448665, 0.9866142981514303, -0.9051482536448665, -0.9866142981514303, 0.09966799462495582, -0.2913126124515909, 0.7615941559557649, -0.7615941559557649, 0.9987782412811311, -0.9999917628565104, 1, -1, 1e-09, 1, -1, 1, -1, NaN],
  erf: [0, -0, 0.5204998778130465, -0.5204998778130465, 0.9661051464753108, 0.999593047982555, -0.9661051464753108, -0.999593047982555, 0.1124629160182849, -0.3286267594591274, 0.8427007929497149, -0.8427007929497149, 0.9999998328489421, -1, 1, -1, 1.1283791670955127e-09, 1, -1, 1, -1, NaN],
  sigmoid: [0.5, 0.5, 0.6224593312018546, 0.37754066879814546, 0.8175744761936437, 0.9241418199787564, 0.18242552380635635, 0.07585818002124355, 0.52497918747894, 0.425557483188341, 0.7310585786300049, 0.2689414213699951, 0.9758729785823308, 0.002025320389049882, 1, 4.248354255291589e-18, 0.50000000025, 1, 0, 1, 0, NaN],
  floor: [0, -0, 0, -1, 1, 2, -2, -3, 0, -1, 1, -1, 3, -7, 40, -40, 0, 1e+20, -800, Infinity, -Infinity, NaN],
  ceil: [0, -0, 1, -0, 2, 3, -1, -2, 1, -0, 1, -1, 4, -6, 40, -40, 1, 1e+20, -800, Infinity, -Infinity, NaN],
  round: [0, -0, 0, -0, 2, 2, -2, -2, 0, -0, 1, -1, 4, -6, 40, -40, 0, 1e+20, -800, Infinity, -Infinity, NaN],
  isNaN: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  isFinite: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
};

/** What only integers and bool have. */
type OfBits = 'and' | 'or' | 'xor' | 'shiftLeft' | 'shiftRight';
const hasTable = (op: BinaryOperation): op is Exclude<BinaryOperation, OfBits> => op in binaryTable;

// Each of the first with each of the second.
const lefts = [0, -0, 1, -1, 2.5, -7, Infinity, -Infinity, NaN];
const rights = [0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN];
// biome-ignore format: a table
const binaryTable: Record<Exclude<BinaryOperation, OfBits>, readonly number[]> = {
  add: [0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN, 0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN, 1, 2, 0, 4, -1.5, Infinity, -Infinity, NaN, -1, 0, -2, 2, -3.5, Infinity, -Infinity, NaN, 2.5, 3.5, 1.5, 5.5, 0, Infinity, -Infinity, NaN, -7, -6, -8, -4, -9.5, Infinity, -Infinity, NaN, Infinity, Infinity, Infinity, Infinity, Infinity, Infinity, NaN, NaN, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, NaN, -Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  sub: [0, -1, 1, -3, 2.5, -Infinity, Infinity, NaN, -0, -1, 1, -3, 2.5, -Infinity, Infinity, NaN, 1, 0, 2, -2, 3.5, -Infinity, Infinity, NaN, -1, -2, 0, -4, 1.5, -Infinity, Infinity, NaN, 2.5, 1.5, 3.5, -0.5, 5, -Infinity, Infinity, NaN, -7, -8, -6, -10, -4.5, -Infinity, Infinity, NaN, Infinity, Infinity, Infinity, Infinity, Infinity, NaN, Infinity, NaN, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  mul: [0, 0, -0, 0, -0, NaN, NaN, NaN, -0, -0, 0, -0, 0, NaN, NaN, NaN, 0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN, -0, -1, 1, -3, 2.5, -Infinity, Infinity, NaN, 0, 2.5, -2.5, 7.5, -6.25, Infinity, -Infinity, NaN, -0, -7, 7, -21, 17.5, -Infinity, Infinity, NaN, NaN, Infinity, -Infinity, Infinity, -Infinity, Infinity, -Infinity, NaN, NaN, -Infinity, Infinity, -Infinity, Infinity, -Infinity, Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  div: [NaN, 0, -0, 0, -0, 0, -0, NaN, NaN, -0, 0, -0, 0, -0, 0, NaN, Infinity, 1, -1, 0.3333333333333333, -0.4, 0, -0, NaN, -Infinity, -1, 1, -0.3333333333333333, 0.4, -0, 0, NaN, Infinity, 2.5, -2.5, 0.8333333333333334, -1, 0, -0, NaN, -Infinity, -7, 7, -2.3333333333333335, 2.8, -0, 0, NaN, Infinity, Infinity, -Infinity, Infinity, -Infinity, NaN, NaN, NaN, -Infinity, -Infinity, Infinity, -Infinity, Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  pow: [1, 0, Infinity, 0, Infinity, 0, Infinity, NaN, 1, -0, -Infinity, -0, Infinity, 0, Infinity, NaN, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, NaN, 1, 1, NaN, 1, 2.5, 0.4, 15.625, 0.10119288512538814, Infinity, 0, NaN, 1, -7, -0.14285714285714285, -343, NaN, Infinity, 0, NaN, 1, Infinity, 0, Infinity, 0, Infinity, 0, NaN, 1, -Infinity, -0, -Infinity, 0, Infinity, 0, NaN, 1, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  mod: [NaN, 0, -0, 0, -0, 0, -0, NaN, NaN, 0, -0, 0, -0, 0, -0, NaN, NaN, 0, -0, 1, -1.5, 1, -Infinity, NaN, NaN, 0, -0, 2, -1, Infinity, -1, NaN, NaN, 0.5, -0.5, 2.5, -0, 2.5, -Infinity, NaN, NaN, 0, -0, 2, -2, Infinity, -7, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  atan2: [0, 0, 3.141592653589793, 0, 3.141592653589793, 0, 3.141592653589793, NaN, -0, -0, -3.141592653589793, -0, -3.141592653589793, -0, -3.141592653589793, NaN, 1.5707963267948966, 0.7853981633974483, 2.356194490192345, 0.3217505543966422, 2.761086276477428, 0, 3.141592653589793, NaN, -1.5707963267948966, -0.7853981633974483, -2.356194490192345, -0.3217505543966422, -2.761086276477428, -0, -3.141592653589793, NaN, 1.5707963267948966, 1.1902899496825317, 1.9513027039072615, 0.6947382761967031, 2.356194490192345, 0, 3.141592653589793, NaN, -1.5707963267948966, -1.4288992721907328, -1.7126933813990606, -1.1659045405098132, -1.9138202672156, -0, -3.141592653589793, NaN, 1.5707963267948966, 1.5707963267948966, 1.5707963267948966, 1.5707963267948966, 1.5707963267948966, 0.7853981633974483, 2.356194490192345, NaN, -1.5707963267948966, -1.5707963267948966, -1.5707963267948966, -1.5707963267948966, -1.5707963267948966, -0.7853981633974483, -2.356194490192345, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  max: [0, 1, 0, 3, 0, Infinity, 0, NaN, 0, 1, -0, 3, -0, Infinity, -0, NaN, 1, 1, 1, 3, 1, Infinity, 1, NaN, 0, 1, -1, 3, -1, Infinity, -1, NaN, 2.5, 2.5, 2.5, 3, 2.5, Infinity, 2.5, NaN, 0, 1, -1, 3, -2.5, Infinity, -7, NaN, Infinity, Infinity, Infinity, Infinity, Infinity, Infinity, Infinity, NaN, 0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  min: [0, 0, -1, 0, -2.5, 0, -Infinity, NaN, 0, -0, -1, -0, -2.5, -0, -Infinity, NaN, 0, 1, -1, 1, -2.5, 1, -Infinity, NaN, -1, -1, -1, -1, -2.5, -1, -Infinity, NaN, 0, 1, -1, 2.5, -2.5, 2.5, -Infinity, NaN, -7, -7, -7, -7, -7, -7, -Infinity, NaN, 0, 1, -1, 3, -2.5, Infinity, -Infinity, NaN, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN],
  equal: [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  notEqual: [0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  less: [0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  lessEqual: [1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};

const givesBool = new Set(['isNaN', 'isFinite', 'not', 'equal', 'notEqual', 'less', 'lessEqual']);
/** Where the sign of a zero is not laid down. */
const anyZero = new Set(['sign', 'max', 'min']);

/** Applies one instruction to operands of `from`, element by element. */
async function apply(
  instruction: Instruction,
  from: DType,
  ...operands: readonly (readonly number[])[]
): Promise<TypedArray> {
  const loads = operands.map((_, operand): Instruction => ({ op: 'load', operand, dtype: from }));
  return map(
    { instructions: [...loads, instruction], results: [operands.length] },
    operands.map(() => from),
    operands,
  );
}

async function map(
  expression: Expression,
  inputs: readonly DType[],
  operands: readonly (readonly number[])[],
): Promise<TypedArray> {
  const dtype = expression.instructions[expression.results[0]].dtype;
  const kernel: MapKernel = {
    form: 'map',
    rank: 1,
    inputs,
    outputs: [{ dtype, accumulate: false }],
    expression,
  };
  const length = operands[0].length;
  const specs = operands.map((values, i) => {
    const data = allocateArray(inputs[i], length);
    data.set(values);
    return { data, dtype: inputs[i], strides: [1] };
  });
  const results = await runOnce(
    reference(),
    kernel,
    [length],
    [...specs, { data: allocateArray(dtype, length), dtype, strides: [1] }],
  );
  return results.at(-1)!;
}

/** Equal, or apart by a few units in the last place relative to the value. */
function expectClose(
  got: TypedArray,
  expected: readonly number[],
  tolerance: number,
  signedZero: boolean,
): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const x = got[i];
    const equal = signedZero ? Object.is(x, value) : x === value;
    if (!equal && !(Math.abs(x - value) <= tolerance * Math.abs(value)))
      expect(`[${i}]: ${x}`).toBe(`[${i}]: ${value}`);
  });
}

describe('unary operations', () => {
  for (const op of unaryOperations) {
    if (op === 'not') continue;
    const dtypeOf = (dtype: DType): DType => (givesBool.has(op) ? 'bool' : dtype);

    it(`${op} of float64`, async () => {
      const got = await apply({ op, a: 0, dtype: dtypeOf('float64') }, 'float64', unaryArguments);
      expectClose(got, unaryTable[op], 1e-15, !anyZero.has(op));
    });

    it(`${op} of float32`, async () => {
      // Only arguments that float32 has exactly can be compared with the table.
      const exact = unaryArguments.flatMap((x, i) => (Object.is(Math.fround(x), x) ? [i] : []));
      const got = await apply(
        { op, a: 0, dtype: dtypeOf('float32') },
        'float32',
        exact.map((i) => unaryArguments[i]),
      );
      expectClose(
        got,
        exact.map((i) => Math.fround(unaryTable[op][i])),
        1.2e-7,
        !anyZero.has(op),
      );
    });
  }

  it('erf is within 4 units in the last place (values from mpmath)', () => {
    const known: [number, number][] = [
      [0.25, 0.27632639016823693299],
      [1, 0.84270079294971486934],
      [2, 0.99532226501895273416],
      [3.5, 0.99999925690162765859],
      [5, 0.99999999999846254021],
    ];
    for (const [x, value] of known) {
      expect(Math.abs(erf(x) - value)).toBeLessThanOrEqual(4 * 2 ** -53);
      expect(erf(-x)).toBe(-erf(x));
    }
  });

  it('integers keep what needs no fractions', async () => {
    const values = [5, -7, 0, -2147483648];
    const run = async (op: UnaryOperation) => [
      ...(await apply({ op, a: 0, dtype: givesBool.has(op) ? 'bool' : 'int32' }, 'int32', values)),
    ];
    expect(await run('neg')).toEqual([-5, 7, 0, -2147483648]);
    expect(await run('abs')).toEqual([5, 7, 0, -2147483648]);
    expect(await run('sign')).toEqual([1, -1, 0, -1]);
    for (const op of ['floor', 'ceil', 'round'] as const) expect(await run(op)).toEqual(values);
    expect(await run('isNaN')).toEqual([0, 0, 0, 0]);
    expect(await run('isFinite')).toEqual([1, 1, 1, 1]);
    expect([...(await apply({ op: 'neg', a: 0, dtype: 'uint32' }, 'uint32', [1, 0]))]).toEqual([
      4294967295, 0,
    ]);
    expect([...(await apply({ op: 'neg', a: 0, dtype: 'uint8' }, 'uint8', [1, 0]))]).toEqual([255, 0]);
  });

  it('not inverts bool', async () => {
    expect([...(await apply({ op: 'not', a: 0, dtype: 'bool' }, 'bool', [0, 1]))]).toEqual([1, 0]);
  });
});

describe('binary operations', () => {
  const pairs = lefts.flatMap((left) => rights.map((right) => [left, right] as const));
  for (const op of binaryOperations) {
    if (!hasTable(op)) continue;
    for (const [from, tolerance] of [
      ['float64', 1e-15],
      ['float32', 1.2e-7],
    ] as const) {
      it(`${op} of ${from}`, async () => {
        const dtype = givesBool.has(op) ? 'bool' : from;
        const got = await apply(
          { op, a: 0, b: 1, dtype },
          from,
          pairs.map(([left]) => left),
          pairs.map(([, right]) => right),
        );
        const expected = from === 'float32' ? binaryTable[op].map(Math.fround) : binaryTable[op];
        expectClose(got, expected, tolerance, !anyZero.has(op));
      });
    }
  }

  it('and, or, comparisons and extremes of bool', async () => {
    const a = [0, 0, 1, 1];
    const b = [0, 1, 0, 1];
    const run = async (op: BinaryOperation) => [
      ...(await apply({ op, a: 0, b: 1, dtype: 'bool' }, 'bool', a, b)),
    ];
    for (const op of ['and', 'mul', 'min'] as const) expect(await run(op)).toEqual([0, 0, 0, 1]);
    for (const op of ['or', 'max'] as const) expect(await run(op)).toEqual([0, 1, 1, 1]);
    expect(await run('equal')).toEqual([1, 0, 0, 1]);
    expect(await run('notEqual')).toEqual([0, 1, 1, 0]);
    expect(await run('less')).toEqual([0, 1, 0, 0]);
    expect(await run('lessEqual')).toEqual([1, 1, 0, 1]);
  });

  it('int32 wraps, divides toward zero and takes remainders with the sign of the divisor', async () => {
    // add, sub, mul and mod from NumPy: op(np.array(a, np.int32), np.array(b, np.int32)).
    const a = [7, -7, 7, -7, 2147483647, -2147483648, 5, 0];
    const b = [3, 3, -3, -3, 2, 2, 0, -4];
    const run = async (op: BinaryOperation) => [
      ...(await apply({ op, a: 0, b: 1, dtype: 'int32' }, 'int32', a, b)),
    ];
    expect(await run('mod')).toEqual([1, 2, -2, -1, 1, 0, 0, 0]);
    expect(await run('mul')).toEqual([21, -21, -21, 21, -2, 0, 0, 0]);
    expect(await run('add')).toEqual([10, -4, 4, -10, -2147483647, -2147483646, 5, -4]);
    expect(await run('sub')).toEqual([4, -10, 10, -4, 2147483645, 2147483646, 5, 4]);
    expect(await run('div')).toEqual([2, -2, -2, 2, 1073741823, -1073741824, 0, 0]);
    expect(await run('max')).toEqual([7, 3, 7, -3, 2147483647, 2, 5, 0]);
    expect(await run('min')).toEqual([3, -7, -3, -7, 2, -2147483648, 0, -4]);
  });

  it('bits of integers', async () => {
    const run = async (op: string, dtype: DType, a: readonly number[], b: readonly number[]) => [
      ...(await apply({ op, a: 0, b: 1, dtype } as Instruction, dtype, a, b)),
    ];
    // By NumPy 2.4: np.left_shift(np.array([…], np.int32), …) and so on; Python's numbers for counts that do not exist there.
    const x = [12, -7, 255, -1];
    expect(await run('and', 'int32', x, [10, 3, -16, 77])).toEqual([8, 1, 240, 77]);
    expect(await run('or', 'int32', x, [10, 3, -16, 77])).toEqual([14, -5, -1, -1]);
    expect(await run('xor', 'int32', x, [10, 3, -16, 77])).toEqual([6, -6, -241, -78]);
    expect(await run('shiftLeft', 'int32', x, [3, 31, 32, -1])).toEqual([96, -2147483648, 0, 0]);
    expect(await run('shiftRight', 'int32', x, [2, 1, 32, 40])).toEqual([3, -4, 0, -1]);
    expect(await run('shiftLeft', 'uint8', [200, 3], [1, 7])).toEqual([144, 128]);
    expect(await run('shiftRight', 'uint32', [4294967295, 2147483648], [4, 31])).toEqual([268435455, 1]);
    expect(await run('xor', 'bool', [0, 0, 1, 1], [0, 1, 0, 1])).toEqual([0, 1, 1, 0]);
  });

  it('integer powers wrap; negative exponents round toward zero', async () => {
    const run = async (dtype: DType, a: number[], b: number[]) => [
      ...(await apply({ op: 'pow', a: 0, b: 1, dtype }, dtype, a, b)),
    ];
    // 3²¹ = 10460353203 = 1870418611 modulo 2³²; 3⁵ = 243, 3⁶ = 729 = 217 modulo 2⁸.
    expect(await run('int32', [2, 3, -2, 0, 1, -1, -1, 2, 0], [10, 21, 3, 0, -5, -5, -4, -1, -1])).toEqual([
      1024, 1870418611, -8, 1, 1, -1, 1, 0, 0,
    ]);
    expect(await run('uint32', [2, 2], [31, 32])).toEqual([2147483648, 0]);
    expect(await run('uint8', [3, 3], [5, 6])).toEqual([243, 217]);
  });

  it('unsigned integers compare and multiply without a sign', async () => {
    expect([
      ...(await apply({ op: 'less', a: 0, b: 1, dtype: 'bool' }, 'uint32', [1, 4294967295], [4294967295, 1])),
    ]).toEqual([1, 0]);
    expect([
      ...(await apply({ op: 'mul', a: 0, b: 1, dtype: 'uint32' }, 'uint32', [65536, 65535], [65537, 65537])),
    ]).toEqual([65536, 4294967295]);
    expect([
      ...(await apply({ op: 'div', a: 0, b: 1, dtype: 'uint32' }, 'uint32', [4294967295, 7], [2, 0])),
    ]).toEqual([2147483647, 0]);
  });
});

describe('cast', () => {
  const run = async (from: DType, to: DType, values: number[]) => [
    ...(await apply({ op: 'cast', a: 0, dtype: to }, from, values)),
  ];

  it('from floats to integers goes toward zero, saturates, and makes NaN 0', async () => {
    const values = [1.9, -1.9, NaN, 3e9, -3e9, 1e20, Infinity, -Infinity, 255.5, 256];
    expect(await run('float64', 'int32', values)).toEqual([
      1, -1, 0, 2147483647, -2147483648, 2147483647, 2147483647, -2147483648, 255, 256,
    ]);
    expect(await run('float64', 'uint32', values)).toEqual([
      1, 0, 0, 3000000000, 0, 4294967295, 4294967295, 0, 255, 256,
    ]);
    expect(await run('float32', 'uint8', values)).toEqual([1, 0, 0, 255, 0, 255, 255, 0, 255, 255]);
  });

  it('between integers wraps', async () => {
    expect(await run('int32', 'uint8', [300, -1])).toEqual([44, 255]);
    expect(await run('uint32', 'int32', [4294967295, 5])).toEqual([-1, 5]);
    expect(await run('int32', 'uint32', [-1])).toEqual([4294967295]);
  });

  it('to bool asks whether the value is not zero, and back gives 0 and 1', async () => {
    expect(await run('float32', 'bool', [0, -0, 0.25, NaN, -3])).toEqual([0, 0, 1, 1, 1]);
    expect(await run('int32', 'bool', [0, 256])).toEqual([0, 1]);
    expect(await run('bool', 'float64', [0, 1])).toEqual([0, 1]);
    expect(await run('bool', 'int32', [0, 1])).toEqual([0, 1]);
  });

  it('to float32 rounds to the nearest', async () => {
    expect(await run('float64', 'float32', [16777217, 0.1, 1e39])).toEqual([
      16777216,
      0.10000000149011612,
      Infinity,
    ]);
    expect(await run('int32', 'float32', [16777217])).toEqual([16777216]);
  });
});

describe('where', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32', 'uint8', 'bool'] as const) {
    it(`chooses between ${dtype}`, async () => {
      const expression: Expression = {
        instructions: [
          { op: 'load', operand: 0, dtype: 'bool' },
          { op: 'load', operand: 1, dtype },
          { op: 'load', operand: 2, dtype },
          { op: 'where', a: 0, b: 1, c: 2, dtype },
        ],
        results: [3],
      };
      const got = await map(
        expression,
        ['bool', dtype, dtype],
        [
          [1, 0, 1],
          [1, 1, 0],
          [0, 0, 1],
        ],
      );
      expect([...got]).toEqual([1, 0, 0]);
    });
  }
});

describe('threefry', () => {
  // Known answers of Threefry-2x32-20 from the Random123 distribution of Salmon et al.: first word.
  const known = [
    { key: [0, 0], counter: [0, 0], first: 0x6b200159 },
    { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff], first: 0x1cb996fc },
    { key: [0x13198a2e, 0x03707344], counter: [0x243f6a88, 0x85a308d3], first: 0xc4923a9c },
  ];

  it('gives the published first words', () => {
    for (const { key, counter, first } of known)
      expect(threefry(key[0], key[1], counter[0], counter[1])).toBe(first);
  });

  it('is what the instruction computes', async () => {
    for (const { key, counter, first } of known) {
      const expression: Expression = {
        instructions: [
          { op: 'load', operand: 0, dtype: 'uint32' },
          { op: 'load', operand: 1, dtype: 'uint32' },
          { op: 'load', operand: 2, dtype: 'uint32' },
          { op: 'threefry', a: 0, b: 1, c: 2, stream: counter[1], dtype: 'uint32' },
        ],
        results: [3],
      };
      const got = await map(expression, ['uint32', 'uint32', 'uint32'], [[key[0]], [key[1]], [counter[0]]]);
      expect([...got]).toEqual([first]);
    }
  });
});

describe('operations that are not defined', () => {
  const prepare = (instructions: readonly Instruction[], dtype: DType) => {
    const result = instructions.at(-1)!.dtype;
    const kernel: MapKernel = {
      form: 'map', rank: 1, inputs: [dtype], outputs: [{ dtype: result, accumulate: false }],
      expression: { instructions, results: [instructions.length - 1] },
    }; // biome-ignore format: a record
    const operand = (type: DType) => ({ data: allocateArray(type, 1), dtype: type, strides: [1] });
    return () =>
      reference().prepare(oneLaunch(kernel, [1], [operand(dtype), operand(result)], { label: 'sqrt+add' }));
  };

  it('are refused when prepared, naming launch, operation and dtype', () => {
    expect(
      prepare(
        [
          { op: 'load', operand: 0, dtype: 'int32' },
          { op: 'sqrt', a: 0, dtype: 'int32' },
        ],
        'int32',
      ),
    ).toThrow("sqrt+add: 'sqrt' is not defined for int32");
    expect(
      prepare(
        [
          { op: 'load', operand: 0, dtype: 'bool' },
          { op: 'add', a: 0, b: 0, dtype: 'bool' },
        ],
        'bool',
      ),
    ).toThrow("'add' is not defined for bool");
  });

  it('include operands of two dtypes and a result of the wrong one', () => {
    const mixed: Instruction[] = [
      { op: 'load', operand: 0, dtype: 'float32' },
      { op: 'constant', value: 1, dtype: 'float64' },
      { op: 'add', a: 0, b: 1, dtype: 'float32' },
    ];
    expect(prepare(mixed, 'float32')).toThrow('add: dtypes float32 and float64 meet; insert a cast');
    expect(
      prepare(
        [
          { op: 'load', operand: 0, dtype: 'float32' },
          { op: 'less', a: 0, b: 0, dtype: 'float32' },
        ],
        'float32',
      ),
    ).toThrow('less (result)');
  });
});
