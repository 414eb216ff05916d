/**
 * Checkpoints: everything a run needs to go on as if it had never stopped. Weights and their averages, the optimizer's
 * state (with its count of steps, on which schedules depend), the sequence of random keys, the position in the data, the running sums of
 * the epoch and what callbacks remember. One file in the safetensors format, so that other programs can read the weights.
 */
import {
  type AnyModule,
  loadSafetensors,
  type SafetensorsFile,
  type StateDict,
  saveSafetensors,
} from '@ag/nn';
import type { OptimizerState } from '@ag/optim';
import { backend, randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { isIntact, seal, sealName, unsealed } from './checksum.ts';
import { TrainingError } from './errors.ts';
import type { Metrics } from './events.ts';
import { readFile, writeAtomically } from './files.ts';
import type { Totals } from './metrics.ts';

/** Raised when older programs could not go on from a checkpoint. */
export const checkpointVersion = 1;

/** What a callback remembers, for checkpoints. */
export interface CallbackState {
  /** Anything JSON can hold. */
  readonly data?: unknown;
  readonly tensors?: Readonly<Record<string, Tensor>>;
}

/** What checkpoints keep of a callback. */
export interface StatefulCallback {
  /** Under which its state is saved; unique in a run. */
  readonly name: string;
  state?(): CallbackState;
  loadState?(state: CallbackState): void;
}

/** How far a run has come. */
export interface Progress {
  /** Optimizer steps taken. */
  readonly step: number;
  /** Whole epochs done. */
  readonly epoch: number;
  /** Batches done of the epoch under way. */
  readonly batch: number;
  /** Sums over those batches. */
  readonly totals: Totals;
  /** Loss and metrics of the last whole epoch. */
  readonly last: { readonly loss: number | null; readonly metrics: Metrics };
}

/** A moment of a training run. */
export interface Checkpoint {
  readonly model: StateDict;
  /** Null where a checkpoint holds weights alone. */
  readonly optimizer: OptimizerState | null;
  /** Running averages of the weights, where the run had some. */
  readonly average?: OptimizerState | null;
  readonly random: { readonly words: readonly [number, number]; readonly drawn: number };
  /** The loader's position; null when the data had none. */
  readonly data: { readonly epoch: number; readonly position: number; readonly seed: number } | null;
  readonly progress: Progress;
  readonly callbacks: Readonly<Record<string, CallbackState>>;
  /** What the run was made from, as its owner describes it. */
  readonly config: unknown;
  /** What computed it. Runs go on to the same bits only where this is the same. */
  readonly computedBy?: { readonly backend: string; readonly arithmetic: 'separate' | 'fused' };
}

/** State that is saved and restored as an optimizer's is. */
interface Stateful {
  state(): OptimizerState;
  loadState(state: OptimizerState): void;
}

/** What a checkpoint is taken of, and restored to. */
export interface CheckpointParts {
  readonly model: AnyModule;
  readonly optimizer?: Stateful;
  readonly average?: Stateful;
  readonly callbacks?: readonly StatefulCallback[];
  readonly data?: Checkpoint['data'];
  readonly progress?: Progress;
  readonly config?: unknown;
}

/** Copies everything; later training does not change the result. */
export function takeCheckpoint(parts: CheckpointParts): Checkpoint {
  const { model, optimizer, average, callbacks = [], data = null, config = null } = parts;
  const states = callbacks.flatMap((callback) =>
    callback.state ? [[callback.name, callback.state()] as const] : [],
  );
  return {
    model: model.stateDict(),
    optimizer: optimizer?.state() ?? null,
    average: average?.state() ?? null,
    random: randomState(),
    data,
    progress: parts.progress ?? {
      step: 0,
      epoch: 0,
      batch: 0,
      totals: { examples: 0, loss: 0, metrics: {} },
      last: { loss: null, metrics: {} },
    },
    callbacks: Object.fromEntries(states),
    config,
    computedBy: computedBy(),
  };
}

function computedBy(): NonNullable<Checkpoint['computedBy']> {
  const { name, arithmetic = 'separate' } = backend();
  return { backend: name, arithmetic };
}

/** A warning where a checkpoint was computed otherwise than this run computes, else null. */
export function otherArithmetic({ computedBy: before }: Checkpoint): string | null {
  const now = computedBy();
  if (!before || (before.backend === now.backend && before.arithmetic === now.arithmetic)) return null;
  const words = (one: typeof now): string =>
    `the backend '${one.backend}' with ${one.arithmetic === 'fused' ? 'fused' : 'separate'} multiplication and addition`;
  return (
    `the checkpoint was computed by ${words(before)}, this run goes on by ${words(now)}: results will differ in their last ` +
    'digits from those of a run that was never interrupted'
  );
}

/**
 * Puts model, optimizer, random keys and callbacks into the state of a checkpoint, or leaves all of them as they are.
 * @throws Error when something does not fit, naming it
 */
export function restoreCheckpoint(checkpoint: Checkpoint, parts: CheckpointParts): void {
  const fail = (message: string): never => {
    throw new TrainingError(message, { code: 'checkpoint' });
  };
  if (parts.optimizer && !checkpoint.optimizer)
    fail('the checkpoint holds weights but no state of an optimizer');
  if (parts.average && !checkpoint.average)
    fail('the checkpoint holds no averages of the weights; leave out the average to go on from it');
  const before = presentState(parts);
  try {
    load(checkpoint, parts);
  } catch (error) {
    try {
      if (before) load(before, parts);
    } catch {
      // A callback that does not take its own state either: it is the last that was changed.
    }
    throw error;
  }
}

/** What there is now; null where it was lost with a device, so that there is nothing to go back to. */
function presentState(parts: CheckpointParts): Checkpoint | null {
  try {
    return takeCheckpoint(parts);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'AG_DEVICE_LOST') throw error;
    return null;
  }
}

