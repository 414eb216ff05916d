/**
 * What is minimized and what is measured: one loss, or one for each head of a model with several outputs, weighted; metrics of
 * the whole output, or of its heads. All of them are scalars of one step's plan, known by names such as `class/accuracy`.
 */
import type { MetricStream } from '@ag/nn';
import { Tensor } from '@ag/tensor';
import { describeValue, nearestName, synchronous } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';
import type { BatchMetrics, Metric, Streams } from './metrics.ts';
import { describeStructure, isNested, join } from './structure.ts';

/** A scalar from the model's output and the batch's `y`. */
export type LossFunction<Output = Tensor, Y = Tensor> = (output: Output, y: Y) => Tensor;

/** A loss with its share of the total. */
export interface WeightedLoss<Output, Y> {
  readonly loss: Loss<Output, Y>;
  /** The factor of this loss in the total. Default 1; 0 reports the loss and learns nothing from it. */
  readonly weight?: number;
}

/** A loss for each head of the targets, by its name (or its place in a tuple); null for a head that has none. */
export type HeadLosses<Output, Y> = Output extends Tensor
  ? never
  : Y extends Tensor
    ? never
    : {
        readonly [Head in keyof Y]: Head extends keyof Output
          ? Loss<Output[Head], Y[Head]> | WeightedLoss<Output[Head], Y[Head]> | null
          : null;
      };

/** One function, or for a model with several outputs one for each head. */
export type Loss<Output = Tensor, Y = Tensor> = LossFunction<Output, Y> | HeadLosses<Output, Y>;

/** The factor of each head's loss, 1 where none is given. */
export type LossWeights<Y> = Y extends Tensor
  ? never
  : { readonly [Head in keyof Y]?: number | LossWeights<Y[Head]> };

/** Metrics of any heads, by name. */
export interface AnyMeasures {
  // biome-ignore lint/suspicious/noExplicitAny: what they measure is known where they are used
  readonly [name: string]: Metric<any, any> | MetricStream<any, any> | AnyMeasures | undefined;
}

/** The names of heads: keys of an object, places in a tuple. */
type Heads<T> = T extends readonly unknown[] ? Exclude<keyof T, keyof (readonly unknown[])> : keyof T;

/**
 * Metrics by name: functions of output and `y`, or streams such as `aucStream()`, which add up over batches; of a model with several outputs also groups by the name of a head,
 * `{ class: { accuracy } }`, which are reported as `class/accuracy`.
 */
export type Measures<Output = Tensor, Y = Tensor> = 0 extends 1 & Output
  ? AnyMeasures
  : Output extends Tensor
    ? Readonly<Record<string, Metric<Output, Y> | MetricStream<Output, Y>>>
    : {
        readonly [Head in Heads<Output> & Heads<Y> & string]?: Measures<
          Output[Head & keyof Output],
          Y[Head & keyof Y]
        >;
      } & {
        readonly [name: string]: Metric<Output, Y> | MetricStream<Output, Y> | AnyMeasures | undefined;
      };

// biome-ignore lint/suspicious/noExplicitAny: structures of any form; their types hold for callers
type Measure = (output: any, y: any) => Tensor;

/** One scalar of a step: which parts of output and targets it is computed of. */
interface Item {
  readonly name: string;
  /** What it is called in messages. */
  readonly what: string;
  readonly heads: readonly string[];
  readonly measure: Measure;
  readonly weight: number;
  readonly stream?: MetricStream<never, never>;
}

/** What is given to `fit` and `validate`. */
export interface ObjectiveOptions {
  readonly loss: unknown;
  readonly weights?: unknown;
  readonly metrics?: unknown;
}

/** The loss and the metrics of a run, ready to be computed. */
export class Objective {
  /** What is reported beside the loss: the losses of the heads, then the metrics. */
  readonly names: readonly string[];
  /** How many numbers each of them is within a step. */
  readonly sizes: readonly number[];
  /** Those of them that are streams. */
  readonly streams: Streams;
  readonly #operation: string;
  /** The one loss; null where there is one for each head. */
  readonly #loss: Measure | null;
  readonly #heads: readonly Item[];
  /** Heads that are to have no loss, by path. */
  readonly #without: ReadonlySet<string>;
  readonly #metrics: readonly Item[];
  /** Whether it is known that each target has a loss. */
  #complete = false;

