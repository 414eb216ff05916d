/**
 * Controls of a run under way: pause, one step, half the learning rate, a checkpoint. A callback of the training
 * loop: what is asked for happens between two steps.
 */
import { join } from 'node:path';
import type { Rate } from '@ag/optim';
import { type Callback, type CallbackContext, type StepEvent, saveCheckpoint } from '@ag/train';

/** Commands to a run, and how it stands with them. */
export interface Controls {
  readonly paused: boolean;
  /** What the schedule's rates are multiplied with. */
  readonly rateFactor: number;
  /** Pauses, or goes on. */
  pause(): void;
  /** Takes one step and pauses again. */
  step(): void;
  /** Halves the rate of all steps to come; kept in checkpoints. */
  lowerRate(): void;
  /** Writes a checkpoint after the step under way. */
  save(): void;
  /** Hears what happens in a pause, when the loop reports nothing. */
  watcher: Watcher | null;
  /** A rate that `lowerRate` can change, to be given to the optimizer. */
  scale(rate: Rate): Rate;
  /** To be given to the loop. */
  callback(checkpoints: string): Callback;
}

/** Hears what happens in a pause. */
export interface Watcher {
  /** The last step before training waits. */
  paused(event: StepEvent): void;
  /** A checkpoint was written. */
  saved(path: string): void;
}

/** @param signal ends a pause: the run is to end */
export function createControls(signal: AbortSignal): Controls {
  let paused = false;
  let rateFactor = 1;
  /** Steps to be taken before the next pause. */
  let steps = 0;
  let saving = false;
  let wake = (): void => {};
  signal.addEventListener('abort', () => wake());

  const save = async (event: StepEvent, folder: string, context: CallbackContext): Promise<void> => {
    saving = false;
    const { step, epoch, batch, batches } = event;
    const path = join(folder, `step-${String(step).padStart(8, '0')}.safetensors`);
    await saveCheckpoint(path, await context.checkpoint());
    controls.watcher?.saved(path);
    context.emit({
      type: 'checkpoint',
      step,
      epoch: batch === batches ? epoch : epoch - 1,
      path,
      best: false,
    });
  };
  const wait = async (event: StepEvent, folder: string, context: CallbackContext): Promise<void> => {
    if (saving) await save(event, folder, context);
    if (!paused || signal.aborted) return;
    controls.watcher?.paused(event);
    while (paused && steps === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (saving) await save(event, folder, context);
    }
    if (steps > 0) steps--;
  };
  const controls: Controls = {
    get paused() {
      return paused;
    },
    get rateFactor() {
      return rateFactor;
    },
    watcher: null,
    pause() {
      paused = !paused;
      steps = 0;
      wake();
    },
    step() {
      // Of a run that is not paused the step under way is the one.
      if (paused) steps++;
      paused = true;
      wake();
    },
    lowerRate() {
      rateFactor /= 2;
    },
    save() {
      saving = true;
      wake();
    },
    scale(rate) {
      if (typeof rate === 'number') return () => rate * rateFactor;
      // A schedule that remembers something keeps its other members.
      return Object.assign((step: number) => rate(step) * rateFactor, rate);
    },
    callback: (checkpoints) => ({
      name: 'controls',
      last: true,
      on(event, context) {
        if (event.type === 'step' && (paused || saving)) return wait(event, checkpoints, context);
      },
      state: () => ({ data: { rateFactor } }),
      loadState({ data }) {
        rateFactor = (data as { rateFactor: number }).rateFactor;
      },
    }),
  };
  return controls;
}
