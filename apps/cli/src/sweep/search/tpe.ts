/**
 * Tree-structured Parzen estimator (Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization", 2011):
 * the better trials so far and the others are each described by densities, and the next trial is, of some values drawn from
 * the density of the better ones, that which is most probable there and least among the others.
 */
import { cos, exp, log } from '@ag/tensor/math';
import { uniformNumbers } from '../../numbers.ts';
import type { Decided, Search, Standing, Trial } from '../trial.ts';
import { type Dimension, type Range, shareOf, valueAt } from './dimensions.ts';

/** What is kept of it in the plan. */
export interface TpePlan {
  readonly strategy: 'tpe';
  readonly dimensions: readonly Dimension[];
  readonly count: number;
  readonly seed: number;
  readonly metric?: string;
}

/** Trials that are drawn at random before there is anything to learn from. */
export const tpeBegins = 10;

/**
 * A trial knows of all that are this many before it: as many can be trained at a time, and what is tried depends on neither
 * their number nor their speed.
 */
const apart = 4;

/** Values that are drawn for each setting, of which the best is taken. */
const candidates = 24;

/** Of the trials so far the better ones, as Optuna counts them: a tenth, 25 at most. */
const better = (count: number): number => Math.min(25, Math.ceil(count / 10));

/** Decides on a trial once those well before it are known. */
export function tpeSearch(plan: TpePlan, first: readonly Trial[], standing: Standing): Search {
  const known: Trial[] = [...first];
  const decided = (id: number): Decided => {
    if (id <= known.length) return known[id - 1];
    const before: Trial[] = [];
    for (let earlier = 1; earlier <= id - apart; earlier++) {
      const trial = decided(earlier);
      if (typeof trial === 'string' || !standing.isKnown(earlier)) return 'later';
      before.push(trial);
    }
    const ranked = standing.ranked(before);
    const failed = before.filter((trial) => !ranked.includes(trial));
    const good = ranked.slice(0, better(before.length));
    const bad = [...ranked.slice(good.length), ...failed];
    const next = uniformNumbers(plan.seed * 100_003 + id);
    const trial = {
      id,
      values: Object.fromEntries(
        plan.dimensions.map((dimension) => [dimension.name, suggested(dimension, good, bad, next)]),
      ),
    };
    // Trials are decided in order, so that each is made once.
    known[id - 1] = trial;
    return trial;
  };
  return { count: plan.count, decided };
}

/** A value of one setting: drawn among the better trials, unlike the others. */
function suggested(
  dimension: Dimension,
  good: readonly Trial[],
  bad: readonly Trial[],
  next: () => number,
): string | number {
  const { name } = dimension;
  if ('values' in dimension) {
    const [inGood, inBad] = [good, bad].map((trials) => weights(dimension.values, trials, name));
    const drawn = Array.from({ length: candidates }, () => pick(inGood, next()));
    return dimension.values[best(drawn, (at) => log(inGood[at] / inBad[at]))];
  }
  const [inGood, inBad] = [good, bad].map((trials) => mixture(dimension, trials));
  const drawn = Array.from({ length: candidates }, () => draw(inGood, next));
  return valueAt(
    dimension,
    best(drawn, (share) => logDensity(inGood, share) - logDensity(inBad, share)),
  );
}

function best(drawn: readonly number[], gain: (one: number) => number): number {
  return drawn.reduce((most, one) => (gain(one) > gain(most) ? one : most));
}

/** How probable each of a list is: how often it was taken, and once for each, so that nothing is ruled out. */
function weights(values: readonly (string | number)[], trials: readonly Trial[], name: string): number[] {
  const counts = values.map((value) => 1 + trials.filter((trial) => trial.values[name] === value).length);
  const sum = counts.reduce((a, b) => a + b);
  return counts.map((count) => count / sum);
}

/** The number of the part of [0, 1] in which a share lies. */
function pick(parts: readonly number[], share: number): number {
  let sum = 0;
  const found = parts.findIndex((part) => {
    sum += part;
    return share < sum;
  });
  return found < 0 ? parts.length - 1 : found;
}

/** Normal distributions cut to [0, 1], of equal weight. */
type Mixture = readonly { readonly mean: number; readonly deviation: number }[];

/**
 * One for each trial, as wide as it is far from its neighbours, and a wide one over everything, so that nothing is ruled
 * out.
 */
function mixture(range: Range, trials: readonly Trial[]): Mixture {
  const shares = trials.map(({ values }) => shareOf(range, Number(values[range.name])));
  const means = [...shares, 0.5].sort((a, b) => a - b);
  const least = 1 / Math.min(100, means.length + 1);
  const wide = means.indexOf(0.5);
  return means.map((mean, i) => {
    const gaps = [mean - (means[i - 1] ?? 0), (means[i + 1] ?? 1) - mean];
    return { mean, deviation: i === wide ? 1 : Math.min(1, Math.max(least, ...gaps)) };
  });
}

function draw(parts: Mixture, next: () => number): number {
  const { mean, deviation } = parts[Math.min(parts.length - 1, Math.floor(next() * parts.length))];
  for (let attempt = 0; attempt < 100; attempt++) {
    const share = mean + deviation * normal(next);
    if (share >= 0 && share <= 1) return share;
  }
  return mean;
}

/** Box & Muller (1958). */
function normal(next: () => number): number {
  const radius = Math.sqrt(-2 * log(1 - next()));
  return radius * cos(2 * Math.PI * next());
}

function logDensity(parts: Mixture, share: number): number {
  const sum = parts.reduce((total, { mean, deviation }) => {
    const within = below((1 - mean) / deviation) - below(-mean / deviation);
    const z = (share - mean) / deviation;
    return total + exp(-0.5 * z * z) / (deviation * within);
  }, 0);
  return log(sum / parts.length);
}

/** The normal distribution function, to 7.5e-8: Abramowitz & Stegun 26.2.17. */
function below(z: number): number {
  if (z < 0) return 1 - below(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const sum =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - 0.3989422804014327 * exp(-0.5 * z * z) * sum;
}
