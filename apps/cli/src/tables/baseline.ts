/** What a model has to be better than: the same answer for every row, the mean or the most frequent class. */
import type { MemoryDataset, Preprocessing } from '@ag/datasets';

/** An answer without a model, and how good it is on the test rows. */
export interface Baseline {
  /** `always 22.4 (the mean)` */
  readonly answer: string;
  /** The same metrics as those of the model. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** @param train rows that decide the answer */
export function baselineOf(
  preprocessing: Preprocessing,
  train: MemoryDataset,
  test: MemoryDataset,
): Baseline {
  const [known, asked] = [train.columns.y.data, test.columns.y.data];
  if (preprocessing.classes) {
    const counts = new Array<number>(preprocessing.classes.length).fill(0);
    for (const label of known) counts[label]++;
    const most = counts.indexOf(Math.max(...counts));
    const right = Array.from(asked).filter((label) => label === most).length;
    return {
      answer: `always '${preprocessing.classes[most]}', the most frequent class`,
      metrics: { accuracy: right / asked.length },
    };
  }
  const inUnit = (values: ArrayLike<number>): number[] => preprocessing.inverseTarget(values);
  const mean = average(inUnit(known));
  return {
    answer: `always ${Number(mean.toPrecision(4))}, the mean`,
    metrics: { meanAbsoluteError: average(inUnit(asked).map((value) => Math.abs(value - mean))) },
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
