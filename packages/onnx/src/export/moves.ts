/**
 * Views, parts and positions, written.
 */
import type { Tensor } from '@ag/tensor';
import { broadcastLike, broadcastTo, hasOpen, isOpen, type PlaceAttributes } from '@ag/tensor/engine';
import type { Writer } from './writer.ts';

export function permute(writer: Writer, node: Tensor): string {
  const { order } = node.attributes as { readonly order: readonly number[] };
  return writer.add('Transpose', [writer.name(node.inputs[0])], { perm: [...order] });
}

/** Beyond every axis, in either direction. */
const far = 2 ** 31 - 1;

export function flip(writer: Writer, node: Tensor): string {
  const { axes } = node.attributes as { readonly axes: readonly number[] };
  const all = (value: number): string => writer.ints(axes.map(() => value));
  return writer.add('Slice', [writer.name(node.inputs[0]), all(-1), all(-far), writer.ints(axes), all(-1)]);
}

interface Section {
  readonly axis: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

export function section(writer: Writer, node: Tensor): string {
  return cut(writer, writer.name(node.inputs[0]), node.attributes as Section);
}

function cut(writer: Writer, x: string, { axis, start, size, step }: Section): string {
  const past = start + size * step;
  const end = past < 0 ? -far : past;
  return writer.add('Slice', [x, ...[start, end, axis, step].map((n) => writer.ints([n]))]);
}

export function slice(writer: Writer, node: Tensor): string {
  const { axis, size, step } = node.attributes as Omit<Section, 'start'>;
  const [x, from] = node.inputs;
  const { leaf } = from;
  if (leaf?.kind === 'literal' && !leaf.read) {
    return cut(writer, writer.name(x), { axis, start: leaf.value, size, step });
  }
  const start = writer.add('Reshape', [writer.add('Cast', [writer.name(from)], { to: 7 }), writer.ints([1])]);
  const end = writer.add('Add', [start, writer.ints([size * step])]);
  if (step < 0) throw writer.refuse(node, 'it goes backwards from a computed start');
  return writer.add('Slice', [writer.name(x), start, end, writer.ints([axis]), writer.ints([step])]);
}

/** Parts that tile one axis are joined, one part is padded. */
export function place(writer: Writer, node: Tensor): string {
  const { parts, fill } = node.attributes as PlaceAttributes;
  const inputs = node.inputs.slice(0, parts.length);
  const names = inputs.map((input) => writer.as(input, node.dtype));
  const plain = parts.every((part) => part.moving.length === 0 && part.steps.every((step) => step === 1));
  if (plain) {
    const axis = parts[0].starts.findIndex((_, i) => parts.some((part) => part.starts[i] !== 0));
    const at = axis < 0 ? inputs[0].shape.findIndex((size, i) => size !== node.shape[i]) : axis;
    if (parts.length === 1 || at < 0) return padded(writer, node, names[0], inputs[0]);
    let next = 0;
    const tiles = parts.every((part, i) => {
      const fits = part.starts.every((start, j) => start === (j === at ? next : 0));
      next += inputs[i].shape[at];
      return fits && inputs[i].shape.every((size, j) => j === at || size === node.shape[j]);
    });
    if (tiles && next === node.shape[at]) return writer.add('Concat', names, { axis: at });
  }
  if (fill !== 0 || parts.some((part) => part.moving.length > 0)) {
    throw writer.refuse(node, 'its parts neither tile an axis nor are one');
  }
  throw writer.refuse(node, 'its parts neither tile an axis nor are one with a step of 1');
}

function padded(writer: Writer, node: Tensor, name: string, x: Tensor): string {
  const { parts, fill } = node.attributes as PlaceAttributes;
  const { starts } = parts[0];
  const after = node.shape.map((size, i) => (isOpen(size) ? 0 : size - starts[i] - x.shape[i]));
  if ([...starts, ...after].every((n) => n === 0)) return name;
  return writer.add('Pad', [name, writer.ints([...starts, ...after]), writer.number(fill, node.dtype)]);
}

/** `Gather` where positions and what they are looked up in have axes of their own, else element by element. */
export function gather(writer: Writer, node: Tensor): string {
  const { axis } = node.attributes as { readonly axis: number };
  const [source, given] = node.inputs;
  // What is repeated along an axis is the same position there.
  let index = given;
  while (index.op === broadcastTo || index.op === broadcastLike) [index] = index.inputs;
  const rank = source.shape.length;
  const sizes = [...new Array<number>(rank - index.shape.length).fill(1), ...index.shape];
  const inner = sizes.flatMap((size, i) =>
    i > axis && source.shape[i] === 1 && (size !== 1 || node.shape[i] !== 1) ? [i] : [],
  );
  const besides = sizes.every((size, i) => i === axis || inner.includes(i) || size === 1);
  const following = inner.every((i, j) => i === axis + 1 + j);
  const sourceFits = source.shape.every(
    (size, i) => i === axis || inner.includes(i) || size === node.shape[i],
  );
  if (besides && following && sourceFits) {
    const squeezed = source.shape.filter((_, i) => !inner.includes(i));
    const own = [axis, ...inner].map((i) => sizes[i]);
    const whole = [axis, ...inner].every((i) => sizes[i] === node.shape[i]);
    if (whole) {
      const table =
        inner.length === 0 ? writer.name(source) : reshaped(writer, writer.name(source), squeezed);
      const positions = reshaped(writer, writer.as(index, 'int32'), own);
      return writer.add('Gather', [table, positions], { axis });
    }
  }
  const shape = node.shape.map((size, i) => (i === axis ? source.shape[i] : size));
  const expand = (x: Tensor, name: string, to: readonly number[]): string => {
    const lead = to.length - x.shape.length;
    return writer.add('Expand', [
      name,
      writer.sizes(to.map((size, i) => (size === x.shape[i - lead] ? 1 : size))),
    ]);
  };
  return writer.add(
    'GatherElements',
    [expand(source, writer.name(source), shape), expand(given, writer.as(given, 'int32'), node.shape)],
    { axis },
  );
}

function reshaped(writer: Writer, name: string, shape: readonly number[]): string {
  return writer.add('Reshape', [
    name,
    writer.sizes(
      hasOpen(shape) && shape.filter(isOpen).length === 1
        ? shape.map((size) => (isOpen(size) ? -1 : size))
        : shape,
    ),
  ]);
}

/** Updates added to zeros. */
export function scatter(writer: Writer, node: Tensor): string {
  const { axis } = node.attributes as { readonly axis: number };
  const [, index, updates] = node.inputs;
  const shape = node.shape.map((size, i) => (i === axis ? index.shape[axis] : size));
  const zeros = writer.add('Expand', [writer.number(0, node.dtype), writer.sizes(node.shape)]);
  const expand = (name: string): string => writer.add('Expand', [name, writer.sizes(shape)]);
  return writer.add(
    'ScatterElements',
    [zeros, expand(writer.as(index, 'int32')), expand(writer.as(updates, node.dtype))],
    {
      axis,
      reduction: 'add',
    },
  );
}
