/**
 * What to write instead of an operation that loses digits.
 *
 * The stable forms that the library has, found by what the operation is made of and what is made of it. Sources: N. J. Higham, Accuracy and
 * Stability of Numerical Algorithms (2002), chapters 1, 2 and 4.
 */
import type { Tensor } from '@ag/tensor';
import type { Step } from '../rewrite.ts';

/** The steps around one: what made a node, and what reads it. */
export interface Surroundings {
  readonly made: ReadonlyMap<Tensor, Step>;
  readonly readers: ReadonlyMap<Tensor, readonly Step[]>;
}

export function adviceFor(step: Step, overflows: boolean, around: Surroundings): string {
  const name = step.op.name;
  if (name === 'log') return logarithm(step, around);
  if (overflows) return overflow(step, around);
  if (name === 'sub' || name === 'add' || name === 'addAll') return difference(step, around);
  if (name === 'sqrt' || name === 'norm')
    return 'the squares are too small for float32; hypot(x, y) scales before it squares, or scale x first';
  if (name === 'cumsum' || name === 'sum' || name === 'mean')
    return 'terms of both signs cancel; add what belongs together first, or compute this part in float64';
  return 'its operands are known too roughly for it; rewrite what they are made of, or compute this part in float64';
}

/** What made an operand; views, signs and changes of dtype are passed over. */
function maker(node: Tensor, { made }: Surroundings): Step | null {
  let step = made.get(node) ?? null;
  while (step && (step.op.lower.form === 'view' || step.op.name === 'cast' || step.op.name === 'neg'))
    step = made.get(step.inputs[0]) ?? null;
  return step;
}

/** The number that an operand is; null where it is none. */
function constant(node: Tensor, { made }: Surroundings): number | null {
  let at = node;
  for (let step = made.get(at); step && step.op.lower.form === 'view'; step = made.get(at))
    at = step.inputs[0];
  return at.leaf?.kind === 'literal' ? at.leaf.value : null;
}

/** What an operand is made by, of one of these names. */
function isMadeBy(node: Tensor, around: Surroundings, ...names: readonly string[]): Step | null {
  const step = maker(node, around);
  return step && names.includes(step.op.name) ? step : null;
}

/** The other operand of an operation that has the constant 1. */
function besideOne(step: Step, around: Surroundings): Tensor | null {
  const at = step.inputs.findIndex((input) => constant(input, around) === 1);
  return at < 0 || step.inputs.length !== 2 ? null : step.inputs[1 - at];
}

function logarithm(step: Step, around: Surroundings): string {
  const [x] = step.inputs;
  if (isMadeBy(x, around, 'softmax'))
    return 'log(softmax(x)) is x.logSoftmax(), and a loss of it crossEntropy(x, y)';
  if (isMadeBy(x, around, 'sigmoid'))
    return 'log(sigmoid(x)) is x.logSigmoid(), and a loss of it bceWithLogits(x, y)';
  const sum = isMadeBy(x, around, 'sum');
  if (sum && isMadeBy(sum.inputs[0], around, 'exp')) return 'log(Σ exp(x)) is x.logSumExp()';
  const quotient = isMadeBy(x, around, 'div');
  if (quotient && isMadeBy(quotient.inputs[0], around, 'exp'))
    return 'log(exp(x) / Σ exp(x)) is x.logSoftmax(), and a loss of it crossEntropy(x, y)';
  const added = isMadeBy(x, around, 'add');
  const other = added && besideOne(added, around);
  if (other) {
    return isMadeBy(other, around, 'exp')
      ? 'log(1 + exp(x)) is x.softplus()'
      : 'log(1 + x) of small x is x.log1p()';
  }
  const taken = isMadeBy(x, around, 'sub');
  const rest = taken && besideOne(taken, around);
  if (rest) {
    if (isMadeBy(rest, around, 'sigmoid'))
      return 'log(1 − sigmoid(x)) is x.neg().logSigmoid(), and a loss of it bceWithLogits(x, y)';
    if (isMadeBy(rest, around, 'exp')) return 'log(1 − exp(x)) is x.expm1().neg().log() for small x';
    return 'log(1 − x) of small x is x.neg().log1p()';
  }
  return 'its operand is 0 or 1 but for rounding; compute the logarithm of its parts: logSoftmax, logSumExp, logSigmoid, log1p do';
}

function overflow(step: Step, around: Surroundings): string {
  const { op, node, inputs } = step;
  const readers = around.readers.get(node) ?? [];
  if (op.name === 'exp') {
    if (readers.some((one) => one.op.name === 'div'))
      return 'exp(x) / Σ exp(x) is x.softmax(), which takes the largest x off first';
    const sums = readers.filter((one) => one.op.name === 'sum');
    if (sums.length > 0)
      return 'log(Σ exp(x)) is x.logSumExp(), and exp(x) / Σ exp(x) is x.softmax(); both take the largest x off first';
    if (readers.some((one) => one.op.name === 'add'))
      return 'log(1 + exp(x)) is x.softplus(), 1 / (1 + exp(−x)) is x.sigmoid()';
    return 'take the largest x off before exp, or stay with logarithms';
  }
  const squares = op.name === 'square' || op.name === 'pow' || (op.name === 'mul' && inputs[0] === inputs[1]);
  if (squares) return '√(x² + y²) is hypot(x, y), which scales before it squares; or scale x first';
  return 'the numbers leave the range of float32 (3.4e38); scale them, or compute with logarithms';
}

function difference(step: Step, around: Surroundings): string {
  const { op, inputs } = step;
  const one = besideOne(step, around);
  if (one) {
    if (isMadeBy(one, around, 'exp')) return 'exp(x) − 1 of small x is x.expm1()';
    if (isMadeBy(one, around, 'cos'))
      return '1 − cos(x) of small x is 2 sin²(x/2): x.div(2).sin().square().mul(2)';
    if (isMadeBy(one, around, 'sigmoid')) return '1 − sigmoid(x) is x.neg().sigmoid()';
    if (isMadeBy(one, around, 'tanh', 'square'))
      return '1 − tanh²(x) is 1 / cosh²(x): x.cosh().square().reciprocal()';
    if (isMadeBy(one, around, 'sqrt')) return '√(1 + x) − 1 is x / (√(1 + x) + 1)';
  }
  const [a, b] = inputs;
  const squareOfMean = isMadeBy(b, around, 'square', 'mul', 'pow');
  const meanOfSquare = isMadeBy(a, around, 'mean', 'sum', 'div');
  if (op.name === 'sub' && squareOfMean && meanOfSquare && isMean(squareOfMean.inputs[0], around))
    return 'E[x²] − E[x]² is x.variance(), which takes the mean off first';
  if (op.name !== 'sub' && inputs.some((input) => maker(input, around)?.op === op))
    return 'a running total rounds at every step; collect the terms and take sum(), which adds in float64 in between';
  if (isMadeBy(a, around, 'logSumExp', 'log') && isMadeBy(b, around, 'logSumExp', 'log'))
    return 'log(x) − log(y) of close numbers is x.sub(y).div(y).log1p()';
  return 'its operands are nearly equal and rounded already; subtract what they have in common first (a² − 2ab + b² is (a − b)²), or compute this part in float64';
}

function isMean(node: Tensor, around: Surroundings): boolean {
  const step = maker(node, around);
  if (!step) return false;
  if (step.op.name === 'mean' || step.op.name === 'sum') return true;
  return step.op.name === 'div' && isMadeBy(step.inputs[0], around, 'sum') !== null;
}
