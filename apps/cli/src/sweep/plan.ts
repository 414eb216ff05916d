/**
 * Which settings a sweep tries: every combination of lists, or values drawn from ranges; or what such trials lead to
 * (`search/`).
 */
import { maxTrials, type Strategy, type SweepOptions } from '../commands/sweep.ts';
import { Failure } from '../failure.ts';
import { flagOf } from '../flags.ts';
import { splitOutsideBrackets } from '../lists.ts';
import { uniformNumbers, words } from '../numbers.ts';
import { recipes } from '../recipes/index.ts';
import { isSetting, resolveSettings, settingNames, settings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { type TableFlags, tableChanges } from '../tables/parameters.ts';
import { type Dimension, type Range, valueAt } from './search/dimensions.ts';
import { type HalvingPlan, halving } from './search/halving.ts';
import { type TpePlan, tpeBegins } from './search/tpe.ts';
import type { Trial, Values } from './trial.ts';

/** What is kept of a sweep: `sweep.json`. */
export interface Plan {
  readonly version: 1;
  readonly recipe: string;
  /** Arguments that all trials share. */
  readonly shared: readonly string[];
  /** Those that are settled beforehand: all of them, or what a search begins with. */
  readonly trials: readonly Trial[];
  /** How results settle others. */
  readonly search?: TpePlan | HalvingPlan;
}

/** What a sweep is asked for. */
export type SweepWishes = Pick<
  SweepOptions,
  'grid' | 'random' | 'trials' | 'set' | 'settings' | 'strategy' | 'factor' | 'minEpochs' | 'metric'
> &
  TableFlags;

/**
 * The plan of a sweep.
 *
 * @param parameters names of the recipe's own parameters
 * @param epochs of a training, where the options do not say
 * @throws Failure `usage` when nothing varies, or for names and ranges that make no sense
 */
export function makePlan(
  recipe: string,
  options: SweepWishes,
  parameters: readonly string[],
  epochs: number = settings.epochs.default,
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
  const strategy = strategyOf(options);
  const lists = grid.map(({ name, text }) => ({
    name,
    values: splitOutsideBrackets(text).map(numberOrText),
  }));
  const shared = [
    ...settingNames
      .filter((name) => options.settings[name] !== undefined)
      // Halving says it for each trial.
      .filter((name) => strategy !== 'halving' || name !== 'epochs')
      .flatMap((name) =>
        typeof settings[name].default === 'boolean'
          ? [flagOf(name)]
          : [flagOf(name), String(options.settings[name])],
      ),
    ...tableChanges(options).flatMap(([name, value]) => [flagOf(name), String(value)]),
    ...options.set.flatMap((change) => ['--set', change]),
  ];
  const many = lists.reduce((count, { values }) => count * values.length, 1);
  const isGrid = strategy === 'grid' || (strategy === 'halving' && random.length === 0);
  if (isGrid && many > maxTrials)
    throw new Failure(
      'usage',
      `--grid: ${many} combinations; at most ${maxTrials} are possible`,
      'Take fewer values, or draw them by --random.',
    );
  const seed = Number(options.settings.seed ?? 0);
  const dimensions: Dimension[] = [...random.map(({ name, text }) => rangeOf(name, text)), ...lists];
  const begun = strategy === 'tpe' ? Math.min(tpeBegins, options.trials) : options.trials;
  const combinations = isGrid ? product(lists) : drawn(dimensions, begun, seed);
  const trials = combinations.map((values, i) => ({ id: i + 1, values }));
  // What makes no sense is said now, not by each trial.
  for (const { values } of trials) {
    const own = Object.entries(values).filter(([name]) => isSetting(name));
    resolveSettings({ flag: { ...options.settings, ...Object.fromEntries(own) } });
  }
  const plan = { version: 1, recipe, shared, trials } as const;
  const by = options.metric === undefined ? {} : { metric: options.metric };
  if (strategy === 'tpe') {
    return { ...plan, search: { strategy, dimensions, count: options.trials, seed, ...by } };
  }
  if (strategy === 'halving') {
    const most = Number(options.settings.epochs ?? epochs);
    const { search, first } = halving(trials, most, options.factor ?? 3, options.minEpochs ?? 1);
    return { ...plan, trials: first, search: { ...search, ...by } };
  }
  return plan;
}

/** What decides about trials: what is asked for, or what fits to lists and ranges. */
function strategyOf({ strategy, grid, random, factor, minEpochs }: SweepWishes): Strategy {
  const chosen = strategy ?? (random.length > 0 ? 'random' : 'grid');
  if (chosen === 'grid' && random.length > 0) {
    throw new Failure(
      'usage',
      `--strategy grid: --random ${random[0]} is a range, of which there is no every value`,
      'Give a list: --grid name=a,b,...',
    );
  }
  if (chosen === 'random' && random.length === 0) {
    throw new Failure(
      'usage',
      '--strategy random: there is nothing to draw',
      'Give a range: --random name=low..high',
    );
  }
  if (chosen !== 'halving' && (factor ?? minEpochs) !== undefined) {
    throw new Failure(
      'usage',
      `${factor === undefined ? '--min-epochs' : '--factor'}: only --strategy halving takes it`,
    );
  }
  if (chosen === 'halving' && [...grid, ...random].some((text) => text.startsWith('epochs='))) {
    throw new Failure(
      'usage',
      '--strategy halving: epochs cannot vary; halving gives more of them to the better trials',
    );
  }
  return chosen;
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

function product(lists: readonly { name: string; values: readonly (string | number)[] }[]): Values[] {
  return lists.reduce<Values[]>(
    (all, { name, values }) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

/** @throws Failure `usage` for what is no range */
function rangeOf(name: string, text: string): Range {
  const [low, high] = text.split('..').map(Number);
  if (low === undefined || high === undefined || !(low < high)) {
    throw new Failure('usage', `--random ${name}=${text}: expected low..high`);
  }
  const whole =
    Number.isInteger(low) && Number.isInteger(high) && !/[e.]\d*[^.]/.test(text.replace('..', ' '));
  return { name, low, high, whole, logarithmic: low > 0 && high / low >= 100 };
}

/** Trials drawn from ranges and lists; the same seed draws the same. */
function drawn(dimensions: readonly Dimension[], count: number, seed: number): Values[] {
  const next = uniformNumbers(seed);
  return Array.from({ length: count }, () =>
    Object.fromEntries(dimensions.map((dimension) => [dimension.name, valueAt(dimension, next())])),
  );
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
