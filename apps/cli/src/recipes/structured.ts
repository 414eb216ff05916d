/**
 * Recipes whose models have several inputs or several outputs. Inside, they go the way of all recipes; where their parts have
 * to be told apart (reports, predictions) that is asked of the data.
 */
import type { Column, MemoryDataset, Scaling } from '@ag/datasets';
import type { Tensor } from '@ag/tensor';
import type { OutputKind, Recipe, Task } from './recipe.ts';

export type { OutputKind } from './recipe.ts';

export const outputKinds: readonly OutputKind[] = ['classification', 'regression', 'binary'];

/** Whether this says what an output means, or what each of several does. */
export function isKind(kind: unknown): boolean {
  if (typeof kind !== 'object' || kind === null) return outputKinds.includes(kind as OutputKind);
  const kinds = Object.values(kind);
  return kinds.length > 0 && kinds.every((one) => outputKinds.includes(one));
}

/** The heads of a model with what they mean; the name is '' where there is one output. */
export function headsOf(recipe: Recipe): (readonly [head: string, kind: OutputKind])[] {
  const kind: unknown = recipe.kind;
  return typeof kind === 'string'
    ? [['', kind as OutputKind]]
    : Object.entries(kind as Record<string, OutputKind>);
}

/** Whether inputs or targets have several parts. */
export function isStructured({ columns }: MemoryDataset): boolean {
  return !isColumn(columns.x) || !isColumn(columns.y);
}

function isColumn(tree: unknown): tree is Column {
  return ArrayBuffer.isView((tree as Partial<Column> | null)?.data);
}

/** The columns of a structure by path: `image`, `boxes/0`; '' for one column. */
export function columnsByPath(tree: unknown, path = ''): (readonly [string, Column])[] {
  if (isColumn(tree)) return [[path, tree]];
  return Object.entries(tree as object).flatMap(([key, part]) =>
    columnsByPath(part, path === '' ? key : `${path}/${key}`),
  );
}

/** The same structure with something else in place of each column or tensor. */
export function mapParts<T>(
  tree: unknown,
  isPart: (value: unknown) => value is T,
  change: (part: T, path: string) => unknown,
  path = '',
): unknown {
  if (isPart(tree)) return change(tree, path);
  const parts = Object.entries(tree as object).map(
    ([key, part]) => [key, mapParts(part, isPart, change, path === '' ? key : `${path}/${key}`)] as const,
  );
  return Array.isArray(tree) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/** The same columns with other data. */
export function mapColumns(tree: unknown, change: (column: Column, path: string) => unknown): unknown {
  return mapParts(tree, isColumn, change);
}

/** The tensors of an output by path; '' for one tensor. */
export function tensorsByPath(tree: unknown, path = ''): (readonly [string, Tensor])[] {
  if (typeof (tree as Partial<Tensor> | null)?.dtype === 'string') return [[path, tree as Tensor]];
  return Object.entries((tree ?? {}) as object).flatMap(([key, part]) =>
    tensorsByPath(part, path === '' ? key : `${path}/${key}`),
  );
}

/** Values of a head in the unit of the data: what a transform scaled, scaled back. */
export function unscaled(
  { transform }: Pick<Task, 'transform'>,
  head: string,
  values: ArrayLike<number>,
): Float32Array {
  const column = head === '' ? 'y' : `y/${head}`;
  let now: Float32Array = Float32Array.from(values);
  for (const scaling of scalingsOf(transform).reverse())
    if (scaling.column === column) now = scaling.inverse(now);
  return now;
}

/** The scalings in a transform, the first first. */
function scalingsOf(transform: unknown): Scaling[] {
  const { transforms, inverse } = (transform ?? {}) as { transforms?: readonly unknown[] } & Partial<Scaling>;
  if (transforms) return transforms.flatMap(scalingsOf);
  return typeof inverse === 'function' ? [transform as Scaling] : [];
}
