/**
 * A table of trained vectors, looked up by index: words, categories, positions.
 */

import { type DType, gather, oneHot, scalar, type Tensor, Variable } from '@ag/tensor';
import { checkOptions, checkTensor, valueError } from '@ag/tensor/engine';
import { checkCount } from './check.ts';
import { type Initializer, normal } from './init.ts';
import type { Appends, Entering, LeavingShape, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** Options of {@link embedding}. */
export interface EmbeddingOptions {
  /** The vector of this index starts at 0 and is not trained. */
  readonly paddingIndex?: number;
  /** Default N(0, 1). */
  readonly weightInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

/** See {@link embedding}. */
export class Embedding<Features extends number = number> extends Module {
  declare readonly [shapeEffect]?: Appends<Features>;
  readonly count: number;
  readonly features: Features;
  readonly paddingIndex: number | null;
  /** [count, features] */
  readonly weight: Variable;

  /** Use {@link embedding}. */
  constructor(count: number, features: Features, options: EmbeddingOptions = {}) {
    super();
    checkOptions('embedding', options, 'paddingIndex weightInit dtype');
    const { paddingIndex = null, dtype = 'float32' } = options;
    this.count = checkCount(count, 'embedding', 'entries');
    this.features = checkCount(features, 'embedding', 'features');
    if (
      paddingIndex !== null &&
      !(Number.isInteger(paddingIndex) && paddingIndex >= 0 && paddingIndex < count)
    ) {
      throw valueError(`embedding: paddingIndex must be in 0 … ${count - 1}, got ${paddingIndex}`);
    }
    this.paddingIndex = paddingIndex;
    const init = options.weightInit ?? ((shape, given) => normal(shape, { ...given, std: 1 }));
    const initial = init([count, features], { dtype });
    this.weight = new Variable(paddingIndex === null ? initial : withoutRow(initial, paddingIndex), {
      name: 'weight',
    });
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    index: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(index: Tensor): Tensor {
    return lookUp(index, this.weight.value, this.paddingIndex);
  }

  override describe() {
    return [
      'embedding',
      this.count,
      this.features,
      { paddingIndex: this.paddingIndex ?? undefined, dtype: this.weight.dtype },
    ] as const;
  }
}

/**
 * `[...]` whole numbers in 0 … count − 1 (integers, or float32) → `[..., features]`.
 *
 * An index outside, a fraction or NaN makes the evaluation fail.
 */
export function embedding<Features extends number>(
  count: number,
  features: Features,
  options: EmbeddingOptions = {},
): Embedding<Features> {
  return new Embedding(count, features, options);
}

/**
 * Rows of a table: `[...]` → `[..., features]`.
 *
 * @param table [count, features]
 * @param paddingIndex a row that gets no gradient
 */
export function lookUp(index: Tensor, table: Tensor, paddingIndex: number | null): Tensor {
  const [count, features] = table.shape;
  // Row i of the table stands along axis 0; the index's other axes and the features broadcast.
  const given = checkTensor(index, 'embedding', 'index').shape.length === 0 ? index.reshape([1]) : index;
  // Elsewhere negative indices count from the end; a −1 that fills up sentences must not become the last word.
  const places = given.less(0).where(count, given).unsqueeze(-1);
  const between = places.shape.slice(1, -1).map(() => 1);
  const found = gather(table.reshape([count, ...between, features]), places, 0);
  const rows = index.shape.length === 0 ? found.reshape([features]) : found;
  if (paddingIndex === null) return rows;
  // A constant as far as gradients are concerned.
  return index.equal(paddingIndex).unsqueeze(-1).where(rows.detach(), rows);
}

function withoutRow(table: Tensor, row: number): Tensor {
  return oneHot(scalar(row), table.shape[0], { dtype: 'bool' }).unsqueeze(-1).where(0, table);
}
