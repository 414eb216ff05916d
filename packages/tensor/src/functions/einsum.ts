/**
 * Einstein's notation: any number of operands, repeated labels, ellipses. Products are made two at a time, those
 * with the smallest result first, each as one contraction that writes its axes in the order that is needed next.
 */
import { checkInteger, describeValue } from '../check.ts';
import { sumDType } from '../dtype.ts';
import { shapeError, typeError } from '../errors.ts';
import { contract } from '../ops/contract.ts';
import { diagonal } from '../ops/movement.ts';
import type { ContractionLabels } from '../ops/op.ts';
import { formatShape, normalizeAxis } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';

/** A tensor whose axes have names: letters as character codes, axes of an ellipsis counted from the end as −1, −2, … */
interface Labeled {
  readonly tensor: Tensor;
  readonly labels: readonly number[];
}

/**
 * Sums of products in Einstein's notation. Axes with the same letter are the same; letters that the output lacks are summed
 * over. `...` stands for any leading axes, which broadcast. Without `->` the output has the letters that occur once, in
 * alphabetical order, after the axes of `...`.
 *
 * ```ts
 * einsum('ij,jk->ik', a, b);               // a.matmul(b)
 * einsum('bqhd,bkhd->bhqk', q, k);         // attention scores; nothing is transposed in memory
 * einsum('ii->i', a);                      // the diagonal
 * einsum('...ij->...ji', a);               // transposed
 * einsum('i,ij,j', x, a, y);               // a bilinear form
 * ```
 *
 * @throws RangeError for an equation that does not fit the operands
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string')
    throw typeError(`einsum: the equation must be a text, got ${describeValue(equation)}`);
  operands.forEach((operand, i) => {
    checkTensor(operand, 'einsum', `operand ${i}`);
  });
  const say = (what: string): RangeError =>
    shapeError(
      `einsum: ${what} in '${equation}' for ${operands.map((t) => formatShape(t.shape)).join(', ') || 'no operands'}`,
    );
  const [left, right, more] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (more !== undefined) throw say("more than one '->'");
  if (operands.length === 0 || terms.length !== operands.length)
    throw say(`${terms.length} terms and ${operands.length} operands`);
  const sizes = new Map<number, number>();
  let parts = operands.map((operand, i) => label(operand, terms[i], say));
  for (const { tensor, labels } of parts) {
    labels.forEach((name, axis) => {
      const size = tensor.shape[axis];
      const known = sizes.get(name);
      if (known === undefined || known === 1) sizes.set(name, size);
      else if (size !== known && size !== 1)
        throw say(`sizes ${known} and ${size} of axis '${nameOf(name)}'`);
    });
  }
  const out = outputLabels(right, terms, parts, say);
  parts = parts.map((part) => takeDiagonals(dropSingle(part, sizes)));
  while (parts.length > 1) {
    const [i, j] = cheapest(parts, out, sizes);
    const rest = parts.filter((_, k) => k !== i && k !== j);
    const wanted = rest.length === 0 ? out : null;
    const needed = new Set([...out, ...rest.flatMap((part) => part.labels)]);
    parts = [...rest, multiply(parts[i], parts[j], needed, wanted)];
  }
  return arrange(sumOut(parts[0], new Set(out)), out, sizes);
}

/**
 * Sums products over axes of two tensors: over the last `axes` of `a` and the first of `b`, or over `axes[0]` of `a` with
 * `axes[1]` of `b`. The result has the other axes of `a`, then those of `b`.
 *
 * ```ts
 * tensordot(zeros([2, 3, 4]), zeros([3, 4, 5])).shape;                  // [2, 5]
 * tensordot(zeros([2, 3]), zeros([5, 2]), [[0], [1]]).shape;            // [3, 5]
 * ```
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  axes: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  const rankA = checkTensor(a, 'tensordot', 'a').shape.length;
  const rankB = checkTensor(b, 'tensordot', 'b').shape.length;
  const pairs = Array.isArray(axes) && axes.length === 2 && axes.every((list) => Array.isArray(list));
  if (!pairs) checkInteger(axes, 'tensordot', 'axes', 0, Math.min(rankA, rankB));
  const [first, second] =
    typeof axes === 'number'
      ? [Array.from({ length: axes }, (_, i) => rankA - axes + i), Array.from({ length: axes }, (_, i) => i)]
      : [
          axes[0].map((axis) => normalizeAxis(axis, rankA, 'tensordot')),
          axes[1].map((axis) => normalizeAxis(axis, rankB, 'tensordot')),
        ];
  if (
    first.length !== second.length ||
    new Set(first).size !== first.length ||
    new Set(second).size !== second.length ||
    first.some((axis, i) => a.shape[axis] !== b.shape[second[i]])
  ) {
    throw shapeError(
      `tensordot: axes ${JSON.stringify(first)} of ${formatShape(a.shape)} and ${JSON.stringify(second)} of ${formatShape(b.shape)} do not pair up`,
    );
  }
  const labelsA = a.shape.map((_, i) => i);
  const labelsB = b.shape.map((_, i) => (second.includes(i) ? first[second.indexOf(i)] : rankA + i));
  const out = [
    ...labelsA.filter((name) => !labelsB.includes(name)),
    ...labelsB.filter((name) => name >= rankA),
  ];
  return apply(contract, [a, b], { a: labelsA, b: labelsB, out });
}

function label(tensor: Tensor, term: string, say: (what: string) => RangeError): Labeled {
  const match = /^([A-Za-z]*)(\.\.\.)?([A-Za-z]*)$/.exec(term);
  if (!match) throw say(`the term '${term}'`);
  const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
  const [before, after] = [letters(match[1]), letters(match[3])];
  const free = tensor.shape.length - before.length - after.length;
  if (free < 0 || (free > 0 && !match[2])) {
    throw say(`the term '${term}' names ${before.length + after.length} axes of ${tensor.shape.length}`);
  }
  return { tensor, labels: [...before, ...Array.from({ length: free }, (_, i) => i - free), ...after] };
}

function outputLabels(
  right: string | undefined,
  terms: readonly string[],
  parts: readonly Labeled[],
  say: (what: string) => RangeError,
): number[] {
  const all = parts.flatMap((part) => part.labels);
  const known = new Set(all);
  const ellipsis = [...known].filter((name) => name < 0).sort((a, b) => a - b);
  if (right === undefined) {
    const letters = [...terms.join('').replaceAll('.', '').replaceAll(',', '')].map((letter) =>
      letter.charCodeAt(0),
    );
    const once = letters.filter((name) => letters.indexOf(name) === letters.lastIndexOf(name));
    return [...ellipsis, ...once.sort((a, b) => a - b)];
  }
  const match = /^([A-Za-z]*)(\.\.\.)?([A-Za-z]*)$/.exec(right);
  if (!match) throw say(`the output '${right}'`);
  const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
  const out = [...letters(match[1]), ...(match[2] ? ellipsis : []), ...letters(match[3])];
  for (const name of out) {
    if (!known.has(name)) throw say(`axis '${nameOf(name)}' of the output, which no operand has`);
    if (out.indexOf(name) !== out.lastIndexOf(name)) throw say(`axis '${nameOf(name)}' twice in the output`);
  }
  return out;
}

/** Axes of size 1 that broadcast are left out, so that equal labels have equal sizes. */
function dropSingle({ tensor, labels }: Labeled, sizes: ReadonlyMap<number, number>): Labeled {
  const single = labels.flatMap((name, axis) =>
    tensor.shape[axis] === 1 && sizes.get(name) !== 1 ? [axis] : [],
  );
  if (single.length === 0) return { tensor, labels };
  return { tensor: tensor.squeeze(single), labels: labels.filter((_, axis) => !single.includes(axis)) };
}

