/**
 * One adapter: a pair of factors for each weight that it changes, and how they enter the computation.
 */
import { computedDType, conv1d, conv2d, type Key, splitKey, type Tensor, Variable, zeros } from '@ag/tensor';
import { Conv1d, Conv2d } from '../conv.ts';
import { dropped } from '../dropout.ts';
import { Embedding, lookUp } from '../embedding.ts';
import { addAround, addForwardHook } from '../hooks.ts';
import { fanInUniform, normal } from '../init.ts';
import type { AnyModule } from '../module.ts';
import { change, factorShapes, type Site } from './sites.ts';

/** What an adapter was made with. */
export interface AdapterSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rankStabilized: boolean;
}

/** A weight with its factors. */
export interface Part {
  readonly site: Site;
  readonly a: Variable;
  readonly b: Variable;
  /** alpha / rank, or alpha / √rank. */
  readonly scale: number;
}

/** A named set of factors. */
export interface Adapter {
  readonly settings: AdapterSettings;
  readonly parts: readonly Part[];
  /** Values of what trains whole while another adapter is in use. */
  whole: ReadonlyMap<Variable, Tensor> | null;
}

/**
 * Factors as they start: one is 0, so that the model computes what it did. A is drawn as linear layers are (He et al. 2015 with
 * a = √5, as in Hu et al. 2021's code and in peft); of embeddings A is 0 and B normal, as there.
 */
export function newParts(sites: readonly Site[], settings: AdapterSettings, seed: Key | null): Part[] {
  const keys = seed && sites.length > 0 ? splitKey(seed, sites.length) : null;
  return sites.map((site, i) => {
    const [a, b] = factorShapes(site, settings.rank);
    const dtype = computedDType(site.variable.dtype);
    const drawn = { dtype, ...(keys && { key: keys[i] }) };
    return site.kind === 'embedding'
      ? partOf(site, zeros(a, { dtype }), normal(b, { ...drawn, std: 1 }), settings)
      : partOf(site, fanInUniform(a, drawn), zeros(b, { dtype }), settings);
  });
}

/** @param settings alpha and how it is scaled; the rank is that of the factors */
export function partOf(
  site: Site,
  a: Tensor,
  b: Tensor,
  { alpha, rankStabilized }: Pick<AdapterSettings, 'alpha' | 'rankStabilized'>,
): Part {
  const rank = a.shape[0];
  return {
    site,
    a: new Variable(a, { name: `${site.name}.loraA` }),
    b: new Variable(b, { name: `${site.name}.loraB` }),
    scale: alpha / (rankStabilized ? Math.sqrt(rank) : rank),
  };
}

/** The change of the weight, in its shape. */
export function changeOf({ site, a, b, scale }: Part): Tensor {
  return change(site, a.value, b.value).mul(scale);
}

/** Lets the modules compute with an adapter. Returns what undoes it. */
export function attach({ parts, settings }: Adapter): () => void {
  const undo = parts.flatMap((part) => {
    const { kind, owners, around } = part.site;
    const reading = new Reading(part);
    const within = around.flatMap((module) => [
      addAround(module, reading.enter),
      aroundMethod(module, 'forwardWithState', reading.enter),
      aroundMethod(module, 'forwardWithWeights', reading.enter),
    ]);
    const layers = kind === 'weight' ? [] : owners.map((layer) => addAround(layer, reading.enterLayer));
    const changes = kind === 'weight' ? [] : owners.map((layer) => beside(part, layer, settings.dropout));
    return [...within, ...layers, ...changes, () => reading.end()];
  });
  return () => {
    for (const step of undo) step();
  };
}

/**
 * What a weight reads as: the sum while a module around it computes, since any of them may read it. A layer that adds the change
 * to its output reads the plain weight.
 */
class Reading {
  readonly #part: Part;
  #around = 0;
  #layers = 0;
  #sum: Tensor | null = null;

  constructor(part: Part) {
    this.#part = part;
    Object.defineProperty(part.site.variable, 'value', { get: () => this.#value(), configurable: true });
  }

  /** A module begins to compute; what this gives is for its end. */
  readonly enter = (): (() => void) => {
    this.#around++;
    return () => {
      this.#around--;
      if (this.#around === 0) this.#sum = null;
    };
  };

  readonly enterLayer = (): (() => void) => {
    this.#layers++;
    return () => {
      this.#layers--;
    };
  };

  end(): void {
    Reflect.deleteProperty(this.#part.site.variable, 'value');
  }

  #value(): Tensor {
    const plain = plainValue(this.#part.site.variable);
    if (this.#around === 0 || this.#layers > 0) return plain;
    this.#sum ??= plain.add(changeOf(this.#part));
    return this.#sum;
  }
}

/** Adds the change to what a layer gives: two thin products, and no gradient of the whole weight. */
function beside(part: Part, layer: AnyModule, dropout: number): () => void {
  return addForwardHook(layer, (output: unknown, [x]) => {
    const seen = layer.training && !(layer instanceof Embedding) ? dropped(x, dropout) : x;
    // What a layer gives is a tensor, see sitesOf.
    return (output as Tensor).add(branch(part, layer, seen, x).mul(part.scale));
  });
}

function branch({ a, b }: Part, layer: AnyModule, seen: Tensor, x: Tensor): Tensor {
  if (layer instanceof Embedding)
    return lookUp(x, a.value.transpose(), layer.paddingIndex).matmul(b.value.transpose());
  if (layer instanceof Conv1d || layer instanceof Conv2d) {
    const { groups } = layer.geometry;
    const convolve = layer instanceof Conv1d ? conv1d : conv2d;
    return convolve(convolve(seen, a.value, layer.geometry), b.value, groups === undefined ? {} : { groups });
  }
  return seen.matmul(a.value.transpose()).matmul(b.value.transpose());
}

/** The value as it is without an adapter. */
export function plainValue(variable: Variable): Tensor {
  const value: unknown = Reflect.get(Variable.prototype, 'value', variable);
  return value as Tensor;
}

/** The same for another way into a module that some have. */
function aroundMethod(module: AnyModule, name: string, enter: () => () => void): () => void {
  const plain: unknown = Reflect.get(module, name);
  if (typeof plain !== 'function') return () => {};
  Object.defineProperty(module, name, {
    value: (...inputs: unknown[]): unknown => {
      const leave = enter();
      try {
        return plain.apply(module, inputs);
      } finally {
        leave();
      }
    },
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return () => {
    Reflect.deleteProperty(module, name);
  };
}
