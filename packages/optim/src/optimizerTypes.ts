/**
 * What optimizers are made with, say of themselves and save.
 */
import type { Tensor, Variable } from '@ag/tensor';
import type { Rate } from './schedules.ts';

/** Options that every optimizer has. */
export interface OptimizerOptions {
  /** A number, or a function of the steps taken: see the schedules. */
  readonly learningRate: Rate;
}

/** Parameters with options of their own; the others come from the optimizer's options. */
export type ParameterGroup<Options> = { readonly parameters: Iterable<Variable> } & Partial<Options>;

/** What an optimizer trains: variables, or groups of them. */
export type Parameters<Options> = Iterable<Variable> | readonly ParameterGroup<Options>[];

/** The state of an optimizer: plain numbers and tensors by name, to be saved with the model. */
export interface OptimizerState {
  /** The kind of optimizer, checked when loading. */
  readonly type: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Scalars that may differ at each step, by name. */
export type Scalars = Readonly<Record<string, Tensor>>;

/** Makes a scalar of a number that is read at each step. */
export type Read = (number: () => number) => Tensor;

/** The state of one parameter by name, as variables or as their next values. */
export type ParameterState<T> = Readonly<Record<string, T>>;

/** What an optimizer keeps for a parameter. @deprecated The former name of `ParameterState`. */
export type Slots<T> = ParameterState<T>;

/** New values: of the parameter, and of its state by name. */
export interface Update {
  readonly value: Tensor;
  readonly state?: ParameterState<Tensor>;
  /** @deprecated The former name of `state`. */
  readonly slots?: ParameterState<Tensor>;
}
