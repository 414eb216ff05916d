/**
 * The numbers that a plan is given at each run. Those that never change are written into the module; the words of random keys it
 * makes by itself, from a counter; what else a step reads on the host (learning rates, corrections for running means) is computed
 * here for as many steps as are wanted.
 *
 * Which is which is found out by asking: keys are given marks as their words, twice, and what answers with a mark both times is that word.
 */
import { codedError, valueError } from '@ag/tensor/engine';
import type { Recording } from './recording.ts';
import { unsupported } from './recording.ts';

export interface Numbers {
  /** All scalars as the first step has them, words of keys as 0. */
  readonly start: Float64Array;
  /** Those that are words of keys. */
  readonly keyWords: readonly { readonly scalar: number; readonly key: number; readonly word: number }[];
  /** The scalars of one step after another; the same array each time. Optimizers count as before afterwards. */
  steps(count: number): Iterable<Float64Array>;
}

/** @throws RangeError where steps read numbers and it is not said for how many */
export function numbersOf(recording: Recording, steps: number | null): Numbers {
  const { literals, keys, beforeEachRun } = recording;
  const start = Float64Array.from(literals, ({ value }) => value);
  const read = (scalars: Float64Array): void => {
    literals.forEach((literal, i) => {
      if (literal.read) scalars[i] = literal.read();
    });
  };
  const marked = (mark: number): Float64Array => {
    for (let i = 0; i < keys.length; i++) keys[i] = [mark + 2 * i, mark + 2 * i + 1];
    const scalars = Float64Array.from(start);
    read(scalars);
    return scalars;
  };
  const marks = [0x61670000, 0x2b7e1516];
  const [once, twice] = marks.map(marked);
  const keyWords: { scalar: number; key: number; word: number }[] = [];
  let living = 0;
  literals.forEach(({ read: reads }, scalar) => {
    if (!reads) return;
    if (Object.is(once[scalar], twice[scalar])) living++;
    else {
      const place = once[scalar] - marks[0];
      if (!(place >= 0 && place < 2 * keys.length && twice[scalar] - marks[1] === place))
        throw unsupported('a random number', 'its key is made of another one on the host, as in loops');
      keyWords.push({ scalar, key: place >> 1, word: place & 1 });
    }
  });
  keys.fill([0, 0]);
  if (living > 0 && steps === null)
    throw valueError(
      'exportPlan: the function reads numbers anew at each run (a learning rate, a count of steps); say for how many runs: { steps: 600 }',
    );
  if (steps === null) read(start);
  else for (const first of stepping(beforeEachRun, 1, read, start)) start.set(first);
  return {
    start,
    keyWords,
    steps: (count) => stepping(beforeEachRun, count, read, Float64Array.from(start)),
  };
}

function* stepping(
  beforeEachRun: Recording['beforeEachRun'],
  count: number,
  read: (scalars: Float64Array) => void,
  scalars: Float64Array,
): Generator<Float64Array> {
  const undo: (() => void)[] = [];
  try {
    for (let step = 0; step < count; step++) {
      for (const work of beforeEachRun) {
        const takeBack = work();
        if (!takeBack)
          throw codedError(
            Error,
            'AG_UNSUPPORTED',
            'exportPlan: a step does host work that cannot be taken back',
          );
        undo.push(takeBack);
      }
      read(scalars);
      yield scalars;
    }
  } finally {
    for (const takeBack of undo.reverse()) takeBack();
  }
}
