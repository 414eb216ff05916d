/**
 * Learning-rate schedules. They are pure functions from the number of steps already taken (0 for the first) to the
 * rate, so that they can be plotted, tested and put together like any function, and need no state in a checkpoint.
 * Schedules count optimizer steps, not epochs; multiply by the steps in an epoch where a recipe speaks of epochs.
 *
 * ```ts
 * const schedule = linearWarmup(cosine(3e-3, { steps: 9_500 }), { steps: 500 });
 * const optimizer = adam(model.parameters(), { learningRate: schedule });
 * ```
 */
import { checkOptions, valueError } from '@ag/tensor/engine';
import { cos, pow } from '@ag/tensor/math';

/** The learning rate after `step` steps. */
export type Schedule = (step: number) => number;

/** A rate as it is, or changing with the steps. */
export type Rate = number | Schedule;

/** Always the same rate. */
export function constant(rate: number): Schedule {
  checkRate(rate, 'constant');
  return () => rate;
}

/** The rate times `factor` (default 0.1) after every `every` steps. */
export function stepDecay(
  rate: number,
  options: { readonly every: number; readonly factor?: number },
): Schedule {
  checkOptions('stepDecay', options, 'every factor');
  const { every, factor = 0.1 } = options;
  checkRate(rate, 'stepDecay');
  checkSteps(every, 'stepDecay', 'every');
  return (step) => rate * pow(factor, Math.floor(step / every));
}

/**
 * The rate times `factor` (default 0.1) at each of the milestones: after so many steps.
 *
 * ```ts
 * multiStep(0.1, { milestones: [30_000, 60_000] }); // 0.1, 0.01 from step 30,000 on, 0.001 from 60,000 on
 * ```
 */
export function multiStep(
  rate: number,
  options: { readonly milestones: readonly number[]; readonly factor?: number },
): Schedule {
  checkOptions('multiStep', options, 'milestones factor');
  const { milestones, factor = 0.1 } = options;
  checkRate(rate, 'multiStep');
  for (const milestone of milestones) checkSteps(milestone, 'multiStep', 'each milestone');
  return (step) => rate * pow(factor, milestones.filter((milestone) => milestone <= step).length);
}

/**
 * Along a line from `start` (default ⅓) times the rate to `end` (default 1) times the rate over `steps` steps, and on with that.
 */
export function linear(
  rate: number,
  options: { readonly steps: number; readonly start?: number; readonly end?: number },
): Schedule {
  checkOptions('linear', options, 'steps start end');
  const { steps, start = 1 / 3, end = 1 } = options;
  checkRate(rate, 'linear');
  checkSteps(steps, 'linear', 'steps');
  return (step) => rate * (start + ((end - start) * Math.min(step, steps)) / steps);
}

/**
 * Up from `minimum` to `rate` along a line over `up` steps, down again over `down` (default as many), again and again (Smith 2017).
 *
 * @param options.mode 'triangular' (default): always as high; 'halved': each time half as high; 'exponential': as high as
 * `factor` to the power of the step
 */
export function cyclic(
  rate: number,
  options: {
    readonly up: number;
    readonly down?: number;
    readonly minimum?: number;
    readonly mode?: 'triangular' | 'halved' | 'exponential';
    readonly factor?: number;
  },
): Schedule {
  checkOptions('cyclic', options, 'up down minimum mode factor');
  const { up, down = up, minimum = 0, mode = 'triangular', factor = 1 } = options;
  checkRate(rate, 'cyclic');
  checkRate(minimum, 'cyclic');
  checkSteps(up, 'cyclic', 'up');
  checkSteps(down, 'cyclic', 'down');
  if (mode !== 'triangular' && mode !== 'halved' && mode !== 'exponential')
    throw valueError(
      `cyclic: the mode must be 'triangular', 'halved' or 'exponential', got '${String(mode)}'`,
    );
  return (step) => {
    const cycle = Math.floor(step / (up + down));
    const within = step - cycle * (up + down);
    const share = within <= up ? within / up : (up + down - within) / down;
    const height = mode === 'halved' ? pow(0.5, cycle) : mode === 'exponential' ? pow(factor, step) : 1;
    return minimum + (rate - minimum) * share * height;
  };
}

/**
 * The rate times `factor(1)`, `factor(2)`, … , one more after each step.
 *
 * ```ts
 * multiplicative(0.1, (step) => (step % 100 === 0 ? 0.5 : 1));
 * ```
 */
