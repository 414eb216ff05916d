/**
 * Modules put together from others: one after the other, and around a shortcut.
 */
import type { Tensor, Variable } from '@ag/tensor';
import { describeValue, typeError } from '@ag/tensor/engine';
import type { Chain, Entering, Fitting, LeavingShape, Merges, Sum, shapeEffect } from './layerShapes.ts';
import { locate } from './locate.ts';
import { type AnyModule, Module } from './module.ts';

/** A module from one tensor to one tensor, or a plain function. */
export type Step = Module<[Tensor], Tensor> | ((x: Tensor) => Tensor);

/** Each module's output is the next one's input. Names inside are '0', '1', …, as in PyTorch. */
export class Sequential<Layers extends readonly Step[] = readonly Step[]>
  extends Module
  implements Iterable<Step>
{
  declare readonly [shapeEffect]?: Chain<Layers>;
  readonly layers: readonly Step[];

  /** Use {@link sequential}. */
  constructor(...layers: Layers) {
    super();
    layers.forEach((layer, i) => {
      if (!(layer instanceof Module) && typeof layer !== 'function') {
        const remedy = Array.isArray(layer) ? '; give the layers one by one: sequential(...layers)' : '';
        throw typeError(
          `sequential: argument ${i} is neither a module nor a function but ${describeValue(layer)}${remedy}`,
        );
      }
    });
    this.layers = layers;
  }

  get length(): number {
    return this.layers.length;
  }

  /** The layer at a position; negative ones count from the end. */
  at(position: number): Step | undefined {
    return this.layers.at(position);
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    let y = x;
    let at = 0;
    try {
      for (; at < this.layers.length; at++) {
        const layer = this.layers[at];
        y = typeof layer === 'function' ? layer(y) : layer.forward(y);
      }
    } catch (error) {
      if (typeof this.layers[at] === 'function') locate(error, this, [y], at);
      throw error;
    }
    return y;
  }

  [Symbol.iterator](): Iterator<Step> {
    return this.layers[Symbol.iterator]();
  }

  override *members(): Iterable<readonly [string, Variable | AnyModule]> {
    for (const [i, layer] of this.layers.entries()) if (layer instanceof Module) yield [String(i), layer];
  }

  override describe() {
    return this.layers.every((layer) => layer instanceof Module)
      ? (['sequential', ...this.layers] as const)
      : null;
  }
}

/**
 * Modules (and functions from tensor to tensor) one after the other.
 *
 * ```ts
 * const model = sequential(linear(784, 128), relu(), linear(128, 10));
 * ```
 */
export function sequential<Layers extends readonly Step[]>(
  ...layers: Layers & Fitting<Layers>
): Sequential<Layers> {
  return new Sequential<Layers>(...(layers as Layers));
}

/** y = body(x) + shortcut(x) (He et al. 2016). */
export class Residual<
  Body extends Module = Module,
  Shortcut extends Module | null = Module | null,
> extends Module {
  declare readonly [shapeEffect]?: Sum<Body, Shortcut>;
  readonly body: Body;
  /** Brings the input to the output's shape; null passes it unchanged. */
  readonly shortcut: Shortcut;

  /** Use {@link residual}. */
  constructor(body: Body, shortcut: Shortcut = null as Shortcut) {
    super();
    this.body = body;
    this.shortcut = shortcut;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return this.body.forward(x).add(this.shortcut ? this.shortcut.forward(x) : x);
  }

  override describe() {
    return ['residual', this.body, this.shortcut] as const;
  }
}

/**
 * A shortcut around `body`: y = body(x) + x. Where their shapes differ, `shortcut` (often a 1×1 convolution) changes x.
 *
 * ```ts
 * const block = residual(sequential(linear(64, 64), relu(), linear(64, 64)));
 * ```
 */
export function residual<Body extends Module, Shortcut extends Module | null = null>(
  body: Body,
  shortcut: Shortcut = null as Shortcut,
): Residual<Body, Shortcut> {
  return new Residual(body, shortcut);
}

/** Merges axes: see {@link flatten}. */
export class Flatten<Start extends number = number, End extends number = number> extends Module {
  declare readonly [shapeEffect]?: Merges<Start, End>;
  readonly start: Start;
  readonly end: End;

  /** Use {@link flatten}. */
  constructor(start: Start = 1 as Start, end: End = -1 as End) {
    super();
    this.start = start;
    this.end = end;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.flatten(this.start, this.end);
  }

  override describe() {
    return ['flatten', this.start, this.end] as const;
  }
}

/** Merges the axes from `start` (default 1, so batches stay apart) to `end`: `[batch, 1, 28, 28] → [batch, 784]`. */
export function flatten<Start extends number = 1, End extends number = -1>(
  start: Start = 1 as Start,
  end: End = -1 as End,
): Flatten<Start, End> {
  return new Flatten(start, end);
}
