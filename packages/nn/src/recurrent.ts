/**
 * Recurrent layers: a state that is carried along a sequence. The part that does not depend on the state, the product
 * of all inputs with the input weights, is one matrix product for the whole sequence; each step adds one product with
 * the state.
 */

import {
  concat,
  type DType,
  formatShape,
  scan,
  split,
  stack,
  type Tensor,
  Variable,
  zerosLike,
} from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { checkCount, checkProbability } from './check.ts';
import { dropped } from './dropout.ts';
import { fanInBias } from './init.ts';
import { Module } from './module.ts';

export interface RecurrentOptions {
  /** Layers on top of each other. Default 1. */
  readonly layers?: number;
  /** Also run backwards; the outputs of both directions are joined: [..., 2 · hidden]. Default false. */
  readonly bidirectional?: boolean;
  /** Default true. */
  readonly bias?: boolean;
  /** Probability of leaving out each output of all layers but the last, in training mode. Default 0. */
  readonly dropout?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/** The state after (or before) a sequence, for each layer and direction: [layers · directions, batch, hidden]. */
export interface RecurrentState {
  readonly hidden: Tensor;
  /** Of an LSTM. */
  readonly cell?: Tensor;
}

/** State of one layer and direction: [batch, hidden]; null at the start counts as 0. */
interface CellState {
  readonly hidden: Tensor | null;
  readonly cell: Tensor | null;
}

/** The same as a loop carries it. */
type LoopState = { readonly hidden: Tensor };

/**
 * Sequences of fewer steps are written out: a loop costs a few microseconds of its own, which small steps do not win back so soon. Longer ones
 * are planned much sooner as a loop.
 */
function fewSteps(batch: number, hidden: number): number {
  return batch * hidden < 256 ? 20 : 12;
}

/** What walking over a sequence gives. */
interface Walked {
  /** [time, batch, hidden] */
  readonly outputs: Tensor;
  readonly last: CellState;
}

/** The weights of one layer in one direction, uniform in ±1/√hidden; gates lie one after the other along axis 0. */
class Direction extends Module<[Tensor, number?]> {
  /** [gates · hidden, in] */
  readonly inputWeight: Variable;
  /** [gates · hidden, hidden] */
  readonly hiddenWeight: Variable;
  /** [gates · hidden], or null */
  readonly inputBias: Variable | null;
  /** [gates · hidden], or null */
  readonly hiddenBias: Variable | null;

  constructor(gates: number, inFeatures: number, hidden: number, bias: boolean, dtype: DType) {
    super();
    const draw = fanInBias(hidden);
    const make = (name: string, ...rest: number[]): Variable =>
      new Variable(draw([gates * hidden, ...rest], { dtype }), { name });
    this.inputWeight = make('inputWeight', inFeatures);
    this.hiddenWeight = make('hiddenWeight', hidden);
    this.inputBias = bias ? make('inputBias') : null;
    this.hiddenBias = bias ? make('hiddenBias') : null;
  }

  /**
   * What does not depend on the state: the inputs' part of the gates and the biases, but for the hidden bias of the last
   * `apart` elements. One sum over the whole sequence is then the gradient of a bias.
   */
  override forward(x: Tensor, apart = 0): Tensor {
    const product = x.matmul(this.inputWeight.value.transpose());
    if (!this.inputBias || !this.hiddenBias) return product;
    const all = this.hiddenBias.value;
    const hidden = apart === 0 ? all : all.slice(0, all.shape[0] - apart).pad([[0, apart]]);
    // One after the other: both are then added where the product is made.
    return product.add(this.inputBias.value).add(hidden);
  }

  /** The state's part of the gates; null for the state 0. */
  fromState(hidden: Tensor | null): Tensor | null {
    return hidden?.matmul(this.hiddenWeight.value.transpose()) ?? null;
  }
}

/** What `rnn`, `lstm` and `gru` share. */
export abstract class Recurrent extends Module<[Tensor]> {
  readonly inFeatures: number;
  readonly hidden: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
  /** By layer, then direction. */
  readonly layers: readonly (readonly Direction[])[];

