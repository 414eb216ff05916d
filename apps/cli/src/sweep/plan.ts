/** Which settings a sweep tries: every combination of lists, or values drawn from ranges. */
import { pow } from '@ag/tensor/math';
import { maxTrials, type SweepOptions } from '../commands/sweep.ts';
import { Failure } from '../failure.ts';
import { flagOf } from '../flags.ts';
import { splitOutsideBrackets } from '../lists.ts';
import { uniformNumbers, words } from '../numbers.ts';
import { recipes } from '../recipes/index.ts';
import { isSetting, resolveSettings, settingNames, settings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { type TableFlags, tableChanges } from '../tables/parameters.ts';

/** One of the trainings. */
export interface Trial {
  /** From 1. */
  readonly id: number;
  /** Values by setting or parameter. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** What is kept of a sweep: `sweep.json`. */
export interface Plan {
  readonly version: 1;
  readonly recipe: string;
  /** Arguments that all trials share. */
  readonly shared: readonly string[];
  readonly trials: readonly Trial[];
}

/**
 * The plan of a sweep.
 *
 * @param parameters names of the recipe's own parameters
 * @throws Failure `usage` when nothing varies, or for names and ranges that make no sense
 */
export function makePlan(
  recipe: string,
  options: Pick<SweepOptions, 'grid' | 'random' | 'trials' | 'set' | 'settings'> & TableFlags,
  parameters: readonly string[],
): Plan {
  const grid = options.grid.map((text) => dimension(text, '--grid', parameters));
  const random = options.random.map((text) => dimension(text, '--random', parameters));
  if (grid.length + random.length === 0) {
    const first = recipes[0].name;
    throw new Failure(
      'usage',
      'sweep: what should vary?',
      `For example: agrad sweep ${first} --grid learningRate=1e-3,3e-3 --grid batchSize=32,64`,
    );
  }
  const lists = grid.map(({ name, text }) => ({
    name,
    values: splitOutsideBrackets(text).map(numberOrText),
  }));
  const shared = [
    ...settingNames
      .filter((name) => options.settings[name] !== undefined)
      .flatMap((name) =>
        typeof settings[name].default === 'boolean'
          ? [flagOf(name)]
          : [flagOf(name), String(options.settings[name])],
      ),
    ...tableChanges(options).flatMap(([name, value]) => [flagOf(name), String(value)]),
    ...options.set.flatMap((change) => ['--set', change]),
  ];
  const many = lists.reduce((count, { values }) => count * values.length, 1);
  if (random.length === 0 && many > maxTrials)
    throw new Failure(
      'usage',
      `--grid: ${many} combinations; at most ${maxTrials} are possible`,
      'Take fewer values, or draw them by --random.',
    );
  const combinations =
    random.length === 0
      ? product(lists)
      : drawn(lists, random, options.trials, Number(options.settings.seed ?? 0));
  const trials = combinations.map((values, i) => ({ id: i + 1, values }));
  // What makes no sense is said now, not by each trial.
  for (const { values } of trials) {
    const own = Object.entries(values).filter(([name]) => isSetting(name));
    resolveSettings({ flag: { ...options.settings, ...Object.fromEntries(own) } });
  }
  return { version: 1, recipe, shared, trials };
}

function dimension(
  text: string,
  flag: string,
  parameters: readonly string[],
): { name: string; text: string } {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  if (at < 1 || at === text.length - 1) throw new Failure('usage', `${flag} ${text}: expected name=values`);
  if (!isSetting(name) && !parameters.includes(name)) {
    throw new Failure(
      'usage',
      `${flag} ${name}: there is no such setting`,
      didYouMean(name, [...settingNames, ...parameters], 'Settings'),
    );
  }
  return { name, text: text.slice(at + 1) };
}

type Values = Record<string, string | number>;

function product(lists: readonly { name: string; values: readonly (string | number)[] }[]): Values[] {
  return lists.reduce<Values[]>(
    (all, { name, values }) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

/** Trials drawn from ranges and lists; the same seed draws the same. */
function drawn(
  lists: readonly { name: string; values: readonly (string | number)[] }[],
  ranges: readonly { name: string; text: string }[],
  count: number,
  seed: number,
): Values[] {
  const parsed = ranges.map(({ name, text }) => {
    const [low, high] = text.split('..').map(Number);
    if (low === undefined || high === undefined || !(low < high)) {
      throw new Failure('usage', `--random ${name}=${text}: expected low..high`);
    }
    const whole =
      Number.isInteger(low) && Number.isInteger(high) && !/[e.]\d*[^.]/.test(text.replace('..', ' '));
    return { name, low, high, whole, logarithmic: low > 0 && high / low >= 100 };
  });
  const next = uniformNumbers(seed);
  return Array.from({ length: count }, () => {
    const values: Values = {};
    for (const { name, low, high, whole, logarithmic } of parsed) {
      const share = next();
      const value = logarithmic ? low * pow(high / low, share) : low + (high - low) * share;
      values[name] = whole ? Math.round(value) : Number(value.toPrecision(4));
    }
    for (const { name, values: list } of lists) values[name] = list[Math.floor(next() * list.length)];
    return values;
  });
}

/** A trial as arguments of `agrad train`. */
export function argumentsOf(trial: Trial): string[] {
  return Object.entries(trial.values).flatMap(([name, value]) => {
    if (!isSetting(name)) return ['--set', `${name}=${value}`];
    if (typeof settings[name].default !== 'boolean') return [flagOf(name), String(value)];
    return String(value) === 'true' || value === 1 ? [flagOf(name)] : [];
  });
}

/** A trial in words. */
export function describeTrial(trial: Trial): string {
  return Object.entries(trial.values)
    .map(([name, value]) => `${words(name)} ${value}`)
    .join(', ');
}

function numberOrText(text: string): string | number {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
