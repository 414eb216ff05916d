/**
 * Batches whose gradients are added up before a step. Each counts the same within its group, whatever its size, so that
 * the step follows the mean of the group's losses: that of an epoch's last group too, which may have fewer batches.
 */
import { TrainingError } from './errors.ts';
import type { TrainingData } from './options.ts';
import type { LabeledBatch } from './validate.ts';

/** A batch and its place in a group. */
// biome-ignore lint/suspicious/noExplicitAny: inputs and targets of any form
export interface GroupedBatch extends LabeledBatch<any, any> {
  /** Batches of its group. */
  readonly groupSize: number;
  /** Whether a step follows it. */
  readonly endsGroup: boolean;
}

/**
 * The batches of an epoch in groups of `accumulate`, the last one of what is left. Where the data say how many batches
 * they have, each is handed on as it comes; else those of a group are waited for, since only then their number is known.
 *
 * @param before batches of this epoch that were done before; groups begin after them
 * @throws TrainingError `option` when there are more or fewer batches than the data said
 */
export async function* inGroups(
  // biome-ignore lint/suspicious/noExplicitAny: as above
  train: TrainingData<any, any>,
  accumulate: number,
  before: number,
): AsyncGenerator<GroupedBatch, void, undefined> {
  const { length } = train;
  if (accumulate === 1) {
    for await (const { x, y, part } of train) yield { x, y, part, groupSize: 1, endsGroup: true };
    return;
  }
  if (length === undefined) {
    let group: LabeledBatch[] = [];
    for await (const batch of train) {
      group.push(batch);
      if (group.length < accumulate) continue;
      yield* whole(group);
      group = [];
    }
    yield* whole(group);
    return;
  }
  let done = before;
  for await (const { x, y, part } of train) {
    if (done === length) throw otherLength(length, 'more');
    const placeInGroup = (done - before) % accumulate;
    const groupSize = Math.min(accumulate, length - (done - placeInGroup));
    done++;
    yield { x, y, part, groupSize, endsGroup: placeInGroup === groupSize - 1 };
  }
  if (done > before && done < length) throw otherLength(length, String(done));
}

function* whole(group: readonly LabeledBatch[]): Generator<GroupedBatch, void, undefined> {
  for (const [i, { x, y, part }] of group.entries())
    yield { x, y, part, groupSize: group.length, endsGroup: i === group.length - 1 };
}

function otherLength(said: number, found: string): TrainingError {
  return new TrainingError(
    `fit: the training data say that an epoch has ${said} batches, but gave ${found}; with accumulate the length must be right, or left out`,
    { code: 'option' },
  );
}
