/**
 * `checkNumerics`: how many digits of float32 are real, and which operation loses them.
 *
 * The same graph is computed twice, in float32 and beside it in float64, from the same numbers. What the two differ by at a node, beyond
 * what they differ by at its operands, was lost there. Which form does not lose it stands in `advice.ts`.
 */
import {
  apply,
  evaluate,
  formatShape,
  isFloat,
  randomState,
  restoreRandomState,
  Tensor,
  type TypedArray,
  tensor,
} from '@ag/tensor';
import {
  checkOptions,
  checkTensor,
  codedError,
  holdingAssignments,
  nextSerial,
  noteAssignments,
  synchronous,
  valueError,
} from '@ag/tensor/engine';
import { log } from '@ag/tensor/math';
import { creationOf, type ModuleTree, startCapture } from '../provenance.ts';
import { type Step, stepsTo } from '../rewrite.ts';
import { adviceFor, type Surroundings } from './advice.ts';
import { errorOf, roundoff } from './error.ts';

export interface NumericsOptions {
  /** From how many decimal digits lost in one operation on it is reported, of the 7.2 that float32 has. Default 3. */
  readonly digits?: number;
  /** A model, so that reports name the module that was at work. */
  readonly model?: ModuleTree;
}

/** An operation that loses digits. */
export interface DigitLoss {
  readonly op: string;
  /** Decimal digits that are lost in it, of the 7.2 that its operands had at most. */
  readonly lost: number;
  /** Decimal digits of its result that are right; 0 where it overflows or none is. */
  readonly left: number;
  /** Whether numbers beyond 3.4e38 became infinite. */
  readonly overflows: boolean;
  readonly shape: readonly number[];
  /** The user's line, for an operation of a gradient that of what was differentiated. */
  readonly site: string | null;
  /** Path of the module; null outside of modules or when no model was given. */
  readonly module: string | null;
  /** The operation whose gradient it belongs to. */
  readonly gradientOf: string | null;
  /** What to write instead. */
  readonly advice: string;
  /** All of it in one line. */
  readonly message: string;
}

export interface NumericsReport {
  /** What loses digits, worst first, one entry for each line and operation. Empty where nothing does. */
  readonly losses: readonly DigitLoss[];
  /** Decimal digits that are right in each result of the function. */
  readonly digits: readonly number[];
  /** How many operations were compared. */
  readonly operations: number;
}

/** What is known of a node's float32 value. */
interface Known {
  /** Relative error, as a number of roundings would leave it. */
  readonly error: number;
  /** What of it came in with operands; of a chain of one operation on one line, with the operands of the chain. */
  readonly arrived: number;
}

/** Digits of float32. */
const allDigits = -log10(roundoff);

/**
 * Computes a function in float32 and in float64 and says where digits are lost: in which operation, on which line, and how it is
 * written without losing them.
 *
 * ```ts
 * const { losses } = await checkNumerics((x) => x.exp().sub(1), tensor([1e-5, 2e-5]));
 * losses[0].message; // sub loses 4.7 of 7.2 digits at …: exp(x) − 1 of small x is x.expm1()
 * ```
 *
 * Only what is lost in an operation itself counts, not what arrived with its operands. Numbers below 1.2e-38 count as 0 until something
 * is made of them. A few elements that happen to be close to 0 are no loss: nine of ten elements have to be right, unless some overflow.
 * Composed operations (`softmax`, `logSumExp`, `variance`) are looked at as a whole. Gradients are looked at where `f` returns them. Running
 * statistics and the sequence of random numbers are left as they were.
 *
 * @param f what to look at; returns tensors, alone or in arrays and objects
 * @param x its argument, a tensor or an array of tensors (empty for a function of none), as numbers of float32
 * @throws RangeError for `digits` outside 0.5 … 7
 */
export async function checkNumerics<X extends Tensor | readonly Tensor[]>(
  f: (x: X) => unknown,
  x: X,
  options: NumericsOptions = {},
): Promise<NumericsReport> {
  checkOptions('checkNumerics', options, 'digits model');
  const { digits = 3, model } = options;
  if (!(digits >= 0.5 && digits <= 7))
    throw valueError(`checkNumerics: digits must be between 0.5 and 7, got ${digits}`);
  for (const one of x instanceof Tensor ? [x] : (x as readonly Tensor[]))
    checkTensor(one, 'checkNumerics', 'x');
  const since = nextSerial();
  const random = randomState();
  const dropAssignments = noteAssignments();
  try {
    const stop = startCapture(model ? { model } : {});
    let outputs: Tensor[];
    try {
      outputs = tensorsIn(synchronous('checkNumerics', f(x)));
    } finally {
      stop();
    }
    if (outputs.length === 0)
      throw codedError(TypeError, 'AG_NOT_A_TENSOR', 'checkNumerics: the function must give tensors');
    return await compare(outputs, since, digits);
  } finally {
    dropAssignments();
    restoreRandomState(random);
  }
}