  constructor(
    name: string,
    gates: number,
    inFeatures: number,
    hidden: number,
    options: RecurrentOptions = {},
  ) {
    super();
    const { layers = 1, bidirectional = false, bias = true, dropout = 0, dtype = 'float32' } = options;
    this.inFeatures = checkCount(inFeatures, name, 'inputs');
    this.hidden = checkCount(hidden, name, 'hidden units');
    this.bidirectional = bidirectional;
    this.dropout = checkProbability(dropout, name);
    const directions = bidirectional ? 2 : 1;
    this.layers = Array.from({ length: checkCount(layers, name, 'layers') }, (_, layer) =>
      Array.from(
        { length: directions },
        () => new Direction(gates, layer === 0 ? inFeatures : directions * hidden, hidden, bias, dtype),
      ),
    );
  }

  /** The outputs of the last layer at each time: `[batch, time, in] → [batch, time, directions · hidden]`. */
  override forward(x: Tensor): Tensor {
    return this.forwardWithState(x).output;
  }

  /**
   * The same, together with the state after the sequence.
   *
   * @param x `[batch, time, in]`
   * @param state where to start; what is left out is 0
   * @throws RangeError when input or state do not fit the layer
   */
  forwardWithState(
    x: Tensor,
    state?: RecurrentState,
  ): { readonly output: Tensor; readonly state: RecurrentState } {
    if (x.shape.length !== 3 || x.shape[2] !== this.inFeatures) {
      throw shapeError(
        `${this.layer}: expects [batch, time, ${this.inFeatures}], got [${x.shape.join(', ')}]` +
          (x.shape.length === 2
            ? '; x.unsqueeze(0) makes a batch of one sequence, x.unsqueeze(1) sequences of one step'
            : ''),
      );
    }
    const time = x.shape[1];
    if (time === 0) throw shapeError(`${this.layer}: the sequence is empty, [${x.shape.join(', ')}]`);
    this.#checkState(state, x.shape[0]);
    const finals: CellState[] = [];
    const part = (of: Tensor | undefined): Tensor | null =>
      of ? of.sliceFrom(finals.length, 1, 0, 1).squeeze(0) : null;
    // Time comes first inside, so that the inputs of one step lie side by side.
    let sequence = x.transpose(0, 1);
    this.layers.forEach((directions, depth) => {
      if (depth > 0 && this.training) sequence = dropped(sequence, this.dropout);
      const outputs = directions.map((weights, direction) => {
        const inputs = weights.forward(sequence, this.apart);
        const first = { hidden: part(state?.hidden), cell: part(state?.cell) };
        const { outputs, last } =
          time < fewSteps(x.shape[0], this.hidden)
            ? this.#written(inputs, first, weights, direction === 1)
            : this.#looped(inputs, first, weights, direction === 1);
        finals.push(last);
        return outputs;
      });
      sequence = outputs.length === 1 ? outputs[0] : concat(outputs, -1);
    });
    const hidden = stack(finals.map((final) => final.hidden!));
    const last = finals[0].cell ? { hidden, cell: stack(finals.map((final) => final.cell!)) } : { hidden };
    return { output: sequence.transpose(0, 1), state: last };
  }

  /** The steps as one loop: planned once, however many there are. `inputs`: [time, batch, gates · hidden]. */
  #looped(inputs: Tensor, first: CellState, weights: Direction, reverse: boolean): Walked {
    const zero = zerosLike(inputs.sliceFrom(0, 1, 0, 1).squeeze(0).sliceFrom(0, this.hidden, 1, 1));
    const start = { hidden: first.hidden ?? zero, cell: this.hasCell ? (first.cell ?? zero) : null };
    const bias = this.stepBias(weights);
    const { carry, ys } = scan<LoopState, Tensor, Tensor>(
      (state, row) => {
        const next = this.step(row, state as CellState, weights, bias);
        return [next as LoopState, next.hidden!];
      },
      start as LoopState,
      inputs,
      { reverse },
    );
    return { outputs: ys, last: carry as CellState };
  }

