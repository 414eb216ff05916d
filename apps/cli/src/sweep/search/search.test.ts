/** Strategies of sweeps: what they try next follows from results alone. */
import { describe, expect, it } from 'vitest';
import { makePlan, type Plan } from '../plan.ts';
import type { Result } from '../results.ts';
import type { Values } from '../trial.ts';
import { searchOf } from './search.ts';

const nothing = {
  ...{ grid: [], random: [], trials: 16, settings: {}, set: [] },
  ...{ strategy: undefined, factor: undefined, minEpochs: undefined, metric: undefined },
};
const planOf = (wanted: Partial<Parameters<typeof makePlan>[1]>): Plan =>
  makePlan('xor', { ...nothing, ...wanted }, ['width']);

const result = (loss: number | null): Result => ({
  exitCode: loss === null ? 5 : 0,
  seconds: 1,
  figures: loss === null ? null : { loss },
  message: null,
});

/** Runs a search to its end, at most `atOnce` trials at a time, of which the one that `choose` says ends next. */
function run(
  plan: Plan,
  loss: (values: Values, id: number) => number | null,
  atOnce = 1,
  choose: (running: readonly number[]) => number = () => 0,
): { id: number; values: Values; continues?: number }[] {
  const results = new Map<number, Result>();
  const search = searchOf(plan, results);
  const tried: { id: number; values: Values; continues?: number }[] = [];
  let running: number[] = [];
  for (;;) {
    for (let id = 1; id <= search.count && running.length < atOnce; id++) {
      const trial = results.has(id) || running.includes(id) ? 'never' : search.decided(id);
      if (typeof trial === 'string') continue;
      tried.push(trial);
      running.push(id);
    }
    if (running.length === 0) return tried;
    const ended = running[choose(running)];
    running = running.filter((id) => id !== ended);
    results.set(ended, result(loss(tried.find(({ id }) => id === ended)!.values, ended)));
  }
}

describe('halving', () => {
  it('gives the better third three times the epochs, and the last ones all', () => {
    const plan = planOf({
      random: ['learningRate=0.001..1'],
      strategy: 'halving',
      trials: 27,
      settings: { epochs: 27 },
    });
    expect(plan.search).toEqual({
      strategy: 'halving',
      rounds: [
        { trials: 27, epochs: 1 },
        { trials: 9, epochs: 3 },
        { trials: 3, epochs: 9 },
        { trials: 1, epochs: 27 },
      ],
    });
    const tried = run(plan, ({ learningRate }) => Number(learningRate));
    expect(tried).toHaveLength(40);
    const rates = plan.trials.map(({ values }) => Number(values.learningRate)).sort((a, b) => a - b);
    const ofRound = (epochs: number): number[] =>
      tried.filter(({ values }) => values.epochs === epochs).map(({ values }) => Number(values.learningRate));
    expect(ofRound(3)).toEqual(rates.slice(0, 9));
    expect(ofRound(9)).toEqual(rates.slice(0, 3));
    expect(ofRound(27)).toEqual(rates.slice(0, 1));
    // The last one goes on with the run that the same rate began.
    const last = tried.at(-1)!;
    expect(plan.trials[last.continues! - 1].values.learningRate).toBe(last.values.learningRate);
  });

  it.each([
    [
      10,
      20,
      3,
      1,
      [
        [10, 2],
        [3, 7],
        [1, 20],
      ],
    ],
    [
      4,
      8,
      2,
      4,
      [
        [4, 4],
        [2, 8],
      ],
    ],
    [3, 1, 3, 1, [[3, 1]]],
  ])('%i trials of %i epochs by %i, from %i epochs on', (trials, epochs, factor, minEpochs, rounds) => {
    const { search } = planOf({
      random: ['width=1..9'],
      strategy: 'halving',
      trials,
      factor,
      minEpochs,
      settings: { epochs },
    });
    expect(search).toEqual({
      strategy: 'halving',
      rounds: rounds.map(([trials, epochs]) => ({ trials, epochs })),
    });
  });

  it('goes on with fewer where too few succeed', () => {
    const plan = planOf({
      grid: ['width=1,2,3,4,5,6'],
      strategy: 'halving',
      factor: 2,
      settings: { epochs: 4 },
    });
    const tried = run(plan, ({ width }, id) => (id > 6 || width === 4 ? Number(width) : null));
    expect(tried.slice(6).map(({ values }) => values)).toEqual([
      { width: 4, epochs: 2 },
      { width: 4, epochs: 4 },
    ]);
  });
});

describe('tpe', () => {
  const wanted = {
    random: ['learningRate=1e-4..1', 'width=1..64'],
    grid: ['optimizer=sgd,adam,rmsprop'],
    strategy: 'tpe' as const,
    trials: 60,
  };
  /** Least at 0.01, 16 and adam. */
  const loss = ({ learningRate, width, optimizer }: Values): number =>
    Math.log10(Number(learningRate) / 0.01) ** 2 +
    Math.log2(Number(width) / 16) ** 2 +
    (optimizer === 'adam' ? 0 : 1);

  it('comes closer to the best than draws do, for five of six seeds at least', () => {
    const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b) / numbers.length;
    const better = Array.from({ length: 6 }, (_, seed) => {
      const last = (strategy: 'tpe' | 'random'): number =>
        mean(
          run(planOf({ ...wanted, strategy, settings: { seed } }), loss)
            .slice(-20)
            .map(({ values }) => loss(values)),
        );
      return last('tpe') < last('random');
    });
    expect(better.filter(Boolean).length).toBeGreaterThanOrEqual(5);
  });

  it('keeps to ranges, lists and whole numbers', () => {
    for (const { values } of run(planOf(wanted), loss)) {
      expect(Number(values.learningRate)).toBeGreaterThanOrEqual(1e-4);
      expect(Number(values.learningRate)).toBeLessThanOrEqual(1);
      expect(Number.isInteger(values.width)).toBe(true);
      expect(['sgd', 'adam', 'rmsprop']).toContain(values.optimizer);
    }
  });

  it('tries the same, however many are trained at a time and whichever ends first', () => {
    const byId = (tried: readonly { id: number; values: Values }[]): unknown =>
      [...tried].sort((a, b) => a.id - b.id);
    const alone = byId(run(planOf(wanted), loss));
    for (const atOnce of [2, 3, 8]) {
      expect(byId(run(planOf(wanted), loss, atOnce, (running) => running.length - 1))).toEqual(alone);
    }
  });

  it('learns from trials that failed, too', () => {
    const half = ({ width }: Values): number | null =>
      Number(width) < 32 ? null : Math.abs(Number(width) - 50);
    const widths = run(planOf({ ...wanted, trials: 80 }), half)
      .slice(40)
      .map(({ values }) => Number(values.width));
    expect(widths.filter((width) => width >= 32).length).toBeGreaterThan(30);
  });
});

describe('what makes no sense', () => {
  it.each([
    [{ strategy: 'grid', random: ['width=1..9'] }, /--strategy grid: --random width=1\.\.9 is a range/],
    [{ strategy: 'random', grid: ['width=1,9'] }, /there is nothing to draw/],
    [{ random: ['width=1..9'], factor: 3 }, /--factor: only --strategy halving takes it/],
    [{ grid: ['epochs=1,2'], strategy: 'halving' }, /epochs cannot vary/],
  ] as const)('%j', (wanted, message) => {
    expect(() => planOf(wanted)).toThrow(message);
  });
});
