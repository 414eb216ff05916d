/**
 * Writes checkpoints while a run goes on, so that it can be continued after whatever happens. Node only.
 */
import { checkOptions } from '@ag/tensor/engine';
import { encodeCheckpoint } from '../checkpoint.ts';
import { now } from '../clock.ts';
import { TrainingError } from '../errors.ts';
import { removeLeftovers, writeAtomically } from '../files.ts';
import { nodeModule } from '../platform.ts';
import type { Callback, CallbackContext } from './callback.ts';
import { Monitor, type MonitorOptions } from './monitor.ts';

/** Options of {@link saveCheckpoints}. */
export interface SaveCheckpointsOptions extends MonitorOptions {
  /**
   * Where the files go; made at the start when it is missing. One run at a time: a run whose folder is removed, or in
   * which another run saves, ends with an error at its next checkpoint. No lock is kept, as a killed process would leave
   * it behind: a program that cannot be sure takes the folder before it starts, as `agrad train` does.
   */
  readonly folder: string;
  /** After every so many steps. Default 0, only at ends of epochs. */
  readonly everySteps?: number;
  /** After every so many epochs. Default 1. */
  readonly everyEpochs?: number;
  /** At the end of an epoch only when the last checkpoint is this old, in seconds. Default 0. */
  readonly minimumSeconds?: number;
  /** How many of the newest files stay. Default 2. */
  readonly keepLast?: number;
  /** Keep the checkpoint with the best metric as well, as `best.safetensors`. Default: when `monitor` is given. */
  readonly keepBest?: boolean;
}

const pattern = /^step-(\d+)\.safetensors$/;

/**
 * Writes `step-00001200.safetensors` and so on at ends of epochs, every so many steps, and when a run ends.
 *
 * ```ts
 * fit({ …, callbacks: [saveCheckpoints({ folder: 'run/checkpoints', everySteps: 500 })] });
 * ```
 */
export function saveCheckpoints(options: SaveCheckpointsOptions): Callback {
  checkOptions(
    'saveCheckpoints',
    options,
    'folder everySteps everyEpochs minimumSeconds keepLast keepBest monitor mode minimumChange',
  );
  const { folder, everySteps = 0, everyEpochs = 1, minimumSeconds = 0, keepLast = 2 } = options;
  const { keepBest = options.monitor !== undefined } = options;
  for (const [name, value, least] of [
    ['everySteps', everySteps, 0],
    ['everyEpochs', everyEpochs, 1],
    ['keepLast', keepLast, 1],
  ] as const) {
    if (!(Number.isInteger(value) && value >= least)) {
      throw new TrainingError(`saveCheckpoints: ${name} must be a whole number from ${least}, got ${value}`, {
        code: 'option',
      });
    }
  }
  const monitor = new Monitor(options, 'saveCheckpoints');
  let saved = -1;
  let savedAt = Number.NEGATIVE_INFINITY;
  let better = false;
  /** The checkpoints in the folder as this run knows them: found at the start, or written since. */
  let known = new Map<string, string>();

  const save = async (
    step: number,
    epoch: number,
    context: CallbackContext,
    best: boolean,
  ): Promise<void> => {
    const { join } = nodeModule('node:path');
    const bytes = await encodeCheckpoint(await context.checkpoint());
    const path = join(folder, `step-${String(step).padStart(8, '0')}.safetensors`);
    for (const [found, identity] of await identities(folder)) {
      if (known.get(found) === identity) continue;
      throw new TrainingError(
        `saveCheckpoints: another run writes into ${folder} (${found} is not of this run); give each run a folder of its own`,
        { code: 'checkpoint', file: found },
      );
    }
    await writeAtomically(path, bytes);
    if (best) await writeAtomically(join(folder, 'best.safetensors'), bytes);
    await prune(folder, keepLast);
    known = await identities(folder);
    saved = step;
    savedAt = now();
    context.emit({ type: 'checkpoint', step, epoch, path, best });
  };

  return {
    name: 'saveCheckpoints',
    ranks: 'first',
    last: true,
    async on(event, context) {
      if (event.type === 'start') {
        // Once: a folder that is removed while the run goes on is not to come back with half of what it held.
        const { mkdir } = nodeModule('node:fs/promises');
        await mkdir(folder, { recursive: true });
        await removeLeftovers(folder);
        known = await identities(folder);
      }
      // Another callback of this run saves there too.
      if (event.type === 'checkpoint') known = await identities(folder);
      if (keepBest) {
        const value = monitor.read(event);
        if (value !== null) better = monitor.improves(value);
      }
      if (event.type === 'step') {
        if (everySteps > 0 && event.step % everySteps === 0)
          await save(event.step, event.epoch - 1, context, false);
      } else if (event.type === 'epoch') {
        const old = now() - savedAt >= minimumSeconds * 1000;
        if (better || (event.epoch % everyEpochs === 0 && old))
          await save(event.step, event.epoch, context, better);
        better = false;
      } else if (event.type === 'end' && saved !== event.step) {
        await save(event.step, event.epoch, context, false);
      }
    },
    state: () => ({ data: { best: monitor.best } }),
    loadState({ data }) {
      monitor.best = (data as { best: number | null }).best;
    },
  };
}

/** The checkpoints in a folder, newest first; none when there is no such folder. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const { readdir } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  const names = await readdir(folder).catch(() => []);
  const steps = names.flatMap((name) => {
    const found = pattern.exec(name);
    return found ? [{ name, step: Number(found[1]) }] : [];
  });
  return steps.sort((a, b) => b.step - a.step).map(({ name }) => join(folder, name));
}

/** What tells the files in a folder from others of their names: the same file is never written twice. */
async function identities(folder: string): Promise<Map<string, string>> {
  const { stat } = nodeModule('node:fs/promises');
  const found = new Map<string, string>();
  for (const path of await listCheckpoints(folder)) {
    // Null where it was removed meanwhile.
    const file = await stat(path).catch(() => null);
    if (file) found.set(path, `${file.ino} ${file.mtimeMs}`);
  }
  return found;
}

async function prune(folder: string, keep: number): Promise<void> {
  const { rm } = nodeModule('node:fs/promises');
  for (const path of (await listCheckpoints(folder)).slice(keep)) await rm(path, { force: true });
}
