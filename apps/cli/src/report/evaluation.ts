/** What a model answers on its test data, in the forms that reports and tables need. */
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { predict } from '@ag/train';
import type { Prepared } from '../training/assemble.ts';
import { testLoaderOf } from '../training/assemble.ts';

/** Answers of a classifier. */
export interface ClassAnswers {
  readonly kind: 'classification';
  readonly classes: readonly string[];
  /** `[true class][predicted class]` */
  readonly confusion: readonly number[][];
  /** For each example: the true class, the answer, and how sure the model was of both. */
  readonly examples: readonly ClassAnswer[];
}

export interface ClassAnswer {
  readonly index: number;
  readonly actual: number;
  readonly predicted: number;
  /** Probability given to the answer. */
  readonly confidence: number;
  /** Probability given to the truth. */
  readonly truth: number;
}

/** Answers that are numbers. */
export interface NumberAnswers {
  readonly kind: 'regression' | 'binary';
  /** Both in the unit of the data. */
  readonly targets: Float32Array;
  readonly answers: Float32Array;
}

/** The targets of the test data in the unit of the data. */
export function targetsOf({ test, target }: Prepared): Float32Array {
  const { data } = test.columns.y;
  return target.dataIsScaled ? target.inverse(data) : Float32Array.from(data);
}

/** Computes the answers for all test examples. */
export async function evaluateAnswers(
  prepared: Prepared,
  model: Module<[Tensor], Tensor>,
): Promise<ClassAnswers | NumberAnswers> {
  const { recipe, test, target } = prepared;
  const output = await predict(model, testLoaderOf(prepared, test));
  if (recipe.kind !== 'classification') {
    return {
      kind: recipe.kind,
      answers: target.inverse(await output.data()),
      targets: targetsOf(prepared),
    };
  }
  return classAnswers(output, test.columns.y.data, test.classes);
}

/**
 * The answers of a classifier.
 *
 * @param output `[n, classes]`, not yet passed through softmax
 * @param labels the true classes
 */
export async function classAnswers(
  output: Tensor,
  labels: ArrayLike<number>,
  known: readonly string[] | undefined,
): Promise<ClassAnswers> {
  const classes = output.shape[1];
  const probabilities = await output.softmax(-1).data();
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const examples = Array.from(labels, (label, index): ClassAnswer => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    let predicted = 0;
    for (let i = 1; i < classes; i++) if (row[i] > row[predicted]) predicted = i;
    confusion[label][predicted]++;
    return { index, actual: label, predicted, confidence: row[predicted], truth: row[label] };
  });
  const names = known ?? Array.from({ length: classes }, (_, i) => String(i));
  return { kind: 'classification', classes: names, confusion, examples };
}
