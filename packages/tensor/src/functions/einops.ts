/**
 * Axes by name: `rearrange`, `reduce` and `repeat` say in one pattern how axes are taken apart, ordered, combined and joined
 * (A. Rogozhnikov, "Einops: clear and reliable tensor manipulations with Einstein-like notation", ICLR 2022).
 */
import { checkInteger, describeValue } from '../check.ts';
import { shapeError, typeError, valueError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { checkTensor, Tensor } from '../tensor.ts';

/** Sizes of axes that a pattern names and that do not follow from the tensor. */
export type AxisSizes = Readonly<Record<string, number>>;

/** How `reduce` combines the axes that the right side leaves out. */
export type Reduction = 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'any' | 'all';

/**
 * The same elements with axes taken apart, ordered and joined. Names stand for axes, parentheses for one that is made of several, the
 * outer first; `...` stands for any number of axes, `1` for one of size 1.
 *
 * ```ts
 * rearrange(x, 'b h w c -> b c h w');
 * rearrange(x, 'b (h w) c -> b c h w', { h: 4 });
 * rearrange(x, 'b ... -> b (...)');
 * ```
 *
 * @throws RangeError for a pattern that does not fit the shape, saying which axis does not
 */
export function rearrange(x: Tensor, pattern: string, sizes: AxisSizes = {}): Tensor {
  return transformed('rearrange', x, pattern, sizes, null);
}

/**
 * Combines the axes that the right side does not name, and arranges the others as `rearrange` does.
 *
 * ```ts
 * reduce(x, 'b c (h 2) (w 2) -> b c h w', 'max'); // pooling
 * ```
 */
export function reduce(x: Tensor, pattern: string, reduction: Reduction, sizes: AxisSizes = {}): Tensor {
  if (!reductions.includes(reduction))
    throw valueError(
      `reduce: the reduction must be one of ${reductions.join(', ')}, got ${describeValue(reduction)}`,
    );
  return transformed('reduce', x, pattern, sizes, reduction);
}

/**
 * Each element `count` times along an axis, as the method does; or, by a pattern, along new axes that the right side names or
 * gives as a number.
 *
 * ```ts
 * repeat(x, 2, 0);
 * repeat(x, 'h w -> (h 2) w c', { c: 3 });
 * ```
 */
export function repeat(x: Tensor, count: number, axis?: number): Tensor;
export function repeat(x: Tensor, pattern: string, sizes?: AxisSizes): Tensor;
export function repeat(x: Tensor, given: number | string, rest?: number | AxisSizes): Tensor {
  checkTensor(x, 'repeat');
  if (typeof given !== 'string') return x.repeat(given, rest as number | undefined);
  return transformed('repeat', x, given, (rest as AxisSizes | undefined) ?? {}, null);
}

const reductions: readonly string[] = ['sum', 'mean', 'max', 'min', 'prod', 'any', 'all'];

/** A side of a pattern: for each axis the names it is made of. */
type Side = readonly (readonly string[])[];

function transformed(
  operation: string,
  x: Tensor,
  pattern: string,
  sizes: AxisSizes,
  reduction: Reduction | null,
): Tensor {
  const { shape } = checkTensor(x, operation);
  if (typeof pattern !== 'string')
    throw typeError(
      `${operation}: the pattern must be a text such as 'b h w c -> b c h w', got ${describeValue(pattern)}`,
    );
  const halves = pattern.split('->');
  if (halves.length !== 2)
    throw valueError(`${operation}: the pattern needs one '->' between two sides, got '${pattern}'`);
  const fault = (what: string): RangeError =>
    shapeError(`${operation}: ${what}, in '${pattern}' for ${formatShape(shape)}`);
  const [left, right] = halves.map((half, i) => parse(half, i === 0 ? 'l' : 'r', fault));
  const from = spelledOut(left, shape.length, fault);
  const dots = from.flat().filter((name) => name.startsWith('...'));
  const to = right.map((names) => names.flatMap((name) => (name === '...' ? dots : [name])));
  const known = sizesOf(operation, from, to, shape, sizes, fault);
  const names = from.flat();
  const wanted = to.flat();
  const fresh = wanted.filter((name) => !names.includes(name));
  const gone = names.filter((name) => !wanted.includes(name));
  const usable = fresh.filter((name) => !(known.get(name) === 1 && name.startsWith('#')));
  if (usable.length > 0 && operation !== 'repeat')
    throw fault(`axis ${label(usable[0])} stands only on the right; new axes are for repeat`);
  const lost = gone.filter((name) => known.get(name) !== 1 || !name.startsWith('#'));
  if (lost.length > 0 && reduction === null)
    throw fault(`axis ${label(lost[0])} stands only on the left; reduce leaves axes out`);

  const size = (name: string): number => known.get(name) as number;
  let result = reshaped(x, names.map(size));
  if (gone.length > 0) {
    const axes = gone.map((name) => names.indexOf(name));
    result = reduction === null ? result.squeeze(axes) : result[reduction](axes);
  }
  const kept = names.filter((name) => wanted.includes(name));
  const held = wanted.filter((name) => kept.includes(name));
  const order = held.map((name) => kept.indexOf(name));
  if (order.some((axis, i) => axis !== i)) result = result.permute(order);
  if (fresh.length > 0) {
    const open = wanted.map((name) => (fresh.includes(name) ? 1 : size(name)));
    result = reshaped(result, open).broadcastTo(wanted.map(size));
  }
  return reshaped(
    result,
    to.map((group) => group.reduce((product, name) => product * size(name), 1)),
  );
}

function reshaped(x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.length === shape.length && shape.every((n, i) => n === x.shape[i]) ? x : x.reshape(shape);
}

/** What messages call an axis. */
function label(name: string): string {
  return name.startsWith('#') ? name.split(' ')[1] : name;
}

/** Numbers become names of their own: `#` and side and place, then the number. */
function parse(text: string, side: string, fault: (what: string) => Error): Side {
  const groups: string[][] = [];
  let open: string[] | null = null;
  let count = 0;
  const seen = new Set<string>();
  for (const token of text.match(/\.\.\.|[()]|[A-Za-z_]\w*|\d+|\S/g) ?? []) {
    if (token === '(') {
      if (open) throw fault('parentheses stand in parentheses');
      open = [];
      groups.push(open);
    } else if (token === ')') {
      if (!open) throw fault("a ')' has no '('");
      open = null;
    } else {
      if (!/^(\.\.\.|[A-Za-z_]\w*|\d+)$/.test(token)) throw fault(`'${token}' is no name of an axis`);
      if (seen.has(token) && !/^\d/.test(token)) throw fault(`axis ${token} is named twice on one side`);
      seen.add(token);
      const name = /^\d/.test(token) ? `#${side}${count++} ${token}` : token;
      if (open) open.push(name);
      else groups.push([name]);
    }
  }
  if (open) throw fault("a '(' is not closed");
  return groups;
}

/** The left side with `...` as as many axes as the tensor has beside the others. */
function spelledOut(side: Side, rank: number, fault: (what: string) => Error): string[][] {
  if (side.some((names) => names.length > 1 && names.includes('...')))
    throw fault("on the left '...' cannot stand in parentheses with other axes");
  const at = side.findIndex((names) => names.includes('...'));
  const count = rank - side.length + (at < 0 ? 0 : 1);
  if (at < 0 ? count !== 0 : count < 0)
    throw fault(`the left side has ${side.length - (at < 0 ? 0 : 1)} axes and the tensor ${rank}`);
  return side.flatMap((names, i) =>
    i === at ? Array.from({ length: count }, (_, k) => [`...${k}`]) : [[...names]],
  );
}

function sizesOf(
  operation: string,
  from: Side,
  to: Side,
  shape: readonly number[],
  given: AxisSizes,
  fault: (what: string) => Error,
): Map<string, number> {
  const known = new Map<string, number>();
  const all = new Set([...from.flat(), ...to.flat()]);
  if (typeof given !== 'object' || given === null || given instanceof Tensor)
    throw typeError(`${operation}: sizes must be an object such as { h: 4 }, got ${describeValue(given)}`);
  for (const name of all) if (name.startsWith('#')) known.set(name, Number(name.split(' ')[1]));
  for (const [name, size] of Object.entries(given)) {
    if (!all.has(name)) throw fault(`there is no axis ${name}`);
    known.set(name, checkInteger(size, operation, `the size of ${name}`, 0));
  }
  from.forEach((names, axis) => {
    const missing = names.filter((name) => !known.has(name));
    const product = names.reduce((n, name) => n * (known.get(name) ?? 1), 1);
    if (missing.length > 1)
      throw fault(`the sizes of ${missing.join(' and ')} do not follow; give all but one of them`);
    if (missing.length === 1) {
      const rest = product === 0 ? 0 : shape[axis] / product;
      if (!Number.isInteger(rest) || (product === 0 && shape[axis] !== 0))
        throw fault(`axis ${axis} of size ${shape[axis]} cannot be divided by ${product}`);
      known.set(missing[0], rest);
    } else if (product !== shape[axis]) {
      throw fault(`axis ${axis} has size ${shape[axis]} and (${names.map(label).join(' ')}) ${product}`);
    }
  });
  for (const name of to.flat())
    if (!known.has(name)) throw fault(`the size of the new axis ${label(name)} is not given`);
  return known;
}
