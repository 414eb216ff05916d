/**
 * What was done to the targets of a task, undone: every number that is shown is in the unit of the data. A recipe hands over
 * its fitted preprocessing; where it only scales targets by a transform, that is found and undone too.
 */
import type { Scaling } from '@ag/datasets';
import { type Tensor, tensor } from '@ag/tensor';
import type { BatchTransform, Task } from '../recipes/recipe.ts';

/** The way from what a model learns to what people read. */
export interface TargetUnit {
  /** What the numbers count, where it is known: `1000 dollars`. */
  readonly unit: string | undefined;
  /** Outputs, or targets of batches, in the unit. */
  readonly inverse: (values: ArrayLike<number>) => Float32Array;
  /** Metrics of numbers in the unit. */
  readonly metrics: Task['metrics'];
  /** Whether outputs differ from what is shown, so that the loss is of another scale. */
  readonly isScaled: boolean;
  /** Whether the targets of the data sets are scaled already, and not only those of batches. */
  readonly dataIsScaled: boolean;
}

export function targetUnitOf(task: Task): TargetUnit {
  const fitted = task.preprocessing?.target ?? null;
  const unit = fitted?.type === 'number' ? fitted.unit : undefined;
  const columns = fitted?.type === 'number' ? fitted.columns : [];
  const dataIsScaled = columns.some(({ scale }) => scale !== undefined);
  const scales = [
    ...scalingsOf(task.transform)
      .filter(({ column }) => column === 'y')
      .map(({ shift, divisor }) => ({ shift: [...shift], divisor: [...divisor] })),
  ].reverse();
  if (dataIsScaled) {
    scales.push({
      shift: columns.map(({ scale }) => scale?.shift ?? 0),
      divisor: columns.map(({ scale }) => scale?.divisor ?? 1),
    });
  }
  const isScaled = scales.length > 0;
  const ofTensor = (values: Tensor): Tensor =>
    scales.reduce(
      (value, { shift, divisor }) =>
        shift.length === 1
          ? value.mul(divisor[0]).add(shift[0])
          : value.mul(tensor(divisor)).add(tensor(shift)),
      values,
    );
  return {
    unit,
    isScaled,
    dataIsScaled,
    inverse: (values) =>
      Float32Array.from(values, (value, i) =>
        scales.reduce(
          (now, { shift, divisor }) => now * divisor[i % divisor.length] + shift[i % shift.length],
          value,
        ),
      ),
    metrics: isScaled ? inUnit(task.metrics, ofTensor) : task.metrics,
  };
}

/** What stands behind a metric where that is not clear: its unit, or that it is of scaled targets. */
export function unitOf(name: string, { unit, isScaled }: TargetUnit): string {
  if (name === 'loss') return isScaled ? ' (of the scaled target)' : '';
  return unit !== undefined && isError(name) ? ` (${unit})` : '';
}

/** What to know about a row of figures, in one place: in which unit they are. */
export function scaleNote({ unit, isScaled }: TargetUnit): string {
  const parts = [
    ...(isScaled ? ['loss of the scaled target'] : []),
    ...(unit === undefined ? [] : [`errors in ${unit}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** Whether a metric of this name is in the unit of the target: not a share, nor a square. */
function isError(name: string): boolean {
  return /absoluteError|rootMeanSquare|rmse|mae/i.test(name) && !/percent/i.test(name);
}

/** Metrics that see outputs and targets in the unit. What is no tensor is left to the recipe. */
function inUnit(metrics: Task['metrics'], inverse: (values: Tensor) => Tensor): Task['metrics'] {
  const own = (value: Tensor): Tensor => (/^float/.test(value?.dtype ?? '') ? inverse(value) : value);
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [name, (output, y) => metric(own(output), own(y))]),
  );
}

/** The scalings in a transform, in their order; those inside a function of the user's own cannot be seen. */
function scalingsOf(transform: BatchTransform | undefined): Scaling[] {
  if (transform === undefined) return [];
  if ('transforms' in transform && Array.isArray(transform.transforms))
    return transform.transforms.flatMap((one: BatchTransform) => scalingsOf(one));
  return 'shift' in transform && 'divisor' in transform && 'column' in transform
    ? [transform as unknown as Scaling]
    : [];
}