export function multiplicative(rate: number, factor: (step: number) => number): Schedule {
  checkRate(rate, 'multiplicative');
  // The product so far, so that a run does not multiply from the beginning at each step.
  let known = { step: 0, product: 1 };
  return (step) => {
    if (step < known.step) known = { step: 0, product: 1 };
    let { step: at, product } = known;
    while (at < step) product *= factor(++at);
    known = { step: at, product };
    return rate * product;
  };
}

/**
 * Schedules multiplied: one of them with the rate, the others with factors around 1.
 *
 * ```ts
 * product(cosine(0.1, { steps: 9000 }), multiStep(1, { milestones: [6000] }));
 * ```
 */
export function product(...parts: readonly Rate[]): Schedule {
  const schedules = parts.map(toSchedule);
  return (step) => schedules.reduce((rate, schedule) => rate * schedule(step), 1);
}

/** The rate times `factor` after each step. */
export function exponential(rate: number, options: { readonly factor: number }): Schedule {
  checkOptions('exponential', options, 'factor');
  checkRate(rate, 'exponential');
  return (step) => rate * pow(options.factor, step);
}

/** From `rate` down to `minimum` (default 0) along half a cosine wave over `steps` steps, then `minimum`. */
export function cosine(
  rate: number,
  options: { readonly steps: number; readonly minimum?: number },
): Schedule {
  checkOptions('cosine', options, 'steps minimum');
  const { steps, minimum = 0 } = options;
  checkRate(rate, 'cosine');
  checkSteps(steps, 'cosine', 'steps');
  return (step) => minimum + ((rate - minimum) / 2) * (1 + cos((Math.PI * Math.min(step, steps)) / steps));
}

/**
 * Half a cosine wave over `period` steps again and again, each `multiply` (default 1) times as long as the one before
 * (Loshchilov & Hutter 2017, SGDR).
 */
export function cosineWithRestarts(
  rate: number,
  options: { readonly period: number; readonly multiply?: number; readonly minimum?: number },
): Schedule {
  checkOptions('cosineWithRestarts', options, 'period multiply minimum');
  const { period, multiply = 1, minimum = 0 } = options;
  checkRate(rate, 'cosineWithRestarts');
  checkSteps(period, 'cosineWithRestarts', 'period');
  if (!(multiply >= 1)) throw valueError(`cosineWithRestarts: multiply must be at least 1, got ${multiply}`);
  return (step) => {
    let start = 0;
    let length = period;
    while (step >= start + length) {
      start += length;
      length *= multiply;
    }
    return minimum + ((rate - minimum) / 2) * (1 + cos((Math.PI * (step - start)) / length));
  };
}

/** rate · (1 − step / steps)^power, `power` 1 (a straight line) unless told otherwise, down to `minimum` (default 0). */
export function polynomial(
  rate: number,
  options: { readonly steps: number; readonly power?: number; readonly minimum?: number },
): Schedule {
  checkOptions('polynomial', options, 'steps power minimum');
  const { steps, power = 1, minimum = 0 } = options;
  checkRate(rate, 'polynomial');
  checkSteps(steps, 'polynomial', 'steps');
  return (step) => minimum + (rate - minimum) * pow(1 - Math.min(step, steps) / steps, power);
}

/**
 * Rises along a line over `steps` steps, from `start` (default 0.01) times the rate with which `then` begins; from
 * there on `then` counts its own steps from 0.
 */
export function linearWarmup(
  then: Rate,
  options: { readonly steps: number; readonly start?: number },
): Schedule {
  checkOptions('linearWarmup', options, 'steps start');
  const { steps, start = 0.01 } = options;
  checkSteps(steps, 'linearWarmup', 'steps');
  const after = toSchedule(then);
  return (step) => (step < steps ? after(0) * (start + ((1 - start) * step) / steps) : after(step - steps));
}

/**
 * Up from `rate / divide` (25) to `rate` over the first `warmup` (0.3) of the steps, then down to the start divided by
 * `finalDivide` (10⁴), along cosines or lines (Smith & Topin 2018).
 */
export function oneCycle(
  rate: number,
  options: {
    readonly steps: number;
    readonly warmup?: number;
    readonly divide?: number;
    readonly finalDivide?: number;
    readonly anneal?: 'cosine' | 'linear';
  },
): Schedule {
  checkOptions('oneCycle', options, 'steps warmup divide finalDivide anneal');
  const { steps, warmup = 0.3, divide = 25, finalDivide = 1e4, anneal = 'cosine' } = options;
  checkRate(rate, 'oneCycle');
  checkSteps(steps, 'oneCycle', 'steps');
  const top = warmup * steps - 1;
  const last = steps - 1;
  const first = rate / divide;
  const between = (from: number, to: number, share: number): number =>
    anneal === 'linear' ? from + (to - from) * share : to + ((from - to) / 2) * (1 + cos(Math.PI * share));
  return (step) => {
    if (step >= last) return first / finalDivide;
    if (step <= top) return between(first, rate, step / top);
    return between(rate, first / finalDivide, (step - top) / (last - top));
  };
}