  /** The steps one after the other. */
  #written(inputs: Tensor, first: CellState, weights: Direction, reverse: boolean): Walked {
    const time = inputs.shape[0];
    const steps = new Array<Tensor>(time);
    const bias = this.stepBias(weights);
    let last = first;
    for (let i = 0; i < time; i++) {
      const t = reverse ? time - 1 - i : i;
      last = this.step(inputs.sliceFrom(t, 1, 0, 1).squeeze(0), last, weights, bias);
      steps[t] = last.hidden!;
    }
    return { outputs: stack(steps), last };
  }

  #checkState(state: RecurrentState | undefined, batch: number): void {
    if (!state) return;
    const expected = [this.layers.length * (this.bidirectional ? 2 : 1), batch, this.hidden];
    for (const [name, part] of Object.entries({ hidden: state.hidden, cell: state.cell })) {
      if (part === undefined || formatShape(part.shape) === formatShape(expected)) continue;
      throw shapeError(
        `${this.layer}: the state's ${name} should be [layers · directions, batch, hidden] = ${formatShape(expected)}, got ${formatShape(part.shape)}`,
      );
    }
  }

  /** The factory's name. @internal */
  abstract get layer(): string;

  /** Whether the state has a cell. */
  protected get hasCell(): boolean {
    return false;
  }

  /** How many of the last gate elements keep their hidden bias apart. */
  protected get apart(): number {
    return 0;
  }

  /**
   * The hidden bias that is added within each step, [`apart`]; null for none. It is taken out of the whole bias once, so that its gradient
   * is a sum after the loop.
   */
  protected stepBias({ hiddenBias }: Direction): Tensor | null {
    if (this.apart === 0 || !hiddenBias) return null;
    return hiddenBias.value.sliceFrom(hiddenBias.shape[0] - this.apart, this.apart, 0, 1);
  }

  /** The state after one step, from the inputs' part of the gates [batch, gates · hidden] and what `stepBias` gives. */
  protected abstract step(
    inputs: Tensor,
    state: CellState,
    weights: Direction,
    bias: Tensor | null,
  ): CellState;

  /** The gates, each [batch, hidden]. */
  protected gates(x: Tensor, count: number): Tensor[] {
    return split(x, new Array<number>(count).fill(this.hidden), -1);
  }

  override describe(): readonly [string, ...unknown[]] {
    const options = {
      layers: this.layers.length,
      bidirectional: this.bidirectional,
      bias: this.layers[0][0].inputBias !== null,
      dropout: this.dropout,
      dtype: this.layers[0][0].inputWeight.dtype,
    };
    return [this.layer, this.inFeatures, this.hidden, options];
  }

  override foreignNames(): Record<string, string> {
    const names: Record<string, string> = {};
    this.layers.forEach((directions, depth) => {
      directions.forEach((_, direction) => {
        const suffix = `l${depth}${direction === 1 ? '_reverse' : ''}`;
        const path = `layers.${depth}.${direction}`;
        names[`weight_ih_${suffix}`] = `${path}.inputWeight`;
        names[`weight_hh_${suffix}`] = `${path}.hiddenWeight`;
        names[`bias_ih_${suffix}`] = `${path}.inputBias`;
        names[`bias_hh_${suffix}`] = `${path}.hiddenBias`;
      });
    });
    return names;
  }
}

export interface RnnOptions extends RecurrentOptions {
  /** Default 'tanh'. */
  readonly activation?: 'tanh' | 'relu';
}

/** See {@link rnn}. */
export class Rnn extends Recurrent {
  readonly activation: 'tanh' | 'relu';

  /** Use {@link rnn}. */
  constructor(inFeatures: number, hidden: number, options: RnnOptions = {}) {
    super('rnn', 1, inFeatures, hidden, options);
    checkOptions('rnn', options, 'activation layers bidirectional bias dropout dtype');
    this.activation = options.activation ?? 'tanh';
  }

  override get layer() {
    return 'rnn';
  }

