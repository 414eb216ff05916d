/**
 * What all optimisers share: groups of parameters, the count of steps, learning rates, saved state, and `step()`,
 * which hands the new values of all parameters and of all state to one plan. A kind of optimiser adds what the state
 * of one parameter is and its update as tensor expressions.
 */
import {
  asOneCall,
  atRun,
  commitUpdates,
  evaluate,
  formatShape,
  isFloat,
  liveScalar,
  type Tensor,
  Variable,
} from '@ag/tensor';
import { type PlateauSchedule, type Rate, type Schedule, toSchedule } from './schedules.ts';

/** Options that every optimiser has. */
export interface OptimizerOptions {
  /** A number, or a function of the steps taken: see the schedules. */
  readonly learningRate: Rate;
}

/** Parameters with options of their own; what is left out is taken from the optimiser's options. */
export type ParameterGroup<Options> = { readonly parameters: Iterable<Variable> } & Partial<Options>;

/** What an optimiser trains: variables, or groups of them. */
export type Parameters<Options> = Iterable<Variable> | readonly ParameterGroup<Options>[];

/** All that an optimiser remembers between steps: plain numbers and tensors by name, to be saved with the model. */
export interface OptimizerState {
  /** The kind of optimiser, checked when loading. */
  readonly type: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Scalars that may differ at each step, by name. */
export type Scalars = Readonly<Record<string, Tensor>>;

/** Makes a scalar of a number that is read at each step. */
export type Read = (number: () => number) => Tensor;

/** The state of one parameter by name, as variables or as their next values. */
export type Slots<T> = Readonly<Record<string, T>>;

/** New values: of the parameter, and of its state by name. */
export interface Update {
  readonly value: Tensor;
  readonly slots?: Slots<Tensor>;
}

interface Group<Options> {
  readonly options: Options;
  readonly schedule: Schedule;
  readonly members: readonly Member[];
}

interface Member {
  readonly parameter: Variable;
  readonly slots: Slots<Variable>;
  /** Position among all parameters: the name of its state. */
  readonly index: number;
}

/** Base class of the optimisers whose step is an expression of gradient and state. */
export abstract class Optimizer<Options extends OptimizerOptions = OptimizerOptions> {
  /** The kind, as in saved states. */
  abstract readonly type: string;
  /** Steps taken so far. */
  steps = 0;
  readonly #groups: Group<Options>[];

  /**
   * @param parameters variables, or groups of them with their own options
   * @throws RangeError without parameters, for a parameter that is given twice, and for options out of range
   * @throws TypeError for anything that is no float variable
   */
  constructor(parameters: Parameters<Options>, options: Options) {
    const seen = new Set<Variable>();
    const given = [...(parameters as Iterable<Variable | ParameterGroup<Options>>)];
    const [first] = given;
    const grouped = typeof first === 'object' && !(first instanceof Variable) && 'parameters' in first;
    const groups = grouped
      ? (given as ParameterGroup<Options>[])
      : [{ parameters: given } as unknown as ParameterGroup<Options>];
    this.#groups = groups.map(({ parameters: list, ...own }) => {
      const merged = { ...options, ...own } as Options;
      checkOptions(merged);
      this.check(merged);
      const members = [...list].map((parameter): Member => {
        checkParameter(parameter, seen);
        return { parameter, slots: this.#makeSlots(parameter, merged), index: seen.size - 1 };
      });
      return { options: merged, schedule: toSchedule(merged.learningRate), members };
    });
    if (seen.size === 0) throw new RangeError('optimiser: there are no parameters; pass model.parameters()');
  }

  /** The parameters of all groups. */
  get parameters(): readonly Variable[] {
    return this.#groups.flatMap((group) => group.members.map((member) => member.parameter));
  }

  /** The rate of the next step, in the first group. */
  get learningRate(): number {
    return this.learningRates[0]!;
  }

  /** The rate of the next step, in each group. */
  get learningRates(): readonly number[] {
    return this.#groups.map((group) => group.schedule(this.steps));
  }