async function compare(outputs: readonly Tensor[], since: number, digits: number): Promise<NumericsReport> {
  const steps = stepsTo(outputs, (node) => node.serial >= since).filter(({ node }) => node.serial >= since);
  const surroundings = surroundingsOf(steps);
  const exact = await inDouble(steps);
  const watched = steps.filter(({ node }) => exact.has(node) && node.dtype === 'float32');
  holdingAssignments(() => evaluate(watched.flatMap(({ node }) => [node, exact.get(node)!])));
  const known = new Map<Tensor, Known>();
  const worst = new Map<string, DigitLoss>();
  for (const step of watched) {
    const { node, op, inputs } = step;
    const single = await node.data();
    const double = await exact.get(node)!.data();
    const { error, overflows } = errorOf(single, double as Float64Array);
    const site = creationOf(node)?.site ?? null;
    const chained = (input: Tensor): boolean =>
      site !== null && surroundings.made.get(input)?.op === op && creationOf(input)?.site === site;
    const arrived = inputs.reduce((largest, input) => {
      const one = known.get(input);
      return Math.max(largest, one ? (chained(input) ? one.arrived : one.error) : roundoff);
    }, roundoff);
    known.set(node, { error, arrived });
    const lost = Math.min(allDigits, log10(error / arrived));
    if (!(lost >= digits)) continue;
    const loss = describe(step, lost, error, overflows, surroundings);
    const key = `${loss.op} ${loss.site ?? watched.indexOf(step)} ${loss.gradientOf}`;
    if ((worst.get(key)?.lost ?? 0) < lost) worst.set(key, loss);
  }
  return {
    losses: [...worst.values()].sort((a, b) => b.lost - a.lost),
    digits: outputs.map((output) => digitsOf(known.get(output)?.error ?? roundoff)),
    operations: watched.length,
  };
}

/** The same on every engine. */
function log10(x: number): number {
  return log(x) / Math.LN10;
}

function digitsOf(error: number): number {
  return Math.min(allDigits, Math.max(0, -log10(error)));
}

function describe(
  step: Step,
  lost: number,
  error: number,
  overflows: boolean,
  surroundings: Surroundings,
): DigitLoss {
  const { node, op } = step;
  const creation = creationOf(node);
  const of = creation?.gradientOf ?? null;
  const gradientOf = of && (surroundings.made.get(of)?.op.name ?? of.op?.name ?? 'a tensor');
  const site = creation?.site ?? (of && creationOf(of)?.site) ?? null;
  const module = creation?.module ?? null;
  const advice = adviceFor(step, overflows, surroundings);
  const what = overflows
    ? `${op.name} overflows float32`
    : `${op.name} loses ${lost.toFixed(1)} of ${allDigits.toFixed(1)} digits`;
  const gradient = gradientOf ? `, in the gradient of ${gradientOf}` : '';
  const where = `${site ? ` at ${site}` : ''}${module ? `, module '${module}'` : ''}`;
  return {
    op: op.name,
    lost,
    left: digitsOf(error),
    overflows,
    shape: [...node.shape],
    site,
    module,
    gradientOf,
    advice,
    message: `${what} (${formatShape(node.shape)})${gradient}${where}: ${advice}`,
  };
}

function surroundingsOf(steps: readonly Step[]): Surroundings {
  const made = new Map(steps.map((step) => [step.node, step]));
  const readers = new Map<Tensor, Step[]>();
  for (const step of steps) {
    for (const input of step.inputs) {
      const list = readers.get(input);
      if (list) list.push(step);
      else readers.set(input, [step]);
    }
  }
  return { made, readers };
}

/**
 * The float nodes in float64. Leaves have the numbers that float32 has; what is no float (positions, truth values, random bits) is taken
 * from the float32 graph, so that both take the same branch.
 */
async function inDouble(steps: readonly Step[]): Promise<ReadonlyMap<Tensor, Tensor>> {
  const exact = new Map<Tensor, Tensor>();
  for (const step of steps) {
    for (const input of step.inputs)
      if (isFloat(input.dtype) && !exact.has(input)) exact.set(input, await leafInDouble(input));
    const { node } = step;
    if (isFloat(node.dtype)) exact.set(node, repeated(step, exact) ?? (await leafInDouble(node)));
  }
  return exact;
}

/** An operation on float64 operands; null where it does not take them. */
function repeated({ op, inputs, attributes }: Step, exact: ReadonlyMap<Tensor, Tensor>): Tensor | null {
  const dtyped = attributes as { readonly dtype?: string } | null | undefined;
  const wide = dtyped?.dtype === 'float32' ? { ...dtyped, dtype: 'float64' } : attributes;
  try {
    const result = apply(
      op,
      inputs.map((input) => exact.get(input) ?? input),
      wide,
    );
    return result.dtype === 'float64' ? result : null;
  } catch {
    return null;
  }
}

async function leafInDouble(node: Tensor): Promise<Tensor> {
  const data: TypedArray = await holdingAssignments(() => node.data());
  return tensor(Float64Array.from(data as Float32Array), { shape: node.shape, dtype: 'float64' });
}

function tensorsIn(result: unknown): Tensor[] {
  if (result instanceof Tensor) return [result];
  if (typeof result !== 'object' || result === null) return [];
  return Object.values(result).flatMap(tensorsIn);
}
