/**
 * What a training run can say of itself when it does not go well: that the loss grows, or stands, and what in the data, the
 * rate or the weights is the likely cause. A run that goes well hears nothing, whatever its data look like.
 */
import type { Module } from '@ag/nn';
import { Tensor } from '@ag/tensor';
import { warn } from '@ag/tensor/engine';
import { readAll } from './metrics.ts';

/** A loss of so many times the first one is no fluctuation. */
const growth = 10;
/** A change of the mean loss below this share, over epochs, is none. */
const movement = 1e-3;
/** Epochs after which standing still is said. */
const patience = 3;
/** Numbers beyond this are far from what layers are made for. */
const large = 20;

/** A batch as far as it is looked at: tensors, in tuples or by name as well. */
interface Given {
  readonly x: unknown;
  readonly y: unknown;
}

const unwatched = new WeakSet<object>();

/** Leaves a run alone whose rates are tried out. */
export function withoutAdvice<Options extends object>(options: Options): Options {
  unwatched.add(options);
  return options;
}

/** Watches one run. */
export class Advice {
  readonly #model: Pick<Module, 'namedParameters'>;
  #firstLoss: number | null = null;
  #firstMean: number | null = null;
  #batches = 0;
  /** Batches in a row with a much larger loss: a single one may be hard. */
  #grown = 0;
  #largestInput = 0;
  #largestTarget = 0;
  /** The last label so far, while they come in ascending order; null once they do not. */
  #label: number | null = Number.NEGATIVE_INFINITY;
  #classes = 0;

  readonly #off: boolean;

  constructor(options: { readonly model: Pick<Module, 'namedParameters'> }) {
    this.#model = options.model;
    this.#off = unwatched.has(options);
  }

  /** A batch of the first epoch was computed. */
  look({ x, y }: Given, loss: number, learningRate: number): void {
    if (this.#off) return;
    this.#batches++;
    this.#firstLoss ??= loss;
    if (this.#batches === 1) {
      this.#largestInput = largest(x);
      this.#largestTarget = largest(y);
    }
    if (this.#label !== null) this.#followLabels(y);
    const grown = Math.abs(loss) > growth * Math.abs(this.#firstLoss) && loss - this.#firstLoss > growth;
    this.#grown = grown ? this.#grown + 1 : 0;
    if (this.#grown === 3) this.#diverges(loss, learningRate);
  }

  #followLabels(y: unknown): void {
    const data = y instanceof Tensor && y.shape.length === 1 ? elements(y) : null;
    if (data === null || data.length < 2) {
      this.#label = null;
      return;
    }
    for (let i = 0; i < data.length && this.#label !== null; i++) {
      const label = data[i];
      if (label === this.#label) continue;
      this.#classes++;
      this.#label = label > this.#label && Number.isInteger(label) ? label : null;
    }
  }

  #diverges(loss: number, learningRate: number): void {
    warn(
      'AG_DIVERGING',
      `fit: the loss grew from ${short(this.#firstLoss ?? 0)} to ${short(loss)} at the learning rate ${learningRate}${this.#scales()}. ` +
        'Usual remedies: a learning rate ten times smaller, clipped gradients, standardized inputs and targets',
    );
  }

  /** An epoch ended with this mean loss. */
  async endEpoch(epoch: number, mean: number, learningRate: number): Promise<void> {
    if (this.#off) return;
    if (epoch === 1) {
      this.#firstMean = mean;
      // Two classes in two batches may be chance.
      if (this.#label !== null && this.#classes > 1 && this.#batches >= 4) {
        warn(
          'AG_SORTED_DATA',
          `fit: the labels came in ascending order, so most of the ${this.#batches} batches held one class alone and each undoes what the one before ` +
            'has taught. Shuffle the data: dataLoader(data, { shuffle: true })',
        );
      }
    }
    if (epoch > 1 && this.#firstLoss !== null && mean > growth * Math.abs(this.#firstLoss) + growth)
      this.#diverges(mean, learningRate);
    if (epoch !== patience || this.#firstMean === null || mean === 0) return;
    if (Math.abs(mean - this.#firstMean) >= movement * Math.abs(this.#firstMean)) return;
    const zero = await this.#zeroWeight();
    warn(
      'AG_STANDING',
      `fit: the loss stays at ${short(mean)} over ${epoch} epochs at the learning rate ${learningRate}${this.#scales()}` +
        `${zero === null ? '' : `; the weight '${zero}' is 0 everywhere, so its units cannot become different: leave weightInit as it is`}. ` +
        'Usual remedies: a larger learning rate, standardized inputs and targets, and a look at whether the labels belong to the inputs',
    );
  }

  /** What a loss that is not finite may come from. */
  causes({ x, y }: Given): string {
    return [notFinite(x, 'the inputs'), notFinite(y, 'the targets')].join('') || this.#scales();
  }

  #scales(): string {
    const inputs = this.#largestInput > large ? `; the inputs reach ${short(this.#largestInput)}` : '';
    const targets =
      this.#largestTarget > large && this.#classes === 0
        ? `; the targets reach ${short(this.#largestTarget)}`
        : '';
    return inputs + targets;
  }

  /** A weight matrix of zeros. */
  async #zeroWeight(): Promise<string | null> {
    const weights = [...this.#model.namedParameters()].filter(([, { shape }]) => shape.length > 1);
    const sums = await readAll(weights.map(([, { value }]) => value.abs().max()));
    return weights.find((_, i) => sums[i][0] === 0)?.[0] ?? null;
  }
}

/** Tensors in tuples and by name. */
function tensorsIn(given: unknown): Tensor[] {
  if (given instanceof Tensor) return [given];
  return typeof given === 'object' && given !== null ? Object.values(given).flatMap(tensorsIn) : [];
}

/** Numbers that are at hand without computing anything. */
function elements({ leaf }: Tensor): ArrayLike<number> | null {
  return leaf?.kind === 'host' ? leaf.data : null;
}

/** The largest absolute value of floats at hand. */
function largest(given: unknown): number {
  let most = 0;
  for (const tensor of tensorsIn(given)) {
    const data = tensor.dtype.startsWith('float') ? elements(tensor) : null;
    for (let i = 0; data !== null && i < data.length; i++) most = Math.max(most, Math.abs(data[i]));
  }
  return most;
}

/** Where the first number is that is none. */
function notFinite(given: unknown, what: string): string {
  for (const tensor of tensorsIn(given)) {
    const data = elements(tensor);
    for (let i = 0; data !== null && i < data.length; i++) {
      if (Number.isFinite(data[i])) continue;
      const row = Math.floor(i / (data.length / (tensor.shape[0] || 1)));
      return `; ${what} hold ${data[i]}, first in example ${row} of the batch, counted from 0`;
    }
  }
  return '';
}

function short(x: number): string {
  return String(Number(x.toPrecision(4)));
}
