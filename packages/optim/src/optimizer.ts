/**
 * `Optimizer`: what all optimizers share. There are groups of parameters, the count of steps, learning rates, saved
 * state, and `step()`, which hands the new values of all parameters and of all state to one plan. A kind of optimizer
 * adds what the state of one parameter is and its update as tensor expressions.
 */
import { type DType, evaluate, formatShape, type Tensor, Variable } from '@ag/tensor';
import {
  activeTrace,
  asOneCall,
  beforeEachRun,
  checkOptions,
  codedError,
  commitUpdates,
  dropGradients,
  dynamicScalar,
  valueError,
} from '@ag/tensor/engine';
import { checkLearningRate, checkParameter } from './check.ts';
import { defined, isStateful, mismatch, withoutGradients } from './optimizerParts.ts';
import type {
  OptimizerOptions,
  OptimizerState,
  ParameterGroup,
  ParameterState,
  Parameters,
  Read,
  Scalars,
  Update,
} from './optimizerTypes.ts';
import { type Rate, type Schedule, toSchedule } from './schedules.ts';

export { withDecay, zeroState } from './optimizerParts.ts';
export type {
  OptimizerOptions,
  OptimizerState,
  ParameterGroup,
  ParameterState,
  Parameters,
  Read,
  Scalars,
  Slots,
  Update,
} from './optimizerTypes.ts';

interface Group<Options> {
  readonly options: Required<Options>;
  schedule: Schedule;
  /** A rate that was assigned, which saved states hold; null for the one the group was made with. */
  assigned: number | null;
  readonly members: readonly Member[];
}

interface Member {
  readonly parameter: Variable;
  readonly state: ParameterState<Variable>;
  /** Position among all parameters: the name of its state. */
  readonly index: number;
  /** Steps in which it had a gradient. What starts at 0 and is corrected for that goes by this count, not by the optimizer's. */
  steps: number;
}

/** A parameter that a step moves. */
interface Moving<Options> {
  readonly group: Group<Options>;
  readonly member: Member;
  readonly gradient: Tensor;
  /** Its steps with this one, known when the step is made. */
  steps: number;
}

/** The scalars of a group's parameters of one dtype, made once in each step. */
interface SharedScalars {
  readonly read: Read;
  readonly rate: () => number;
  readonly scalars: Scalars;
  /** With the parameters' own, by what they depend on. */
  readonly complete: Map<number | Member, Scalars>;
}

/** Base class of the optimizers whose step is an expression of gradient and state. */
export abstract class Optimizer<Options extends OptimizerOptions = OptimizerOptions> {
  /** The kind, as in saved states. */
  abstract readonly type: string;
  /** Steps taken so far. */
  steps = 0;
  readonly #groups: Group<Options>[] = [];
  readonly #seen = new Set<Variable>();
  readonly #options: Options;

