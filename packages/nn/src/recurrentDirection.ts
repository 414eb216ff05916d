/**
 * The weights of one recurrent layer in one direction, or of a cell, and the state that they carry.
 */
import { type DType, type Tensor, Variable } from '@ag/tensor';
import { fanInBias } from './init.ts';
import { Module } from './module.ts';

/** State of one layer and direction: [batch, hidden]; null at the start counts as 0. */
export interface CellState {
  readonly hidden: Tensor | null;
  readonly cell: Tensor | null;
}

/** The weights of one layer in one direction, uniform in ±1/√hidden; gates lie one after the other along axis 0. */
export class Direction extends Module<[Tensor, number?]> {
  /** [gates · hidden, in] */
  readonly inputWeight: Variable;
  /** [gates · hidden, hidden] */
  readonly hiddenWeight: Variable;
  /** [gates · hidden], or null */
  readonly inputBias: Variable | null;
  /** [gates · hidden], or null */
  readonly hiddenBias: Variable | null;
  /** [projection, hidden], of an LSTM whose state is projected, or null */
  readonly projection: Variable | null;

  constructor(
    gates: number,
    inFeatures: number,
    hidden: number,
    bias: boolean,
    dtype: DType,
    projection: number | null = null,
  ) {
    super();
    const draw = fanInBias(hidden);
    const make = (name: string, ...rest: number[]): Variable =>
      new Variable(draw([gates * hidden, ...rest], { dtype }), { name });
    this.inputWeight = make('inputWeight', inFeatures);
    this.hiddenWeight = make('hiddenWeight', projection ?? hidden);
    this.inputBias = bias ? make('inputBias') : null;
    this.hiddenBias = bias ? make('hiddenBias') : null;
    this.projection =
      projection === null
        ? null
        : new Variable(draw([projection, hidden], { dtype }), { name: 'projection' });
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

/** a + b, or a alone. */
export function plus(a: Tensor, b: Tensor | null): Tensor {
  return b ? a.add(b) : a;
}

/** The state of an LSTM after a step, from its gates: input, forget, candidate, output, [batch, hidden] each. */
export function lstmStep(gates: readonly Tensor[], state: CellState, { projection }: Direction): CellState {
  const [input, forget, candidate, output] = gates;
  const added = input.sigmoid().mul(candidate.tanh());
  const cell = state.cell ? forget.sigmoid().mul(state.cell).add(added) : added;
  const hidden = output.sigmoid().mul(cell.tanh());
  return { hidden: projection ? hidden.matmul(projection.value.transpose()) : hidden, cell };
}

/**
 * The state of a GRU after a step, from the inputs' and the state's part of its gates: reset, update, candidate.
 *
 * @param bias the candidate's hidden bias, where it is not in the state's part
 */
export function gruStep(
  inputs: readonly Tensor[],
  fromState: readonly Tensor[] | null,
  state: CellState,
  bias: Tensor | null,
): CellState {
  const [xReset, xUpdate, xNew] = inputs;
  const [hReset, hUpdate, product] = fromState ?? [null, null, null];
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
