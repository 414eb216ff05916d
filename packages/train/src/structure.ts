/**
 * Inputs, outputs and targets that are more than one tensor: tuples and named structures. Whatever is said about their parts
 * says it by path: `image`, `0`, `boxes/corners`.
 */
import { concat, evaluate, formatShape, Tensor, tensor } from '@ag/tensor';
import { describeValue } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';

/** A tensor of a structure and where it is: '' for a tensor that stands alone. */
export type Part = readonly [path: string, tensor: Tensor];

/** The parts of a structure, in the order of its keys. What is no tensor is handed to `other`, or left out. */
export function partsOf(structure: unknown, other?: (path: string, value: unknown) => never): Part[] {
  const found: Part[] = [];
  const visit = (path: string, value: unknown): void => {
    if (value instanceof Tensor) found.push([path, value]);
    else if (isNested(value)) for (const key of Object.keys(value)) visit(join(path, key), value[key]);
    else other?.(path, value);
  };
  visit('', structure);
  return found;
}

/** Arrays and plain objects: what has parts. */
export function isNested(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || value instanceof Tensor) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function join(path: string, key: string): string {
  return path === '' || key === '' ? path + key : `${path}/${key}`;
}

/** A structure as messages show it: `{ image: [32, 1, 8, 8], meta: [32, 4] }`; a tensor by its shape. */
export function describeStructure(structure: unknown): string {
  if (structure instanceof Tensor) return formatShape(structure.shape);
  if (!isNested(structure)) return describeValue(structure);
  if (Array.isArray(structure)) return `(${structure.map(describeStructure).join(', ')})`;
  const parts = Object.entries(structure).map(([key, part]) => `${key}: ${describeStructure(part)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

/**
 * How many examples a batch holds: the size of the first axis, which all its parts share. Parts without axes have none.
 *
 * @throws TrainingError `option` naming the parts whose sizes differ, and parts of `x` that are no tensors
 */
export function examplesOf(x: unknown, y: unknown, operation: string): number {
  if (x instanceof Tensor && (y instanceof Tensor || y === undefined)) return x.shape[0] ?? 1;
  const refuse = (path: string, value: unknown): never => {
    throw new TrainingError(
      `${operation}: ${join('x', path)} of the batch is ${describeValue(value)}, not a tensor (or a tuple or object of tensors)`,
      { code: 'option' },
    );
  };
  // What a target is made of is a matter between the data and the loss.
  const parts = [
    ...partsOf(x, refuse).map(([path, part]) => [join('x', path), part] as const),
    ...partsOf(y).map(([path, part]) => [join('y', path), part] as const),
  ].filter(([, part]) => part.shape.length > 0);
  if (parts.length === 0) return 1;
  const [[first, { shape }]] = parts;
  for (const [path, part] of parts) {
    if (part.shape[0] === shape[0]) continue;
    throw new TrainingError(
      `${operation}: the parts of a batch hold different numbers of examples: ${shape[0]} in ${first} ${formatShape(shape)}, ` +
        `${part.shape[0]} in ${path} ${formatShape(part.shape)}; the first axis of each part counts the same examples`,
      { code: 'option' },
    );
  }
  return shape[0];
}

/** The same structure of other tensors, given in the order of `partsOf`. */
export function structureLike(structure: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0;
  const build = (value: unknown): unknown => {
    if (value instanceof Tensor) return tensors[next++];
    if (!isNested(value)) return value;
    if (Array.isArray(value)) return value.map(build);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, build(part)]));
  };
  return build(structure);
}

/** Structures of equal form, one behind the other along their first axes, computed. */
export async function concatenated(structures: readonly unknown[], operation: string): Promise<unknown> {
  const all = structures.map((one) => partsOf(one));
  const [first] = all;
  for (const [i, parts] of all.entries()) {
    if (parts.length === first.length && parts.every(([path], part) => path === first[part][0])) continue;
    throw new TrainingError(
      `${operation}: the model's output is ${describeStructure(structures[i])} for batch ${i}, but ${describeStructure(structures[0])} for the first one`,
      { code: 'option' },
    );
  }
  const joined = first.map(([, part], i) =>
    all.length === 1
      ? part
      : concat(
          all.map((parts) => parts[i][1]),
          0,
        ),
  );
  evaluate(joined);
  const read = await Promise.all(joined.map((part) => part.data()));
  return structureLike(
    structures[0],
    joined.map(({ shape, dtype }, i) => tensor(read[i], { shape, dtype, copy: false })),
  );
}
