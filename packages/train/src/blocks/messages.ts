/** What a program and its workers say to each other. */
import { type DType, Tensor, type TypedArray, tensor } from '@ag/tensor';
import type { TrainingErrorKind } from '../errors.ts';
import { isNested } from '../structure.ts';
import type { Subtree } from './tree.ts';

/** A block of a batch: its number, its share of the examples, and its rows. */
export interface BlockOfTask {
  readonly block: number;
  readonly share: number;
  readonly x: unknown;
  readonly y: unknown;
}

/** Blocks to be computed. */
export interface Task {
  readonly ag: 'blocks';
  readonly task: number;
  readonly blocks: readonly BlockOfTask[];
  /** How many the batch has. */
  readonly count: number;
  /** Weights and statistics, packed. */
  readonly weights: readonly TypedArray[];
  readonly random: { readonly words: readonly [number, number]; readonly drawn: number };
}

export type ToWorker =
  | { readonly ag: 'crew'; readonly lock: string | null; readonly compile: boolean }
  | Task;

export type FromWorker =
  | { readonly ag: 'ready'; readonly layout: string; readonly backend: string }
  | {
      readonly ag: 'sums';
      readonly task: number;
      readonly sums: readonly Subtree[];
      readonly without: readonly number[];
      readonly drawn: number;
    }
  | {
      readonly ag: 'failed';
      readonly task: number;
      readonly message: string;
      readonly kind?: TrainingErrorKind;
      readonly code?: string;
    };

/** A tensor as a message takes it. */
interface Elements {
  readonly elements: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Reads the tensors of a structure once, so that any rows of them can be sent. */
export async function elementsOf(structure: unknown): Promise<unknown> {
  if (structure instanceof Tensor) {
    const { shape, dtype } = structure;
    return new Sendable({ elements: await structure.data(), shape, dtype });
  }
  if (!isNested(structure)) return structure;
  const parts = await Promise.all(
    Object.entries(structure).map(async ([key, part]) => [key, await elementsOf(part)] as const),
  );
  return Array.isArray(structure) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/** Rows of what `elementsOf` read, as a message takes them. Parts without axes belong to all. */
export function rowsOf(read: unknown, from: number, to: number): unknown {
  if (read instanceof Sendable) {
    const { elements, shape, dtype } = read.tensor;
    if (shape.length === 0) return { elements, shape, dtype } satisfies Elements;
    const row = elements.length / Math.max(1, shape[0]);
    return {
      elements: elements.slice(from * row, to * row),
      shape: [to - from, ...shape.slice(1)],
      dtype,
    } satisfies Elements;
  }
  if (!isNested(read)) return read;
  if (Array.isArray(read)) return read.map((part) => rowsOf(part, from, to));
  return Object.fromEntries(Object.entries(read).map(([key, part]) => [key, rowsOf(part, from, to)]));
}

/** Tensors again. */
export function received(sent: unknown): unknown {
  if (!isNested(sent)) return sent;
  if (Array.isArray(sent)) return sent.map(received);
  const { elements, shape, dtype } = sent as Partial<Elements>;
  if (elements !== undefined && ArrayBuffer.isView(elements) && shape !== undefined && dtype !== undefined)
    return tensor(elements, { shape, dtype, copy: false });
  return Object.fromEntries(Object.entries(sent).map(([key, part]) => [key, received(part)]));
}

/** Apart from what a batch may hold itself. */
class Sendable {
  readonly tensor: Elements;

  constructor(tensor: Elements) {
    this.tensor = tensor;
  }
}