  /** @throws TrainingError `option` for what is neither a function nor made of functions */
  constructor({ loss, weights, metrics }: ObjectiveOptions, operation: string) {
    this.#operation = operation;
    const without = new Set<string>();
    this.#without = without;
    if (typeof loss === 'function') {
      if (weights !== undefined) {
        this.#fail('weights are those of the losses of several heads, and the loss is one function');
      }
      this.#loss = loss as Measure;
      this.#heads = [];
    } else {
      this.#loss = null;
      this.#heads = this.#headsOf(loss, without);
      if (weights !== undefined) this.#heads = this.#weighted(this.#heads, weights);
      if (this.#heads.length === 0) this.#fail('the loss names no head');
    }
    this.#metrics = this.#metricsOf(metrics ?? {});
    this.names = [...this.#heads.map(({ name }) => name), ...this.#metrics.map(({ name }) => name)];
    this.streams = new Map(
      this.#metrics.flatMap(({ name, stream }) => (stream ? [[name, stream] as const] : [])),
    );
    this.sizes = this.names.map((name) => this.streams.get(name)?.size ?? 1);
    const twice = this.names.find((name, i) => this.names.indexOf(name) !== i);
    if (twice !== undefined) this.#fail(`two metrics are named '${twice}'`);
  }

  /** The loss, then the losses of the heads, lazily. @throws TrainingError `option` naming the head that is missing */
  losses(output: unknown, y: unknown): Tensor[] {
    if (this.#loss !== null) {
      if (output instanceof Tensor) return [synchronous(this.#operation, this.#loss(output, y), 'the loss')];
      return [this.#ofStructure(this.#loss, output, y, 'the loss')];
    }
    const losses = this.#heads.map((head) => {
      const value = this.#ofHead(head, output, y);
      if (!(value instanceof Tensor) || value.size !== 1) {
        this.#fail(`${head.what} gave ${describeStructure(value)}, not a scalar; take its mean()`);
      }
      return value;
    });
    if (!this.#complete) {
      this.#checkTargets(y);
      this.#complete = true;
    }
    let total: Tensor | null = null;
    for (const [i, { weight }] of this.#heads.entries()) {
      // What counts nothing does not make the total NaN either.
      if (weight === 0) continue;
      const share = weight === 1 ? losses[i] : losses[i].mul(weight);
      total = total === null ? share : total.add(share);
    }
    return [total ?? losses[0].mul(0), ...losses];
  }

  /** What the numbers of a step say, in the order of `names`. */
  read(values: readonly ArrayLike<number>[], examples: number): BatchMetrics {
    const metrics: Record<string, number> = {};
    const sums: Record<string, readonly number[]> = {};
    this.names.forEach((name, i) => {
      const stream = this.streams.get(name);
      if (stream) {
        sums[name] = Array.from(values[i]);
        metrics[name] = stream.value(sums[name].map((sum) => sum * examples));
      } else metrics[name] = values[i][0];
    });
    return { metrics, sums };
  }

  /** Adds the metrics to the losses: scalars, and of streams their sums over the number of examples, which average as scalars do. */
  metrics(output: unknown, y: unknown, to: Tensor[]): void {
    for (const metric of this.#metrics) {
      to.push(
        metric.heads.length > 0
          ? this.#ofHead(metric, output, y)
          : output instanceof Tensor
            ? synchronous(this.#operation, metric.measure(output, y), metric.what)
            : this.#ofStructure(metric.measure, output, y, metric.what),
      );
    }
  }

  #ofHead({ heads, measure, what }: Item, output: unknown, y: unknown): Tensor {
    const own = this.#partOf(output, heads, "the model's output", what);
    const target = this.#partOf(y, heads, "the batch's y", what);
    let value: Tensor;
    try {
      value = measure(own, target);
    } catch (cause) {
      const { message } = cause as Error;
      throw new TrainingError(`${this.#operation}: ${what}: ${message}`, { code: 'option', cause });
    }
    return synchronous(this.#operation, value, what);
  }

  /** A function of a whole structure: one that expects a tensor fails with words about its own inside. */
  #ofStructure(measure: Measure, output: unknown, y: unknown, what: string): Tensor {
    let value: Tensor;
    try {
      value = measure(output, y);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      const heads = isNested(output) ? Object.keys(output) : [];
      const form = what === 'the loss' ? '…' : '{ name: … }';
      const cure =
        heads.length === 0
          ? ''
          : ` If it takes one tensor, give it by head: { ${heads.map((name) => `${name}: ${form}`).join(', ')} }.`;
      throw new TrainingError(
        `${this.#operation}: ${what} failed on the output ${describeStructure(output)} and the targets ${describeStructure(y)}.${cure} ${cause.message}`,
        { code: 'option', cause },
      );
    }
    return synchronous(this.#operation, value, what);
  }

  /** The part of a structure that a path names. */
  #partOf(structure: unknown, heads: readonly string[], of: string, what: string): unknown {
    let part = structure;
    for (const [depth, head] of heads.entries()) {
      const place = depth === 0 ? of : `'${heads.slice(0, depth).join('/')}' of ${of}`;
      if (!isNested(part)) {
        const is = part instanceof Tensor ? `one tensor ${describeStructure(part)}` : describeStructure(part);
        const cure = of.startsWith('the model')
          ? 'return an object (or a tuple) with this name from forward, or give one function of the whole output'
          : 'let the data give an object (or a tuple) with this name';
        this.#fail(`${what} needs the head '${head}', but ${place} is ${is}; ${cure}`);
      }
      if (!Object.hasOwn(part, head)) {
        const names = Object.keys(part);
        this.#fail(
          `${what} needs the head '${head}', which ${place} does not have${suggestion(head, names)} It has ${names.join(', ') || 'none'}`,
        );
      }
      part = part[head];
    }
    return part;
  }

  /** A target that nothing is learned from has most often been forgotten. */
  #checkTargets(y: unknown): void {
    const trained = this.#heads.map(({ heads }) => heads.join('/'));
    const visit = (path: string, part: unknown): void => {
      if (trained.includes(path) || this.#without.has(path)) return;
      const within = trained.some((name) => path === '' || name.startsWith(`${path}/`));
      if (within && isNested(part)) {
        for (const key of Object.keys(part)) visit(join(path, key), part[key]);
        return;
      }
      this.#fail(
        `the batch's y has the head '${path}', for which there is no loss. There are ${trained.join(', ')}; ` +
          `to learn nothing from it, give null as its loss`,
      );
    };
    visit('', y);
  }

  #headsOf(given: unknown, without: Set<string>): Item[] {
    const found: Item[] = [];
    const visit = (heads: readonly string[], value: unknown, factor: number): void => {
      const path = heads.join('/');
      if (typeof value === 'function') {
        const what = `the loss of the head '${path}'`;
        found.push({ name: `${path}/loss`, what, heads, measure: value as Measure, weight: factor });
      } else if (value === null && heads.length > 0) without.add(path);
      else if (heads.length > 0 && isWeighted(value)) {
        visit(heads, value.loss, factor * this.#weight(value.weight ?? 1, path));
      } else if (isNested(value)) {
        for (const key of Object.keys(value)) visit([...heads, key], value[key], factor);
      } else {
        const where = path === '' ? 'the loss' : `the loss of the head '${path}'`;
        this.#fail(
          `${where} must be a function of output and y${path === '' ? ', or an object with one for each head' : ', { loss, weight }, or null'}; got ${describeValue(value)}`,
        );
      }
    };
    visit([], given, 1);
    return found;
  }

