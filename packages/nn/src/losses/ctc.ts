/**
 * Connectionist temporal classification: the loss of labels of which nobody says when they stand.
 */

import { concat, formatShape, full, scan, stack, type Tensor, tensor, where } from '@ag/tensor';
import { checkInteger, checkOptions, checkTensor, dtypeError, shapeError } from '@ag/tensor/engine';
import { type LossOptions, reduce } from './reduction.ts';

/** Stands for the logarithm of 0: sums of many of them are finite, in float32 too, and no difference of them is NaN. */
const never = -1e30;
/** What is less is impossible. */
const impossible = -1e29;

/** Options of {@link ctcLoss}. */
export interface CtcOptions extends LossOptions {
  /** The class that stands for no label. Default 0. */
  readonly blank?: number;
  /** How many times of each example count, `[batch]`. Default all. */
  readonly inputLengths?: Tensor | readonly number[];
  /** How many labels each example has, `[batch]`. Default all. */
  readonly targetLengths?: Tensor | readonly number[];
  /** Sequences that are too short for their labels count 0 instead of ∞. Default false. */
  readonly zeroInfinity?: boolean;
}

/**
 * −log of the probability of a sequence of labels, summed over all ways to lay them along the times, with repeats and blanks
 * between (Graves, Fernández, Gomez, Schmidhuber 2006, section 4.1, in logarithms). One loop over the times, whatever their number.
 *
 * ```ts
 * const loss = ctcLoss(model.forward(x).logSoftmax(), labels, { targetLengths: [5, 3] });
 * ```
 *
 * @param logProbabilities `[batch, time, classes]` as `logSoftmax` gives them
 * @param target labels, whole numbers `[batch, labels]`, filled up with anything that is a class; none of them the blank
 * @param options.reduction 'mean' (default): each loss divided by its number of labels (at least 1), then the mean over the batch,
 * as in PyTorch; 'sum'; 'none': `[batch]`
 * @returns ∞ for labels that do not fit into the times, with the gradient 0
 * @throws RangeError when the shapes do not fit
 */
export function ctcLoss(logProbabilities: Tensor, target: Tensor, options: CtcOptions = {}): Tensor {
  checkOptions('ctcLoss', options, 'reduction blank inputLengths targetLengths zeroInfinity');
  const { blank = 0, zeroInfinity = false, reduction = 'mean' } = options;
  const { shape } = checkTensor(logProbabilities, 'ctcLoss', 'logProbabilities');
  const labels = checkTensor(target, 'ctcLoss', 'target');
  if (shape.length !== 3 || labels.ndim !== 2 || labels.shape[0] !== shape[0]) {
    throw shapeError(
      `ctcLoss: expects log-probabilities [batch, time, classes] and labels [batch, labels], got ${formatShape(shape)} and ${formatShape(labels.shape)}`,
    );
  }
  const [batch, time, classes] = shape;
  const count = labels.shape[1];
  if (time === 0) throw shapeError(`ctcLoss: there are no times, ${formatShape(shape)}`);
  checkInteger(blank, 'ctcLoss', 'the blank', 0, classes - 1);
  const inputLengths = lengthsOf(options.inputLengths, batch, time, 'inputLengths');
  const targetLengths = lengthsOf(options.targetLengths, batch, count, 'targetLengths');
  const { dtype } = logProbabilities;

  // Blank, label, blank, label, …, blank: 2 · count + 1 places.
  const places = 2 * count + 1;
  const own = labels.cast('int32');
  const blanks = full([batch, count], blank, { dtype: 'int32' });
  const last = full([batch, 1], blank, { dtype: 'int32' });
  const extended = concat([stack([blanks, own], -1).reshape([batch, 2 * count]), last], 1);
  const scores = logProbabilities.maximum(never).gather(extended.unsqueeze(1), -1);
  // A label may follow the one before at once, but not a label like it, nor a blank the blank before.
  const skips =
    places < 3
      ? full([batch, places], 0, { dtype: 'bool' })
      : concat(
          [
            full([batch, 2], 0, { dtype: 'bool' }),
            extended
              .slice(2, undefined, { axis: 1 })
              .notEqual(blank)
              .logicalAnd(
                extended.slice(2, undefined, { axis: 1 }).notEqual(extended.slice(0, -2, { axis: 1 })),
              ),
          ],
          1,
        );
  const shifted = (alpha: Tensor, by: number): Tensor =>
    places <= by
      ? full([batch, places], never, { dtype })
      : concat([full([batch, by], never, { dtype }), alpha.slice(0, places - by, { axis: 1 })], 1);
  const begin = tensor(
    Array.from({ length: places }, (_, s) => (s < 2 ? 1 : 0)),
    { dtype: 'bool' },
  );
  const first = begin.where(scores.slice(0, 1, { axis: 1 }).squeeze(1), never);
  const alpha =
    time === 1
      ? first
      : scan(
          (before: Tensor, row: Tensor, step: Tensor) => {
            const two = where(skips, shifted(before, 2), never);
            const ways = stack([before, shifted(before, 1), two]);
            const next = ways.logSumExp(0).maximum(never).add(row).maximum(never);
            const counts = step.add(1).less(inputLengths).unsqueeze(-1);
            return [counts.where(next, before)];
          },
          first,
          scores.transpose(0, 1).slice(1),
        ).carry;
  // The last label, or the blank after it.
  const end = targetLengths.mul(2).unsqueeze(-1);
  const atBlank = alpha.gather(end, 1);
  const atLabel = targetLengths
    .unsqueeze(-1)
    .greater(0)
    .where(alpha.gather(end.sub(1).maximum(0), 1), never);
  const total = concat([atBlank, atLabel], 1).logSumExp(1);
  const possible = total.greater(impossible);
  const losses = possible.where(total.neg(), zeroInfinity ? 0 : Number.POSITIVE_INFINITY);
  return reduction === 'mean'
    ? losses.div(targetLengths.maximum(1).cast(dtype)).mean()
    : reduce(losses, reduction);
}

/** Lengths as int32 `[batch]`. */
function lengthsOf(
  given: Tensor | readonly number[] | undefined,
  batch: number,
  most: number,
  name: string,
): Tensor {
  if (given === undefined) return full([batch], most, { dtype: 'int32' });
  if (Array.isArray(given)) {
    for (const length of given as readonly number[])
      checkInteger(length, 'ctcLoss', `each of ${name}`, 0, most);
  }
  const lengths = Array.isArray(given)
    ? tensor([...(given as readonly number[])], { dtype: 'int32' })
    : (given as Tensor);
  const { shape, dtype } = checkTensor(lengths, 'ctcLoss', name);
  if (shape.length !== 1 || shape[0] !== batch)
    throw shapeError(`ctcLoss: ${name} should be [${batch}], got ${formatShape(shape)}`);
  if (dtype === 'bool') throw dtypeError(`ctcLoss: ${name} should be whole numbers, got ${dtype}`);
  return lengths.cast('int32');
}
