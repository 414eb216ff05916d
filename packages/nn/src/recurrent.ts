/**
 * Recurrent layers: a state that is carried along a sequence. The part that does not depend on the state, the product
 * of all inputs with the input weights, is one matrix product for the whole sequence; each step adds one product with
 * the state.
 */

import { concat, type DType, formatShape, scan, split, stack, Tensor, tensor, zeros } from '@ag/tensor';
import {
  checkInteger,
  checkOptions,
  checkTensor,
  dtypeError,
  shapeError,
  valueError,
} from '@ag/tensor/engine';
import { checkCount, checkProbability } from './check.ts';
import { dropped } from './dropout.ts';
import { Module } from './module.ts';
import { type CellState, Direction, gruStep, lstmStep, plus } from './recurrentDirection.ts';

/** Options that recurrent layers share. */
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

/** Options of {@link lstm}. */
export interface LstmOptions extends RecurrentOptions {
  /** Size of the outputs, fewer than hidden units: they are multiplied with a matrix (Sak, Senior, Beaufays 2014). Default none. */
  readonly projection?: number;
}

/** What a recurrent layer may be given beside its inputs. */
export interface SequenceOptions {
  /**
   * How many steps of each sequence count, `[batch]`, each 1 … time: the steps after them give 0, the state is that after the last
   * that counts, and what runs backwards starts there.
   */
  readonly lengths?: Tensor | readonly number[];
}

/** The state after (or before) a sequence, for each layer and direction: [layers · directions, batch, hidden]. */
export interface RecurrentState {
  readonly hidden: Tensor;
  /** Of an LSTM. */
  readonly cell?: Tensor;
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

/** What `rnn`, `lstm` and `gru` share. */
export abstract class Recurrent extends Module<[Tensor, SequenceOptions?]> {
  readonly inFeatures: number;
  readonly hidden: number;
  /** Size of the outputs in one direction: that of the projection, or `hidden`. */
  readonly outFeatures: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
  /** By layer, then direction. */
  readonly layers: readonly (readonly Direction[])[];

  constructor(name: string, gates: number, inFeatures: number, hidden: number, options: LstmOptions = {}) {
    super();
    const { layers = 1, bidirectional = false, bias = true, dropout = 0, dtype = 'float32' } = options;
    const { projection = null } = options;
    this.inFeatures = checkCount(inFeatures, name, 'inputs');
    this.hidden = checkCount(hidden, name, 'hidden units');
    if (projection !== null && checkCount(projection, name, 'projected outputs') >= hidden)
      throw valueError(`${name}: a projection has fewer than ${hidden} outputs, got ${projection}`);
    this.outFeatures = projection ?? hidden;
    this.bidirectional = bidirectional;
    this.dropout = checkProbability(dropout, name);
    const directions = bidirectional ? 2 : 1;
    this.layers = Array.from({ length: checkCount(layers, name, 'layers') }, (_, layer) =>
      Array.from({ length: directions }, () => {
        const inputs = layer === 0 ? inFeatures : directions * this.outFeatures;
        return new Direction(gates, inputs, hidden, bias, dtype, projection);
      }),
    );
  }

  /**
   * The outputs of the last layer at each time: `[batch, time, in] → [batch, time, directions · hidden]`.
   *
   * ```ts
   * lstm(8, 32).forward(x, { lengths: [5, 3] });
   * ```
   */
  override forward(x: Tensor, options: SequenceOptions = {}): Tensor {
    return this.forwardWithState(x, undefined, options).output;
  }

  /**
   * The same, together with the state after the sequence.
   *
   * @param x `[batch, time, in]`
   * @param state where to start; what is left out is 0
   * @param options.lengths how many steps of each sequence count
   * @throws RangeError when input or state do not fit the layer
   */
  forwardWithState(
    x: Tensor,
    state?: RecurrentState,
    options: SequenceOptions = {},
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
    checkOptions(this.layer, options, 'lengths');
    const lengths = options.lengths === undefined ? null : this.#lengths(options.lengths, x.shape[0], time);
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
            ? this.#written(inputs, first, weights, direction === 1, lengths)
            : this.#looped(inputs, first, weights, direction === 1, lengths);
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
  #looped(
    inputs: Tensor,
    first: CellState,
    weights: Direction,
    reverse: boolean,
    lengths: Tensor | null,
  ): Walked {
    const start = this.#begun(first, inputs);
    const bias = this.stepBias(weights);
    const { carry, ys } = scan<LoopState, Tensor, Tensor>(
      (state, row, step) => {
        const { output, next } = this.#counted(
          this.step(row, state as CellState, weights, bias),
          state as CellState,
          lengths?.greater(step) ?? null,
        );
        return [next as LoopState, output];
      },
      start as LoopState,
      inputs,
      { reverse },
    );
    return { outputs: ys, last: carry as CellState };
  }

