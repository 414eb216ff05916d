/**
 * Recurrent cells: one step, for loops of your own. Attention between steps, sampling and teacher forcing need them; over whole
 * sequences `lstm` and its like are faster, whose inputs' part is one product for all steps.
 */
import { type DType, formatShape, split, type Tensor } from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { checkCount, checkLastAxis } from './check.ts';
import { Module } from './module.ts';
import { type CellState, Direction, gruStep, lstmStep, plus } from './recurrentDirection.ts';

/** Options that recurrent cells share. */
export interface RecurrentCellOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Default float32. */
  readonly dtype?: DType;
}

/** The state of an LSTM cell, `[batch, hidden]` each. */
export interface LstmCellState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** What cells share. */
abstract class RecurrentCell<State, Output> extends Module<[Tensor, State?], Output> {
  readonly inFeatures: number;
  readonly hidden: number;
  readonly weights: Direction;

  constructor(
    name: string,
    gates: number,
    inFeatures: number,
    hidden: number,
    options: RecurrentCellOptions,
  ) {
    super();
    const { bias = true, dtype = 'float32' } = options;
    this.inFeatures = checkCount(inFeatures, name, 'inputs');
    this.hidden = checkCount(hidden, name, 'hidden units');
    this.weights = new Direction(gates, inFeatures, hidden, bias, dtype);
  }

  /** The factory's name. @internal */
  abstract get layer(): string;

  /** @throws RangeError when input or state do not fit */
  protected check(x: Tensor, state: Readonly<Record<string, Tensor | undefined>>): void {
    checkLastAxis(x, this.inFeatures, this.layer, this.hidden);
    const expected = formatShape([...x.shape.slice(0, -1), this.hidden]);
    for (const [name, part] of Object.entries(state)) {
      if (part === undefined || formatShape(part.shape) === expected) continue;
      throw shapeError(
        `${this.layer}: the state's ${name} should be ${expected}, got ${formatShape(part.shape)}`,
      );
    }
  }

  /** The gates, each [..., hidden]. */
  protected gates(x: Tensor, count: number): Tensor[] {
    return split(x, new Array<number>(count).fill(this.hidden), -1);
  }

  override describe(): readonly [string, ...unknown[]] {
    const { inputBias, inputWeight } = this.weights;
    return [this.layer, this.inFeatures, this.hidden, { bias: inputBias !== null, dtype: inputWeight.dtype }];
  }

  override foreignNames(): Record<string, string> {
    return {
      weight_ih: 'weights.inputWeight',
      weight_hh: 'weights.hiddenWeight',
      bias_ih: 'weights.inputBias',
      bias_hh: 'weights.hiddenBias',
    };
  }

  /** Of what runs in one step the state's part of the bias stands in the inputs' part. */
  protected sums(x: Tensor, hidden: Tensor | undefined): Tensor {
    return plus(this.weights.forward(x), this.weights.fromState(hidden ?? null));
  }
}

/** Options of {@link rnnCell}. */
export interface RnnCellOptions extends RecurrentCellOptions {
  /** Default 'tanh'. */
  readonly activation?: 'tanh' | 'relu';
}

/** See {@link rnnCell}. */
export class RnnCell extends RecurrentCell<Tensor, Tensor> {
  readonly activation: 'tanh' | 'relu';

  /** Use {@link rnnCell}. */
  constructor(inFeatures: number, hidden: number, options: RnnCellOptions = {}) {
    super('rnnCell', 1, inFeatures, hidden, options);
    checkOptions('rnnCell', options, 'activation bias dtype');
    this.activation = options.activation ?? 'tanh';
  }

  override get layer() {
    return 'rnnCell';
  }

  override forward(x: Tensor, hidden?: Tensor): Tensor {
    this.check(x, { hidden });
    const sum = this.sums(x, hidden);
    return this.activation === 'relu' ? sum.relu() : sum.tanh();
  }

  override describe(): readonly [string, ...unknown[]] {
    const [layer, inFeatures, hidden, options] = super.describe();
    return [layer, inFeatures, hidden, { ...(options as RecurrentCellOptions), activation: this.activation }];
  }
}

/** See {@link lstmCell}. */
export class LstmCell extends RecurrentCell<LstmCellState, LstmCellState> {
  /** Use {@link lstmCell}. */
  constructor(inFeatures: number, hidden: number, options: RecurrentCellOptions = {}) {
    super('lstmCell', 4, inFeatures, hidden, options);
    checkOptions('lstmCell', options, 'bias dtype');
  }

  override get layer() {
    return 'lstmCell';
  }

  override forward(x: Tensor, state?: LstmCellState): LstmCellState {
    this.check(x, { hidden: state?.hidden, cell: state?.cell });
    const before: CellState = { hidden: state?.hidden ?? null, cell: state?.cell ?? null };
    const { hidden, cell } = lstmStep(this.gates(this.sums(x, state?.hidden), 4), before, this.weights);
    return { hidden: hidden!, cell: cell! };
  }
}

/** See {@link gruCell}. */
export class GruCell extends RecurrentCell<Tensor, Tensor> {
  /** Use {@link gruCell}. */
  constructor(inFeatures: number, hidden: number, options: RecurrentCellOptions = {}) {
    super('gruCell', 3, inFeatures, hidden, options);
    checkOptions('gruCell', options, 'bias dtype');
  }

  override get layer() {
    return 'gruCell';
  }

  override forward(x: Tensor, hidden?: Tensor): Tensor {
    this.check(x, { hidden });
    const { weights } = this;
    const fromState = weights.fromState(hidden ?? null);
    const bias = weights.hiddenBias?.value.slice(2 * this.hidden) ?? null;
    const inputs = this.gates(weights.forward(x, this.hidden), 3);
    return gruStep(
      inputs,
      fromState && this.gates(fromState, 3),
      { hidden: hidden ?? null, cell: null },
      bias,
    ).hidden!;
  }
}

/** One step of {@link rnn}: `[batch, in]` and `[batch, hidden]` (0 where left out) → `[batch, hidden]`. */
export function rnnCell(inFeatures: number, hidden: number, options: RnnCellOptions = {}): RnnCell {
  return new RnnCell(inFeatures, hidden, options);
}

/**
 * One step of {@link lstm}: `[batch, in]` and a state (0 where left out) → the state after it, `{ hidden, cell }` of `[batch, hidden]`.
 *
 * ```ts
 * const cell = lstmCell(8, 32);
 * let state = cell.forward(first);
 * state = cell.forward(second, state);
 * ```
 */
export function lstmCell(inFeatures: number, hidden: number, options: RecurrentCellOptions = {}): LstmCell {
  return new LstmCell(inFeatures, hidden, options);
}

/** One step of {@link gru}: `[batch, in]` and `[batch, hidden]` (0 where left out) → `[batch, hidden]`. */
export function gruCell(inFeatures: number, hidden: number, options: RecurrentCellOptions = {}): GruCell {
  return new GruCell(inFeatures, hidden, options);
}