function takeDiagonals(part: Labeled): Labeled {
  let { tensor, labels } = part;
  for (let second = 1; second < labels.length; second++) {
    const first = labels.indexOf(labels[second]);
    if (first === second) continue;
    const name = labels[first];
    tensor = apply(diagonal, [tensor], { first: first - labels.length, second: second - labels.length });
    labels = [...labels.filter((_, axis) => axis !== first && axis !== second), name];
    second = 0;
  }
  return { tensor, labels };
}

/** The pair whose product is smallest, counted by elements of the result and of the pair, as far as that may shrink. */
function cheapest(
  parts: readonly Labeled[],
  out: readonly number[],
  sizes: ReadonlyMap<number, number>,
): [number, number] {
  if (parts.length === 2) return [0, 1];
  const elements = (labels: Iterable<number>): number =>
    [...labels].reduce((product, name) => product * sizes.get(name)!, 1);
  let best: [number, number] = [0, 1];
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < parts.length; i++) {
    for (let j = i + 1; j < parts.length; j++) {
      const others = new Set([
        ...out,
        ...parts.flatMap((part, k) => (k === i || k === j ? [] : part.labels)),
      ]);
      const together = new Set([...parts[i].labels, ...parts[j].labels]);
      const growth =
        elements([...together].filter((name) => others.has(name))) -
        elements(parts[i].labels) -
        elements(parts[j].labels);
      if (growth < least) {
        least = growth;
        best = [i, j];
      }
    }
  }
  return best;
}

