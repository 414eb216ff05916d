/**
 * Where two trainings part that ought to be the same: the first step, the first tensor, the operation that made it. Receipts say between
 * which steps; both runs are then computed again there, once to find the step and once to look into it.
 */
import { creationOf } from '@ag/graph';
import { checkOptions } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import { partsOf } from '../structure.ts';
import { hashTensors } from './contents.ts';
import type { Found } from './moment.ts';
import type { Run } from './openRun.ts';
import { differingTensors } from './receipt.ts';

/** How two runs are searched for the first place where they part. */
export interface BisectOptions {
  /** The last step to look at, where the runs have no receipts. */
  readonly to?: number;
}

/** Where two runs part. */
export interface Divergence {
  /** The first step after which the weights differ; 0 where they did at the beginning. */
  readonly step: number;
  /** The parameters and buffers that differ after it. */
  readonly tensors: readonly string[];
  /** Where in the step the first difference is: in its batch, in an operation, in the update of the weights. */
  readonly part: 'initial weights' | 'batch' | 'operation' | 'update';
  /** The operation with its shape and the module that it belongs to; null unless an operation differs. */
  readonly operation: {
    readonly name: string;
    readonly shape: readonly number[];
    readonly module: string | null;
    readonly gradient: boolean;
  } | null;
  /** How often steps were computed again, both runs together. */
  readonly replays: number;
}

/**
 * The first step, tensor and operation in which two runs differ; null where they do not.
 *
 * Each run is computed by its own setup. A setup may switch the backend, so that two backends, or two kinds of arithmetic, can be
 * compared as well.
 *
 * @throws TrainingError `option` where neither receipts nor `to` say how far the runs go
 */
export async function bisect(a: Run, b: Run, options: BisectOptions = {}): Promise<Divergence | null> {
  checkOptions('bisect', options, 'to');
  const begun = a.replays + b.replays;
  const replays = (): number => a.replays + b.replays - begun;
  const [low, high] = boundsOf(a, b, options.to);
  const left = await weightsAfter(a, low, high);
  const right = await weightsAfter(b, low, high, left);
  const step = [...right.keys()].find((one) => left.get(one)?.hash !== right.get(one)!.hash);
  if (step === undefined) return null;
  const tensors = differingTensors(left.get(step)!, right.get(step)!);
  if (step === 0) return { step, tensors, part: 'initial weights', operation: null, replays: replays() };
  const [seenA, seenB] = [
    await a.look(step, { trace: true }).then(hashesOf),
    await b.look(step, { trace: true }).then(hashesOf),
  ];
  return { step, tensors, ...compareSteps(seenA, seenB), replays: replays() };
}

/** Between which steps the first difference is, as the receipts say. */
function boundsOf(a: Run, b: Run, to: number | undefined): [low: number, high: number] {
  const [left, right] = [a.receipt, b.receipt];
  const end =
    to ?? Math.min(left?.steps ?? Number.POSITIVE_INFINITY, right?.steps ?? Number.POSITIVE_INFINITY);
  if (end === Number.POSITIVE_INFINITY)
    throw new TrainingError('bisect: the runs have no receipts: give the last step as to', {
      code: 'option',
    });
  if (!left || !right || left.weights.every !== right.weights.every) return [0, end];
  if (left.weights.initial.hash !== right.weights.initial.hash) return [0, 0];
  const { every, hashes } = left.weights;
  const first = hashes.findIndex((hash, i) => hash !== right.weights.hashes[i]);
  return first < 0 ? [hashes.length * every, end] : [first * every, Math.min(end, (first + 1) * every)];
}

type Hashes = Map<number, Awaited<ReturnType<typeof hashTensors>>>;

/** Hashes of the weights after steps `low` to `high`, up to the first that is not as it was in the other run. */
async function weightsAfter(run: Run, low: number, high: number, other?: Hashes): Promise<Hashes> {
  const found: Hashes = new Map();
  for await (const { step, model } of run.replay(await run.before(low + 1))) {
    if (step >= low) {
      const hash = await hashTensors(model.stateDict());
      found.set(step, hash);
      if (other && other.get(step)?.hash !== hash.hash) break;
    }
    if (step >= high) break;
  }
  return found;
}

/** What a step made, as hashes. */
interface StepHashes {
  readonly batch: string;
  readonly operations: readonly (NonNullable<Divergence['operation']> & { readonly hash: string })[];
}

/** The hashes of all that a step made, in the order in which it was made. */
async function hashesOf({ seen }: Found): Promise<StepHashes> {
  const { batch, trace } = seen!;
  const { hash } = await hashTensors(Object.fromEntries(partsOf({ x: batch!.x, y: batch!.y })));
  const operations = trace.map(async ({ operation, tensor }) => {
    const creation = creationOf(tensor);
    const forward = creation?.gradientOf ? creationOf(creation.gradientOf) : creation;
    const { tensors } = await hashTensors({ tensor });
    return {
      name: operation,
      shape: tensor.shape,
      module: forward?.module ?? null,
      gradient: Boolean(creation?.gradientOf),
      hash: tensors.tensor,
    };
  });
  return { batch: hash, operations: await Promise.all(operations) };
}

function compareSteps(a: StepHashes, b: StepHashes): Pick<Divergence, 'part' | 'operation'> {
  if (a.batch !== b.batch) return { part: 'batch', operation: null };
  const first = a.operations.findIndex(
    (one, i) => one.hash !== b.operations[i]?.hash || one.name !== b.operations[i].name,
  );
  if (first < 0) return { part: 'update', operation: null };
  const { hash: _, ...operation } = a.operations[first];
  return { part: 'operation', operation };
}
