/**
 * Checking a receipt: the run is computed again, as a whole or in part, and the hashes are compared.
 */
import type { AnyModule } from '@ag/nn';
import { checkOptions } from '@ag/tensor/engine';
import type { Checkpoint } from '../checkpoint.ts';
import { TrainingError } from '../errors.ts';
import { hashTensors } from './contents.ts';
import type { Run } from './openRun.ts';
import { compareReceipts, differingTensors, type Receipt, type ReceiptDifference } from './receipt.ts';
import { expectSameArithmetic } from './replay.ts';
import { type ReceiptContent, Recorder } from './saveReceipt.ts';

/** How much of a training is repeated to verify it. */
export interface VerifyOptions {
  /** The receipt to compare with. Default: that of the run. */
  readonly against?: Receipt;
  /** Only these steps, from the nearest checkpoint before them, and those up to the next hash. Default: all. */
  readonly steps?: readonly [from: number, to: number];
  /** The data sets of the run by the names that the receipt has for them. */
  readonly data?: ReceiptContent['data'];
  /** Told of every step that was computed again. */
  readonly onStep?: (step: number) => void;
}

/** What came of checking a receipt. */
export interface Verification {
  /** Whether all that was compared is equal. */
  readonly equal: boolean;
  /** What differs, the earliest first. */
  readonly differences: readonly ReceiptDifference[];
  /** The steps that were computed again: after `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  /** How many hashes of weights were compared. */
  readonly compared: number;
  /** What else there is to know: that the library plans otherwise today, say. */
  readonly notes: readonly string[];
}

/**
 * The receipt of a run: the one that was written, else that of the same training, which is computed again.
 *
 * @param content what a new one is to say of data and recipe
 */
export async function receipt(run: Run, content: ReceiptContent = {}): Promise<Receipt> {
  return run.receipt ?? (await makeReceipt(run, content));
}

/** Trains again from the beginning and makes the receipt. @param heard of each step; true ends it */
async function makeReceipt(
  run: Run,
  content: ReceiptContent,
  heard: (step: number, recorder: Recorder) => boolean = () => false,
): Promise<Receipt> {
  let made: Receipt | null = null;
  const recorder = new Recorder(content, (one) => {
    made = one;
  });
  for await (const { step } of run.replay(null, undefined, [recorder])) {
    if (heard(step, recorder)) throw new Differs(step);
  }
  return made!;
}

/** The weights differ already: computing on would tell nothing new. */
class Differs extends Error {
  readonly step: number;
  constructor(step: number) {
    super('the weights differ');
    this.step = step;
  }
}

/**
 * Computes a run again and compares the hashes of its receipt. As a whole it needs nothing but the setup; a part begins at a checkpoint.
 *
 * ```ts
 * const { equal, differences } = await verify(run, { steps: [18000, 18100] });
 * ```
 *
 * @throws TrainingError `receipt` where this program does not compute as the run did, or there is no receipt
 */
export async function verify(run: Run, options: VerifyOptions = {}): Promise<Verification> {
  checkOptions('verify', options, 'against steps data onStep');
  const expected = options.against ?? run.receipt;
  if (!expected) {
    throw new TrainingError('verify: the run has no receipt.json to compare with; give one as against', {
      code: 'receipt',
    });
  }
  expectSameArithmetic(expected);
  return options.steps
    ? verifyPart(run, expected, options.steps, options)
    : verifyWhole(run, expected, options);
}

async function verifyWhole(
  run: Run,
  expected: Receipt,
  { data = {}, onStep }: VerifyOptions,
): Promise<Verification> {
  const { every, hashes } = expected.weights;
  const result = (differences: ReceiptDifference[], to: number, notes: string[] = []): Verification => ({
    equal: differences.length === 0,
    differences,
    from: 0,
    to,
    compared: Math.min(hashes.length, Math.floor(to / every)) + 2,
    notes,
  });
  let different = 0;
  let recorded: readonly string[] = [];
  try {
    const found = await makeReceipt(run, { data, every, recipe: expected.recipe }, (step, recorder) => {
      onStep?.(step);
      recorded = recorder.hashes;
      different = recorded.findIndex((hash, i) => hashes[i] !== undefined && hash !== hashes[i]) + 1;
      return different > 0;
    });
    const named = Object.fromEntries(Object.keys(data).map((name) => [name, expected.data[name] ?? null]));
    return result(
      compareReceipts({ ...expected, data: named }, found),
      found.steps,
      planNotes(expected, found),
    );
  } catch (error) {
    if (!(error instanceof Differs)) throw error;
    const step = different * every;
    const [a, b] = [hashes[different - 1], recorded[different - 1]];
    return result([{ what: 'step', step, after: step - every, expected: a, found: b }], error.step);
  }
}

function planNotes(expected: Receipt, found: Receipt): string[] {
  if (expected.plans.some((hash) => found.plans.includes(hash)) || expected.plans.length === 0) return [];
  return [
    'the steps are planned otherwise here than when the receipt was made: by another version of the library',
  ];
}

async function verifyPart(
  run: Run,
  expected: Receipt,
  [first, last]: readonly [number, number],
  { onStep }: VerifyOptions,
): Promise<Verification> {
  const { every, hashes } = expected.weights;
  const { steps } = expected;
  if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= steps)) {
    throw new TrainingError(
      `verify: steps must be two whole numbers from 0 to ${steps}, got ${first} and ${last}`,
      { code: 'option' },
    );
  }
  const checkpoint = await run.before(first + 1);
  // Between two hashes nothing can be compared: up to the next one, or to the end.
  const to = Math.min(steps, Math.ceil(Math.max(last, 1) / every) * every);
  const differences: ReceiptDifference[] = [];
  let compared = 0;
  const from = checkpoint?.progress.step ?? 0;
  const hashAt = (step: number): string | undefined =>
    step === 0 ? expected.weights.initial.hash : step % every === 0 ? hashes[step / every - 1] : undefined;
  const compare = async (step: number, weights: Checkpoint['model']): Promise<boolean> => {
    const hash = hashAt(step);
    if (hash === undefined) return true;
    const { hash: found } = await hashTensors(weights);
    compared++;
    if (found === hash) return true;
    const what = step === 0 ? 'initial' : 'step';
    differences.push({ what, step, after: Math.max(from, step - every), expected: hash, found });
    return false;
  };
  let reached = from;
  let left: AnyModule | null = null;
  for await (const { step, model } of run.replay(checkpoint)) {
    [reached, left] = [step, model];
    onStep?.(step);
    // At its end a run may put other weights in place, so it is left to end.
    if (!(await compare(step, model.stateDict())) || (step >= to && to < steps)) break;
  }
  if (reached === steps && differences.length === 0) {
    const found = await hashTensors(left!.stateDict());
    compared++;
    if (found.hash !== expected.weights.final.hash) {
      const names = differingTensors(expected.weights.final, found);
      differences.push({ what: 'final', names, expected: expected.weights.final.hash, found: found.hash });
    }
  }
  const notes = compared === 0 ? [`the receipt has a hash at every ${every} steps, and none at these`] : [];
  return { equal: differences.length === 0 && compared > 0, differences, from, to: reached, compared, notes };
}
