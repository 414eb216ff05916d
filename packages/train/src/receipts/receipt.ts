/**
 * What a receipt is, reading one, and comparing two. A receipt says what a training was made from and which weights came out, before,
 * on the way and in the end, as hashes: who runs the same again can tell whether the same came out, and where it did not.
 */
import { TrainingError } from '../errors.ts';
import type { EndReason } from '../events.ts';
import type { ContentHash } from './contents.ts';

/** Raised when older programs could not read a receipt. */
export const receiptVersion = 1;

/** A training, said so that it can be repeated and checked: `receipt.json` of a run. */
export interface Receipt {
  readonly format: 'ag-receipt';
  readonly version: typeof receiptVersion;
  /** Engine and system, for whoever wonders; no part of what is compared. */
  readonly madeBy: Readonly<Record<string, string>>;
  /** What computed: `wasm`, `reference`. */
  readonly backend: string;
  /**
   * How products and sums are rounded. `separate` can be repeated on every engine, `fused` where products and sums are rounded
   * once: on engines with relaxed SIMD and processors with FMA.
   */
  readonly arithmetic: 'separate' | 'fused';
  /** The sequence of random keys at the beginning, which a seed leads to. */
  readonly random: { readonly words: readonly [number, number]; readonly drawn: number };
  /** What made the run, as its owner describes it: `config` of `fit`. */
  readonly recipe: unknown;
  /** SHA-256 of the data sets by name; null for one that is not in memory. */
  readonly data: Readonly<Record<string, string | null>>;
  /** SHA-256 of the texts of the plans that computed new values, sorted: equal where the same library plans the same steps. */
  readonly plans: readonly string[];
  /** Steps and epochs done, and why the run ended. */
  readonly steps: number;
  readonly epochs: number;
  readonly reason: EndReason;
  readonly weights: {
    readonly initial: ContentHash;
    /** What the run left: the best weights, or averages, where it was to end with those. */
    readonly final: ContentHash;
    /** Steps between two of `hashes`. */
    readonly every: number;
    /** The hashes after `every`, `2 · every` … steps. */
    readonly hashes: readonly string[];
    /** The root of the Merkle tree over `hashes`: one hash for the whole way. */
    readonly root: string;
  };
}

/**
 * The receipt in a text or a parsed JSON.
 *
 * @param file its name, for messages
 * @throws TrainingError `receipt` for anything else
 */
export function parseReceipt(json: unknown, file = 'receipt'): Receipt {
  const fail = (problem: string): never => {
    throw new TrainingError(`${file}: ${problem}`, { code: 'receipt', file });
  };
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json);
    } catch (error) {
      return fail(`is no receipt: ${(error as Error).message}`);
    }
  }
  const { format, version } = (value ?? {}) as Partial<Receipt>;
  if (format !== 'ag-receipt') return fail('is no receipt of a training: "format" is not "ag-receipt"');
  if (version !== receiptVersion)
    return fail(`is a receipt of version ${version}; this program reads version ${receiptVersion}`);
  const wrong = brokenPart(value as { readonly [K in keyof Receipt]?: unknown });
  if (wrong !== null)
    return fail(
      `lacks hashes that a receipt has, or has others ("${wrong}"); it was cut off, or changed by hand`,
    );
  return value as Receipt;
}

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: unknown, of: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(of);
const isContent = (value: unknown): boolean =>
  isRecord(value) &&
  isHash(value.hash) &&
  isRecord(value.tensors) &&
  Object.values(value.tensors).every(isHash);

/** The first part of a receipt that is none, null in a whole one. Of the recipe its owner knows more. */
function brokenPart(receipt: { readonly [K in keyof Receipt]?: unknown }): string | null {
  const { madeBy, backend, arithmetic, random, data, plans, steps, epochs, reason, weights } = receipt;
  const parts: Readonly<Record<string, boolean>> = {
    madeBy: isRecord(madeBy) && Object.values(madeBy).every(isText),
    backend: isText(backend),
    arithmetic: arithmetic === 'separate' || arithmetic === 'fused',
    random: isRecord(random) && isList(random.words, Number.isSafeInteger) && isCount(random.drawn),
    data: isRecord(data) && Object.values(data).every((hash) => hash === null || isHash(hash)),
    plans: isList(plans, isHash),
    steps: isCount(steps),
    epochs: isCount(epochs),
    reason: isText(reason),
  };
  const { initial, final, every, hashes, root } = isRecord(weights) ? weights : {};
  const ofWeights: Readonly<Record<string, boolean>> = {
    initial: isContent(initial),
    final: isContent(final),
    every: isCount(every) && every !== 0,
    hashes: isList(hashes, isHash),
    root: isHash(root),
  };
  const first = (of: Readonly<Record<string, boolean>>) => Object.keys(of).find((name) => !of[name]);
  const inWeights = first(ofWeights);
  return first(parts) ?? (inWeights === undefined ? null : `weights.${inWeights}`);
}

/** Something in which two receipts differ. */
export interface ReceiptDifference {
  readonly what: 'backend' | 'arithmetic' | 'random' | 'data' | 'initial' | 'step' | 'steps' | 'final';
  /** Of weights on the way: the first step whose hashes differ; those of the step `after` are still equal. */
  readonly step?: number;
  readonly after?: number;
  /** The data set, or the tensors that differ. */
  readonly names?: readonly string[];
  readonly expected: string;
  readonly found: string;
}

/**
 * In what two receipts differ, the earliest first: the data before the weights, weights in the order of the steps, of which only the first
 * that differ are named. None where one training was the other, to the bit.
 *
 * @throws TrainingError `receipt` when their hashes are of different steps
 */
export function compareReceipts(expected: Receipt, found: Receipt): ReceiptDifference[] {
  const [a, b] = [expected.weights, found.weights];
  if (a.every !== b.every) {
    throw new TrainingError(
      `receipts of every ${a.every} and every ${b.every} steps cannot be compared; make the second one with every: ${a.every}`,
      { code: 'receipt' },
    );
  }
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const differences: ReceiptDifference[] = [];
  const compare = (what: ReceiptDifference['what'], left: unknown, right: unknown, more = {}): void => {
    const [expected, found] = [text(left), text(right)];
    if (expected !== found) differences.push({ what, ...more, expected, found });
  };
  compare('backend', expected.backend, found.backend);
  compare('arithmetic', expected.arithmetic, found.arithmetic);
  compare('random', expected.random, found.random);
  for (const name of Object.keys(expected.data))
    compare('data', expected.data[name], found.data[name] ?? null, { names: [name] });
  compare('initial', a.initial.hash, b.initial.hash, { names: differingTensors(a.initial, b.initial) });
  const first = a.hashes.findIndex((hash, i) => b.hashes[i] !== undefined && hash !== b.hashes[i]);
  if (first >= 0) {
    const step = (first + 1) * a.every;
    compare('step', a.hashes[first], b.hashes[first], { step, after: step - a.every });
  }
  compare('steps', String(expected.steps), String(found.steps));
  compare('final', a.final.hash, b.final.hash, { names: differingTensors(a.final, b.final) });
  return differences;
}

/** The names of tensors whose bytes differ, or that only one of both has. */
export function differingTensors(a: ContentHash, b: ContentHash): string[] {
  const names = new Set([...Object.keys(a.tensors), ...Object.keys(b.tensors)]);
  return [...names].filter((name) => a.tensors[name] !== b.tensors[name]);
}