  /**
   * Moves every trainable parameter that has a gradient waiting, and commits the new values together with the
   * optimiser's state in one plan, which also computes the loss and whatever `backward` was asked for. Parameters
   * without a gradient keep their value and state.
   *
   * @param gradients gradients to use instead of those that `backward` left
   * @throws Error when there is no gradient at all; nothing is changed when the computation fails
   */
  step(gradients?: ReadonlyMap<Variable, Tensor>): void {
    const updates = new Map<Variable, Tensor>();
    const before = this.steps;
    atRun(() => {
      this.steps++;
      return () => {
        this.steps--;
      };
    });
    try {
      asOneCall(() => {
        for (const group of this.#groups) this.#updateGroup(group, gradients, updates);
      });
      if (updates.size === 0) {
        throw withoutGradients(this.parameters, gradients);
      }
      commitUpdates(updates);
    } catch (error) {
      this.steps = before;
      throw error;
    }
  }

  /** Drops gradients that wait for a step, so that the next `backward` starts anew. */
  zeroGrad(): void {
    for (const parameter of this.parameters) {
      parameter.grad = undefined;
      parameter.gradPending = false;
    }
  }

  /** A copy of everything remembered between steps. */
  state(): OptimizerState {
    const tensors: Record<string, Tensor> = {};
    for (const [name, slot] of this.#namedSlots()) tensors[name] = slot.value.reshape(slot.shape);
    evaluate(Object.values(tensors));
    const numbers: Record<string, number> = { steps: this.steps };
    this.#groups.forEach(({ schedule }, i) => {
      if (!isStateful(schedule)) return;
      for (const [name, value] of Object.entries(schedule.state())) numbers[`schedule.${i}.${name}`] = value;
    });
    return { type: this.type, numbers, tensors };
  }

  /**
   * Goes on from a saved state, of an optimiser of the same kind and options over parameters of the same shapes in the
   * same order.
   * @throws Error when the state does not fit; nothing is changed then
   */
  loadState(state: OptimizerState): void {
    if (state.type !== this.type)
      throw new Error(`loadState: this is ${this.type}, the state is of ${state.type}`);
    const slots = this.#namedSlots();
    const updates = new Map<Variable, Tensor>();
    for (const [name, slot] of slots) {
      const value = state.tensors[name];
      if (!value)
        throw new Error(
          `loadState: '${name}' is missing; were the optimiser's options or parameters others?`,
        );
      if (formatShape(value.shape) !== formatShape(slot.shape)) {
        throw new Error(
          `loadState: '${name}' has shape ${formatShape(value.shape)}, not ${formatShape(slot.shape)}`,
        );
      }
      updates.set(slot, value.cast(slot.dtype));
    }
    const unknown = Object.keys(state.tensors).filter((name) => !slots.has(name));
    if (unknown.length > 0)
      throw new Error(
        `loadState: unknown '${unknown[0]}'${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ''}`,
      );
    if (updates.size > 0) commitUpdates(updates);
    this.steps = state.numbers.steps ?? 0;
    this.#groups.forEach(({ schedule }, i) => {
      if (!isStateful(schedule)) return;
      const prefix = `schedule.${i}.`;
      const own = Object.entries(state.numbers).filter(([name]) => name.startsWith(prefix));
      schedule.loadState(Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value])));
    });
  }

  // What a kind of optimiser says

  /** Checks the options of a group. @throws RangeError */
  protected check(_options: Options): void {}

  /** The first value of each part of a parameter's state, by name. */
  protected abstract slots(parameter: Variable, options: Options): Slots<Tensor>;

  /**
   * Numbers that change with the steps, read anew for each (when compiled too): `read` makes a scalar of one, `rate`
   * gives the learning rate, `this.steps` counts from 1.
   */
  protected scalars(_options: Options, read: Read, rate: () => number): Scalars {
    return { rate: read(rate) };
  }

  /** The next values of a parameter and of its state, from the gradient and the present ones. */
  protected abstract update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    scalars: Scalars,
    options: Options,
  ): Update;

  #makeSlots(parameter: Variable, options: Options): Slots<Variable> {
    return Object.fromEntries(
      Object.entries(this.slots(parameter, options)).map(([name, initial]) => [
        name,
        new Variable(initial, { trainable: false, inPlace: true, name: `${parameter.name}.${name}` }),
      ]),
    );
  }

  #updateGroup(
    group: Group<Options>,
    gradients: ReadonlyMap<Variable, Tensor> | undefined,
    updates: Map<Variable, Tensor>,
  ): void {
    const byType = new Map<string, Scalars>();
    for (const { parameter, slots } of group.members) {
      const gradient = gradients
        ? gradients.get(parameter)
        : parameter.gradPending
          ? parameter.grad
          : undefined;
      if (!gradient || !parameter.trainable) continue;
      let scalars = byType.get(parameter.dtype);
      if (!scalars) {
        const read: Read = (number) => liveScalar(number, parameter.dtype);
        scalars = this.scalars(group.options, read, () => this.#rateOf(group));
        byType.set(parameter.dtype, scalars);
      }
      const present: Record<string, Tensor> = {};
      for (const name in slots) present[name] = slots[name]!.value;
      const next = this.update(parameter.value, gradient, present, scalars, group.options);
      updates.set(parameter, next.value);
      for (const name in next.slots) updates.set(slots[name]!, next.slots[name]!);
    }
  }

  /** Called after the step was counted. */
  #rateOf(group: Group<Options>): number {
    const rate = group.schedule(this.steps - 1);
    if (!Number.isFinite(rate)) {
      throw new RangeError(
        `step: the learning rate of step ${this.steps} is ${rate}; the schedule must give finite numbers`,
      );
    }
    return rate;
  }

  #namedSlots(): Map<string, Variable> {
    const found = new Map<string, Variable>();
    for (const { members } of this.#groups) {
      for (const { slots, index } of members)
        for (const name in slots) found.set(`${index}.${name}`, slots[name]!);
    }
    return found;
  }
}