/** Sums over axes that nobody needs. */
function sumOut({ tensor, labels }: Labeled, needed: ReadonlySet<number>): Labeled {
  const axes = labels.flatMap((name, axis) => (needed.has(name) ? [] : [axis]));
  if (axes.length === 0) return { tensor, labels };
  return { tensor: tensor.sum(axes), labels: labels.filter((name) => needed.has(name)) };
}

function multiply(
  first: Labeled,
  second: Labeled,
  needed: ReadonlySet<number>,
  wanted: readonly number[] | null,
): Labeled {
  const a = sumOut(first, new Set([...needed, ...second.labels]));
  const b = sumOut(second, new Set([...needed, ...a.labels]));
  const all = [...a.labels, ...b.labels.filter((name) => !a.labels.includes(name))];
  const kept = all.filter((name) => needed.has(name));
  const out = wanted ? wanted.filter((name) => kept.includes(name)) : kept;
  if (kept.length === all.length) {
    // Nothing is summed: an elementwise product, which other elementwise work can join.
    const align = ({ tensor, labels }: Labeled): Tensor => {
      const own = out.filter((name) => labels.includes(name));
      const ordered = tensor.permute(own.map((name) => labels.indexOf(name)));
      return ordered.reshape(
        out.map((name) => (labels.includes(name) ? tensor.shape[labels.indexOf(name)] : 1)),
      );
    };
    return {
      tensor: align({ ...a, tensor: a.tensor.cast(sumDType(a.tensor.dtype)) }).mul(align(b)),
      labels: out,
    };
  }
  const labels: ContractionLabels = { a: a.labels, b: b.labels, out };
  return { tensor: apply(contract, [a.tensor, b.tensor], labels), labels: out };
}

/** Axes in the order of the output. */
function arrange(
  { tensor, labels }: Labeled,
  out: readonly number[],
  sizes: ReadonlyMap<number, number>,
): Tensor {
  const own = out.filter((name) => labels.includes(name));
  const inOrder = own.every((name, i) => labels[i] === name);
  const ordered = inOrder ? tensor : tensor.permute(own.map((name) => labels.indexOf(name)));
  return own.length === out.length ? ordered : ordered.reshape(out.map((name) => sizes.get(name)!));
}

function nameOf(name: number): string {
  return name < 0 ? '...' : String.fromCharCode(name);
}
