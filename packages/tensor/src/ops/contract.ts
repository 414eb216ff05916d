/**
 * Products that sum: one operation says which axes of two operands are the same (as Einstein's notation does) and
 * covers matrix products in every transposition, batches, outer and inner products, and their gradients.
 */
import { promote } from '../dtype.ts';
import { shapeError } from '../errors.ts';
import { formatShape, type Shape, sizesOf } from '../shape.ts';
import { type ContractionLabels, defineOp, type Op, type TensorType } from './op.ts';

/**
 * Axes with equal labels are the same; labels absent from `out` are summed over. A label may stand once in each
 * list, each label of `out` stands in `a` or `b`, each label of `a` in `b` or `out`, and each of `b` in `a` or `out`.
 */
export const contract: Op<ContractionLabels> = defineOp<ContractionLabels>({
  name: 'contract',
  type: ([a, b], labels) => ({ shape: contractionShape(a, b, labels), dtype: productDType(a, b) }),
  lower: { form: 'contract', labels: (a) => a },
  vjp: (g, [a, b], _y, labels) => [
    g.apply(contract, [g, b], { a: labels.out, b: labels.b, out: labels.a }),
    g.apply(contract, [a, g], { a: labels.a, b: labels.out, out: labels.b }),
  ],
});

/** The labels of a matrix product of operands with the given shapes; leading axes are batches and must be equal. */
export function matmulLabels(a: Shape, b: Shape): ContractionLabels {
  const known = matmuls[a.length * 16 + b.length];
  if (known) return known;
  const labels = labelsOfRanks(a.length, b.length);
  matmuls[a.length * 16 + b.length] = labels;
  return labels;
}

/** Labels by the ranks of both operands: every step of a training loop asks for the same few. */
const matmuls: ContractionLabels[] = [];

function labelsOfRanks(a: number, b: number): ContractionLabels {
  const batch = Math.max(a, b) - 2;
  const labels = (rank: number, last: readonly number[]): number[] => [
    ...Array.from({ length: rank - 2 }, (_, i) => batch - (rank - 2) + i),
    ...last,
  ];
  return {
    a: labels(a, [batch, batch + 1]),
    b: labels(b, [batch + 1, batch + 2]),
    out: labels(batch + 2, [batch, batch + 2]),
  };
}

/** @throws RangeError when the inner sizes or the batches of a matrix product do not fit. */
export function checkMatmul(a: Shape, b: Shape): void {
  const say = (what: string): string => `matmul: ${what}: ${formatShape(a)} · ${formatShape(b)}`;
  if (a.length === 0 || b.length === 0) throw shapeError(say('a scalar has no rows or columns; use mul'));
  const inner = a[a.length - 1];
  const outer = b.length === 1 ? b[0] : b[b.length - 2];
  if (inner === outer) return;
  const turned =
    b.length > 1 && inner === b[b.length - 1] ? '; the second one transposed would fit: b.transpose()' : '';
  throw shapeError(say('inner sizes differ') + turned);
}

function contractionShape(
  a: TensorType,
  b: TensorType,
  { a: labelsA, b: labelsB, out }: ContractionLabels,
): number[] {
  const left = sizesOf(a.shape);
  const right = sizesOf(b.shape);
  for (let i = 0; i < labelsB.length; i++) {
    const shared = labelsA.indexOf(labelsB[i]);
    if (shared < 0 || left[shared] === right[i]) continue;
    throw shapeError(
      `contract: sizes ${a.shape[shared]} and ${b.shape[i]} of an axis that ${formatShape(a.shape)} and ${formatShape(b.shape)} share differ`,
    );
  }
  const shape = new Array<number>(out.length);
  for (let i = 0; i < out.length; i++) {
    const inA = labelsA.indexOf(out[i]);
    shape[i] = inA >= 0 ? left[inA] : right[labelsB.indexOf(out[i])];
  }
  return shape;
}

/** Products of bool or uint8 are summed as int32. */
export function productDType(a: TensorType, b: TensorType): TensorType['dtype'] {
  const dtype = promote(a.dtype, b.dtype);
  return dtype === 'bool' || dtype === 'uint8' ? 'int32' : dtype;
}