  #weighted(heads: readonly Item[], weights: unknown): Item[] {
    const factors = heads.map(() => 1);
    const visit = (path: string, value: unknown): void => {
      const own = heads.flatMap(({ heads }, i) =>
        path === '' || heads.join('/') === path || heads.join('/').startsWith(`${path}/`) ? [i] : [],
      );
      if (own.length === 0) {
        const names = heads.map(({ heads }) => heads.join('/'));
        this.#fail(
          `weights names the head '${path}', for which there is no loss${suggestion(path, names)} There are ${names.join(', ')}`,
        );
      }
      if (isNested(value)) {
        for (const key of Object.keys(value)) visit(join(path, key), value[key]);
        return;
      }
      if (path === '')
        this.#fail(`weights must be an object with numbers by heads; got ${describeValue(value)}`);
      const factor = this.#weight(value, path);
      for (const i of own) {
        if (heads[i].weight !== 1)
          this.#fail(`the weight of the head '${path}' is given twice, beside its loss and in weights`);
        factors[i] *= factor;
      }
    };
    visit('', weights);
    return heads.map((head, i) => ({ ...head, weight: head.weight * factors[i] }));
  }

  #weight(value: unknown, path: string): number {
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
    return this.#fail(
      `the weight of the head '${path}' must be a finite number from 0, got ${describeValue(value)}`,
    );
  }

  #metricsOf(given: unknown): Item[] {
    const found: Item[] = [];
    const visit = (heads: readonly string[], name: string, value: unknown): void => {
      const path = join(heads.join('/'), name);
      if (typeof value === 'function') {
        found.push({ name: path, what: `the metric ${path}`, heads, measure: value as Measure, weight: 1 });
      } else if (isStream(value)) {
        const measure: Measure = (output, y) => {
          const sums = value.sums(output as never, y as never);
          if (sums.shape.length !== 1 || sums.shape[0] !== value.size)
            this.#fail(
              `the metric ${path} gave ${describeStructure(sums)}, not the ${value.size} sums it speaks of`,
            );
          return sums.div(rowsOf(y, output));
        };
        found.push({ name: path, what: `the metric ${path}`, heads, measure, weight: 1, stream: value });
      } else if (isNested(value)) {
        const within = name === '' ? heads : [...heads, name];
        for (const key of Object.keys(value)) visit(within, key, value[key]);
      } else if (value !== undefined) {
        this.#fail(
          `${path === '' ? 'metrics' : `the metric ${path}`} must be ${path === '' ? 'an object of functions' : 'a function of output and y, or for a head an object of such'}; got ${describeValue(value)}`,
        );
      }
    };
    visit([], '', given);
    return found;
  }

  #fail(problem: string): never {
    throw new TrainingError(`${this.#operation}: ${problem}`, { code: 'option' });
  }
}

