/**
 * Sizes that are open until a placeholder is fed. In a shape each is a negative number of its own, so that equal ones are equal, and what
 * would have to compute with one is found out.
 */
import { codedError } from './errors.ts';

/** The open size of a batch: the one that all placeholders share whose first size is null. Everywhere else it stands for −1. */
export const openSize = -1;

/** A size that is a product: so many times these. */
interface Product {
  readonly times: number;
  readonly of: readonly number[];
}

/** Names and products by number; those without a name have null. */
const known: (string | null | Product)[] = [];
const named = /* @__PURE__ */ new Map<string, number>();

/** Far from anything that is computed from sizes, and from each other. */
const first = -(2 ** 40);
const apart = 2 ** 24;

const sizeAt = (position: number): number => first - apart * position - 1;

function enter(what: string | null | Product): number {
  known.push(what);
  return sizeAt(known.length - 1);
}

/** The open size of a name, the same for all placeholders; without a name one that is no other's. */
export function openSizeOf(name: string | null): number {
  if (name === null) return enter(null);
  if (name === 'batch') return openSize;
  let size = named.get(name);
  if (size === undefined) {
    size = enter(name);
    named.set(name, size);
  }
  return size;
}

export const isOpen = (size: number): boolean => size < 0;

/** Whether a shape has an open size. */
export function hasOpen(shape: readonly number[]): boolean {
  for (let i = 0; i < shape.length; i++) if (shape[i] < 0) return true;
  return false;
}

function entry(size: number): string | null | Product | undefined {
  if (size === openSize) return 'batch';
  return known[(first - 1 - size) / apart];
}

/** The name of an open size, also of a product, `batch*length`; null for one that has none. */
export function openSizeName(size: number): string | null {
  const what = entry(size);
  if (what === undefined || what === null || typeof what === 'string') return what ?? null;
  const names = what.of.map(openSizeName);
  if (names.includes(null)) return null;
  return [...(what.times === 1 ? [] : [what.times]), ...names].join('*');
}

/** A size as a number and the open ones it is a product of. */
export function factorsOf(size: number): Product {
  if (size >= 0) return { times: size, of: [] };
  const what = entry(size);
  return typeof what === 'object' && what !== null ? what : { times: 1, of: [size] };
}

/** The size that is so many times these, the same number for the same product. */
export function productSize(times: number, of: readonly number[]): number {
  if (of.length === 0 || times === 0) return times;
  if (of.length === 1 && times === 1) return of[0];
  const sorted = [...of].sort((a, b) => b - a);
  const key = `${times} ${sorted.join()}`;
  let size = named.get(key);
  if (size === undefined) {
    size = enter({ times, of: sorted });
    named.set(key, size);
  }
  return size;
}

/** Whether it is a number of elements, −1, or the open size of a placeholder. */
export function mayBeSize(size: number): boolean {
  return size >= -1 || entry(size) !== undefined;
}

/** The product of sizes, of which some are open. */
export function mergedSize(sizes: readonly number[]): number {
  const parts = sizes.map(factorsOf);
  return productSize(
    parts.reduce((product, { times }) => product * times, 1),
    parts.flatMap(({ of }) => of),
  );
}

/** @throws RangeError for a size that was computed from an open one */
export function checkSizes(sizes: readonly number[], where: string): void {
  for (const size of sizes) {
    if (size < 0 && entry(size) === undefined)
      throw codedError(
        RangeError,
        'AG_OPEN_SIZE',
        `${where}: a size would have to be computed from one that is open until the placeholder is fed; give the placeholder a number there, or do that to the data before feeding it`,
      );
  }
}

/** Attributes with numbers in place of open sizes: `sizes` says what was fed. */
export function withSizes<T>(value: T, sizes: ReadonlyMap<number, number>): T {
  return replaced(value, sizes) as T;
}

function replaced(value: unknown, sizes: ReadonlyMap<number, number>): unknown {
  if (typeof value === 'number') {
    if (value > first || entry(value) === undefined) return value;
    const { times, of } = factorsOf(value);
    return of.reduce((product, size) => product * (sizes.get(size) ?? size), times);
  }
  if (Array.isArray(value)) {
    const own = value.map((item) => replaced(item, sizes));
    return own.some((item, i) => item !== value[i]) ? own : value;
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const entries = Object.entries(value);
  const own = entries.map(([key, item]) => [key, replaced(item, sizes)] as const);
  return own.some(([, item], i) => item !== entries[i][1]) ? Object.fromEntries(own) : value;
}