  /** The steps one after the other. */
  #written(
    inputs: Tensor,
    first: CellState,
    weights: Direction,
    reverse: boolean,
    lengths: Tensor | null,
  ): Walked {
    const time = inputs.shape[0];
    const steps = new Array<Tensor>(time);
    const bias = this.stepBias(weights);
    let last = lengths ? this.#begun(first, inputs) : first;
    for (let i = 0; i < time; i++) {
      const t = reverse ? time - 1 - i : i;
      const computed = this.step(inputs.sliceFrom(t, 1, 0, 1).squeeze(0), last, weights, bias);
      const { output, next } = this.#counted(computed, last, lengths?.greater(t) ?? null);
      last = next;
      steps[t] = output;
    }
    return { outputs: stack(steps), last };
  }

  /** A state with zeros where there is none. */
  #begun({ hidden, cell }: CellState, inputs: Tensor): CellState {
    const none = (size: number): Tensor => zeros([inputs.shape[1], size], { dtype: inputs.dtype });
    return {
      hidden: hidden ?? none(this.outFeatures),
      cell: this.hasCell ? (cell ?? none(this.hidden)) : null,
    };
  }

  /** What a step gives, where it counts; elsewhere the output is 0 and the state as before. */
  #counted(
    next: CellState,
    before: CellState,
    counts: Tensor | null,
  ): { readonly output: Tensor; readonly next: CellState } {
    if (!counts) return { output: next.hidden!, next };
    const each = counts.unsqueeze(-1);
    const cell = next.cell && each.where(next.cell, before.cell!);
    return {
      output: each.where(next.hidden!, 0),
      next: { hidden: each.where(next.hidden!, before.hidden!), cell },
    };
  }

  #lengths(given: Tensor | readonly number[], batch: number, time: number): Tensor {
    if (!(given instanceof Tensor)) {
      for (const length of given) checkInteger(length, this.layer, 'each length', 1, time);
    }
    const lengths = given instanceof Tensor ? given : tensor([...given], { dtype: 'int32' });
    const { shape, dtype } = checkTensor(lengths, this.layer, 'lengths');
    if (shape.length !== 1 || shape[0] !== batch)
      throw shapeError(`${this.layer}: lengths should be [batch] = [${batch}], got ${formatShape(shape)}`);
    if (dtype === 'bool') throw dtypeError(`${this.layer}: lengths should be whole numbers, got ${dtype}`);
    return lengths;
  }

  #checkState(state: RecurrentState | undefined, batch: number): void {
    if (!state) return;
    for (const [name, part] of Object.entries({ hidden: state.hidden, cell: state.cell })) {
      const size = name === 'hidden' ? this.outFeatures : this.hidden;
      const expected = [this.layers.length * (this.bidirectional ? 2 : 1), batch, size];
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
        names[`weight_hr_${suffix}`] = `${path}.projection`;
      });
    });
    return names;
  }
}

/** Options of {@link rnn}. */
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
  constructor(inFeatures: number, hidden: number, options: LstmOptions = {}) {
    super('lstm', 4, inFeatures, hidden, options);
    checkOptions('lstm', options, 'layers bidirectional bias dropout projection dtype');
  }

  override get layer() {
    return 'lstm';
  }

  protected override get hasCell() {
    return true;
  }

  protected override step(inputs: Tensor, state: CellState, weights: Direction): CellState {
    return lstmStep(this.gates(plus(inputs, weights.fromState(state.hidden)), 4), state, weights);
  }

  override describe(): readonly [string, ...unknown[]] {
    const [layer, inFeatures, hidden, options] = super.describe();
    if (this.outFeatures === this.hidden) return [layer, inFeatures, hidden, options];
    return [layer, inFeatures, hidden, { ...(options as RecurrentOptions), projection: this.outFeatures }];
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
    const fromState = weights.fromState(state.hidden);
    return gruStep(this.gates(inputs, 3), fromState && this.gates(fromState, 3), state, bias);
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
export function lstm(inFeatures: number, hidden: number, options: LstmOptions = {}): Lstm {
  return new Lstm(inFeatures, hidden, options);
}

/**
 * The gated recurrent unit (Cho et al. 2014, with the reset gate after the product): `[batch, time, in] → [batch, time,
 * hidden]`. Gates lie in the order reset, update, candidate.
 */
export function gru(inFeatures: number, hidden: number, options: RecurrentOptions = {}): Gru {
  return new Gru(inFeatures, hidden, options);
}