/**
 * One schedule after another: each with the number of steps it lasts, the last without end. Each counts from 0.
 *
 * ```ts
 * sequence([constant(0.1), 1000], cosine(0.1, { steps: 9000 }));
 * ```
 */
export function sequence(...parts: readonly [...(readonly [Rate, number])[], Rate]): Schedule {
  const last = toSchedule(parts[parts.length - 1] as Rate);
  const timed = (parts.slice(0, -1) as (readonly [Rate, number])[]).map(([rate, steps]) => ({
    schedule: toSchedule(rate),
    steps: checkSteps(steps, 'sequence', 'a part'),
  }));
  return (step) => {
    let left = step;
    for (const { schedule, steps } of timed) {
      if (left < steps) return schedule(left);
      left -= steps;
    }
    return last(left);
  };
}

/** A schedule that depends on a metric, which is reported to it. */
export interface PlateauSchedule extends Schedule {
  /** Reports the metric, usually the validation loss once in an epoch. */
  report(metric: number): void;
  /** For checkpoints; optimizers save it with their own state. */
  state(): Readonly<Record<string, number>>;
  loadState(state: Readonly<Record<string, number>>): void;
}

/**
 * The rate times `factor` whenever the reported metric has not improved for more than `patience` reports.
 *
 * ```ts
 * const schedule = reduceOnPlateau(1e-2, { patience: 3 });
 * const optimizer = sgd(model.parameters(), { learningRate: schedule });
 * schedule.report(validationLoss); // once in an epoch
 * ```
 */
export function reduceOnPlateau(
  rate: number,
  options: {
    /** Default 0.1. */
    readonly factor?: number;
    /** Reports without improvement that are forgiven. Default 10. */
    readonly patience?: number;
    /** Least improvement, relative to the best metric. Default 1e-4. */
    readonly threshold?: number;
    /** Reports after a reduction during which none are counted. Default 0. */
    readonly cooldown?: number;
    /** Default 0. */
    readonly minimum?: number;
    /** Whether smaller (default) or larger metrics are better. */
    readonly mode?: 'min' | 'max';
  } = {},
): PlateauSchedule {
  checkOptions('reduceOnPlateau', options, 'factor patience threshold cooldown minimum mode');
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, minimum = 0, mode = 'min' } = options;
  checkRate(rate, 'reduceOnPlateau');
  if (!(factor > 0 && factor < 1))
    throw valueError(`reduceOnPlateau: the factor must be in (0, 1), got ${factor}`);
  const sign = mode === 'min' ? 1 : -1;
  let current = rate;
  let best = sign * Number.POSITIVE_INFINITY;
  let bad = 0;
  let resting = 0;
  const better = (metric: number): boolean =>
    mode === 'min' ? metric < best * (1 - threshold) : metric > best * (1 + threshold);
  return Object.assign(() => current, {
    report(metric: number): void {
      if (better(metric)) {
        best = metric;
        bad = 0;
      } else bad++;
      if (resting > 0) {
        resting--;
        bad = 0;
      }
      if (bad <= patience) return;
      current = Math.max(current * factor, minimum);
      resting = cooldown;
      bad = 0;
    },
    state: () => ({ rate: current, best, bad, resting }),
    loadState(state: Readonly<Record<string, number>>): void {
      current = state.rate ?? rate;
      // JSON knows no infinity and writes null: nothing has been reported yet.
      best = state.best ?? sign * Number.POSITIVE_INFINITY;
      bad = state.bad ?? 0;
      resting = state.resting ?? 0;
    },
  });
}

/** A number as a constant schedule. */
export function toSchedule(rate: Rate): Schedule {
  return typeof rate === 'function' ? rate : constant(rate);
}

function checkRate(rate: number, schedule: string): void {
  if (!(Number.isFinite(rate) && rate >= 0)) {
    throw valueError(`${schedule}: the learning rate must be a number ≥ 0, got ${rate}`);
  }
}

function checkSteps(steps: number, schedule: string, what: string): number {
  if (!(Number.isFinite(steps) && steps > 0)) {
    throw valueError(`${schedule}: ${what} must be a number of steps above 0, got ${steps}`);
  }
  return steps;
}
