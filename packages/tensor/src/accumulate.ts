/**
 * Adding up what reaches a tensor from all its uses, and undoing broadcasting: the arithmetic of backpropagation
 * that is not any operation's rule.
 */

import type { Placement } from './op.ts';
import { addAll } from './ops/elementwise.ts';
import { openSize, type PlaceAttributes, place } from './ops/movement.ts';
import { type Shape, sameShape } from './shape.ts';
import { apply, type Tensor } from './tensor.ts';

/** Terms that one kernel adds; longer sums are built in layers. */
const termsPerKernel = 16;

/**
 * The sum of terms of one shape. Terms that fill only a part of it (gradients of slices and concatenations) are
 * written into one buffer, so T of them cost what they hold and not T buffers.
 */
export function sumGradients(terms: readonly Tensor[]): Tensor {
  if (terms.length === 1) return terms[0]!;
  let rest = mergePlaced(terms);
  while (rest.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < rest.length; i += termsPerKernel) {
      const part = rest.slice(i, i + termsPerKernel);
      next.push(
        part.length === 1 ? part[0]! : part.length === 2 ? part[0]!.add(part[1]!) : apply(addAll, part),
      );
    }
    rest = next;
  }
  return rest[0]!;
}

function mergePlaced(terms: readonly Tensor[]): readonly Tensor[] {
  const placed = terms.filter(
    (term) => (term.op as unknown) === place && (term.attributes as PlaceAttributes).fill === 0,
  );
  if (placed.length < 2) return terms;
  const parts: Placement[] = [];
  const inputs: Tensor[] = [];
  const starts: Tensor[] = [];
  const total = placed.reduce((n, term) => n + (term.attributes as PlaceAttributes).parts.length, 0);
  for (const term of placed) {
    const attributes = term.attributes as PlaceAttributes;
    const count = attributes.parts.length;
    const offset = total + starts.length - count;
    inputs.push(...term.inputs.slice(0, count));
    starts.push(...term.inputs.slice(count));
    for (const part of attributes.parts) {
      parts.push({
        ...part,
        moving: part.moving.map(({ axis, input }) => ({ axis, input: input + offset })),
      });
    }
  }
  const { shape } = placed[0]!;
  const accumulate = !apart(parts, inputs);
  const merged = apply(place, [...inputs, ...starts], { shape, parts, fill: 0, accumulate });
  return [...terms.filter((term) => !placed.includes(term)), merged];
}

/** Whether no two parts meet, seen from their places along one axis: pieces of a split. */
function apart(parts: readonly Placement[], inputs: readonly Tensor[]): boolean {
  if (parts.some((part) => part.moving.length > 0 || part.steps.some((step) => step !== 1))) return false;
  const axis = parts[0]!.starts.findIndex((start, i) => parts.some((part) => part.starts[i] !== start));
  if (axis < 0) return false;
  const spans = parts.map(
    (part, i) => [part.starts[axis]!, part.starts[axis]! + inputs[i]!.shape[axis]!] as const,
  );
  spans.sort((a, b) => a[0] - b[0]);
  return spans.every(([start], i) => i === 0 || start >= spans[i - 1]![1]);
}

/** Sums what was broadcast: `g` back to the shape of `like`. */
export function sumToShape(g: Tensor, like: Tensor): Tensor {
  const shape: Shape = like.shape;
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < g.shape.length; i++) {
    if (i < lead || (shape[i - lead] === 1 && g.shape[i] !== 1)) axes.push(i);
  }
  // A gradient smaller than its input (a rule that left broadcasting to the reader) is spread out.
  if (axes.length === 0) return g.broadcastLike(like);
  const summed = g.sum(axes, { keepDims: false });
  return sameShape(summed.shape, shape)
    ? summed
    : summed.shape.includes(openSize)
      ? summed.reshapeLike(like)
      : summed.reshape(shape);
}