  /**
   * @param parameters variables, or groups of them with their own options
   * @throws RangeError without parameters, for a parameter that is given twice, and for options out of range
   * @throws TypeError for anything that is no float variable
   */
  constructor(parameters: Parameters<Options>, options: Options) {
    this.#options = options;
    this.#add(parameters);
    if (this.#seen.size === 0)
      throw codedError(
        RangeError,
        'AG_PARAMETERS',
        'optimizer: there are no parameters; pass model.parameters()',
      );
  }

  /**
   * Lets further parameters train: layers that were frozen so far, or that a model has grown. They begin with empty state and a count
   * of their own; a function that was compiled before does not move them.
   *
   * ```ts
   * optimizer.addParameters({ parameters: head.parameters(), learningRate: 1e-4 });
   * ```
   *
   * @param parameters variables, a group, or several groups; options that they leave out are the optimizer's
   * @throws as the constructor; nothing is changed then
   */
  addParameters(parameters: Parameters<Options> | ParameterGroup<Options>): void {
    const one = !(Symbol.iterator in parameters);
    const before = this.#seen.size;
    this.#add(one ? [parameters as ParameterGroup<Options>] : (parameters as Parameters<Options>));
    if (this.#seen.size === before)
      throw codedError(RangeError, 'AG_PARAMETERS', 'addParameters: there are no parameters');
  }

  /** The parameters of all groups. */
  get parameters(): readonly Variable[] {
    return this.#groups.flatMap((group) => group.members.map((member) => member.parameter));
  }

  /** All variables that a step changes: the parameters, then their state. */
  variables(): Variable[] {
    return [...this.parameters, ...this.#members().flatMap(({ state }) => Object.values(state))];
  }

  /** The rate of the next step, in the first group. Assigned, it is that of all groups from now on: a number, or a schedule. */
  get learningRate(): number {
    return this.learningRates[0];
  }

  set learningRate(rate: Rate) {
    checkLearningRate(rate);
    for (const group of this.#groups) this.#setRate(group, rate);
  }

  /** The rate of the next step, in each group. */
  get learningRates(): readonly number[] {
    return this.#groups.map((group) => group.schedule(this.steps));
  }

  /** Assigned, one for each group. @throws RangeError for another number of rates */
  set learningRates(rates: readonly Rate[]) {
    if (rates.length !== this.#groups.length)
      throw valueError(`learningRates: there are ${this.#groups.length} groups, got ${rates.length} rates`);
    for (const rate of rates) checkLearningRate(rate);
    this.#groups.forEach((group, i) => this.#setRate(group, rates[i]));
  }

  /**
   * Moves every trainable parameter that has a gradient waiting, and commits the new values together with the
   * optimizer's state in one plan, which also computes the loss and whatever `backward` was asked for. Parameters
   * without a gradient keep their value and state.
   *
   * @param gradients gradients to use instead of those that `backward` left
   * @throws Error when there is no gradient at all; when the computation fails, values, state and count stay as they are,
   * and the gradients that waited are dropped, so that the next `backward` starts clean
   */
  step(gradients?: ReadonlyMap<Variable, Tensor>): void {
    const moving = this.#moving(gradients);
    if (moving.length === 0) {
      throw withoutGradients(this.parameters, gradients);
    }
    // Numbers of this step, apart from the counts: a compiled function may make several steps in each run.
    const now = { step: 0 };
    let counted = false;
    const takeBack = (): void => {
      this.steps--;
      for (const { member } of moving) member.steps--;
      counted = false;
    };
    beforeEachRun(() => {
      now.step = ++this.steps;
      for (const each of moving) each.steps = ++each.member.steps;
      counted = true;
      return takeBack;
    });
    try {
      commitUpdates(asOneCall(() => this.#updatesOf(moving, now)));
    } catch (error) {
      if (counted) takeBack();
      // Else the next `backward` would add to them, or meet the same error.
      if (gradients === undefined) dropGradients(this.parameters);
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

  /** A copy of the state. */
  state(): OptimizerState {
    const tensors: Record<string, Tensor> = {};
    for (const [name, variable] of this.#namedState()) tensors[name] = variable.value.reshape(variable.shape);
    evaluate(Object.values(tensors));
    const numbers: Record<string, number> = { steps: this.steps };
    for (const { steps, index } of this.#members()) {
      // Most parameters have a gradient at every step.
      if (steps !== this.steps) numbers[`${index}.steps`] = steps;
    }
    this.#groups.forEach(({ schedule, assigned }, i) => {
      if (assigned !== null) numbers[`rate.${i}`] = assigned;
      if (!isStateful(schedule)) return;
      for (const [name, value] of Object.entries(schedule.state())) numbers[`schedule.${i}.${name}`] = value;
    });
    return { type: this.type, numbers, tensors };
  }

  /**
   * Goes on from a saved state, of an optimizer of the same kind and options over parameters of the same shapes in the
   * same order.
   * @throws Error when the state does not fit; nothing is changed then
   */
  loadState(state: OptimizerState): void {
    if (state.type !== this.type)
      throw mismatch(`loadState: this is ${this.type}, the state is of ${state.type}`);
    const own = this.#namedState();
    const updates = new Map<Variable, Tensor>();
    for (const [name, variable] of own) {
      const value = state.tensors[name];
      if (!value)
        throw mismatch(`loadState: '${name}' is missing; were the optimizer's options or parameters others?`);
      if (formatShape(value.shape) !== formatShape(variable.shape)) {
        throw mismatch(
          `loadState: '${name}' has shape ${formatShape(value.shape)}, not ${formatShape(variable.shape)}`,
        );
      }
      updates.set(variable, value.cast(variable.dtype));
    }
    const unknown = Object.keys(state.tensors).filter((name) => !own.has(name));
    if (unknown.length > 0)
      throw mismatch(
        `loadState: unknown '${unknown[0]}'${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ''}`,
      );
    const { steps = 0 } = state.numbers;
    const counts = this.#members().map(({ index }) => state.numbers[`${index}.steps`] ?? steps);
    for (const count of [steps, ...counts]) {
      if (!Number.isSafeInteger(count) || count < 0)
        throw mismatch(`loadState: a count of steps must be a whole number, got ${count}`);
    }
    if (updates.size > 0) commitUpdates(updates);
    this.steps = steps;
    this.#members().forEach((member, i) => {
      member.steps = counts[i];
    });
    this.#groups.forEach((group, i) => {
      const rate = state.numbers[`rate.${i}`];
      if (rate !== undefined) this.#setRate(group, rate);
      const { schedule } = group;
      if (!isStateful(schedule)) return;
      const prefix = `schedule.${i}.`;
      const saved = Object.entries(state.numbers).filter(([name]) => name.startsWith(prefix));
      schedule.loadState(
        Object.fromEntries(saved.map(([name, value]) => [name.slice(prefix.length), value])),
      );
    });
  }

  // What a kind of optimizer says

  /** The options that a group leaves out. */
  protected defaults(_given: Options): object {
    return {};
  }

  /** Checks the options of a group. @throws RangeError */
  protected check(_options: Required<Options>): void {}

  /** The first value of each part of a parameter's state, by name. */
  protected initialState(parameter: Variable, options: Required<Options>): ParameterState<Tensor> {
    return this.slots?.(parameter, options) ?? {};
  }

  /** @deprecated The former name of `initialState`. */
  protected slots?(parameter: Variable, options: Required<Options>): ParameterState<Tensor>;

  /**
   * Numbers that change with the steps and are the same for all parameters of a group, read anew for each step (when
   * compiled too): `read` makes a scalar of one, `rate` gives the learning rate.
   */
  protected scalars(_options: Required<Options>, read: Read, rate: () => number): Scalars {
    return { rate: read(rate) };
  }

  /**
   * Further numbers, which depend on how many steps a parameter has made itself: `steps` counts them from 1. Steps in which
   * it had no gradient (frozen, in a branch not taken) do not count, as in PyTorch. Null when there are none.
   */
  protected ownScalars(
    _options: Required<Options>,
    _read: Read,
    _rate: () => number,
    _steps: () => number,
  ): Scalars | null {
    return null;
  }

  /** The next values of a parameter and of its state, from the gradient and the present ones. */
  protected abstract update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    scalars: Scalars,
    options: Required<Options>,
  ): Update;

  /** Adds groups, all of them or none. */
  #add(parameters: Parameters<Options>): void {
    const all = [...(parameters as Iterable<Variable | ParameterGroup<Options>>)];
    const [first] = all;
    const grouped = typeof first === 'object' && !(first instanceof Variable) && 'parameters' in first;
    const groups = grouped
      ? (all as ParameterGroup<Options>[])
      : [{ parameters: all } as unknown as ParameterGroup<Options>];
    const seen = new Set(this.#seen);
    const made = groups.map(({ parameters: list, ...own }) => {
      const given = { ...defined(this.#options), ...defined(own) } as Options;
      const defaults = this.defaults(given);
      // The factories check their own options; a group's are known here only, by their defaults.
      const known = Object.keys(defaults);
      if (known.length > 0) checkOptions('parameter group', own, ['learningRate', ...known].join(' '));
      const resolved = { ...defaults, ...given } as Required<Options>;
      checkLearningRate(resolved.learningRate);
      this.check(resolved);
      const members = [...list].map((parameter): Member => {
        checkParameter(parameter, seen);
        return { parameter, state: this.#makeState(parameter, resolved), index: seen.size - 1, steps: 0 };
      });
      return { options: resolved, schedule: toSchedule(resolved.learningRate), assigned: null, members };
    });
    for (const parameter of seen) this.#seen.add(parameter);
    this.#groups.push(...made);
  }

  #setRate(group: Group<Options>, rate: Rate): void {
    group.schedule = toSchedule(rate);
    group.assigned = typeof rate === 'number' ? rate : null;
  }

  #makeState(parameter: Variable, options: Required<Options>): ParameterState<Variable> {
    return Object.fromEntries(
      Object.entries(this.initialState(parameter, options)).map(([name, initial]) => [
        name,
        new Variable(initial, { trainable: false, inPlace: true, name: `${parameter.name}.${name}` }),
      ]),
    );
  }

  /** Trainable parameters with a gradient, in the order of the groups. */
  #moving(gradients: ReadonlyMap<Variable, Tensor> | undefined): Moving<Options>[] {
    const found: Moving<Options>[] = [];
    for (const group of this.#groups) {
      for (const member of group.members) {
        const { parameter } = member;
        const gradient = gradients
          ? gradients.get(parameter)
          : parameter.gradPending
            ? parameter.grad
            : undefined;
        if (gradient && parameter.trainable) found.push({ group, member, gradient, steps: 0 });
      }
    }
    return found;
  }

  #updatesOf(moving: readonly Moving<Options>[], now: { readonly step: number }): Map<Variable, Tensor> {
    const updates = new Map<Variable, Tensor>();
    let byType = new Map<DType, SharedScalars>();
    let last = moving[0].group;
    for (const each of moving) {
      const { group, gradient } = each;
      const { parameter, state } = each.member;
      // They are in the order of the groups.
      if (group !== last) byType = new Map();
      last = group;
      const scalars = this.#scalarsOf(each, now, byType);
      const present: Record<string, Tensor> = {};
      for (const name in state) present[name] = state[name].value;
      const next = this.update(parameter.value, gradient, present, scalars, group.options);
      updates.set(parameter, next.value);
      const values = next.state ?? next.slots ?? noState;
      for (const name in values) updates.set(state[name], values[name]);
    }
    return updates;
  }

  /**
   * Parameters with the same count share their scalars, so that a step has few and its plan stays the same. In a trace each
   * has its own: counts that are equal now may part, when other traces move some of the parameters only.
   */
  #scalarsOf(
    moving: Moving<Options>,
    now: { readonly step: number },
    byType: Map<DType, SharedScalars>,
  ): Scalars {
    const { group, member } = moving;
    const { options } = group;
    const { dtype } = member.parameter;
    let shared = byType.get(dtype);
    if (!shared) {
      const read: Read = (number) => dynamicScalar(number, dtype);
      const rate = (): number => this.#rateOf(group, now.step);
      shared = { read, rate, scalars: this.scalars(options, read, rate), complete: new Map() };
      byType.set(dtype, shared);
    }
    const key = activeTrace() ? member : member.steps;
    let complete = shared.complete.get(key);
    if (!complete) {
      const own = this.ownScalars(options, shared.read, shared.rate, () => moving.steps);
      complete = own ? { ...shared.scalars, ...own } : shared.scalars;
      shared.complete.set(key, complete);
    }
    return complete;
  }

  #rateOf(group: Group<Options>, step: number): number {
    const rate = group.schedule(step - 1);
    if (!Number.isFinite(rate)) {
      throw valueError(
        `step: the learning rate of step ${step} is ${rate}; the schedule must give finite numbers`,
      );
    }
    return rate;
  }

  #members(): Member[] {
    return this.#groups.flatMap(({ members }) => members);
  }

  #namedState(): Map<string, Variable> {
    const found = new Map<string, Variable>();
    for (const { state, index } of this.#members())
      for (const name in state) found.set(`${index}.${name}`, state[name]);
    return found;
  }
}

const noState: ParameterState<Tensor> = {};