/** Loads part by part, callbacks last. */
function load(checkpoint: Checkpoint, parts: CheckpointParts): void {
  const { model, optimizer, average, callbacks = [] } = parts;
  model.loadStateDict(checkpoint.model);
  if (checkpoint.optimizer) optimizer?.loadState(checkpoint.optimizer);
  if (checkpoint.average) average?.loadState(checkpoint.average);
  restoreRandomState(checkpoint.random);
  for (const callback of callbacks) {
    const { name } = callback;
    const state = Object.hasOwn(checkpoint.callbacks, name) ? checkpoint.callbacks[name] : undefined;
    if (state) callback.loadState?.(state);
  }
}

/** A checkpoint as the bytes of a safetensors file. */
export async function encodeCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array> {
  const { model, optimizer, average, callbacks, ...plain } = checkpoint;
  const tensors: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(model)) tensors[`model/${name}`] = value;
  for (const [name, value] of Object.entries(optimizer?.tensors ?? {})) tensors[`optimizer/${name}`] = value;
  for (const [name, value] of Object.entries(average?.tensors ?? {})) tensors[`average/${name}`] = value;
  const remembered = Object.entries(callbacks).map(([name, { data }]) => [name, data ?? null]);
  for (const [name, state] of Object.entries(callbacks)) {
    for (const [part, value] of Object.entries(state.tensors ?? {}))
      tensors[`callback/${name}/${part}`] = value;
  }
  const state = JSON.stringify({
    ...plain,
    optimizer: optimizer && { type: optimizer.type, numbers: optimizer.numbers },
    average: average && { type: average.type, numbers: average.numbers },
    callbacks: Object.fromEntries(remembered),
  });
  const metadata = {
    [sealName]: unsealed,
    format: 'ag-checkpoint',
    version: String(checkpointVersion),
    state,
  };
  const bytes = await saveSafetensors(tensors, { metadata });
  seal(bytes);
  return bytes;
}

/**
 * The checkpoint in the bytes of a file.
 *
 * @param file its name, for messages
 * @throws TrainingError `checkpoint` when the bytes are no checkpoint, a damaged one, or one of a newer version
 */
export function decodeCheckpoint(bytes: Uint8Array, file = 'checkpoint'): Checkpoint {
  const fail = (problem: string): never => {
    throw new TrainingError(`${file}: ${problem}`, { code: 'checkpoint', file });
  };
  const { tensors, metadata } = read(bytes, fail);
  if (metadata?.format !== 'ag-checkpoint') return fail('holds no checkpoint of a training run');
  if (!isIntact(bytes))
    return fail('is damaged: its checksum does not fit. Take an earlier checkpoint of the run');
  if (Number(metadata.version) !== checkpointVersion) {
    return fail(
      `is a checkpoint of version ${metadata.version}; this program reads version ${checkpointVersion}`,
    );
  }
  const state = JSON.parse(metadata.state ?? 'null');
  if (typeof state?.progress?.step !== 'number') return fail('lacks the state of its run');
  const under = (prefix: string): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
      ),
    );
  return {
    ...state,
    model: under('model/'),
    optimizer: state.optimizer && { ...state.optimizer, tensors: under('optimizer/') },
    average: state.average && { ...state.average, tensors: under('average/') },
    callbacks: Object.fromEntries(
      Object.entries(state.callbacks as Record<string, unknown>).map(([name, data]) => [
        name,
        { data, tensors: under(`callback/${name}/`) },
      ]),
    ),
  };
}

function read(bytes: Uint8Array, fail: (problem: string) => never): SafetensorsFile {
  try {
    return loadSafetensors(bytes);
  } catch (error) {
    return fail(`is no checkpoint, or a damaged one: ${(error as Error).message}`);
  }
}

/**
 * Writes a checkpoint so that the file is always whole: to a temporary file beside it first, which then takes its
 * place. Node only; in browsers keep what `encodeCheckpoint` gives.
 *
 * ```ts
 * await saveCheckpoint('run/last.safetensors', { model, optimizer });
 * await loadCheckpoint('run/last.safetensors', { model, optimizer });
 * ```
 *
 * @param of a checkpoint, or what to take one of
 */
export async function saveCheckpoint(path: string, of: Checkpoint | CheckpointParts): Promise<void> {
  const checkpoint = 'random' in of ? of : takeCheckpoint(of);
  await writeAtomically(path, await encodeCheckpoint(checkpoint));
}

/**
 * Reads a checkpoint and restores what is given. Hand the result to `fit({ resume })` to go on with a run.
 *
 * @throws TrainingError when the file is no checkpoint, or damaged; nothing is changed then
 */
export async function loadCheckpoint(path: string, parts?: CheckpointParts): Promise<Checkpoint> {
  const checkpoint = decodeCheckpoint(await readFile(path), path);
  if (parts) restoreCheckpoint(checkpoint, parts);
  return checkpoint;
}
