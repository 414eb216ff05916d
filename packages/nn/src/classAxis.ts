/**
 * Which axis of scores holds the classes. Here it is the last one, `[batch, time, classes]`; who comes from PyTorch writes
 * `[batch, classes, …]`. The shape of the targets tells them apart, except where sizes happen to be equal: then it has to be
 * said, since the wrong axis gives numbers, too.
 */
import { formatShape, type Shape, type Tensor } from '@ag/tensor';
import { axisError, shapeError } from '@ag/tensor/engine';

/**
 * @param scores their shape
 * @param targets the shape of class indices (one axis less), or of one number for each class (the same shape)
 * @param axis what the caller was given
 * @returns the axis, counted from the start; the last one where neither fits (the caller says so)
 * @throws RangeError when there is no such axis, and when both readings are possible
 */
export function classAxis(scores: Shape, targets: Shape, axis: number | undefined, of: string): number {
  const rank = scores.length;
  if (axis !== undefined) {
    const at = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(at) && at >= 0 && at < rank)) {
      throw axisError(`${of}: ${formatShape(scores)} has no axis ${axis} of classes`);
    }
    return at;
  }
  const last = rank - 1;
  if (rank === 0) throw shapeError(`${of}: scores need an axis of classes, got a number`);
  if (rank < 3) return last;
  const onLast = fits(scores, last, targets);
  const onFirst = fits(scores, 1, targets);
  if (onLast && onFirst) {
    throw shapeError(
      `${of}: scores ${formatShape(scores)} with targets ${formatShape(targets)} can mean classes on axis 1, [batch, classes, …] as in ` +
        'PyTorch, or on the last, […, classes]. Say which: { axis: 1 } or { axis: -1 }',
    );
  }
  return onFirst ? 1 : last;
}

/** The scores with the axis of classes moved to the end. */
export function classesLast(scores: Tensor, axis: number): Tensor {
  const rank = scores.shape.length;
  if (axis === rank - 1) return scores;
  return scores.permute([...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis), axis]);
}

/** Both readings, for messages about shapes that fit neither. */
export function expectedTargets(scores: Shape, axis: number | undefined): string {
  const last = scores.length - 1;
  if (axis !== undefined || last < 2)
    return formatShape(without(scores, axis === undefined ? last : (axis + last + 1) % (last + 1)));
  return `${formatShape(without(scores, last))} (classes on the last axis) or ${formatShape(without(scores, 1))} (on axis 1)`;
}

function fits(scores: Shape, axis: number, targets: Shape): boolean {
  const expected = targets.length === scores.length ? scores : without(scores, axis);
  return expected.length === targets.length && expected.every((size, i) => size === targets[i]);
}

function without(shape: Shape, axis: number): Shape {
  return shape.filter((_, i) => i !== axis);
}