  protected override step(inputs: Tensor, state: CellState, weights: Direction): CellState {
    const sum = plus(inputs, weights.fromState(state.hidden));
    return { hidden: this.activation === 'relu' ? sum.relu() : sum.tanh(), cell: null };
  }

  override describe(): readonly [string, ...unknown[]] {
    const [layer, inFeatures, hidden, options] = super.describe();
    return [layer, inFeatures, hidden, { ...(options as RecurrentOptions), activation: this.activation }];
  }
}

/** See {@link lstm}. */
export class Lstm extends Recurrent {
  /** Use {@link lstm}. */
  constructor(inFeatures: number, hidden: number, options: RecurrentOptions = {}) {
    super('lstm', 4, inFeatures, hidden, options);
    checkOptions('lstm', options, 'layers bidirectional bias dropout dtype');
  }

  override get layer() {
    return 'lstm';
  }

  protected override get hasCell() {
    return true;
  }

  protected override step(inputs: Tensor, state: CellState, weights: Direction): CellState {
    const [input, forget, candidate, output] = this.gates(
      plus(inputs, weights.fromState(state.hidden)),
      4,
    ) as [Tensor, Tensor, Tensor, Tensor];
    const added = input.sigmoid().mul(candidate.tanh());
    const cell = state.cell ? forget.sigmoid().mul(state.cell).add(added) : added;
    return { hidden: output.sigmoid().mul(cell.tanh()), cell };
  }
}

/** See {@link gru}. */
export class Gru extends Recurrent {
  /** Use {@link gru}. */
  constructor(inFeatures: number, hidden: number, options: RecurrentOptions = {}) {
    super('gru', 3, inFeatures, hidden, options);
    checkOptions('gru', options, 'layers bidirectional bias dropout dtype');
  }

  override get layer() {
    return 'gru';
  }

  protected override get apart() {
    return this.hidden;
  }

  protected override step(
    inputs: Tensor,
    state: CellState,
    weights: Direction,
    bias: Tensor | null,
  ): CellState {
    const [xReset, xUpdate, xNew] = this.gates(inputs, 3) as [Tensor, Tensor, Tensor];
    const fromState = weights.fromState(state.hidden);
    const [hReset, hUpdate, product] = fromState ? this.gates(fromState, 3) : [null, null, null];
    // The reset gate acts on the new state's bias too, so that one could not be added before.
    const hNew = product ? plus(product, bias) : bias;
    const reset = plus(xReset, hReset ?? null).sigmoid();
    const update = plus(xUpdate, hUpdate ?? null).sigmoid();
    const candidate = (hNew ? xNew.add(reset.mul(hNew)) : xNew).tanh();
    // (1 − z) · n + z · h
    const hidden = state.hidden
      ? candidate.add(update.mul(state.hidden.sub(candidate)))
      : candidate.sub(update.mul(candidate));
    return { hidden, cell: null };
  }
}

/**
 * The simple recurrent layer, h ← tanh(W x + U h + b) (Elman 1990): `[batch, time, in] → [batch, time, hidden]`.
 * Weights start uniform in ±1/√hidden, as in all recurrent layers here.
 */
export function rnn(inFeatures: number, hidden: number, options: RnnOptions = {}): Rnn {
  return new Rnn(inFeatures, hidden, options);
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * `[batch, time, in] → [batch, time, hidden]`. Gates lie in the order input, forget, candidate, output.
 *
 * ```ts
 * const { output, state } = lstm(8, 32, { layers: 2 }).forwardWithState(x);
 * ```
 */
export function lstm(inFeatures: number, hidden: number, options: RecurrentOptions = {}): Lstm {
  return new Lstm(inFeatures, hidden, options);
}

/**
 * The gated recurrent unit (Cho et al. 2014, with the reset gate after the product): `[batch, time, in] → [batch, time,
 * hidden]`. Gates lie in the order reset, update, candidate.
 */
export function gru(inFeatures: number, hidden: number, options: RecurrentOptions = {}): Gru {
  return new Gru(inFeatures, hidden, options);
}

function plus(a: Tensor, b: Tensor | null): Tensor {
  return b ? a.add(b) : a;
}