/** @throws RangeError unless the number is in [low, high) */
export function checkRange(value: number, low: number, high: number, what: string): void {
  if (!(value >= low && value < high)) {
    throw new RangeError(
      `${what} must be in [${low}, ${high === Number.POSITIVE_INFINITY ? '∞' : high}), got ${value}`,
    );
  }
}

function checkOptions(options: OptimizerOptions): void {
  const rate = options.learningRate;
  if (typeof rate !== 'function' && !(Number.isFinite(rate) && rate >= 0)) {
    throw new RangeError(`optimiser: the learning rate must be a number ≥ 0 or a schedule, got ${rate}`);
  }
}

/**
 * Notes a parameter among those seen, and that it has an optimiser.
 * @throws TypeError unless it is a float variable; RangeError when it was seen before
 */
export function checkParameter(parameter: Variable, seen: Set<Variable>): void {
  if (!(parameter instanceof Variable)) {
    throw new TypeError('optimiser: parameters must be variables; pass model.parameters()');
  }
  if (!isFloat(parameter.dtype)) {
    throw new TypeError(
      `optimiser: parameter '${parameter.name}' is ${parameter.dtype}; only floats can be trained`,
    );
  }
  if (seen.has(parameter)) throw new RangeError(`optimiser: parameter '${parameter.name}' is given twice`);
  seen.add(parameter);
  parameter.owned = true;
}

function isStateful(schedule: Schedule): schedule is PlateauSchedule {
  return 'loadState' in schedule;
}

/** Why a step finds nothing to do. */
function withoutGradients(
  parameters: readonly Variable[],
  gradients: ReadonlyMap<Variable, Tensor> | undefined,
): Error {
  if (parameters.every(({ trainable }) => !trainable))
    return new Error(
      'step: all parameters of this optimizer are frozen; set variable.trainable = true, or call module.unfreeze()',
    );
  if (gradients)
    return new Error(
      'step: the gradients given are of no trainable parameter of this optimizer; their keys must be its variables',
    );
  return new Error(
    'step: no parameter of this optimizer has a gradient waiting; call backward(loss) first, with a loss that depends on them. ' +
      'Gradients of your own are given to the step: step(new Map([[variable, gradient]])), not assigned to variable.grad',
  );
}
