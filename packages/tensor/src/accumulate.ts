/**
 * Adding up what reaches a tensor from all its uses, and undoing broadcasting: the arithmetic of backpropagation
 * that is not any operation's rule.
 */

import { joined } from './functions/select.ts';
import { hasOpen } from './openSizes.ts';
import { contract } from './ops/contract.ts';
import { addAll } from './ops/elementwise.ts';
import { type PlaceAttributes, permute, place } from './ops/movement.ts';
import type { ContractionLabels, Placement } from './ops/op.ts';
import { sum } from './ops/reduce.ts';
import { type Shape, sameShape, sizeOf, sizesOf } from './shape.ts';
import { apply, type Tensor } from './tensor.ts';

/** Terms that one kernel adds; longer sums are built in layers. */
const termsPerKernel = 16;

/**
 * The sum of terms of one shape. Terms that fill only a part of it (gradients of slices and concatenations) are
 * written into one buffer, so T of them cost what they hold and not T buffers. Terms that are matrix products, the
 * gradients of a weight used at T places, become one product with a sum T times as long.
 */
export function sumGradients(terms: readonly Tensor[]): Tensor {
  if (terms.length === 1) return terms[0];
  let rest = mergeProducts(mergePlaced(terms));
  while (rest.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < rest.length; i += termsPerKernel) {
      const part = rest.slice(i, i + termsPerKernel);
      next.push(part.length === 1 ? part[0] : part.length === 2 ? part[0].add(part[1]) : apply(addAll, part));
    }
    rest = next;
  }
  return rest[0];
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
  const { shape } = placed[0];
  const accumulate = !apart(parts, inputs);
  const merged = apply(place, [...inputs, ...starts], { shape, parts, fill: 0, accumulate });
  return [...terms.filter((term) => !placed.includes(term)), merged];
}

/** A matrix product, with its axes in the order of the term. */
interface Product {
  readonly term: Tensor;
  readonly factors: readonly [Tensor, Tensor];
  readonly labels: ContractionLabels;
  /** The axis that is summed over, in both factors. */
  readonly summed: readonly [number, number];
}

/** A₁ᵀB₁ + A₂ᵀB₂ + … as one product of what lies on top of each other: [A₁; A₂; …]ᵀ[B₁; B₂; …]. */
function mergeProducts(terms: readonly Tensor[]): readonly Tensor[] {
  const alike = new Map<string, Product[]>();
  for (const term of terms) {
    const product = productOf(term);
    if (product === null) continue;
    const { labels, factors, summed } = product;
    const others = factors.map((x, i) => x.shape.map((size, axis) => (axis === summed[i] ? '' : size)));
    const kind = JSON.stringify([labels.a, labels.b, labels.out, factors.map((x) => x.dtype), others]);
    const list = alike.get(kind);
    if (list) list.push(product);
    else alike.set(kind, [product]);
  }
  const done = new Set<Tensor>();
  const merged: Tensor[] = [];
  for (const products of alike.values()) {
    if (products.length < 2) continue;
    const { labels, summed } = products[0];
    const factors = [0, 1].map((i) =>
      joined(
        products.map((product) => product.factors[i]),
        summed[i],
      ),
    );
    merged.push(apply(contract, factors, labels));
    for (const { term } of products) done.add(term);
  }
  return merged.length === 0 ? terms : [...terms.filter((term) => !done.has(term)), ...merged];
}

/**
 * A term as a product that can be merged with others: it sums over an axis, and is not smaller than its factors, which
 * would make adding it up cheaper than copying them. Transposed products count, as `x.matmul(w.transpose())` gives them.
 */
function productOf(term: Tensor): Product | null {
  const order =
    (term.op as unknown) === permute ? (term.attributes as { order: readonly number[] }).order : null;
  const node = order === null ? term : term.inputs[0];
  if ((node.op as unknown) !== contract) return null;
  const { a, b, out } = node.attributes as ContractionLabels;
  const factors = node.inputs as readonly [Tensor, Tensor];
  const axis = a.findIndex((label) => b.includes(label) && !out.includes(label));
  if (axis < 0 || factors.some((x) => hasOpen(x.shape))) return null;
  if (sizeOf(term.shape) < sizeOf(factors[0].shape) + sizeOf(factors[1].shape)) return null;
  const labels = { a, b, out: order === null ? out : order.map((i) => out[i]) };
  return { term, factors, labels, summed: [axis, b.indexOf(a[axis])] };
}

/** Whether no two parts meet, seen from their places along one axis: pieces of a split. */
function apart(parts: readonly Placement[], inputs: readonly Tensor[]): boolean {
  if (parts.some((part) => part.moving.length > 0 || part.steps.some((step) => step !== 1))) return false;
  const axis = parts[0].starts.findIndex((start, i) => parts.some((part) => part.starts[i] !== start));
  if (axis < 0) return false;
  const spans = parts.map(
    (part, i) => [part.starts[axis], part.starts[axis] + inputs[i].shape[axis]] as const,
  );
  spans.sort((a, b) => a[0] - b[0]);
  return spans.every(([start], i) => i === 0 || start >= spans[i - 1][1]);
}

/** Sums what was broadcast: `g` back to the shape of `like`. */
export function sumToShape(g: Tensor, like: Tensor): Tensor {
  const shape: Shape = sizesOf(like.shape);
  if (sameShape(g.shape, shape)) return g;
  const given = sizesOf(g.shape);
  const lead = given.length - shape.length;
  const single: number[] = [];
  for (let i = 0; i < lead; i++) if (given[i] === 1) single.push(i);
  // Nothing to add up there: a view instead of a kernel.
  if (single.length > 0) return sumToShape(g.squeeze(single), like);
  const axes: number[] = [];
  for (let i = 0; i < given.length; i++) {
    if (i < lead || (shape[i - lead] === 1 && given[i] !== 1)) axes.push(i);
  }
  // A gradient smaller than its input (a rule that left broadcasting to the reader) is spread out.
  if (axes.length === 0) return g.broadcastLike(like);
  const summed = apply(sum, [g], { axes, keepDims: false });
  return sameShape(summed.shape, shape)
    ? summed
    : hasOpen(summed.shape)
      ? summed.reshapeLike(like)
      : summed.reshape(shape);
}