/**
 * The loss of an output, the weighted sum of those of its heads: what `fit` minimizes, for loops of one's own.
 *
 * ```ts
 * const loss = totalLoss({ class: crossEntropy, box: { loss: mseLoss, weight: 0.5 } }, model.forward(x), y);
 * backward(loss);
 * ```
 *
 * @returns a scalar
 * @throws TrainingError `option` as `fit`, naming the head that is missing
 */
export function totalLoss<Output, Y>(
  loss: Loss<Output, Y>,
  output: Output,
  y: Y,
  weights?: LossWeights<Y>,
): Tensor {
  return new Objective({ loss, weights }, 'totalLoss').losses(output, y)[0];
}

/** `{ loss, weight }`, and not heads that happen to have these names. */
function isWeighted(value: unknown): value is { readonly loss: unknown; readonly weight?: unknown } {
  if (!isNested(value) || Array.isArray(value) || !('loss' in value)) return false;
  return Object.keys(value).every(
    (key) => key === 'loss' || (key === 'weight' && typeof value.weight !== 'function'),
  );
}

function isStream(value: unknown): value is MetricStream<never, never> {
  if (!isNested(value)) return false;
  return (
    typeof value.sums === 'function' && typeof value.value === 'function' && typeof value.size === 'number'
  );
}

/** How many examples a batch has, by the first tensor that is found. */
function rowsOf(...structures: readonly unknown[]): number {
  for (const one of structures) {
    if (one instanceof Tensor) return one.shape[0] ?? 1;
    if (isNested(one)) return rowsOf(...Object.values(one));
  }
  return 1;
}

function suggestion(given: string, names: readonly string[]): string {
  const near = nearestName(given, names);
  return near === undefined ? '.' : `; did you mean '${near}'?`;
}
